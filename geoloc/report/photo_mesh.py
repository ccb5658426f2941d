"""The mesh by which the page lays a photo on the map: where the ground is that its pixels show."""

from __future__ import annotations

import numpy as np

from geoloc.arrays import Float64Array
from geoloc.errors import PhotoError, RasterError
from geoloc.ortho.view import PhotoView, photo_view
from geoloc.results.schema import PhotoResult
from geoloc.terrain.terrain import Terrain

_REACH = 4.0  # flying heights, as `geoloc warp` has it
_TOP_STEPS = 32
# Points of the mesh by which a photo lies on the ground: lenses and hills bend it between corners.
# Every third one is enough where the page, which draws each cell in perspective, then misses no
# other by more than a share of the photo's extent that nobody sees: 2 of the 480 pixels.
_MESH_COLUMNS, _MESH_ROWS, _EVERY = 19, 16, 3
_UNSEEN = 1 / 240


def laid_on_ground(row: PhotoResult, terrain: Terrain | None) -> tuple[float, Float64Array] | None:
    """A mesh over a photo, and where the ground has it: a warp for the eye.

    The mesh reaches from the first row that shows ground within reach down to the lower edge, and
    from the left to the right one.

    Args:
        row: The row of the photo.
        terrain: Heights of the ground; None is level ground.

    Returns:
        The first row, and the places (rows, columns, 2), longitude first; NaN where a pixel shows
        no ground within reach. None without a camera, or where it looks over everything.
    """
    try:
        view = photo_view(row, reach=_REACH, terrain=terrain)
        top = _first_row_on_ground(view)
        if top is None:
            return None
        width, height = view.size_px
        columns, rows = np.meshgrid(
            np.linspace(0, width, _MESH_COLUMNS), np.linspace(top, height, _MESH_ROWS)
        )
        ground = view.ground_at(np.column_stack([columns.ravel(), rows.ravel()]))[:, :2]
    except (PhotoError, RasterError, ValueError):
        return None
    is_known = np.isfinite(ground).all(axis=1)
    if not is_known.any():
        return None
    places = np.full(ground.shape, np.nan)
    places[is_known] = view.solved.frame.to_lonlat(ground[is_known])
    shape = (_MESH_ROWS, _MESH_COLUMNS, 2)
    step = _EVERY if _is_smooth(ground.reshape(shape)) else 1
    return top, places.reshape(shape)[::step, ::step]


def _is_smooth(ground_m: Float64Array) -> bool:
    """Whether every third point of a mesh (rows, columns, 2), metres, says where the others lie."""
    limit_m = _UNSEEN * float(np.ptp(ground_m.reshape(-1, 2), axis=0).max())
    if not np.isfinite(limit_m):
        return False  # it has holes
    inside = np.stack(np.meshgrid(*[np.linspace(0, 1, _EVERY + 1)] * 2), axis=-1)
    for row in range(0, _MESH_ROWS - 1, _EVERY):
        for column in range(0, _MESH_COLUMNS - 1, _EVERY):
            cell = ground_m[row : row + _EVERY + 1, column : column + _EVERY + 1]
            drawn = _in_perspective(cell[[0, 0, -1, -1], [0, -1, -1, 0]], inside)
            # Not a number where the corners are no outline of a plane that could be seen.
            if not np.abs(drawn - cell).max() <= limit_m:
                return False
    return True


def _in_perspective(corners_m: Float64Array, places: Float64Array) -> Float64Array:
    """Places (..., 2) of a square of side 1, where a plane shows them between four corners (4, 2).

    Corners go round from the square's origin (Heckbert, Fundamentals of Texture Mapping, 1989,
    section 2.2.3).
    """
    origin, right, far, below = corners_m
    twist, along, down = origin - right + far - below, right - far, below - far
    with np.errstate(divide="ignore", invalid="ignore"):
        area = along[0] * down[1] - down[0] * along[1]
        g = (twist[0] * down[1] - down[0] * twist[1]) / area
        h = (along[0] * twist[1] - twist[0] * along[1]) / area
        x, y = places[..., :1], places[..., 1:]
        ahead = x * (right - origin + g * right) + y * (below - origin + h * below) + origin
        return np.asarray(ahead / (g * x + h * y + 1), np.float64)


def _first_row_on_ground(view: PhotoView) -> float | None:
    """The first row of which both ends show ground within reach, or one end; None if none does.

    The lowest quarter is too little to be looked at.
    """
    width, height = view.size_px
    rows = np.linspace(0, 0.75 * height, _TOP_STEPS)
    ends = np.array([[x, row] for row in rows for x in (0.0, float(width))])
    is_ground = np.isfinite(view.ground_at(ends)).all(axis=1).reshape(-1, 2)
    for seen in (is_ground.all(axis=1), is_ground.any(axis=1)):
        if seen.any():
            return float(rows[int(np.argmax(seen))])
    return None
