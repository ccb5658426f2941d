"""Areas of interest from vector files: their polygons in EPSG:4326."""

from __future__ import annotations

import warnings
from pathlib import Path

import geopandas
import numpy as np
import pyogrio
import shapely
from pyogrio.errors import DataLayerError, DataSourceError

from geoloc.arrays import AnyArray
from geoloc.errors import InputError, OptionError
from geoloc.tiles.area import Area

# Types of layers, as GDAL names them without Z and M, that may hold a polygon.
_MAY_HOLD_POLYGONS = (
    "Polygon", "MultiPolygon", "CurvePolygon", "MultiSurface", "Surface", "PolyhedralSurface",
    "TIN", "Triangle", "Unknown", "GeometryCollection",
)  # fmt: skip
_POLYGONS = (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)


def file_area(path: str | Path, layer: str | None = None) -> Area:
    """The polygons of a vector file.

    Args:
        path: The file; GeoJSON without a CRS is WGS84.
        layer: Its layer. None takes the one that holds polygons.

    Raises:
        InputError: It cannot be read, has no CRS, holds no polygon, or no such layer.
        OptionError: Several layers hold polygons, and none was chosen.
    """
    names = _layers_to_read(path, layer)
    polygons = {name: found for name in names if len(found := _polygons_of(path, name))}
    if not polygons:
        message = f"the area {path} holds no polygon"
        raise InputError(f"{message}; expected polygons, not lines or points", path=path)
    if len(polygons) > 1:
        known = ", ".join(map(str, polygons))
        message = f"the area {path} has polygons in {len(polygons)} layers: {known}"
        raise OptionError(f"{message}; choose one with --aoi-layer NAME")
    (chosen,) = polygons.values()
    valid = _only_polygons(shapely.make_valid(chosen))
    return Area(shapely.union_all(valid))


def _layers_to_read(path: str | Path, chosen: str | None) -> list[str | None]:
    """The layers that may hold polygons; None is the only one of a file that cannot be listed.

    Raises:
        InputError: There is no layer of the chosen name.
    """
    try:
        layers = dict(pyogrio.list_layers(path).tolist())
    except DataSourceError:
        return [chosen]  # reading it gives the reason
    if chosen is not None:
        if chosen not in layers:
            known = ", ".join(layers)
            message = f"the area {path} has no layer {chosen!r}"
            raise InputError(f"{message}; it has {known}", path=path)
        return [chosen]
    kinds = {name: str(kind).removeprefix("2.5D ").split()[0] for name, kind in layers.items()}
    return [name for name, kind in kinds.items() if kind in _MAY_HOLD_POLYGONS]


def _polygons_of(path: str | Path, layer: str | None) -> AnyArray:
    """The polygons (N,) of a layer in degrees.

    Raises:
        InputError: It cannot be read, has no CRS, or lies nowhere on the Earth.
    """
    chosen = {} if layer is None else {"layer": layer, "force_2d": True}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of measures, rings and styles that do not matter here
            table = geopandas.read_file(path, **chosen)
    except (DataSourceError, DataLayerError, OSError, UnicodeError) as error:
        message = f"cannot read the area {path}: {error}"
        raise InputError(f"{message}; expected a vector file such as GeoJSON", path=path) from error
    if not isinstance(table, geopandas.GeoDataFrame):
        return np.empty(0, dtype=object)  # a table without geometries
    polygons = _only_polygons(table.geometry.to_numpy())
    if table.crs is None and len(polygons):
        message = f"the area {path} has no CRS"
        advice = "expected polygons with one; a shapefile has it in a .prj beside it"
        raise InputError(f"{message}; {advice}", path=path)
    if not len(polygons):
        return polygons
    degrees = geopandas.GeoSeries(polygons, crs=table.crs).to_crs("EPSG:4326").to_numpy()
    if not np.isfinite(shapely.bounds(degrees)).all():
        message = f"the area {path} has coordinates without a place on the Earth in its CRS"
        raise InputError(f"{message} {table.crs.name!r}; check its CRS", path=path)
    return degrees if table.crs.is_geographic else np.array([_counted_on(one) for one in degrees])


def _only_polygons(shapes: AnyArray) -> AnyArray:
    """The polygons among shapes (N,), also those inside of collections, without empty ones."""
    shapes = shapes[~(shapely.is_missing(shapes) | shapely.is_empty(shapes))]
    kinds = shapely.get_type_id(shapes)
    plain = shapes[np.isin(kinds, _POLYGONS)]
    collections = shapes[kinds == shapely.GeometryType.GEOMETRYCOLLECTION]
    if not len(collections):
        return plain
    return np.concatenate([plain, _only_polygons(shapely.get_parts(collections))])


def _counted_on(shape: shapely.Geometry) -> shapely.Geometry:
    """A shape that a projection laid across the antimeridian, counted beyond 180 there."""
    west, _, east, _ = shape.bounds
    if east - west <= 180:
        return shape
    return shapely.transform(shape, lambda xy: xy + np.where(xy[:, :1] < 0, [[360, 0]], [[0, 0]]))
