"""Trees as someone sees them who stands among them: a frayed ball of leaves on a trunk."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from geoloc.arrays import Float32Array, Float64Array, Int64Array, Mask
from geoloc.synthetic.world.palette import NUMBERS
from geoloc.synthetic.world.survey import Survey

_MAX_DISTANCE_M = 110.0
_LEAF_M = 0.45
_TRUNK_M = 0.4
_TRUNK_RGB = np.array([84.0, 72.0, 60.0], np.float32)
_CLEARANCE = {"conifer": 0.08}
_USUAL_CLEARANCE = 0.3  # height of the lowest boughs, as a share of the tree's
_FLOOR_M = 1.9  # people cut what hangs lower over a path
_GRAIN = np.random.default_rng(20).normal(0, 1, (192, 192)).astype(np.float32)


@dataclass(frozen=True)
class TreeCanvas:
    """A panorama that trees are painted into.

    Attributes:
        photo: Colours (height, width, 3), changed in place.
        distance_m: Distance of what is seen so far (height, width), changed in place; trees behind
            it are hidden.
        azimuths_rad: Azimuths of the columns (width,), ascending by equal steps.
        tangents: Tangents of the elevation of the rows (height,), descending.
        eye_m: Height of the camera.
    """

    photo: Float32Array
    distance_m: Float32Array
    azimuths_rad: Float64Array
    tangents: Float64Array
    eye_m: float

    def columns(self, azimuth_rad: float, half_rad: float) -> tuple[Int64Array, Float64Array]:
        """Columns within an angle of an azimuth, round the edge, and where in it, in [-1, 1]."""
        width_px = len(self.azimuths_rad)
        step_rad = 2 * math.pi / width_px
        middle = (azimuth_rad - self.azimuths_rad[0]) / step_rad
        half_px = half_rad / step_rad
        cols = np.arange(math.ceil(middle - half_px), math.floor(middle + half_px) + 1)
        return cols % width_px, (cols - middle) / max(half_px, 1e-6)

    def rows(self, low_m: float, high_m: float, distance_m: float) -> tuple[slice, Float64Array]:
        """Rows that see heights at a distance, and those heights from 0 (low) to 1 (high)."""
        low, high = ((z - self.eye_m) / distance_m for z in (low_m, high_m))
        first, last = np.searchsorted(-self.tangents, [-high, -low])
        share = (self.tangents[first:last] - low) / max(high - low, 1e-6)
        return slice(int(first), int(last)), share


@dataclass(frozen=True)
class _Tree:
    """One tree as seen from the camera."""

    number: int
    azimuth_rad: float
    distance_m: float
    radius_m: float
    height_m: float
    floor_m: float
    colour: Float32Array
    opacity: float


def paint_trees(
    canvas: TreeCanvas, survey: Survey, at: Float64Array, to_true: Float64Array
) -> None:
    """Paint all trees that are near enough, the farthest first.

    Args:
        canvas: The panorama.
        survey: Survey with the trees.
        at: World x, y (2,) of the camera.
        to_true: Turns world metres into true metres east and north (2, 2).
    """
    relief = survey.table.relief[survey.trees].astype(np.float64)
    offsets = (relief[:, 1:3] - at) @ to_true.T
    distances_m = np.hypot(offsets[:, 0], offsets[:, 1])
    seen = np.flatnonzero(distances_m < _MAX_DISTANCE_M)
    for index in seen[np.argsort(-distances_m[seen])]:
        azimuth_rad = math.atan2(offsets[index, 0], offsets[index, 1])
        tree = _tree(survey, int(survey.trees[index]), azimuth_rad, float(distances_m[index]))
        if tree.distance_m > tree.radius_m:
            _paint_trunk(canvas, tree)
            _paint_crown(canvas, tree)


def _tree(survey: Survey, row: int, azimuth_rad: float, distance_m: float) -> _Tree:
    table, appearance = survey.table, survey.appearance
    height_m = float(table.relief[row, 0])
    kinds = {NUMBERS[name]: share for name, share in _CLEARANCE.items()}
    clearance = kinds.get(int(table.material[row]), _USUAL_CLEARANCE)
    return _Tree(
        number=row,
        azimuth_rad=azimuth_rad,
        distance_m=distance_m,
        radius_m=float(table.relief[row, 5]) / 1.12,
        height_m=height_m,
        floor_m=min(max(clearance * height_m, _FLOOR_M), 0.5 * height_m),
        colour=appearance.first[row] + appearance.step[row] * appearance.blend[row],
        opacity=float(appearance.opacity[row]),
    )


def _paint_trunk(canvas: TreeCanvas, tree: _Tree) -> None:
    half_rad = math.atan2(_TRUNK_M / 2, tree.distance_m)
    cols, _ = canvas.columns(tree.azimuth_rad, half_rad)
    rows, share = canvas.rows(0.0, tree.floor_m + 0.5, tree.distance_m)
    if len(cols) and len(share):
        colour = np.broadcast_to(_TRUNK_RGB, (len(share), len(cols), 3))
        _lay(canvas, (rows, cols), colour, np.ones((len(share), len(cols)), bool), tree)


def _paint_crown(canvas: TreeCanvas, tree: _Tree) -> None:
    half_rad = math.asin(min(tree.radius_m / tree.distance_m, 1.0))
    cols, across = canvas.columns(tree.azimuth_rad, half_rad)
    rows, share = canvas.rows(tree.floor_m, tree.height_m, tree.distance_m)
    if not len(cols) or not len(share):
        return
    up = 2 * share - 1
    grain = _grain(tree, (len(share), len(cols)))
    is_leaf = across**2 + (up**2)[:, None] < 1 + 0.22 * grain
    if tree.opacity < 0.95:
        is_leaf &= grain < 3 * tree.opacity - 1.4
    light = 0.78 + 0.26 * up[:, None] + 0.13 * grain
    _lay(canvas, (rows, cols), tree.colour * light[..., None], is_leaf, tree)


def _grain(tree: _Tree, shape: tuple[int, int]) -> Float32Array:
    """The texture of the leaves (height, width) of a tree, the same from everywhere."""
    high = math.ceil((tree.height_m - tree.floor_m) / _LEAF_M) + 1
    wide = math.ceil(2 * tree.radius_m / _LEAF_M) + 1
    top, left = tree.number * 37 % 97, tree.number * 53 % 97
    patch = _GRAIN[top : top + high, left : left + wide]
    method = cv2.INTER_LINEAR if shape[0] > high else cv2.INTER_AREA
    return np.asarray(cv2.resize(patch, shape[::-1], interpolation=method), np.float32)


def _lay(
    canvas: TreeCanvas,
    where: tuple[slice, Int64Array],
    colour: Float32Array,
    is_there: Mask,
    tree: _Tree,
) -> None:
    """Paint the pixels of a tree that nothing hides."""
    rows, cols = where
    is_there = is_there & (canvas.distance_m[rows, cols] > tree.distance_m)
    row, col = np.nonzero(is_there)
    canvas.photo[rows.start + row, cols[col]] = colour[row, col]
    canvas.distance_m[rows.start + row, cols[col]] = tree.distance_m
