"""Write objects on the ground: GeoJSON, GeoPackage, FlatGeobuf, GeoParquet or CSV."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import shapely
from shapely.geometry.polygon import orient

from geoloc.errors import OutputExistsError
from geoloc.options import OutputFormat
from geoloc.ortho.placing import PlacedObject
from geoloc.results.files import check_place
from geoloc.storage.atomic import replacing

_DECIMALS_DEG = 8
# Column: its type in a table.
COLUMNS: Mapping[str, str] = {
    "id": "object",
    "photo": "object",
    "status": "object",
    "label": "object",
    "score": "float64",
    "kind": "object",
    "longitude": "float64",
    "latitude": "float64",
    "ce90_m": "float64",
    "pixel_m": "float64",
    "area_m2": "float64",
    "confidence": "float64",
    "error": "object",
}


def check_objects_file(path: str | Path, *, overwrite: bool) -> OutputFormat:
    """The format that a file of objects will be written in, if it can be; costs nothing.

    Raises:
        OptionError: No such format, or no file can be written there.
        OutputExistsError: It is there, and `overwrite` was not asked for.
    """
    fmt = check_place(path, fmt=None)
    if Path(path).exists() and not overwrite:
        message = f"{path} exists; choose another name or say --overwrite"
        raise OutputExistsError(message, path=Path(path))
    return fmt


def write_objects(objects: Sequence[PlacedObject], path: Path, fmt: OutputFormat) -> None:
    """Write objects, whole or not at all; those without a place have a null geometry.

    Raises:
        OSError: The disk is full.
    """
    rows = [_row(each) for each in objects]
    shapes = [each.geometry for each in objects]
    with replacing(path) as draft:
        if fmt in ("geojson", "geojsonl"):
            _write_json(rows, shapes, draft, is_lines=fmt == "geojsonl")
        elif fmt == "csv":
            _write_csv(rows, shapes, draft)
        else:
            _write_layer(rows, shapes, draft, fmt)


def _row(each: PlacedObject) -> dict[str, Any]:
    """The columns of one object."""
    detection, row = each.detection, each.row
    return {
        "id": detection.name,
        "photo": detection.photo if row is None else row.photo,
        "status": None if row is None else row.status,
        "label": detection.label,
        "score": detection.score,
        "kind": detection.kind,
        "longitude": _rounded(each.longitude, _DECIMALS_DEG),
        "latitude": _rounded(each.latitude, _DECIMALS_DEG),
        "ce90_m": _rounded(each.ce90_m, 2),
        "pixel_m": _rounded(each.pixel_m, 4),
        "area_m2": _rounded(each.area_m2, 3),
        "confidence": None if row is None else row.confidence,
        "error": each.error,
    }


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None or not math.isfinite(value) else round(value, digits)


def _write_json(
    rows: Sequence[Mapping[str, Any]], shapes: Sequence[Any], path: Path, *, is_lines: bool
) -> None:
    features = [
        json.dumps(
            {"type": "Feature", "geometry": _geojson(shape), "properties": row}, ensure_ascii=False
        )
        for row, shape in zip(rows, shapes, strict=True)
    ]
    if is_lines:
        path.write_text("".join(f"{line}\n" for line in features), encoding="utf-8")
        return
    body = ",\n".join(features)
    path.write_text(
        f'{{"type": "FeatureCollection", "features": [\n{body}\n]}}\n', encoding="utf-8"
    )


def _geojson(shape: Any) -> Any:
    """A geometry as RFC 7946 has it: outer rings anticlockwise, degrees to a millimetre."""
    if shape is None:
        return None
    rounded = shapely.transform(_oriented(shape), lambda xy: xy.round(_DECIMALS_DEG))
    return json.loads(shapely.to_geojson(rounded))


def _oriented(shape: Any) -> Any:
    """A geometry whose outer rings are anticlockwise."""
    if shape.geom_type == "Polygon":
        return orient(shape)
    if shape.geom_type == "MultiPolygon":
        return shapely.MultiPolygon([orient(part) for part in shape.geoms])
    return shape


def _write_csv(rows: Sequence[Mapping[str, Any]], shapes: Sequence[Any], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow([*COLUMNS, "wkt"])
        for row, shape in zip(rows, shapes, strict=True):
            text = "" if shape is None else shapely.to_wkt(shape, rounding_precision=_DECIMALS_DEG)
            writer.writerow([*("" if v is None else v for v in row.values()), text])


def _write_layer(
    rows: Sequence[Mapping[str, Any]], shapes: Sequence[Any], path: Path, fmt: OutputFormat
) -> None:
    import geopandas  # half a second, which the text formats need not wait for
    import pandas as pd

    columns = {
        name: pd.Series([row[name] for row in rows], dtype=kind) for name, kind in COLUMNS.items()
    }
    frame = geopandas.GeoDataFrame(columns, geometry=list(shapes), crs="EPSG:4326")
    if fmt == "parquet":
        frame.to_parquet(path, write_covering_bbox=True)
        return
    driver = {"gpkg": "GPKG", "fgb": "FlatGeobuf"}[fmt]
    more = {"SPATIAL_INDEX": "NO"} if fmt == "fgb" else {}
    frame.to_file(
        path, driver=driver, layer="objects", engine="pyogrio", geometry_type="Unknown", **more
    )
