"""Vectors of cells from features that neighbouring cells share: the network passes over the map.

Crops of neighbouring cells show nearly the same ground. So the first part of the network, which is
the most of it, passes once over the map at each ground size; each cell takes the windows of its
crops out of these features, and the last part of the network sees each window by itself. Two things
differ from crops of their own. The first part sees the map beyond the edge of a crop instead of
nothing: what that changes on average, place by place in a window, is measured on a few cells of
each block and added to all of its windows. And windows begin at whole features, so they lie up to
half a feature beside their crops. `tests/benchmarks/cells.py` measures what is left.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from geoloc.arrays import Float16Array, Float32Array, Float64Array, Int64Array, Mask
from geoloc.errors import InputError
from geoloc.image_size import ImageSize
from geoloc.index.cell_blocks import axes_of
from geoloc.index.cell_vectors import CropReader
from geoloc.index.embedded_batch import EmbeddedBatch
from geoloc.index.ground_grid import GroundAxes, GroundGrid
from geoloc.index.map_ground import MapGround
from geoloc.models.card import TileCrops
from geoloc.models.embedder import Embedder
from geoloc.tiles.tile_set import TileSet

# Pixels a side that the network passes over at once, and those around them that it sees and drops.
_CORE_PX = 1024
_MARGIN_PX = 64
# Cells of a block whose own crops say what their edges change; 32 said little more than 8.
SAMPLED_CELLS = 8


class _Chunk(NamedTuple):
    """Features that are made at once: the first row and column of a level's, and past the last."""

    first_row: int
    first_col: int
    end_row: int
    end_col: int


@dataclass(frozen=True)
class _Level:
    """The features of one ground size over a block of cells.

    Attributes:
        axes: The block's axes.
        corner_m: (2,) right and down to the corner of the first feature, metres.
        gsd_m: Metres a pixel.
        stride_px: Pixels a side of a feature.
        shape: Rows and columns of features.
        windows: (N, 2) first column and row of each cell's window.
        side: Features a side of a window.
    """

    axes: GroundAxes
    corner_m: Float64Array
    gsd_m: float
    stride_px: int
    shape: tuple[int, int]
    windows: Int64Array
    side: int

    @classmethod
    def over(
        cls,
        axes: GroundAxes,
        centres_m: Float64Array,
        *,
        gsd_m: float,
        side_px: int,
        stride_px: int,
    ) -> _Level:
        """The features of all windows around some centres (N, 2), metres right and down."""
        edges_m = centres_m - side_px * gsd_m / 2
        corner_m, side = edges_m.min(axis=0), side_px // stride_px
        windows = np.rint((edges_m - corner_m) / (gsd_m * stride_px)).astype(np.int64)
        cols, rows = (windows.max(axis=0) + side).tolist()
        return cls(axes, corner_m, gsd_m, stride_px, (rows, cols), windows, side)

    def chunks(self) -> Iterator[_Chunk]:
        """The features, in parts of about one size."""
        rows, cols = (_parts(count, _CORE_PX // self.stride_px) for count in self.shape)
        for first_row, end_row in rows:
            for first_col, end_col in cols:
                yield _Chunk(first_row, first_col, end_row, end_col)

    def grid(self, chunk: _Chunk) -> GroundGrid:
        """What the network sees for a chunk."""
        first = np.array([chunk.first_col, chunk.first_row]) - self.margin
        left_m, top_m = (self.corner_m + first * (self.stride_px * self.gsd_m)).tolist()
        height_px, width_px = (
            (end - begin + 2 * self.margin) * self.stride_px
            for begin, end in ((chunk.first_row, chunk.end_row), (chunk.first_col, chunk.end_col))
        )
        return GroundGrid(self.axes, (left_m, top_m), self.gsd_m, ImageSize(height_px, width_px))

    @property
    def margin(self) -> int:
        """Features around a chunk that are dropped."""
        return _MARGIN_PX // self.stride_px

    def cut(self, features: Float32Array, cells: Int64Array) -> Float32Array:
        """The windows (n, side, side, C) of some cells, by their numbers in the block."""
        return np.stack(
            [
                features[row : row + self.side, col : col + self.side]
                for col, row in self.windows[cells].tolist()
            ]
        )

    def is_whole(self, features: Float32Array) -> Mask:
        """Whether nothing of a cell's window is NaN, (N,)."""
        known = np.isfinite(features[..., :1])
        return np.array([self.cut(known, np.array([n])).all() for n in range(len(self.windows))])


def _parts(count: int, most: int) -> list[tuple[int, int]]:
    """First and end of parts of a range, none longer than `most`."""
    number = math.ceil(count / most)
    ends = [count * i // number for i in range(number + 1)]
    return list(pairwise(ends))


def spread(cells: Int64Array, count: int = SAMPLED_CELLS) -> Int64Array:
    """At most so many cells, evenly from first to last."""
    count = min(count, len(cells))
    return cells[((np.arange(count) + 0.5) * len(cells) / max(1, count)).astype(np.int64)]


def border_correction(own: Float32Array, shared: Float32Array) -> Float32Array:
    """What the edges of a crop change on average, (s, s, C) by the place in a window.

    The first part of the network is the same for all ground sizes, and so is what edges do to it.

    Args:
        own: (K, L, s, s, C) features of the own crops of some cells.
        shared: (K, L, s, s, C) those of the map in their windows.
    """
    return np.asarray((own - shared).mean(axis=(0, 1)), np.float32)


class DenseReader:
    """Embeds blocks of cells; safe to use from several threads.

    Args:
        tiles: The cells.
        crops: What the network sees of each.
        embedder: The network.
    """

    def __init__(self, tiles: TileSet, crops: TileCrops, embedder: Embedder) -> None:
        self._tiles = tiles
        self._crops = crops
        self._embedder = embedder
        self._ground = MapGround(tiles, fill=crops.fill)
        self._read_crops = CropReader(tiles, crops)

    def levels(self, rows: Int64Array) -> list[_Level]:
        """The features of each ground size over a block of cells."""
        table, crops = self._tiles.rows, self._crops
        axes = axes_of(table, rows, crops.bearing_deg)
        centres_m = axes.from_lonlat(table.lon[rows], table.lat[rows])
        stride_px = self._embedder.shared_stride_px
        return [
            _Level.over(axes, centres_m, gsd_m=gsd_m, side_px=crops.size_px, stride_px=stride_px)
            for gsd_m in crops.gsds_m
        ]

    def count_pixels(self, rows: Int64Array) -> int:
        """Pixels that the first part of the network sees for a block, with margins and sample."""
        sizes = (level.grid(chunk).size for level in self.levels(rows) for chunk in level.chunks())
        sampled = min(SAMPLED_CELLS, len(rows)) * len(self._crops.gsds_m) * self._crops.size_px**2
        return sampled + sum(height_px * width_px for height_px, width_px in sizes)

    def embed(self, rows: Int64Array, *, wait: Callable[[], None]) -> EmbeddedBatch:
        """Embed the cells of a block.

        Args:
            rows: (N,) their rows.
            wait: Raises when the run is over.
        """
        levels, damage = self.levels(rows), list[InputError]()
        first = self._tiles.rows.rasters[int(self._tiles.rows.raster[rows[0]])]
        made = [self._features(level, first, wait, damage) for level in levels]
        features = [part for part in made if part is not None]
        is_whole = np.zeros(len(rows), bool)
        if len(features) == len(levels):
            wholes = [level.is_whole(part) for level, part in zip(levels, features, strict=True)]
            is_whole = np.all(wholes, axis=0)
        cells = np.flatnonzero(is_whole)
        return EmbeddedBatch(
            rows[cells].tolist(),
            self._vectors(levels, features, rows, cells, wait) if len(cells) else None,
            [(row, damage[0]) for row in rows[~is_whole].tolist()],
        )

    def _features(
        self, level: _Level, first: str, wait: Callable[[], None], damage: list[InputError]
    ) -> Float32Array | None:
        """Features (R, C, channels) of a level, None where there are none.

        What cannot be read is NaN, and `damage`.
        """
        made: Float32Array | None = None
        inside = slice(level.margin, -level.margin)
        for chunk in level.chunks():
            wait()
            try:
                image = self._ground.read(level.grid(chunk), first=first)
            except InputError as error:
                damage.append(error)
                continue
            part = self._embedder.shared_features(image)
            if made is None:
                made = np.full((*level.shape, part.shape[2]), np.nan, np.float32)
            place = slice(chunk.first_row, chunk.end_row), slice(chunk.first_col, chunk.end_col)
            made[place] = part[inside, inside]
        return made

    def _vectors(
        self,
        levels: Sequence[_Level],
        features: Sequence[Float32Array],
        rows: Int64Array,
        cells: Int64Array,
        wait: Callable[[], None],
    ) -> Float16Array:
        """Vectors (n, D) float16 of cells, by their numbers in the block."""
        correction = self._correction(levels, features, rows, spread(cells))
        size = max(1, self._embedder.batch_size // len(levels))
        vectors = list[Float32Array]()
        for start in range(0, len(cells), size):
            wait()
            windows = _windows(levels, features, cells[start : start + size])
            vectors.append(self._embedder.embed_shared(windows + correction))
        return np.concatenate(vectors).astype(np.float16)

    def _correction(
        self,
        levels: Sequence[_Level],
        features: Sequence[Float32Array],
        rows: Int64Array,
        cells: Int64Array,
    ) -> Float32Array:
        """The correction of a block, from some of its cells; none where none can be read."""
        own, kept = list[Float32Array](), list[int]()
        for cell in cells.tolist():
            try:
                crops = self._read_crops(rows[[cell]])[0]
            except InputError:
                continue
            own.append(np.stack([self._embedder.shared_features(crop) for crop in crops]))
            kept.append(cell)
        if not kept:
            return np.zeros(1, np.float32)
        return border_correction(np.stack(own), _windows(levels, features, np.array(kept)))


def _windows(
    levels: Sequence[_Level], features: Sequence[Float32Array], cells: Int64Array
) -> Float32Array:
    """The windows (n, L, s, s, C) of some cells at all ground sizes."""
    parts = [level.cut(part, cells) for level, part in zip(levels, features, strict=True)]
    return np.stack(parts, axis=1)
