"""What is written of one photo: from a belief in local metres to the columns of the output."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import shapely

from geoloc.arrays import Float64Array
from geoloc.geometry.camera import Camera, footprint, project
from geoloc.geometry.crs import LocalFrame, distances_m
from geoloc.locate.drone.posterior import CONFIDENCE_RADIUS_M, Belief
from geoloc.locate.street.posterior import StreetBelief
from geoloc.photos.metadata import PhotoMetadata
from geoloc.results.schema import PhotoResult, Status

# Below this an answer is no answer.
REJECT_BELOW = 0.1
_FOOTPRINT_REACH = 5.0


class TileLookup:
    """The tiles of an index, asked which of them shows a position."""

    def __init__(self, tiles: geopandas.GeoDataFrame) -> None:
        self._tiles = tiles
        self._tree = shapely.STRtree(tiles.geometry.to_numpy())
        self._centres = tiles[["lon", "lat"]].to_numpy(float)

    def row_at(self, lon: float, lat: float) -> int | None:
        """The tile whose centre is nearest among those that contain a position."""
        rows = self._tree.query(shapely.Point(lon, lat), predicate="intersects")
        if len(rows) == 0:
            return None
        near = np.abs(self._centres[rows] - [lon, lat]).sum(axis=1)
        return int(rows[np.argmin(near)])

    def columns_at(self, lon: float, lat: float) -> dict[str, Any]:
        """`tile_id`, `tile_path` and `tile_crs` of that tile; empty when there is none."""
        row = self.row_at(lon, lat)
        if row is None:
            return {}
        tile = self._tiles.iloc[row]
        return {
            "tile_id": str(tile["tile_id"]),
            "tile_path": str(tile["location"]),
            "tile_crs": str(tile["crs"]),
        }


@dataclass(frozen=True)
class Run:
    """What all results of a run share.

    Attributes:
        model: Name of the index's model.
        index_id: Of the index.
        run_id: Of the run.
        tile_lookup: The index's tiles.
        min_confidence: Answers below it are ambiguous.
    """

    model: str
    index_id: str
    run_id: str
    tile_lookup: TileLookup
    min_confidence: float

    @property
    def columns(self) -> dict[str, Any]:
        """What every row says of the run."""
        return {"model": self.model, "index_id": self.index_id, "run_id": self.run_id}


def no_answer(
    path: Path, metadata: PhotoMetadata | None, run: Run, status: Status, error: str
) -> PhotoResult:
    """A row without a point: the photo could not be read, or was found nowhere."""
    said = _said(metadata) if metadata is not None else {}
    return PhotoResult(
        photo=str(path.absolute()), status=status, error=error, **run.columns, **said
    )


def answer(
    path: Path,
    metadata: PhotoMetadata,
    camera: Camera,
    *,
    belief: Belief,
    frame: LocalFrame,
    run: Run,
) -> PhotoResult:
    """The row of a photo that has an answer, or of one whose best answer is too weak."""
    if belief.probability < REJECT_BELOW:
        weak = "found nowhere on this map: no place explains enough of the photo"
        result = no_answer(path, metadata, run, "rejected", weak)
        return replace(result, **_evidence(belief))
    found = belief.best.resection
    place = np.array([found.camera.position])
    lon, lat = frame.to_lonlat(place)[0]
    middle = np.array([[camera.width_px / 2, camera.height_px / 2]])
    scene = _lonlat(frame, project(found.homography, middle))
    turn = _north_turn_deg(frame, place)
    heading = (found.camera.pose.heading_deg + turn) % 360
    is_sure = belief.probability >= run.min_confidence
    return PhotoResult(
        photo=str(path.absolute()),
        status="located" if is_sure else "ambiguous",
        error=None if is_sure else _doubt(belief),
        longitude=float(lon),
        latitude=float(lat),
        ce90_m=belief.ce90_m,
        acc95_m=belief.acc95_m,
        heading=heading,
        heading_sd=found.heading_sd_deg,
        position_kind="camera",
        scene_longitude=scene[0],
        scene_latitude=scene[1],
        footprint=_outline(camera, belief, frame),
        **{**_said(metadata), "direction": heading},
        **_evidence(belief),
        **run.tile_lookup.columns_at(float(lon), float(lat)),
        **_against_exif(metadata, float(lon), float(lat)),
        **run.columns,
    )


def street_answer(
    path: Path, metadata: PhotoMetadata, *, belief: StreetBelief, view: str, run: Run
) -> PhotoResult:
    """The row of a street photo or a panorama, whose answer is where the camera stood."""
    evidence = _street_evidence(belief, view)
    if belief.probability < REJECT_BELOW:
        weak = "found nowhere on this map: no tile stands out from the others"
        return replace(no_answer(path, metadata, run, "rejected", weak), **evidence)
    lon, lat = belief.position
    is_sure = belief.probability >= run.min_confidence
    said = _said(metadata)
    if belief.heading is not None:
        said |= {"direction": belief.heading.deg}
        evidence |= {"heading": belief.heading.deg, "heading_sd": belief.heading.sd_deg}
    return PhotoResult(
        photo=str(path.absolute()),
        status="located" if is_sure else "ambiguous",
        error=None if is_sure else _street_doubt(belief),
        longitude=lon,
        latitude=lat,
        ce90_m=belief.ce90_m,
        acc95_m=belief.acc95_m,
        position_kind="camera",
        **said,
        **evidence,
        **run.tile_lookup.columns_at(lon, lat),
        **_against_exif(metadata, lon, lat),
        **run.columns,
    )


def _street_evidence(belief: StreetBelief, view: str) -> dict[str, Any]:
    return {
        "confidence": belief.probability,
        "conf_kind": "uncalibrated",
        "conf_radius_m": belief.radius_m,
        "score": belief.score,
        "margin": belief.margin,
        "spread_m": belief.spread_m,
        "n_modes": belief.n_modes,
        "view": view,
    }


def _street_doubt(belief: StreetBelief) -> str:
    if belief.n_modes > 1:
        return f"{belief.n_modes} places compete; the best one holds {belief.probability:.0%}"
    return "one place stands out, but hardly more than the best of so many would by chance"


def _evidence(belief: Belief) -> dict[str, Any]:
    return {
        "confidence": belief.probability,
        "conf_kind": "uncalibrated",
        "conf_radius_m": CONFIDENCE_RADIUS_M,
        "score": belief.best.score,
        "margin": belief.margin,
        "spread_m": belief.spread_m,
        "n_modes": belief.n_modes,
        "n_inliers": belief.best.n_inliers,
        "view": "drone",
    }


def _doubt(belief: Belief) -> str:
    if belief.n_modes > 1:
        return f"{belief.n_modes} places compete; the best one holds {belief.probability:.0%}"
    return f"one place stands out, but only {belief.best.n_inliers} features agree on it"


def _said(metadata: PhotoMetadata) -> dict[str, Any]:
    """What the photo says of itself."""
    return {
        "altitude": metadata.altitude_m,
        "direction": metadata.yaw_deg,
        "rotation": metadata.rotation_deg,
        "timestamp": metadata.timestamp,
        "exif_lon": metadata.lon,
        "exif_lat": metadata.lat,
    }


def _against_exif(metadata: PhotoMetadata, lon: float, lat: float) -> dict[str, Any]:
    if metadata.lon is None or metadata.lat is None:
        return {}
    return {"exif_dist_m": float(distances_m(metadata.lon, metadata.lat, lon, lat)[0])}


def _outline(camera: Camera, belief: Belief, frame: LocalFrame) -> str | None:
    """The photo's outline on the ground as WKT in lon, lat; None when all is sky."""
    found = belief.best.resection.camera
    reach = _FOOTPRINT_REACH * found.pose.height_m
    ground = footprint(camera, found.pose, max_distance_m=reach)
    if len(ground) < 3:
        return None
    polygon = shapely.Polygon(frame.to_lonlat(ground + np.array(found.position)))
    return str(shapely.to_wkt(shapely.orient_polygons(polygon), rounding_precision=7))


def _lonlat(frame: LocalFrame, xy_m: Float64Array) -> tuple[float | None, float | None]:
    if not np.isfinite(xy_m).all():
        return None, None
    lon, lat = frame.to_lonlat(xy_m)[0]
    return float(lon), float(lat)


def _north_turn_deg(frame: LocalFrame, place: Float64Array) -> float:
    """Degrees to add to an azimuth in the frame for one from true north, at a place."""
    (lon0, lat0), (lon1, lat1) = frame.to_lonlat(np.vstack([place, place + [[0.0, 100.0]]]))
    return math.degrees(math.atan2((lon1 - lon0) * math.cos(math.radians(lat0)), lat1 - lat0))
