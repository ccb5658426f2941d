"""What the page knows of one photo: its row, and what is drawn of it, as plain JSON values."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from geoloc.arrays import Float64Array
from geoloc.errors import PhotoError, RasterError
from geoloc.geometry.crs import LonLat
from geoloc.geometry.longitude import near
from geoloc.options import Redaction
from geoloc.ortho.view import PhotoView, photo_view
from geoloc.results.schema import PhotoResult, result_record
from geoloc.results.solved_camera import control_points
from geoloc.terrain.terrain import Terrain

Entry = dict[str, Any]

# What a page that is made to be shared may say of a photo: nothing that holds a place or a path.
_SHARED_COLUMNS = (
    "filename", "status", "timestamp", "confidence", "conf_kind", "conf_radius_m", "ce90_m",
    "acc95_m", "heading", "heading_sd", "pitch_deg", "pitch_sd_deg", "roll_deg", "roll_sd_deg",
    "height_m", "height_sd_m", "hfov_deg", "hfov_sd_deg", "lens_kind", "photo_width",
    "photo_height", "position_kind", "score", "margin", "spread_m", "n_modes", "n_inliers", "view",
    "exif_dist_m", "model", "geoloc_version",
)  # fmt: skip
_FUZZ_DECIMALS = 2  # about a kilometre
_DRAWN = ("footprint", "control_points", "candidates")  # shown as pictures, not as numbers
_LONLAT_DECIMALS = 7
_REACH = 4.0  # flying heights, as `geoloc warp` has it
_TOP_STEPS = 32
# Points of the mesh by which a photo lies on the ground: lenses and hills bend it between corners.
# Every third one is enough where the page, which draws each cell in perspective, then misses no
# other by more than a share of the photo's extent that nobody sees: 2 of the 480 pixels.
_MESH_COLUMNS, _MESH_ROWS, _EVERY = 19, 16, 3
_UNSEEN = 1 / 240
_DOUBT = {"ambiguous": 1.0, "rejected": 1.0, "located": 0.0, "corrected": -1.0, "unreadable": -2.0}


@dataclass(frozen=True)
class KnownTruth:
    """The truth of one photo.

    Attributes:
        error_m: Distance of the answer from it, metres; None without an answer.
        point: Where it is.
    """

    error_m: float | None
    point: LonLat | None


def photo_entry(
    row: PhotoResult,
    *,
    about_lon: float,
    truth: KnownTruth | None,
    redact: Redaction,
    terrain: Terrain | None = None,
) -> Entry:
    """What the page knows of a photo.

    Args:
        row: Its row.
        about_lon: Longitudes are counted so that they lie near it, across the antimeridian, too.
        truth: What is truly so.
        redact: What is kept back.
        terrain: Heights of the ground under the photo; None is level ground.
    """
    record = result_record(row)
    shown = {name: value for name, value in record.items() if value is not None}
    entry: Entry = {
        "doubt": doubt(row),
        "columns": {name: value for name, value in shown.items() if name not in _DRAWN},
    }
    if truth is not None and truth.error_m is not None:
        entry["error_m"] = round(truth.error_m, 2)
    if redact != "none":
        entry["columns"] = {name: shown[name] for name in _SHARED_COLUMNS if name in shown}
    if redact == "fuzz" and row.longitude is not None and row.latitude is not None:
        lon = round(float(near(row.longitude, about_lon)), _FUZZ_DECIMALS)
        entry["at"] = [lon, round(row.latitude, _FUZZ_DECIMALS)]
    if redact == "none":
        entry.update(_places(row, about_lon, truth, terrain))
    return entry


def doubt(row: PhotoResult) -> float:
    """How much a row wants to be looked at; more is more."""
    return _DOUBT[row.status] + (0.0 if row.confidence is None else 1 - row.confidence)


def _places(
    row: PhotoResult, about_lon: float, truth: KnownTruth | None, terrain: Terrain | None
) -> Entry:
    """What of a photo lies somewhere, longitude first."""

    def lonlat(lon: float, lat: float) -> list[float]:
        counted = float(near(lon, about_lon))
        return [round(counted, _LONLAT_DECIMALS), round(lat, _LONLAT_DECIMALS)]

    found: Entry = {}
    if row.longitude is not None and row.latitude is not None:
        found["at"] = lonlat(row.longitude, row.latitude)
    if truth is not None and truth.point is not None:
        found["truth"] = lonlat(*truth.point)
    if rings := _rings(row.footprint):
        found["rings"] = [[lonlat(x, y) for x, y, *_ in ring] for ring in rings]
    points = [
        [one.column_px, one.row_px, *lonlat(one.lon, one.lat), one.misfit_m]
        for one in control_points(row.control_points)
    ]
    if points:
        found["points"] = points
    if (laid := _laid_on_ground(row, terrain)) is not None:
        top, mesh = laid
        places = [[lonlat(*at) if np.isfinite(at[0]) else None for at in line] for line in mesh]
        found["warp"] = {"top": round(top, 1), "mesh": places}
    candidates = _candidates(row)
    if len(candidates) > 1 or (candidates and "at" not in found):  # the answer alone has no rival
        found["candidates"] = [
            {"at": lonlat(lon, lat), "probability": probability, "radius_m": radius_m}
            for lon, lat, probability, radius_m in candidates
        ]
    return found


def _rings(footprint: str | None) -> list[list[tuple[float, ...]]]:
    """The outer rings of a footprint; none where it holds none, or was damaged by hand."""
    try:
        shape = shapely.from_wkt(footprint) if footprint else None
    except shapely.errors.GEOSException:
        return []
    parts = () if shape is None else shapely.get_parts(shape)
    return [list(part.exterior.coords) for part in parts if part.geom_type == "Polygon"]


def _laid_on_ground(row: PhotoResult, terrain: Terrain | None) -> tuple[float, Float64Array] | None:
    """A mesh over a photo, and where the ground has it: a warp for the eye.

    The mesh reaches from the first row that shows ground within reach down to the lower edge, and
    from the left to the right one. None without a camera, or where it looks over everything.

    Returns:
        The first row, and the places (rows, columns, 2), longitude first; NaN where a pixel shows
        no ground within reach.
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


def _candidates(row: PhotoResult) -> list[list[float]]:
    """Places that compete: longitude, latitude, probability, radius; none where damaged by hand."""
    try:
        stated = json.loads(row.candidates or "[]")
        return [[float(number) for number in one[:4]] for one in stated if len(one) >= 4]
    except (TypeError, ValueError):
        return []
