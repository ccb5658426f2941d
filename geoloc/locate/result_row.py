"""Result row of one photo: the columns of the output, from an estimate or from the lack of one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from geoloc import __version__
from geoloc.geometry.crs import LonLat, distance_m, distances_m
from geoloc.geometry.longitude import near
from geoloc.locate.estimate import RAYLEIGH_90, RAYLEIGH_95, CameraEstimate, Estimate
from geoloc.locate.ground_posterior import GroundPlace
from geoloc.photos.kind import PhotoKind
from geoloc.photos.metadata import PhotoMetadata
from geoloc.results.schema import PhotoResult, Status
from geoloc.results.solved_camera import control_points_text
from geoloc.tiles.tile_table import TileTable

# An estimate less probable than this is none: the row has its evidence, but no position.
REJECT_BELOW = 0.1
# Columns that say something of the photo at its place, and nothing of it elsewhere.
_OF_ONE_PLACE: tuple[str, ...] = (
    "direction", "heading", "heading_sd", "pitch_deg", "pitch_sd_deg", "roll_deg", "roll_sd_deg",
    "height_m", "height_sd_m", "altitude_m", "hfov_deg", "hfov_sd_deg", "lens_kind", "distortion",
    "photo_width", "photo_height", "control_points", "scene_longitude", "scene_latitude",
    "footprint", "n_inliers", "tile_id", "tile_path", "tile_crs", "exif_dist_m", "prior_dist_m",
)  # fmt: skip


class TileLookup:
    """Look-up of the tile of an index that shows a position."""

    def __init__(self, tiles: TileTable) -> None:
        self._tiles = tiles

    def row_at(self, lon: float, lat: float) -> int | None:
        """The tile whose centre is nearest among those that contain a position."""
        rows = self._tiles.rows_at(lon, lat)
        if len(rows) == 0:
            return None
        away = np.stack([self._tiles.lon[rows], self._tiles.lat[rows]], axis=1) - [lon, lat]
        away[:, 0] = near(away[:, 0], 0)
        return int(rows[np.argmin(np.abs(away).sum(axis=1))])

    def columns_at(self, lon: float, lat: float) -> dict[str, Any]:
        """`tile_id`, `tile_path` and `tile_crs` of that tile; empty when there is none."""
        row = self.row_at(lon, lat)
        if row is None:
            return {}
        (tile,) = self._tiles.records([row], ("tile_id", "location", "crs"))
        return {"tile_id": tile["tile_id"], "tile_path": tile["location"], "tile_crs": tile["crs"]}


@dataclass(frozen=True)
class Provenance:
    """What all rows of a run share.

    Attributes:
        model: Name of the index's model.
        index_id: Digest that names the index.
        run_id: Name of the run.
        tile_lookup: The index's tiles.
        min_confidence: Estimates less probable than this are ambiguous.
        options: Options that decide the answers, as `geoloc.locate.run_facts.options_text` says.
        needs_calibration: Whether estimates are ambiguous, however probable, that no photos of the
            index's own ground have calibrated.
    """

    model: str
    index_id: str
    run_id: str
    tile_lookup: TileLookup
    min_confidence: float
    options: str | None = None
    needs_calibration: bool = False

    @property
    def columns(self) -> dict[str, Any]:
        """The columns of a row that name the run."""
        return {
            "model": self.model,
            "index_id": self.index_id,
            "run_id": self.run_id,
            "geoloc_version": __version__,
            "options": self.options,
        }


def empty_row(
    path: Path,
    metadata: PhotoMetadata | None = None,
    *,
    status: Status,
    error: str,
    provenance: Provenance,
    kind: PhotoKind | None = None,
) -> PhotoResult:
    """The row of a photo without a position: it could not be read, or was found nowhere."""
    stated = _stated(metadata) if metadata is not None else {}
    return PhotoResult(
        photo=str(path.absolute()),
        status=status,
        error=error,
        view=kind,
        **provenance.columns,
        **stated,
    )


def result_row(
    path: Path,
    metadata: PhotoMetadata,
    *,
    kind: PhotoKind,
    estimate: Estimate | None,
    provenance: Provenance,
    supposed: LonLat | None = None,
    reason: str | None = None,
) -> PhotoResult:
    """The row of a photo that was searched for; without a position if the estimate is too weak.

    Args:
        path: The photo.
        metadata: What is known of it.
        kind: What kind of photo it is.
        estimate: What the search found.
        provenance: What all rows share.
        supposed: Where it was supposed to be, beforehand.
        reason: Why it found nothing, where more is known than the estimate tells.
    """
    row = empty_row(
        path,
        metadata,
        status="rejected",
        error=f"found nowhere on this map: {reason or _reason(kind, estimate)}",
        provenance=provenance,
        kind=kind,
    )
    if estimate is None:
        return row
    row = replace(row, **_evidence(estimate))
    if estimate.probability < REJECT_BELOW:
        return row
    is_sure = estimate.probability >= provenance.min_confidence
    if provenance.needs_calibration and estimate.conf_kind != "calibrated:photos":
        is_sure = False
    return replace(
        row,
        status="located" if is_sure else "ambiguous",
        error=None if is_sure else _doubt(estimate),
        **_position(estimate),
        **provenance.tile_lookup.columns_at(*estimate.position),
        **_distance_from_exif(metadata, estimate.position),
        **_distance_from_prior(supposed, estimate.position),
    )


def moved_row(
    row: PhotoResult,
    position: LonLat,
    ce90_m: float,
    *,
    provenance: Provenance,
    supposed: LonLat | None = None,
) -> PhotoResult:
    """A row at another of its candidates, of whose camera nothing is known there.

    Args:
        row: The row.
        position: The place.
        ce90_m: Radius that holds the truth 90 % of the time if it is that place, metres.
        provenance: What all rows share.
        supposed: Where it was supposed to be, beforehand.
    """
    unknown = dict.fromkeys(_OF_ONE_PLACE)
    if row.heading is None:  # else the direction was that heading
        unknown["direction"] = row.direction
    metadata = PhotoMetadata(lon=row.exif_lon, lat=row.exif_lat)
    columns: dict[str, Any] = {
        **unknown,
        **provenance.tile_lookup.columns_at(*position),
        **_distance_from_exif(metadata, position),
        **_distance_from_prior(supposed, position),
    }
    return replace(
        row,
        longitude=position.lon,
        latitude=position.lat,
        ce90_m=ce90_m,
        acc95_m=ce90_m * RAYLEIGH_95 / RAYLEIGH_90,
        position_kind="camera",
        **columns,
    )


def _reason(kind: PhotoKind, estimate: Estimate | None) -> str:
    """Why a photo is found nowhere, if it is."""
    if kind == "drone":
        if estimate is None:
            return "too little in the photo to compare"
        return "no place explains enough of the photo"
    if estimate is None:
        return "too few tiles to compare"
    return "no tile stands out from the others"


def _doubt(estimate: Estimate) -> str:
    """Why an estimate is ambiguous, if it is."""
    if estimate.n_modes > 1:
        return f"{estimate.n_modes} places compete; the best one holds {estimate.probability:.0%}"
    if estimate.n_inliers is not None:
        return f"one place stands out, but only {estimate.n_inliers} features agree on it"
    return "one place stands out, but hardly more than the best of so many would by chance"


def _evidence(estimate: Estimate) -> dict[str, Any]:
    """The columns that say how strong the evidence is, whatever the status."""
    return {
        "confidence": estimate.probability,
        "conf_kind": estimate.conf_kind,
        "conf_radius_m": estimate.radius_m,
        "score": estimate.score,
        "margin": estimate.margin,
        "spread_m": estimate.spread_m,
        "n_modes": estimate.n_modes,
        "n_inliers": estimate.n_inliers,
        "candidates": candidates_text(estimate.candidates),
    }


def candidates_text(candidates: Sequence[GroundPlace]) -> str | None:
    """Candidates as the column holds them: longitude, latitude, probability and 90 % radius."""
    if not candidates:
        return None
    rows = [
        [
            round(place.position.lon, 7),
            round(place.position.lat, 7),
            round(place.probability, 4),
            round(RAYLEIGH_90 * place.sd_m, 1),
        ]
        for place in candidates
    ]
    return json.dumps(rows, separators=(",", ":"))


def _position(estimate: Estimate) -> dict[str, Any]:
    """The columns of the position and of what goes with it."""
    columns: dict[str, Any] = {
        "longitude": estimate.position.lon,
        "latitude": estimate.position.lat,
        "ce90_m": estimate.ce90_m,
        "acc95_m": estimate.acc95_m,
        "position_kind": "camera",
        "footprint": estimate.footprint,
    }
    if (heading := estimate.heading) is not None:
        columns |= {"heading": heading.deg, "heading_sd": heading.sd_deg, "direction": heading.deg}
    if estimate.camera is not None:
        columns |= _camera(estimate.camera)
    if (scene := estimate.scene) is not None:
        columns |= {"scene_longitude": scene.lon, "scene_latitude": scene.lat}
    return columns


def _camera(camera: CameraEstimate) -> dict[str, Any]:
    """The columns of the whole camera."""
    sd = camera.attitude_sd_deg
    return {
        "pitch_deg": camera.attitude.pitch_deg,
        "pitch_sd_deg": sd.pitch_deg,
        "roll_deg": camera.attitude.roll_deg,
        "roll_sd_deg": sd.roll_deg,
        "height_m": camera.height_m,
        "height_sd_m": camera.height_sd_m,
        "altitude_m": camera.altitude_m,
        "hfov_deg": camera.hfov_deg,
        "hfov_sd_deg": camera.hfov_sd_deg,
        "lens_kind": camera.lens_kind,
        "distortion": camera.distortion,
        "photo_width": camera.photo_size.width_px,
        "photo_height": camera.photo_size.height_px,
        "control_points": control_points_text(camera.control_points),
    }


def _stated(metadata: PhotoMetadata) -> dict[str, Any]:
    """The columns that the photo itself states."""
    return {
        "altitude": metadata.altitude_m,
        "direction": metadata.yaw_deg,
        "rotation": metadata.rotation_deg,
        "timestamp": metadata.timestamp,
        "exif_lon": metadata.lon,
        "exif_lat": metadata.lat,
    }


def _distance_from_exif(metadata: PhotoMetadata, position: LonLat) -> dict[str, Any]:
    """The column of the distance between the stated position and the estimate."""
    if metadata.lon is None or metadata.lat is None:
        return {}
    return {"exif_dist_m": float(distances_m(metadata.lon, metadata.lat, *position)[0])}


def _distance_from_prior(supposed: LonLat | None, position: LonLat) -> dict[str, Any]:
    """The column of the distance between the supposed position and the estimate."""
    return {} if supposed is None else {"prior_dist_m": distance_m(supposed, position)}
