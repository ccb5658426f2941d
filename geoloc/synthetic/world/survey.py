"""A stretch of the town at a moment, rendered once, for all the photos that are taken in it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from geoloc.arrays import ByteArray, Float32Array, Int32Array
from geoloc.synthetic.world.moment import Moment
from geoloc.synthetic.world.noise import Window
from geoloc.synthetic.world.render import render_window
from geoloc.synthetic.world.shade import Appearance, appearance_at
from geoloc.synthetic.world.shape import ShapeTable

COARSE = 4  # pixels of the picture along one of the coarse picture's


@dataclass(frozen=True)
class Survey:
    """What a camera near the ground needs to know of its surroundings.

    Trees are in the table alone: from the side they are more than the height of their crowns.

    Attributes:
        window: Window of the world.
        picture: Ground and roofs from above (height, width, 3), in the shade of the trees.
        heights_m: Heights of what is solid, and of hedges (height, width).
        shapes: Row of the table of the topmost shape (height, width), trees apart.
        table: Shapes of the town at the moment's date.
        moment: Season, sun and date.
    """

    window: Window
    picture: ByteArray
    heights_m: Float32Array
    shapes: Int32Array
    table: ShapeTable
    moment: Moment

    @cached_property
    def coarse(self) -> ByteArray:
        """The picture at a quarter of its size, for what is far away."""
        height_px, width_px = self.picture.shape[:2]
        size = (max(width_px // COARSE, 1), max(height_px // COARSE, 1))
        return np.asarray(cv2.resize(self.picture, size, interpolation=cv2.INTER_AREA), np.uint8)

    @cached_property
    def appearance(self) -> Appearance:
        """Appearance of every shape at the moment."""
        return appearance_at(self.table, self.moment)

    @cached_property
    def trees(self) -> Int32Array:
        """Rows of the table that are trees."""
        rows = np.flatnonzero(self.table.is_crown & (self.table.relief[:, 5] > 0))
        return rows.astype(np.int32)

    def column_row(self, x_m: Float32Array, y_m: Float32Array) -> tuple[Float32Array, Float32Array]:
        """Pixels of places, whole numbers at pixel centres, as OpenCV has it."""
        col = (x_m - self.window.left_m) / self.window.gsd_m - 0.5
        row = (self.window.top_m - y_m) / self.window.gsd_m - 0.5
        return np.asarray(col, np.float32), np.asarray(row, np.float32)


def survey_window(table: ShapeTable, window: Window, moment: Moment, *, seed: int) -> Survey:
    """Render a window for photos taken in it."""
    picture, heights_m, shapes = render_window(table, window, moment, seed=seed, with_trees=False)
    return Survey(window, picture, heights_m, shapes, table, moment)
