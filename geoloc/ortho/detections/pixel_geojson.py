"""Detections in GeoJSON whose coordinates are pixels, as image annotation tools export it.

Each feature names its photo in the property ``photo`` (or ``image``, ``filename``), and may have
``label`` (or ``class``) and ``score`` (or ``confidence``). QGIS counts the rows of a picture
without a place downwards from 0, as negative numbers; where none is positive, they are
turned round.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from geoloc.arrays import Float64Array
from geoloc.ortho.detections.detection import Detection, DetectionKind

_PHOTO = ("photo", "image", "filename", "file_name")
_LABEL = ("label", "class", "category", "name")
_SCORE = ("score", "confidence")
_KINDS: Mapping[str, DetectionKind] = {
    "Point": "point", "MultiPoint": "point", "LineString": "line", "MultiLineString": "line",
    "Polygon": "polygon", "MultiPolygon": "polygon",
}  # fmt: skip


def is_geojson(document: object) -> bool:
    """Whether a JSON document is a collection of features, or one."""
    return isinstance(document, dict) and document.get("type") in ("FeatureCollection", "Feature")


def read_pixel_geojson(document: Mapping[str, Any]) -> Iterator[Detection]:
    """The detections of a document; a feature that makes no sense has an `error`."""
    found = document.get("features")
    features = found if isinstance(found, list) else [document]
    detections = [_detection(f, n) for n, f in enumerate(features) if isinstance(f, dict)]
    rows = [part[:, 1] for detection in detections for part in detection.parts]
    are_negative = bool(rows) and max(float(each.max()) for each in rows) <= 0
    for detection in detections:
        if are_negative:
            parts = tuple(part * [1.0, -1.0] for part in detection.parts)
            yield replace(detection, parts=parts)
        else:
            yield detection


def _detection(feature: Mapping[str, Any], number: int) -> Detection:
    told = feature.get("properties")
    properties = told if isinstance(told, dict) else {}
    geometry = feature.get("geometry")
    shape = geometry if isinstance(geometry, dict) else {}
    name = str(feature.get("id", properties.get("id", number)))
    photo, label = _first(properties, _PHOTO), _first(properties, _LABEL)
    score = _first(properties, _SCORE)
    shared: dict[str, Any] = {
        "name": name,
        "photo": "" if photo is None else str(photo),
        "label": None if label is None else str(label),
        "score": float(score) if isinstance(score, int | float) else None,
    }
    kind = _KINDS.get(str(shape.get("type")))
    if kind is None:
        message = f"its geometry is {shape.get('type')}; expected a point, a line or a polygon"
        return Detection(kind="point", parts=(), error=message, **shared)
    try:
        parts = tuple(_parts(str(shape["type"]), shape["coordinates"]))
    except (TypeError, ValueError, KeyError, IndexError) as error:
        return Detection(kind=kind, parts=(), error=f"its geometry is damaged: {error}", **shared)
    return Detection(kind=kind, parts=parts, **shared)


def _parts(shape: str, coordinates: Any) -> Iterator[Float64Array]:
    """The points of each part; of a polygon its outer ring, open."""
    if shape == "Point":
        yield _points([coordinates])
    elif shape in ("MultiPoint",):
        for point in coordinates:
            yield _points([point])
    elif shape == "LineString":
        yield _points(coordinates)
    elif shape == "MultiLineString":
        for line in coordinates:
            yield _points(line)
    else:
        for polygon in [coordinates] if shape == "Polygon" else coordinates:
            ring = _points(polygon[0])
            yield ring[:-1] if (ring[0] == ring[-1]).all() else ring


def _points(coordinates: Any) -> Float64Array:
    points = np.array([list(point)[:2] for point in coordinates], np.float64)
    if points.ndim != 2 or not len(points) or not np.isfinite(points).all():
        raise ValueError("coordinates are not pairs of finite numbers")
    return points


def _first(properties: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((properties[name] for name in names if properties.get(name) is not None), None)
