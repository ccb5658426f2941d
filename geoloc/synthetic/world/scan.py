"""A window of the world as rasters: which shape each pixel shows, and how high it is."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from geoloc.arrays import Float32Array, Float64Array, Int32Array, Int64Array
from geoloc.synthetic.world.noise import Window, smooth_noise
from geoloc.synthetic.world.shape import ShapeTable

_SHIFT_BITS = 4  # polygon corners are drawn to a sixteenth of a pixel
_FAR_PX = 1 << 20


@dataclass(frozen=True)
class Scan:
    """What a window holds.

    Attributes:
        window: Window of the world.
        solid: Row of the shape table (height, width): ground, roads, roofs.
        crown: Row of the shape table of the tree or hedge over it; 0 where there is none.
        solid_m: Height (height, width) of what is solid.
        crown_m: Height of the crown; 0 where there is none.
    """

    window: Window
    solid: Int32Array
    crown: Int32Array
    solid_m: Float32Array
    crown_m: Float32Array

    def part(self, window: Window, pixels: tuple[slice, slice]) -> Scan:
        """The scan of some of the pixels, which are `window`."""
        return Scan(
            window,
            self.solid[pixels],
            self.crown[pixels],
            self.solid_m[pixels],
            self.crown_m[pixels],
        )


def scan_window(table: ShapeTable, window: Window, *, leaf_seed: int) -> Scan:
    """Draw the shapes of a window; `leaf_seed` sets how the crowns are frayed."""
    solid = np.zeros((window.height_px, window.width_px), np.int32)
    crown = np.zeros_like(solid)
    for row in _visible(table, window):
        target = crown if table.is_crown[row] else solid
        cv2.fillPoly(
            target, [_pixels(table.outlines[row], window)], int(row), cv2.LINE_8, _SHIFT_BITS
        )
    solid_m = _heights(table, solid, window)
    crown_m = _heights(table, crown, window)
    _fray(crown, crown_m, window, leaf_seed)
    is_hidden = crown_m <= solid_m  # a tall roof hides the tree beside it
    crown[is_hidden] = 0
    crown_m[is_hidden] = 0
    return Scan(window, solid, crown, solid_m, crown_m)


def _visible(table: ShapeTable, window: Window) -> Int64Array:
    """Rows of the shapes whose bounds touch the window, in painting order; row 0 is the ground."""
    right_m = window.left_m + window.width_px * window.gsd_m
    bottom_m = window.top_m - window.height_px * window.gsd_m
    low_x, low_y, high_x, high_y = table.bounds.T
    touches = (low_x < right_m) & (high_x > window.left_m)
    touches &= (low_y < window.top_m) & (high_y > bottom_m)
    touches[0] = False
    return np.flatnonzero(touches)


def _pixels(outline: Float64Array, window: Window) -> Int32Array:
    """Corners as OpenCV wants them: fixed point, whole numbers at pixel centres."""
    cols = (outline[:, 0] - window.left_m) / window.gsd_m - 0.5
    rows = (window.top_m - outline[:, 1]) / window.gsd_m - 0.5
    fixed = np.column_stack([cols, rows]) * (1 << _SHIFT_BITS)
    return np.clip(np.rint(fixed), -_FAR_PX, _FAR_PX).astype(np.int32)


def _heights(table: ShapeTable, rows: Int32Array, window: Window) -> Float32Array:
    """Heights (height, width) of the shapes that the pixels show."""
    heights = np.zeros(rows.shape, np.float32)
    at = np.flatnonzero((table.relief[:, 0] > 0)[rows])
    if not len(at):
        return heights
    height, x, y, slope_x, slope_y, dome = table.relief[rows.ravel()[at]].T
    dx = window.xs_m()[at % window.width_px] - x
    dy = window.ys_m()[at // window.width_px] - y
    swell = np.sqrt(np.clip(1 - (dx**2 + dy**2) / np.maximum(dome, 1e-3) ** 2, 0, 1))
    share = np.where(dome > 0, 0.45 + 0.55 * swell, 1)
    heights.ravel()[at] = np.maximum(height * share + slope_x * dx + slope_y * dy, 0)
    return heights


def _fray(crown: Int32Array, crown_m: Float32Array, window: Window, leaf_seed: int) -> None:
    """Give crowns the bumps of boughs and leaves, and holes at their edges."""
    bumps = 0.55 * smooth_noise(window, 1.3, leaf_seed) + 0.3 * smooth_noise(
        window, 0.6, leaf_seed + 1
    )
    is_crown = crown > 0
    crown_m[is_crown] *= 1 + 0.10 * bumps[is_crown]
    crown_m[is_crown] += 0.35 * bumps[is_crown]
    hole = is_crown & (bumps > 1.35)
    crown[hole] = 0
    crown_m[~(crown > 0)] = 0
    np.maximum(crown_m, 0, out=crown_m)
