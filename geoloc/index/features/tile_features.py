"""Features of one tile: keypoints on the ground that the tile owns, as records of their blocks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from geoloc.arrays import AnyArray, Float32Array, Float64Array, RgbImage
from geoloc.geometry.crs import LocalFrame, to_lonlat
from geoloc.index.features.block_file import make_records
from geoloc.index.features.block_grid import BlockId, blocks_at
from geoloc.index.features.keypoints import (
    DescriptorExtractor,
    Keypoints,
    detect_keypoints,
    find_keypoints,
    to_grey,
)
from geoloc.index.features.plan import Plan, owned_window
from geoloc.tiles.tile_set import TileSet

BlockRecords = dict[BlockId, AnyArray]


def describe_tile(
    tiles: TileSet,
    plan: Plan,
    extractor: DescriptorExtractor | None,
    tile: int,
    pixels: RgbImage | None = None,
) -> BlockRecords:
    """Records of the features on the ground that a tile owns, by the block that each lies in.

    Args:
        tiles: Tiles of the map.
        plan: Which tile owns which ground.
        extractor: What describes keypoints; None is RootSIFT.
        tile: Row of the tile.
        pixels: (size, size, 3) of the tile; None reads them.
    """
    keypoints = _owned_keypoints(
        tiles, plan, extractor, tile, tiles.read(tile) if pixels is None else pixels
    )
    xs, ys = _in_crs(tiles, tile, keypoints.xy_px)
    crs = tiles.crs(tile)
    lonlat = to_lonlat(crs, xs, ys)
    cells = blocks_at(lonlat[:, 0], lonlat[:, 1])
    found = {}
    for row, col in np.unique(cells, axis=0).tolist():
        block = BlockId(row, col)
        mine = (cells == block).all(axis=1)
        some = keypoints.select(mine)
        gsd_m, turn_deg = _similarity(tiles, tile, block.frame)
        found[block] = make_records(
            block.frame.from_crs(crs, xs[mine], ys[mine]),
            some.size_px * gsd_m,
            (some.angle_deg + turn_deg) % 360,
            some.descriptors,
        )
    return found


def _owned_keypoints(
    tiles: TileSet,
    plan: Plan,
    extractor: DescriptorExtractor | None,
    tile: int,
    pixels: RgbImage,
) -> Keypoints:
    """Keypoints, described, on the ground that this tile owns."""
    rows, cols = owned_window(tiles, plan, tile)
    crop = pixels[rows, cols]
    valid = np.asarray(crop.any(axis=2))
    find = detect_keypoints if extractor is None else find_keypoints
    keypoints = find(crop, valid=None if bool(valid.all()) else valid)
    offset = np.array([cols.start, rows.start], np.float32)
    keypoints = replace(keypoints, xy_px=keypoints.xy_px + offset)
    frame = plan.regions[plan.region_of[tile]].frame
    xy_m = frame.from_crs(tiles.crs(tile), *_in_crs(tiles, tile, keypoints.xy_px))
    kept = keypoints.select(plan.owned(tiles, tile, xy_m))
    if extractor is not None:
        # A learned descriptor looks further around than the window in which keypoints are found.
        kept = replace(kept, descriptors=extractor(to_grey(pixels), kept))
    return kept


def _in_crs(
    tiles: TileSet, tile: int, xy_px: Float32Array | Float64Array
) -> tuple[Float64Array, Float64Array]:
    """Coordinates of pixels (N, 2) of a tile in its CRS."""
    transform = tiles.transform(tile)
    columns, rows = xy_px[:, 0].astype(float), xy_px[:, 1].astype(float)
    xs = transform.a * columns + transform.b * rows + transform.c
    ys = transform.d * columns + transform.e * rows + transform.f
    return np.asarray(xs), np.asarray(ys)


def _similarity(tiles: TileSet, tile: int, frame: LocalFrame) -> tuple[float, float]:
    """Metres a pixel of a tile, and how far its rows turn clockwise from the frame's east."""
    size = tiles.size_px
    ends = np.array([[0.0, size / 2], [size, size / 2]])
    (x0, y0), (x1, y1) = frame.from_crs(tiles.crs(tile), *_in_crs(tiles, tile, ends))
    gsd_m = float(np.hypot(x1 - x0, y1 - y0)) / size
    return gsd_m, float(np.degrees(np.arctan2(-(y1 - y0), x1 - x0)))
