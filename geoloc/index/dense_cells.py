"""Vectors of cells from positions that neighbouring cells share: the network passes over the map.

A network that pools by attention takes one softmax over all positions of all crops of a cell, and
tells no position from another. So its tower can pass once over the whole map at each ground size,
and each cell pools the positions that lie in the windows of its crops. A position on the edge of a
window counts by the share of it that lies inside, so windows are centred on their cells although
positions lie on a grid of 32 pixels. What differs from crops of their own: the tower sees the map
beyond the edge of a crop instead of nothing, and positions lie at other places within it. Vectors
move by half of what tells neighbours apart (``tests/benchmarks/cells.py``), so this makes a quick
draft of an index.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from geoloc.arrays import Float32Array, Float64Array, Int64Array
from geoloc.errors import InputError
from geoloc.image_size import ImageSize
from geoloc.index.cell_blocks import axes_of
from geoloc.index.embedded_batch import EmbeddedBatch
from geoloc.index.ground_grid import GroundAxes, GroundGrid
from geoloc.index.map_ground import MapGround
from geoloc.models.card import TileCrops
from geoloc.models.embedder import Embedder
from geoloc.tiles.tile_set import TileSet

# Pixels of the map that a position stands for.
STRIDE_PX = 32
# Positions a side that the tower makes at once, and those around them that it sees and drops.
_CORE = 32
_MARGIN = 2
# Shares of a position that come of rounding.
_TINY = 1e-6


class _Chunk(NamedTuple):
    """Positions that are made at once: the first row and column of a level's, and past the last."""

    first_row: int
    first_col: int
    end_row: int
    end_col: int

    @property
    def size_px(self) -> ImageSize:
        """What the tower sees for it."""
        return ImageSize(
            *(
                (end - first + 2 * _MARGIN) * STRIDE_PX
                for first, end in ((self.first_row, self.end_row), (self.first_col, self.end_col))
            )
        )


@dataclass(frozen=True)
class _Level:
    """The positions of one ground size over a block of cells.

    Attributes:
        axes: The block's axes.
        corner_m: (2,) right and down to the corner of the first position, metres.
        gsd_m: Metres a pixel.
        shape: Rows and columns of positions.
        windows: (N, 2) left and upper edge of each cell's window, in positions.
        side: Positions a side of a window.
    """

    axes: GroundAxes
    corner_m: Float64Array
    gsd_m: float
    shape: tuple[int, int]
    windows: Float64Array
    side: float

    @classmethod
    def over(
        cls, axes: GroundAxes, centres_m: Float64Array, *, gsd_m: float, side_px: int
    ) -> _Level:
        """The positions of all windows around some centres (N, 2), metres right and down."""
        edges_m = centres_m - side_px * gsd_m / 2
        corner_m = edges_m.min(axis=0)
        windows = (edges_m - corner_m) / (gsd_m * STRIDE_PX)
        cols, rows = (math.ceil(far - _TINY) for far in windows.max(axis=0) + side_px / STRIDE_PX)
        return cls(axes, corner_m, gsd_m, (rows, cols), windows, side_px / STRIDE_PX)

    def chunks(self) -> Iterator[_Chunk]:
        """The positions, in parts of about one size."""
        rows, cols = (_parts(count) for count in self.shape)
        for first_row, end_row in rows:
            for first_col, end_col in cols:
                yield _Chunk(first_row, first_col, end_row, end_col)

    def grid(self, chunk: _Chunk) -> GroundGrid:
        """What the tower sees for a chunk."""
        first = np.array([chunk.first_col, chunk.first_row]) - _MARGIN
        left_m, top_m = (self.corner_m + first * (STRIDE_PX * self.gsd_m)).tolist()
        return GroundGrid(self.axes, (left_m, top_m), self.gsd_m, chunk.size_px)


def _parts(count: int) -> list[tuple[int, int]]:
    """First and end of parts of a range, none longer than `_CORE`."""
    number = math.ceil(count / _CORE)
    ends = [count * i // number for i in range(number + 1)]
    return list(pairwise(ends))


class _Positions(NamedTuple):
    """Logits (R, C, heads) and values (R, C, D) of a level; NaN where the map cannot be read."""

    logits: Float32Array
    values: Float32Array

    def unknown(self, shape: tuple[int, int]) -> _Positions:
        """As many positions as `shape` says, of as many heads and channels, all NaN."""
        logits, values = (np.full((*shape, a.shape[2]), np.nan, np.float32) for a in self)
        return _Positions(logits, values)


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

    def levels(self, rows: Int64Array) -> list[_Level]:
        """The positions of each ground size over a block of cells."""
        table, crops = self._tiles.rows, self._crops
        axes = axes_of(table, rows, crops.bearing_deg)
        centres_m = axes.from_lonlat(table.lon[rows], table.lat[rows])
        return [
            _Level.over(axes, centres_m, gsd_m=gsd_m, side_px=crops.size_px)
            for gsd_m in crops.gsds_m
        ]

    def count_pixels(self, rows: Int64Array) -> int:
        """Pixels of the map that the tower sees for a block of cells, margins with them."""
        chunks = (chunk.size_px for level in self.levels(rows) for chunk in level.chunks())
        return sum(height_px * width_px for height_px, width_px in chunks)

    def embed(self, rows: Int64Array, *, wait: Callable[[], None]) -> EmbeddedBatch:
        """Embed the cells of a block.

        Args:
            rows: (N,) their rows.
            wait: Raises when the run is over.
        """
        levels, damage = self.levels(rows), list[InputError]()
        first = self._tiles.rows.rasters[int(self._tiles.rows.raster[rows[0]])]
        made = [self._positions(level, first, wait, damage) for level in levels]
        whole = [positions for positions in made if positions is not None]
        if len(whole) < len(levels):
            return EmbeddedBatch(failures=[(row, damage[0]) for row in rows.tolist()])
        vectors = np.stack([_pooled(levels, whole, cell) for cell in range(len(rows))])
        is_whole = np.isfinite(vectors).all(axis=1)
        return EmbeddedBatch(
            rows[is_whole].tolist(),
            vectors[is_whole].astype(np.float16) if is_whole.any() else None,
            [(row, damage[0]) for row in rows[~is_whole].tolist()],
        )

    def _positions(
        self, level: _Level, first: str, wait: Callable[[], None], damage: list[InputError]
    ) -> _Positions | None:
        """The positions of a level, None where there are none; what cannot be read is `damage`."""
        made: _Positions | None = None
        inside = slice(_MARGIN, -_MARGIN)
        for chunk in level.chunks():
            wait()
            try:
                image = self._ground.read(level.grid(chunk), first=first)
            except InputError as error:
                damage.append(error)
                continue
            place = slice(chunk.first_row, chunk.end_row), slice(chunk.first_col, chunk.end_col)
            part = _Positions(*self._embedder.embed_positions(image))
            made = part.unknown(level.shape) if made is None else made
            made.logits[place] = part.logits[inside, inside]
            made.values[place] = part.values[inside, inside]
        return made


def _pooled(levels: Sequence[_Level], made: Sequence[_Positions], cell: int) -> Float32Array:
    """The unit vector (D,) of a cell; NaN where a position of its windows is."""
    logits, values = list[Float32Array](), list[Float32Array]()
    for level, positions in zip(levels, made, strict=True):
        left, top = level.windows[cell].tolist()
        rows, row_shares = _covered(top, level.side, level.shape[0])
        cols, col_shares = _covered(left, level.side, level.shape[1])
        weights = np.log(np.outer(row_shares, col_shares)).astype(np.float32)
        part = positions.logits[rows, cols] + weights[..., None]
        logits.append(part.reshape(-1, part.shape[-1]))
        values.append(positions.values[rows, cols].reshape(len(logits[-1]), -1))
    return _attended(np.concatenate(logits), np.concatenate(values))


def _covered(edge: float, side: float, count: int) -> tuple[slice, Float64Array]:
    """The positions that a window covers on an axis, and the share of each that lies in it."""
    first = math.floor(edge + _TINY)
    last = min(count, math.ceil(edge + side - _TINY))
    starts = np.arange(first, last)
    return slice(first, last), np.minimum(starts + 1, edge + side) - np.maximum(starts, edge)


def _attended(logits: Float32Array, values: Float32Array) -> Float32Array:
    """Values (T, D) by the softmax over T of logits (T, heads), as a unit vector (D,)."""
    shares = np.exp(logits - logits.max(axis=0))
    shares /= shares.sum(axis=0)
    heads = shares.shape[1]
    pooled = np.einsum("th,thc->hc", shares, values.reshape(len(values), heads, -1)).ravel()
    return np.asarray(pooled / np.linalg.norm(pooled), np.float32)
