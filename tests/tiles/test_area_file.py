"""Areas from vector files, as people have them."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import geopandas
import pytest
import shapely

from geoloc.errors import InputError, OptionError
from geoloc.options import TileOptions
from geoloc.tiles.area_file import file_area
from geoloc.tiles.scheme import resolve_scheme

INSIDE, OUTSIDE = shapely.Point(13.5, 52.5), shapely.Point(15.5, 52.5)
SQUARE = shapely.box(13, 52, 14, 53)


def write(path: Path, geometry: shapely.Geometry, crs: str | None = "EPSG:4326") -> Path:
    geopandas.GeoDataFrame(geometry=[geometry], crs=crs).to_file(path)
    return path


def test_a_file_in_another_crs_becomes_degrees(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gpkg", shapely.box(5e5, 0, 5.1e5, 1e4), "EPSG:32633")
    assert file_area(path).touches(shapely.Point(15.05, 0.05))
    assert not file_area(path).touches(shapely.Point(14.9, 0.05))


def test_a_file_without_polygons_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no polygon"):
        file_area(write(tmp_path / "p.geojson", shapely.Point(1, 2)))


def test_a_file_that_is_no_vector_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.geojson").write_text("hello")
    with pytest.raises(InputError, match="vector"):
        file_area(tmp_path / "a.geojson")


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read the area") as caught:
        file_area(tmp_path / "none.geojson")
    assert caught.value.path == tmp_path / "none.geojson"


def test_an_error_of_our_own_is_not_taken_for_a_damaged_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise TypeError("a mistake")

    monkeypatch.setattr(geopandas, "read_file", fail)
    with pytest.raises(TypeError, match="a mistake"):
        file_area(tmp_path / "a.geojson")


def layers(path: Path, **shapes: shapely.Geometry) -> Path:
    """A GeoPackage of layers with one geometry each."""
    for name, shape in shapes.items():
        table = geopandas.GeoDataFrame(geometry=[shape], crs="EPSG:4326")
        table.to_file(path, layer=name, driver="GPKG")
    return path


def holds_the_square(path: Path, layer: str | None = None) -> None:
    area = file_area(path, layer)
    assert area.touches(INSIDE)
    assert not area.touches(OUTSIDE)


def test_the_layer_with_polygons_is_taken(tmp_path: Path) -> None:
    line = shapely.LineString([(15, 52), (16, 53)])
    holds_the_square(layers(tmp_path / "a.gpkg", roads=line, points=OUTSIDE, area=SQUARE))


def test_several_layers_with_polygons_are_named_and_one_can_be_chosen(tmp_path: Path) -> None:
    path = layers(tmp_path / "a.gpkg", north=shapely.box(15, 52, 16, 53), south=SQUARE)
    with pytest.raises(OptionError, match="2 layers: north, south; choose one with --aoi-layer"):
        file_area(path)
    holds_the_square(path, "south")
    with pytest.raises(InputError, match="no layer 'west'; it has north, south"):
        file_area(path, "west")


def test_a_layer_without_a_file_is_refused() -> None:
    with pytest.raises(OptionError, match="--aoi-layer names a layer of --aoi"):
        resolve_scheme(TileOptions(ground_sizes_m=(100,), size_px=64, aoi_layer="south"))


BOW_TIE = shapely.Polygon([(13, 52), (14, 53), (14, 52), (13, 53)])
SHAPES = {
    "in a collection": shapely.GeometryCollection([OUTSIDE, shapely.GeometryCollection([SQUARE])]),
    "with heights": shapely.force_3d(SQUARE, 40.0),
    "clockwise": shapely.Polygon(SQUARE.exterior.coords[::-1]),
    "of several parts": shapely.MultiPolygon([SQUARE, shapely.box(1, 2, 3, 4)]),
}


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("suffix", [".geojson", ".gpkg", ".fgb"])
def test_polygons_are_found_in_whatever_form(name: str, suffix: str, tmp_path: Path) -> None:
    holds_the_square(write(tmp_path / f"a{suffix}", SHAPES[name]))


def test_rings_that_cross_themselves_are_mended(tmp_path: Path) -> None:
    area = file_area(write(tmp_path / "a.gpkg", BOW_TIE))
    assert area.shape is not None
    assert area.shape.is_valid
    assert area.touches(shapely.Point(13.9, 52.5))


@pytest.mark.parametrize(
    "wkt",
    [
        "POLYGON M ((13 52 1, 14 52 1, 14 53 1, 13 53 1, 13 52 1))",
        "POLYGON ZM ((13 52 1 2, 14 52 1 2, 14 53 1 2, 13 53 1 2, 13 52 1 2))",
        "CURVEPOLYGON (CIRCULARSTRING (13 52.5, 13.5 53, 14 52.5, 13.5 52, 13 52.5))",
    ],
)
def test_measures_and_curves_are_no_hindrance(wkt: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f'WKT,id\n"{wkt}",1\n')
    table = tmp_path / "a.vrt"
    table.write_text(
        f"<OGRVRTDataSource><OGRVRTLayer name='a'><SrcDataSource>{path}</SrcDataSource>"
        "<GeometryType>wkbUnknown</GeometryType><LayerSRS>EPSG:4326</LayerSRS>"
        "<GeometryField encoding='WKT' field='WKT'/></OGRVRTLayer></OGRVRTDataSource>"
    )
    holds_the_square(table)


def test_null_and_empty_geometries_are_passed_over(tmp_path: Path) -> None:
    geometries = [None, {"type": "Polygon", "coordinates": []}, shapely.geometry.mapping(SQUARE)]
    features = [{"type": "Feature", "properties": {}, "geometry": g} for g in geometries]
    path = tmp_path / "a.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    holds_the_square(path)


def test_a_shapefile_without_its_prj_is_refused_with_the_reason(tmp_path: Path) -> None:
    path = write(tmp_path / "a.shp", SQUARE)
    holds_the_square(path)
    path.with_suffix(".prj").unlink()
    with pytest.raises(InputError, match=r"no CRS.*\.prj"):
        file_area(path)


KML = """<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document><Placemark>
<name>area</name><Polygon><outerBoundaryIs><LinearRing><coordinates>
13,52,0 14,52,0 14,53,0 13,53,0 13,52,0</coordinates></LinearRing></outerBoundaryIs></Polygon>
</Placemark></Document></kml>"""


def test_kml_and_kmz_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.kml").write_text(KML)
    holds_the_square(tmp_path / "a.kml")
    with zipfile.ZipFile(tmp_path / "a.kmz", "w") as archive:
        archive.writestr("doc.kml", KML)
    holds_the_square(tmp_path / "a.kmz")


def test_a_track_is_no_area(tmp_path: Path) -> None:
    path = tmp_path / "a.gpx"
    path.write_text(
        '<gpx version="1.1" creator="t" xmlns="http://www.topografix.com/GPX/1/1"><trk><trkseg>'
        '<trkpt lat="52" lon="13"/><trkpt lat="53" lon="14"/></trkseg></trk></gpx>'
    )
    with pytest.raises(InputError, match="no polygon"):
        file_area(path)


def test_a_projected_area_across_the_antimeridian_is_no_band_around_the_world(
    tmp_path: Path,
) -> None:
    path = write(tmp_path / "a.gpkg", shapely.box(8e5, 8.13e6, 8.4e5, 8.16e6), "EPSG:32760")
    area = file_area(path)
    assert area.touches(shapely.Point(-179.99, -16.8))
    assert area.touches(shapely.Point(179.99, -16.8))
    assert not area.touches(shapely.Point(13, -16.8))
