"""The map of a report: a pyramid of small WebP tiles, drawn from the pixels of an index.

Fine tiles are made near the photos only; a coarse one shows the ground between them, too. Where
a level would have to read very many tiles of the index, it is made of the level below it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import cv2
import numpy as np

from geoloc.arrays import ByteArray
from geoloc.geometry.crs import LocalFrame, LonLat
from geoloc.index.map_index import MapIndex
from geoloc.index.map_pixels import MapPixels
from geoloc.progress import Progress
from geoloc.report.mercator import (
    TILE_PX,
    Disc,
    gsd_m,
    lonlat_of,
    nearest_zoom,
    position,
    tiles_over,
)
from geoloc.report.pictures import webp

Address = tuple[int, int, int]  # zoom, column, row
_BLOCK = 4  # tiles a side that are read at once
_KNOTS = 17  # places a side at which a block's pixels are projected; straight between them
_MOST_TILES = 20_000
_MOST_READ = 4_000  # tiles of an index that a level may read
_WIDEST_PX = 512  # the coarsest level shows everything in so many pixels


def build_pyramid(
    index: MapIndex, discs: Sequence[Disc], *, coarsest_gsd_m: float, progress: Progress
) -> dict[Address, bytes]:
    """Tiles around places, by zoom, column and row; none where the index has no map.

    Args:
        index: The index, whose tiles have to be where they were.
        discs: What is to be seen.
        coarsest_gsd_m: No tile is finer than so many metres a pixel; 0 goes down to the map's own.
        progress: Hears of it.

    Raises:
        TilesError: The pixels are not there any more.
    """
    if not discs:
        return {}
    lat = float(np.mean([disc.lat for disc in discs]))
    finest = nearest_zoom(max(float(np.min(index.tiles.gsd_m)), coarsest_gsd_m), lat)
    first = min(finest, _overview_zoom(discs))
    levels = {zoom: tiles_over(discs, zoom) for zoom in range(first, finest + 1)}
    while sum(map(len, levels.values())) > _MOST_TILES and len(levels) > 1:
        levels.pop(max(levels))
    source = MapPixels(index)
    side_m = min(index.manifest.ground_sizes_m)
    progress.start("drawing the map", sum(map(len, levels.values())), "tiles")
    drawn: dict[Address, ByteArray] = {}
    encoded: dict[Address, bytes] = {}
    for zoom in sorted(levels, reverse=True):
        ground_m = gsd_m(zoom, lat) * TILE_PX
        is_cheap = len(levels[zoom]) * (ground_m / side_m) ** 2 <= _MOST_READ
        drawn = (
            _read_level(source, levels[zoom], zoom, progress)
            if is_cheap or not drawn
            else _halved(drawn, levels[zoom], progress)
        )
        encoded.update({(z, x % 2**z, y): webp(pixels) for (z, x, y), pixels in drawn.items()})
    return encoded


def _overview_zoom(discs: Sequence[Disc]) -> int:
    """The finest zoom that shows all places on a small screen."""
    ends = []
    for disc in discs:
        reach = disc.reach_m / (gsd_m(0, disc.lat) * TILE_PX)
        x, y = position(disc.lon, disc.lat, 0)
        ends += [(x - reach, y - reach), (x + reach, y + reach)]
    span = float(np.ptp(np.array(ends), axis=0).max())
    return max(0, math.floor(math.log2(_WIDEST_PX / TILE_PX / max(span, 1e-9))))


def _read_level(
    source: MapPixels, wanted: Iterable[tuple[int, int]], zoom: int, progress: Progress
) -> dict[Address, ByteArray]:
    """Tiles of a zoom from the pixels of an index, block by block."""
    blocks = defaultdict(list)
    for x, y in sorted(wanted):
        blocks[x // _BLOCK, y // _BLOCK].append((x, y))
    drawn = {}
    for tiles in blocks.values():
        low, high = np.min(tiles, axis=0), np.max(tiles, axis=0) + 1
        pixels = _read_block(source, low.tolist(), high.tolist(), zoom)
        for x, y in tiles:
            left, top = (x - int(low[0])) * TILE_PX, (y - int(low[1])) * TILE_PX
            tile = pixels[top : top + TILE_PX, left : left + TILE_PX]
            if tile[..., 3].any():
                drawn[zoom, x, y] = tile
            progress.advance()
    return drawn


def _read_block(source: MapPixels, low: list[int], high: list[int], zoom: int) -> ByteArray:
    """RGBA pixels between two corners of a zoom's grid, transparent where there is no map."""
    width, height = ((b - a) * TILE_PX for a, b in zip(low, high, strict=True))
    columns = np.linspace(low[0], high[0], _KNOTS)
    rows = np.linspace(low[1], high[1], _KNOTS)
    grid = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)
    lonlat = lonlat_of(grid[:, 0], grid[:, 1], zoom)
    lon, lat = lonlat[len(lonlat) // 2].tolist()
    frame = LocalFrame(LonLat((lon + 180) % 360 - 180, lat))
    ground = frame.from_lonlat(lonlat[:, 0], lonlat[:, 1])
    gsd = gsd_m(zoom, lat)
    margin = 2 * gsd
    window = source.around(
        frame, ground.min(axis=0) - margin, ground.max(axis=0) + margin, gsd_m=gsd
    )
    places = (ground - window.corner_m) / [gsd, -gsd]
    # Knots lie on the corners of pixels: the grid is drawn out to every pixel's middle.
    knots = places.reshape(_KNOTS, _KNOTS, 2)
    at_x = (np.arange(width) + 0.5) * (_KNOTS - 1) / width
    at_y = (np.arange(height) + 0.5) * (_KNOTS - 1) / height
    where_x, where_y = np.meshgrid(at_x.astype(np.float32), at_y.astype(np.float32))
    source_px = cv2.remap(knots.astype(np.float32), where_x, where_y, cv2.INTER_LINEAR)
    # OpenCV's pixel centres are whole numbers, ours lie at a half.
    columns_px, rows_px = source_px[..., 0] - 0.5, source_px[..., 1] - 0.5
    opaque = np.where(window.valid, 255, 0).astype(np.uint8)
    layers = [
        cv2.remap(layer, columns_px, rows_px, method)
        for layer, method in ((window.pixels, cv2.INTER_LINEAR), (opaque, cv2.INTER_NEAREST))
    ]
    return np.asarray(np.dstack(layers), np.uint8)


def _halved(
    finer: Mapping[Address, ByteArray], wanted: Iterable[tuple[int, int]], progress: Progress
) -> dict[Address, ByteArray]:
    """Tiles of a zoom, each made of its four of the next finer one."""
    zoom = next(iter(finer))[0] - 1 if finer else 0
    drawn = {}
    for x, y in sorted(wanted):
        whole = np.zeros((2 * TILE_PX, 2 * TILE_PX, 4), np.uint8)
        for right in (0, 1):
            for below in (0, 1):
                quarter = finer.get((zoom + 1, 2 * x + right, 2 * y + below))
                if quarter is not None:
                    top, left = below * TILE_PX, right * TILE_PX
                    whole[top : top + TILE_PX, left : left + TILE_PX] = quarter
        if whole[..., 3].any():
            shrunk = cv2.resize(whole, (TILE_PX, TILE_PX), interpolation=cv2.INTER_AREA)
            drawn[zoom, x, y] = np.asarray(shrunk, np.uint8)
        progress.advance()
    return drawn
