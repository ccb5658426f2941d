"""Places to learn from, put together of the tiles of a map.

Tiles overlap, and a tile alone has no room for another one beside it. So the tiles of a raster are
laid back to where they were cut: into blocks of a few tiles a side, which share no ground.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
import shapely

from geoloc.arrays import Float64Array, Int64Array, Mask, RgbImage
from geoloc.errors import InputError, TilesError
from geoloc.geometry.longitude import side_by_side
from geoloc.learning.training.data.places import Place
from geoloc.progress import Progress, Silent
from geoloc.tiles.tile_set import TileSet

# Sides of a tile that a block has at most; and pixels of all blocks, 3 bytes each.
_BLOCK_SIDES = 10
MAX_PIXELS = 200 << 20
# A tile that shows so much of what an earlier raster shows is left out: were the same ground in
# two places, it would be its own negative.
_MAX_SHARED = 0.2


@dataclass(frozen=True)
class MapScale:
    """Which tiles of a map are read, and how fine.

    Attributes:
        ground_size_m: Side of these tiles.
        gsd_m: Ground metres a pixel of the places.
    """

    ground_size_m: float
    gsd_m: float


@dataclass(frozen=True)
class _Layout:
    """Where N tiles lie: rows of the table, and edges in their CRS, y growing to the south."""

    numbers: Int64Array
    left: Float64Array
    top: Float64Array
    width: Float64Array
    height: Float64Array
    order: Int64Array

    def part(self, chosen: Mask) -> _Layout:
        """Some of them."""
        return _Layout(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class _Block:
    """A rectangle of a raster's plane, the tiles that show it, and its pixels a unit."""

    name: str
    tiles: _Layout
    left: float
    top: float
    per_x: float
    per_y: float
    width_px: int
    height_px: int


def scale_of(tiles: TileSet, *, wanted_m: float, side_px: int) -> MapScale:
    """The size of tiles that is nearest to what a model is for, and pixels twice as fine as its.

    Args:
        tiles: Tiles of a map.
        wanted_m: Side of the tiles that the model is for.
        side_px: Side of the images that the model takes.

    Raises:
        TilesError: There are no tiles.
    """
    sizes = sorted({float(size) for size in tiles.table["ground_size_m"]})
    if not sizes:
        raise TilesError(
            f"{tiles.folder} holds no tile; expected a map; cut one with geoloc tile",
            path=tiles.folder,
        )
    nearest = min(sizes, key=lambda size: abs(math.log(size / wanted_m)))
    return MapScale(nearest, nearest / (2 * side_px))


def read_map(
    tiles: TileSet, scale: MapScale, *, seed: int, progress: Progress | None = None
) -> list[Place]:
    """The blocks of a map, black where no tile shows anything; of a huge map, some of them.

    A tile that cannot be read is left out with a warning.

    Args:
        tiles: Tiles of a map.
        scale: Which of them, and how fine.
        seed: Seed of the choice of blocks, where not all of them fit into memory.
        progress: Listener for every block.
    """
    listener = progress or Silent()
    blocks = [
        block
        for name, layout in _layouts(tiles, scale.ground_size_m)
        for block in _blocks(name, layout, scale)
    ]
    chosen = _fitting(blocks, seed=seed)
    listener.start("reading the map", len(chosen), "blocks")
    places = []
    for block in chosen:
        image = _assemble(tiles, block, listener)
        if image.any():
            places.append(Place(block.name, block.name, (image,), scale.gsd_m, False, True))
        listener.advance()
    return places


def _layouts(tiles: TileSet, ground_size_m: float) -> Iterator[tuple[str, _Layout]]:
    """The tiles of each raster that show new ground."""
    table = tiles.table
    earlier: list[shapely.Geometry] = []
    is_size = np.asarray(table["ground_size_m"] == ground_size_m)
    everywhere = side_by_side(table.geometry.to_numpy())
    for name in dict.fromkeys(table["raster"][is_size]):
        numbers = np.flatnonzero(is_size & np.asarray(table["raster"] == name))
        footprints = everywhere[numbers]
        whole = shapely.union_all(footprints)
        shown = shapely.union_all([each for each in earlier if each.intersects(whole)])
        shared = shapely.area(shapely.intersection(footprints, shown))
        numbers = numbers[shared <= _MAX_SHARED * shapely.area(footprints)]
        earlier.append(whole)
        if len(numbers):
            yield str(name), _layout(tiles, numbers)


def _layout(tiles: TileSet, numbers: Int64Array) -> _Layout:
    rows = tiles.table.iloc[numbers]
    transforms = np.array([tuple(each)[:6] for each in rows["transform"]], np.float64)
    # Every other row and column first: together these show nearly all, the rest fills gaps.
    order = rows["row"].to_numpy() % 2 * 2 + rows["col"].to_numpy() % 2
    return _Layout(
        numbers,
        left=transforms[:, 2],
        top=-transforms[:, 5],
        width=transforms[:, 0] * tiles.size_px,
        height=-transforms[:, 4] * tiles.size_px,
        order=order.astype(np.int64),
    )


def _blocks(name: str, layout: _Layout, scale: MapScale) -> Iterator[_Block]:
    """A raster in equal parts of at most `_BLOCK_SIDES` tiles a side."""
    columns = _edges(layout.left, layout.width)
    rows = _edges(layout.top, layout.height)
    for top, bottom in pairwise(rows):
        in_row = layout.part(_meet(layout.top, layout.height, top, bottom))
        for left, right in pairwise(columns):
            shown = in_row.part(_meet(in_row.left, in_row.width, left, right))
            if len(shown.numbers):
                # Of tiles that are equal in metres, those of a map in degrees are not in degrees.
                per_x = scale.ground_size_m / float(np.median(shown.width)) / scale.gsd_m
                per_y = scale.ground_size_m / float(np.median(shown.height)) / scale.gsd_m
                size = max(1, round((right - left) * per_x)), max(1, round((bottom - top) * per_y))
                yield _Block(name, shown, left, top, per_x, per_y, *size)


def _edges(starts: Float64Array, lengths: Float64Array) -> list[float]:
    """Where blocks begin and end along one axis."""
    first, last = float(starts.min()), float((starts + lengths).max())
    count = math.ceil((last - first) / float(np.median(lengths)) / _BLOCK_SIDES - 1e-6)
    return [float(edge) for edge in np.linspace(first, last, max(1, count) + 1)]


def _meet(starts: Float64Array, lengths: Float64Array, first: float, last: float) -> Mask:
    """Which tiles reach between two edges, by more than a hair."""
    hair = 1e-3 * lengths
    return np.asarray((starts < last - hair) & (starts + lengths > first + hair), np.bool_)


def _fitting(blocks: list[_Block], *, seed: int) -> list[_Block]:
    """As many blocks as fit into memory, drawn by chance, in their order."""
    room = MAX_PIXELS
    kept: list[int] = []
    for number in np.random.default_rng(seed).permutation(len(blocks)):
        room -= blocks[number].width_px * blocks[number].height_px
        if room < 0 and kept:
            break
        kept.append(int(number))
    return [blocks[number] for number in sorted(kept)]


def _assemble(tiles: TileSet, block: _Block, progress: Progress) -> RgbImage:
    """The pixels (H, W, 3) of a block."""
    image = np.zeros((block.height_px, block.width_px, 3), np.uint8)
    is_done = np.zeros(image.shape[:2], np.bool_)
    layout = block.tiles
    for n in np.argsort(layout.order, kind="stable"):
        left = round((layout.left[n] - block.left) * block.per_x)
        top = round((layout.top[n] - block.top) * block.per_y)
        width, height = (
            max(1, round(float(side)))
            for side in (layout.width[n] * block.per_x, layout.height[n] * block.per_y)
        )
        inside = (
            slice(max(0, top), max(0, top + height)),
            slice(max(0, left), max(0, left + width)),
        )
        if is_done[inside].all():
            continue
        try:
            pixels = tiles.read(int(layout.numbers[n]), shrink=_shrink(tiles.size_px, width))
        except InputError as error:
            progress.warn(str(error))
            continue
        resized = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
        _lay(image, np.asarray(resized, np.uint8), top, left)
        is_done[inside] = True
    return image


def _lay(image: RgbImage, tile: RgbImage, top: int, left: int) -> None:
    """Put what a tile shows into an image, which may end inside it."""
    there = image[max(0, top) : top + tile.shape[0], max(0, left) : left + tile.shape[1]]
    first = max(0, -top), max(0, -left)
    part = tile[first[0] : first[0] + there.shape[0], first[1] : first[1] + there.shape[1]]
    np.copyto(there, part, where=part.any(axis=2, keepdims=True))


def _shrink(size_px: int, wanted_px: int) -> int:
    """The greatest divisor of a tile's side that leaves it as many pixels as are wanted."""
    fitting: Iterable[int] = range(1, max(1, size_px // max(1, wanted_px)) + 1)
    return max(each for each in fitting if size_px % each == 0)
