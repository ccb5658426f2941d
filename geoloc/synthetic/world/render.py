"""Pictures of any window of the town from straight above, block by block."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from geoloc.arrays import ByteArray, Float32Array, Int32Array
from geoloc.synthetic.world.moment import Moment
from geoloc.synthetic.world.noise import Window
from geoloc.synthetic.world.scan import Scan, scan_window
from geoloc.synthetic.world.shade import Appearance, Sunlight, appearance_at, shade_scan, sunlight
from geoloc.synthetic.world.shape import ShapeTable

_BLOCK_PX = 1400
_TALL_M = 25.0  # what stands beside a block throws its shadow into it
_MAX_SHADOW_M = 40.0
_THREADS = 2


def render_window(
    table: ShapeTable, window: Window, moment: Moment, *, seed: int, with_trees: bool = True
) -> tuple[ByteArray, Float32Array, Int32Array]:
    """Picture (height, width, 3), heights and topmost shapes (height, width) of a window.

    Without trees only their shadows are left: what someone sees who stands under them.
    """
    paint_block = _paint if with_trees else _paint_below
    appearance = appearance_at(table, moment)
    picture = np.empty((window.height_px, window.width_px, 3), np.uint8)
    heights_m = np.empty(picture.shape[:2], np.float32)
    rows = np.empty(picture.shape[:2], np.int32)

    def paint(corner: tuple[int, int]) -> None:
        col, row = corner
        here = np.s_[row : row + _BLOCK_PX, col : col + _BLOCK_PX]
        height_px, width_px = picture[here].shape[:2]
        block = window.part(col, row, width_px, height_px)
        picture[here], heights_m[here], rows[here] = paint_block(
            table, block, appearance, moment, seed
        )

    corners = [
        (col, row)
        for row in range(0, window.height_px, _BLOCK_PX)
        for col in range(0, window.width_px, _BLOCK_PX)
    ]
    _each(paint, corners)
    return picture, heights_m, rows


def _each(work: Callable[[tuple[int, int]], None], corners: list[tuple[int, int]]) -> None:
    """Run the work for all corners, two at a time: NumPy and OpenCV let go of the interpreter."""
    if len(corners) == 1:
        work(corners[0])
        return
    with ThreadPoolExecutor(_THREADS) as pool:
        for _ in pool.map(work, corners):
            pass


def _paint(
    table: ShapeTable, block: Window, appearance: Appearance, moment: Moment, seed: int
) -> tuple[ByteArray, Float32Array, Int32Array]:
    """One block from above."""
    scan, sun = _light_block(table, block, appearance, moment, seed)
    return _paint_scan(scan, sun, table, appearance, moment, seed)


def _paint_below(
    table: ShapeTable, block: Window, appearance: Appearance, moment: Moment, seed: int
) -> tuple[ByteArray, Float32Array, Int32Array]:
    """One block as it is below its trees, in their shade."""
    scan, sun = _light_block(table, block, appearance, moment, seed)
    is_tree = (table.is_crown & (table.relief[:, 5] > 0))[scan.crown]
    scan.crown[is_tree] = 0
    scan.crown_m[is_tree] = 0
    return _paint_scan(scan, sun, table, appearance, moment, seed)


def _light_block(
    table: ShapeTable, block: Window, appearance: Appearance, moment: Moment, seed: int
) -> tuple[Scan, Sunlight]:
    """What a block holds and how the sun falls on it, drawn with a halo that is cut off again."""
    reach_m = _TALL_M / np.tan(np.radians(max(moment.sun_elevation_deg, 5.0)))
    halo_px = int(np.ceil(min(reach_m, _MAX_SHADOW_M) / block.gsd_m))
    leaf_seed = seed * 1000 + 700 + 2 * moment.date
    wide = scan_window(table, block.grown(halo_px), leaf_seed=leaf_seed)
    inside = np.s_[halo_px : halo_px + block.height_px, halo_px : halo_px + block.width_px]
    sun = sunlight(wide, appearance, moment).part(inside)
    return wide.part(block, inside), sun


def _paint_scan(
    scan: Scan, sun: Sunlight, table: ShapeTable, appearance: Appearance, moment: Moment, seed: int
) -> tuple[ByteArray, Float32Array, Int32Array]:
    """Picture, heights and topmost shapes of a scan in the sunlight."""
    picture = shade_scan(scan, sun, table=table, appearance=appearance, moment=moment, seed=seed)
    is_dense = appearance.opacity[scan.crown] > 0.6
    crown_m = np.where(is_dense, scan.crown_m, 0)
    heights_m = np.maximum(scan.solid_m, crown_m)
    rows = np.where(crown_m > scan.solid_m, scan.crown, scan.solid)
    return picture, heights_m, rows
