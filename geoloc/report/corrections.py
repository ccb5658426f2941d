"""Corrections that were saved from a report's page, written back into the rows.

A row that was accepted or moved becomes ``corrected``, one that was rejected ``rejected``. What it
held before stays in its column `correction`. A photo that was moved keeps nothing of the camera
that was solved elsewhere.
"""

from __future__ import annotations

import dataclasses
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from geoloc.corrections_file import Action, Correction
from geoloc.geometry.crs import LonLat, distance_m
from geoloc.results.schema import PhotoResult, result_record

_SAME_PLACE_M = 1.0
# What was solved for a place that a person has said is wrong.
_OF_THE_PLACE = (
    "longitude", "latitude", "confidence", "conf_kind", "conf_radius_m", "ce90_m", "acc95_m",
    "heading", "heading_sd", "pitch_deg", "pitch_sd_deg", "roll_deg", "roll_sd_deg", "height_m",
    "height_sd_m", "altitude_m", "hfov_deg", "hfov_sd_deg", "lens_kind", "distortion",
    "scene_longitude", "scene_latitude", "footprint", "score", "margin", "spread_m", "n_modes",
    "n_inliers", "candidates", "control_points", "tile_id", "tile_path", "tile_crs", "exif_dist_m",
    "prior_dist_m", "error",
)  # fmt: skip


def apply_corrections(
    results: Sequence[PhotoResult], corrections: Iterable[Correction]
) -> tuple[list[PhotoResult], list[str]]:
    """The rows as they are after the corrections, and the photos that could not be corrected.

    These are the ones that no row shows, and those whose accepted answer is another by now. The
    last of several corrections of a photo counts.
    """
    rows = list(results)
    by_photo = defaultdict(list)
    for number, row in enumerate(rows):
        by_photo[row.photo].append(number)
    unknown = []
    for one in corrections:
        meant = _number_of(one, rows, by_photo)
        if meant is None or _is_outdated(one, rows[meant]):
            unknown.append(str(one.photo or one.filename))
        else:
            rows[meant] = corrected(rows[meant], one.action, one.position)
    return rows, unknown


def _number_of(
    one: Correction, rows: Sequence[PhotoResult], by_photo: dict[str, list[int]]
) -> int | None:
    """The row that a correction means: the one of its number, if that is still the same photo."""
    number = one.row
    if isinstance(number, int) and 0 <= number < len(rows):
        row = rows[number]
        if one.photo == row.photo or (one.photo is None and one.filename == row.filename):
            return number
    same = by_photo.get(one.photo, []) if one.photo is not None else []
    return same[0] if len(same) == 1 else None


def _is_outdated(one: Correction, row: PhotoResult) -> bool:
    """Whether the answer that was accepted is no longer that of the row."""
    if one.action != "accept" or one.position is None:
        return False
    if row.longitude is None or row.latitude is None:
        return True
    return distance_m(one.position, LonLat(row.longitude, row.latitude)) > _SAME_PLACE_M


def corrected(row: PhotoResult, action: Action, position: LonLat | None) -> PhotoResult:
    """A row after what a person said of it.

    Args:
        row: The row.
        action: What was said.
        position: Where it belongs, with ``move``.
    """
    if action == "accept":
        if row.longitude is None or row.latitude is None:
            return row
        return dataclasses.replace(
            row, status="corrected", correction=_said(row, action, ["status"])
        )
    changed: dict[str, Any] = dict.fromkeys(_OF_THE_PLACE)
    if row.heading is not None:  # `direction` was the same
        changed["direction"] = None
    if position is None:
        changed |= {"status": "rejected", "error": "a person has rejected the answer"}
    else:
        changed |= {
            "status": "corrected",
            "longitude": position.lon,
            "latitude": position.lat,
            "position_kind": row.position_kind or "camera",
        }
        if row.exif_lon is not None and row.exif_lat is not None:
            changed["exif_dist_m"] = distance_m(position, LonLat(row.exif_lon, row.exif_lat))
    return dataclasses.replace(row, correction=_said(row, action, changed), **changed)


def _said(row: PhotoResult, action: Action, changed: Iterable[str]) -> str:
    """The column `correction`: the answer that geoloc gave stays, however often it is corrected."""
    record = result_record(row)
    before = {name: record[name] for name in changed if record.get(name) is not None}
    try:
        earlier = json.loads(row.correction or "{}")
    except ValueError:
        earlier = {}
    known = earlier.get("before", {})
    if earlier.get("action") in (None, "accept"):
        known = before | known  # an acceptance has kept no more than the status
    said = {"action": action, "before": known}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))


def truth_rows(rows: Iterable[PhotoResult]) -> list[dict[str, str]]:
    """Rows of a table of truth: the corrected photos, as `geoloc evaluate` and others read it."""
    found = []
    for row in rows:
        if row.status != "corrected" or row.longitude is None or row.latitude is None:
            continue
        kind = "scene_" if row.position_kind == "scene" else ""
        found.append(
            {
                "photo": row.photo,
                f"{kind}lon": f"{row.longitude:.7f}",
                f"{kind}lat": f"{row.latitude:.7f}",
            }
        )
    return found
