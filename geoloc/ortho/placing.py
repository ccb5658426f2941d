"""Detections of one photo -> places on the ground, each with a radius, or the reason why not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely

from geoloc.arrays import Float64Array
from geoloc.errors import InputError
from geoloc.geometry.longitude import cut_at_antimeridian, in_range, near
from geoloc.options import BoxChoice, ProjectOptions
from geoloc.ortho.detections.detection import Detection, DetectionKind
from geoloc.ortho.pixel_frame import upright_pixels
from geoloc.ortho.uncertainty import ground_radii_m
from geoloc.ortho.view import PhotoView, photo_view
from geoloc.results.schema import PhotoResult
from geoloc.terrain.terrain import Terrain

# Straight in the photo is not straight on relief, or by a lens: so many pieces an edge.
_PIECES = 8
_LEAST_M2 = 1e-6


@dataclass(frozen=True, eq=False)
class PlacedObject:
    """A detection and its place.

    Attributes:
        detection: The detection.
        row: The row of its photo; None where no photo has its name.
        geometry: Its place in degrees, WGS84; None where it has none.
        longitude: Longitude of its middle, degrees.
        latitude: Latitude of its middle.
        ce90_m: Radius that holds the true middle 90 % of the time, if the photo is right.
        pixel_m: Longest side of a pixel there, on the ground.
        area_m2: Area of a box or a polygon on the ground.
        error: Why it has no place.
    """

    detection: Detection
    row: PhotoResult | None = None
    geometry: shapely.Geometry | None = None
    longitude: float | None = None
    latitude: float | None = None
    ce90_m: float | None = None
    pixel_m: float | None = None
    area_m2: float | None = None
    error: str | None = None


def place_detections(
    row: PhotoResult,
    detections: Sequence[Detection],
    options: ProjectOptions,
    terrain: Terrain | None = None,
) -> list[PlacedObject]:
    """The places of all detections of a photo, in their order.

    Args:
        row: The photo's row.
        detections: Its detections.
        options: How they are placed.
        terrain: Heights of the ground; None, or where it knows nothing, is level ground.
    """
    try:
        if row.status not in ("located", "ambiguous", "corrected"):
            raise InputError(f"its photo is {row.status}, so nothing of it has a place")
        view = photo_view(row, reach=options.reach, terrain=terrain)
    except InputError as error:
        return [PlacedObject(each, row, error=each.error or str(error)) for each in detections]
    placed = [_placed(each, row, view, options) for each in detections]
    return _with_radii(placed, row, view)


@dataclass(frozen=True, eq=False)
class _Ground:
    """Where a detection lies, in metres of the camera's frame and in pixels."""

    kind: DetectionKind
    parts: tuple[Float64Array, ...]
    middle_px: Float64Array


def _placed(
    detection: Detection, row: PhotoResult, view: PhotoView, options: ProjectOptions
) -> PlacedObject:
    """One detection with its geometry."""
    if detection.error is not None:
        return PlacedObject(detection, row, error=detection.error)
    try:
        kind, parts = _drawn(detection, options.boxes)
        upright = [upright_pixels(part, row, detection.size_px, options.pixels) for part in parts]
        lines = [_in_pieces(part, kind) for part in upright]
        ground = [_on_ground(line, view) for line in lines]
        area_m2 = sum(shapely.Polygon(part).area for part in ground) if kind == "polygon" else None
        if area_m2 is not None and area_m2 < _LEAST_M2:
            raise InputError("its polygon has no area")
        geometry = _geometry(kind, ground, view)
    except InputError as error:
        return PlacedObject(detection, row, error=str(error))
    middle = _middle(upright, kind)
    at = view.ground_at(middle[None])[0, :2]
    if not np.isfinite(at).all():
        return PlacedObject(detection, row, error=_why_not(middle[None], view))
    lon, lat = view.solved.frame.to_lonlat(at[None])[0].tolist()
    found = PlacedObject(detection, row, geometry, lon, lat, area_m2=area_m2)
    return replace(found, pixel_m=_pixel_m(middle, view))


def _drawn(detection: Detection, boxes: BoxChoice) -> tuple[DetectionKind, list[Float64Array]]:
    """What of a detection is placed: a box may stand for the point at its foot or its middle."""
    parts = [part for part in detection.parts if len(part)]
    if detection.kind == "box":
        (corners,) = parts
        if boxes == "foot":
            # As the photo is drawn: the lower edge of what the detector saw.
            return "point", [corners[2:].mean(axis=0, keepdims=True)]
        if boxes == "middle":
            return "point", [corners.mean(axis=0, keepdims=True)]
    if detection.kind in ("box", "polygon") and any(len(part) < 3 for part in parts):
        raise InputError("its polygon has fewer than 3 corners")
    if not parts:
        raise InputError("it has no points")
    return ("polygon" if detection.kind == "box" else detection.kind), parts


def _in_pieces(pixels: Float64Array, kind: DetectionKind) -> Float64Array:
    """A line or a ring with more points on it."""
    if kind == "point":
        return pixels
    following = np.roll(pixels, -1, axis=0)
    steps = np.arange(_PIECES)[None, :, None] / _PIECES
    many = (pixels[:, None] + steps * (following - pixels)[:, None]).reshape(-1, 2)
    return many if kind == "polygon" else many[: (len(pixels) - 1) * _PIECES + 1]


def _on_ground(pixels: Float64Array, view: PhotoView) -> Float64Array:
    """The ground (N, 2) that pixels show, metres.

    Raises:
        InputError: One of them shows none.
    """
    ground = view.ground_at(pixels)[:, :2]
    if not np.isfinite(ground).all():
        raise InputError(_why_not(pixels, view))
    return ground


def _why_not(pixels: Float64Array, view: PhotoView) -> str:
    """Why pixels show no ground."""
    ways = view.directions(pixels)
    if not np.isfinite(ways).all():
        return "it lies where the lens's distortion cannot be undone"
    if (ways[:, 2] >= 0).any():
        return "it lies above the horizon, or reaches there"
    met = view.ground.meet(view.origin_m, ways)
    if not np.isfinite(met).all():
        return "it lies where no height of the terrain is known"
    away_m = float(np.hypot(met[:, 0], met[:, 1]).max())
    return f"it lies {away_m:.0f} m away, past the reach of {view.reach_m:.0f} m (--reach)"


def _geometry(
    kind: DetectionKind, ground: Sequence[Float64Array], view: PhotoView
) -> shapely.Geometry:
    """The geometry in degrees, cut at the antimeridian."""
    frame, about = view.solved.frame, view.solved.position.lon
    rings = []
    for part in ground:
        lonlat = frame.to_lonlat(part)
        lonlat[:, 0] = near(lonlat[:, 0], about)
        rings.append(lonlat)
    if kind == "point":
        places = np.vstack(rings)
        places[:, 0] = in_range(places[:, 0])
        points = shapely.points(places).tolist()
        return points[0] if len(points) == 1 else shapely.MultiPoint(points)
    if kind == "line":
        lines = [shapely.LineString(ring) for ring in rings]
        return lines[0] if len(lines) == 1 else shapely.MultiLineString(lines)
    polygons: list[shapely.Polygon] = []
    for ring in rings:
        whole = shapely.make_valid(shapely.Polygon(ring))
        for piece in shapely.get_parts(whole):
            if piece.geom_type == "Polygon":
                polygons += shapely.get_parts(cut_at_antimeridian(piece)).tolist()
    return polygons[0] if len(polygons) == 1 else shapely.MultiPolygon(polygons)


def _middle(upright: Sequence[Float64Array], kind: DetectionKind) -> Float64Array:
    """The pixel (2,) in the middle of a detection."""
    if kind == "polygon":
        shapes = shapely.MultiPolygon([shapely.Polygon(part) for part in upright])
        if shapes.area > 0:
            return np.array([shapes.centroid.x, shapes.centroid.y])
    return np.asarray(np.vstack(list(upright)).mean(axis=0), np.float64)


def _pixel_m(pixel: Float64Array, view: PhotoView) -> float | None:
    """The longest side of a pixel on the ground."""
    steps = np.array([[-0.5, 0.0], [0.5, 0.0], [0.0, -0.5], [0.0, 0.5]])
    around = view.ground_at(pixel + steps)
    sides = np.linalg.norm(around[1::2] - around[::2], axis=1)
    return float(sides.max()) if np.isfinite(sides).all() else None


def _with_radii(
    placed: list[PlacedObject], row: PhotoResult, view: PhotoView
) -> list[PlacedObject]:
    """The same objects with their radii, all looked up at once."""
    known = [n for n, each in enumerate(placed) if each.error is None]
    if not known:
        return placed
    lon = near([placed[n].longitude or 0.0 for n in known], view.solved.position.lon)
    lat = [placed[n].latitude or 0.0 for n in known]
    at = view.solved.frame.from_lonlat(lon, lat)
    points = np.column_stack([at, view.ground.heights_m(at)])
    radii = ground_radii_m(row, view, view.pixels_of(points))
    found = list(placed)
    for number, radius_m in zip(known, radii.tolist(), strict=True):
        ce90_m = radius_m if math.isfinite(radius_m) else None
        found[number] = replace(placed[number], ce90_m=ce90_m)
    return found
