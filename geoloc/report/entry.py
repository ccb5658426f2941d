"""What the page knows of one photo: its row, and what is drawn of it, as plain JSON values."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from geoloc.geometry.crs import LonLat
from geoloc.geometry.longitude import near
from geoloc.options import Redaction
from geoloc.report.photo_mesh import laid_on_ground
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
    if (laid := laid_on_ground(row, terrain)) is not None:
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


def _candidates(row: PhotoResult) -> list[list[float]]:
    """Places that compete: longitude, latitude, probability, radius; none where damaged by hand."""
    try:
        stated = json.loads(row.candidates or "[]")
        return [[float(number) for number in one[:4]] for one in stated if len(one) >= 4]
    except (TypeError, ValueError):
        return []
