"""Results as files: every format keeps every photo, in order, and reads back the same."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import json
import math
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import geopandas
import numpy as np
import pyogrio
import pytest

from geoloc.errors import InputError, OptionError, OutputExistsError
from geoloc.results.files import check_output, read_results, write_results
from geoloc.results.schema import RESULT_COLUMNS, PhotoResult, result_record
from tests.fixtures.csv_tables import SPREADSHEET_ENCODINGS, save_as_spreadsheet

IMPORTPHOTOS = [
    "photo",
    "filename",
    "directory",
    "altitude",
    "direction",
    "rotation",
    "longitude",
    "latitude",
    "timestamp",
]
FORMATS = ["geojson", "geojsonl", "gpkg", "fgb", "parquet", "csv"]
LAYER_FORMATS = ["geojson", "geojsonl", "gpkg", "fgb"]


def _results(folder: Path) -> list[PhotoResult]:
    """One of each status; in an order that no spatial index would choose."""
    return [
        PhotoResult(str(folder / "c ü.jpg"), "unreadable", error='truncated "JPEG",\nsorry'),
        PhotoResult(
            str(folder / "b.jpg"),
            "located",
            altitude=312.25,
            direction=90.5,
            rotation=90,
            longitude=13.123456789,
            latitude=-52.987654321,
            timestamp="2024-05-01T10:20:30",
            confidence=0.93,
            conf_kind="uncalibrated",
            conf_radius_m=25.0,
            acc95_m=12.5,
            heading=90.5,
            position_kind="camera",
            footprint="POLYGON ((13 -53, 13.001 -53, 13.001 -52.999, 13 -53))",
            n_inliers=57,
        ),
        PhotoResult(str(folder / "a.jpg"), "rejected", timestamp="2023-05-01T10:20:30"),
        PhotoResult(str(folder / "d.jpg"), "ambiguous", longitude=-179.0, latitude=1.0),
    ]


def test_first_columns_are_those_of_qgis_photo_import() -> None:
    assert [column.name for column in RESULT_COLUMNS][: len(IMPORTPHOTOS)] == IMPORTPHOTOS


def test_every_field_of_a_result_is_a_column_once() -> None:
    names = [column.name for column in RESULT_COLUMNS]
    fields = {field.name for field in dataclasses.fields(PhotoResult)}
    assert len(names) == len(set(names))
    assert set(names) == fields | {"filename", "directory"}


def test_filename_is_the_base_name_without_extension(tmp_path: Path) -> None:
    record = result_record(PhotoResult(str(tmp_path / "DJI_001.old.JPG"), "rejected"))
    assert record["filename"] == "DJI_001.old"
    assert record["directory"] == str(tmp_path)


def test_a_record_is_plain_rounded_and_free_of_nan() -> None:
    result = PhotoResult("x.jpg", "located", longitude=np.float64(1.23456789), heading=math.nan)
    record = result_record(dataclasses.replace(result, n_inliers=np.int64(7), error=""))
    assert record["longitude"] == 1.2345679
    assert type(record["longitude"]) is float
    assert type(record["n_inliers"]) is int
    assert record["heading"] is None
    assert record["error"] is None


def test_footprints_across_the_antimeridian_are_a_layer_of_parts(tmp_path: Path) -> None:
    outline = (
        "MULTIPOLYGON (((179.9 -17, 180 -17, 180 -16, 179.9 -17)),"
        " ((-180 -17, -179.9 -17, -180 -16, -180 -17)))"
    )
    found = list(_results(tmp_path))[1]
    results = [dataclasses.replace(found, footprint=outline), found]
    write_results(results, tmp_path / "out.gpkg")
    footprints = geopandas.read_file(tmp_path / "out.gpkg", layer="footprints")
    assert list(footprints.geom_type) == ["MultiPolygon"] * 2
    assert footprints.geometry[0].area == pytest.approx(0.1)


@pytest.mark.parametrize("fmt", FORMATS)
def test_every_format_reads_back_the_same(tmp_path: Path, fmt: str) -> None:
    results = _results(tmp_path / "photos")
    path = tmp_path / f"out.{fmt}"
    assert write_results(results, path)[0] == path
    expected = [{**result_record(r), "photo_rel": f"photos/{Path(r.photo).name}"} for r in results]
    assert [result_record(result) for result in read_results(path)] == expected


@pytest.mark.parametrize("fmt", LAYER_FORMATS)
def test_layers_hold_points_in_wgs84_and_keep_null_geometries(tmp_path: Path, fmt: str) -> None:
    path = tmp_path / f"out.{fmt}"
    write_results(_results(tmp_path), path)
    layer = "photos" if fmt == "gpkg" else None
    frame = geopandas.read_file(path, layer=layer)
    assert frame.crs.to_epsg() == 4326
    assert list(frame.columns[: len(IMPORTPHOTOS)]) == IMPORTPHOTOS
    assert list(frame.filename) == ["c ü", "b", "a", "d"]
    assert list(frame.geometry.isna()) == [True, False, True, False]
    point = frame.geometry[1]
    assert (point.x, point.y, point.has_z) == (13.1234568, -52.9876543, False)


def test_parquet_is_geoparquet_with_null_geometries(tmp_path: Path) -> None:
    write_results(_results(tmp_path), tmp_path / "out.parquet")
    frame = geopandas.read_parquet(tmp_path / "out.parquet")
    assert frame.crs.to_epsg() == 4326
    assert list(frame.geometry.isna()) == [True, False, True, False]
    assert str(frame.timestamp.dtype).startswith("datetime64")


def test_geojson_is_rfc_7946(tmp_path: Path) -> None:
    write_results(_results(tmp_path), tmp_path / "out.geojson")
    document = json.loads((tmp_path / "out.geojson").read_text(encoding="utf-8"))
    assert document["type"] == "FeatureCollection"
    assert "crs" not in document
    assert [feature["type"] for feature in document["features"]] == ["Feature"] * 4
    assert document["features"][0]["geometry"] is None
    assert document["features"][1]["geometry"]["coordinates"] == [13.1234568, -52.9876543]
    assert list(document["features"][1]["properties"]) == [column.name for column in RESULT_COLUMNS]


def test_geopackage_carries_its_styles_and_the_footprints(tmp_path: Path) -> None:
    path = tmp_path / "out.gpkg"
    assert write_results(_results(tmp_path), path) == [path]
    assert {name for name, _ in pyogrio.list_layers(path)} >= {"photos", "footprints"}
    footprints = geopandas.read_file(path, layer="footprints")
    assert list(footprints.filename) == ["b"]
    assert footprints.geometry[0].geom_type == "Polygon"
    with sqlite3.connect(path) as db:
        styles = dict(db.execute("SELECT f_table_name, styleQML FROM layer_styles"))
    db.close()
    assert set(styles) == {"photos", "footprints"}
    assert all(style.startswith("<!DOCTYPE qgis") for style in styles.values())


def test_a_footprint_refers_to_its_photo_by_a_key_that_gdal_and_qgis_follow(tmp_path: Path) -> None:
    write_results(_results(tmp_path), tmp_path / "out.gpkg")
    with closing(sqlite3.connect(tmp_path / "out.gpkg")) as db:
        keys = db.execute("PRAGMA foreign_key_list(footprints)").fetchall()
        assert [key[2:5] for key in keys] == [("photos", "photo_fid", "fid")]
        same = db.execute(
            "SELECT count(*), min(photos.photo = footprints.photo)"
            " FROM footprints JOIN photos ON photos.fid = photo_fid"
        ).fetchone()
        assert same == (1, 1)
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert not db.execute("PRAGMA foreign_key_check").fetchall()


@pytest.mark.parametrize("fmt", FORMATS)
def test_no_photos_at_all_make_an_empty_file(tmp_path: Path, fmt: str) -> None:
    write_results([], tmp_path / f"out.{fmt}")
    assert read_results(tmp_path / f"out.{fmt}") == []


def test_times_that_all_know_their_zone_become_utc(tmp_path: Path) -> None:
    stamps = ["2024-05-01T10:00:00+02:00", "2024-05-01T10:00:00+00:00"]
    results = [PhotoResult(f"{i}.jpg", "rejected", timestamp=t) for i, t in enumerate(stamps)]
    write_results(results, tmp_path / "out.gpkg")
    read = [result.timestamp for result in read_results(tmp_path / "out.gpkg")]
    assert read == ["2024-05-01T08:00:00+00:00", "2024-05-01T10:00:00+00:00"]


def test_times_of_mixed_kinds_become_wall_clock(tmp_path: Path) -> None:
    stamps = ["2024-05-01T10:00:00+02:00", "2024-05-01T11:00:00", "once upon a time", None]
    results = [PhotoResult(f"{i}.jpg", "rejected", timestamp=t) for i, t in enumerate(stamps)]
    write_results(results, tmp_path / "out.gpkg")
    read = [result.timestamp for result in read_results(tmp_path / "out.gpkg")]
    assert read == ["2024-05-01T10:00:00", "2024-05-01T11:00:00", None, None]


def test_an_existing_output_is_refused_before_any_work(tmp_path: Path) -> None:
    path = tmp_path / "out.geojson"
    path.write_text("mine")

    def never() -> Iterator[PhotoResult]:
        raise AssertionError("work was begun")
        yield

    with pytest.raises(OutputExistsError, match="--overwrite"):
        write_results(never(), path)
    assert path.read_text() == "mine"


def test_overwrite_replaces_the_file_and_its_style(tmp_path: Path) -> None:
    for name in ("out.geojson", "out.qml"):
        (tmp_path / name).write_text("old")
    write_results(_results(tmp_path), tmp_path / "out.geojson", overwrite=True)
    assert len(read_results(tmp_path / "out.geojson")) == 4
    assert (tmp_path / "out.qml").read_text(encoding="utf-8").startswith("<!DOCTYPE qgis")


def test_a_persons_own_style_is_kept(tmp_path: Path) -> None:
    (tmp_path / "out.qml").write_text("mine")
    assert write_results([], tmp_path / "out.geojson") == [tmp_path / "out.geojson"]
    assert (tmp_path / "out.qml").read_text() == "mine"


@pytest.mark.parametrize("fmt", ["geojson", "gpkg"])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("boom")])
def test_what_was_done_is_kept_when_the_work_breaks_off(
    tmp_path: Path, fmt: str, error: BaseException
) -> None:
    def broken() -> Iterator[PhotoResult]:
        yield from _results(tmp_path)[:2]
        raise error

    with pytest.raises(type(error)):
        write_results(broken(), tmp_path / f"out.{fmt}")
    assert [r.status for r in read_results(tmp_path / f"out.{fmt}")] == ["unreadable", "located"]
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("fmt", ["geojson", "fgb"])
def test_an_error_before_the_first_photo_leaves_nothing(tmp_path: Path, fmt: str) -> None:
    def broken() -> Iterator[PhotoResult]:
        raise OptionError("no")
        yield

    with pytest.raises(OptionError):
        write_results(broken(), tmp_path / f"out.{fmt}")
    assert not list(tmp_path.iterdir())


def test_stdout_takes_text_formats_and_writes_nothing_else(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert write_results(_results(tmp_path), "-") == []
    document = json.loads(capsysbinary.readouterr().out.decode("utf-8"))
    assert document["features"][0]["properties"]["filename"] == "c ü"
    assert document["features"][0]["properties"]["photo_rel"] == "c ü.jpg"
    with pytest.raises(OptionError, match="stdout"):
        write_results([], "-", fmt="gpkg")
    assert not list(tmp_path.iterdir())


def test_the_extension_chooses_the_format_and_fmt_overrides_it(tmp_path: Path) -> None:
    assert check_output(tmp_path / "a.GPKG", fmt=None, overwrite=False) == "gpkg"
    assert check_output(tmp_path / "a.txt", fmt="csv", overwrite=False) == "csv"
    with pytest.raises(OptionError, match=r"\.geojson"):
        check_output(tmp_path / "a.shp", fmt=None, overwrite=False)


def test_the_time_of_a_style_is_written_as_geopackage_wants_it(tmp_path: Path) -> None:
    write_results([PhotoResult("a.jpg", "rejected")], tmp_path / "out.gpkg")
    with contextlib.closing(sqlite3.connect(tmp_path / "out.gpkg")) as db:
        times = [row[0] for row in db.execute("SELECT update_time FROM layer_styles")]
    assert times
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", t) for t in times)


def test_an_output_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="folder does not exist"):
        check_output(tmp_path / "no" / "out.geojson", fmt=None, overwrite=False)
    with pytest.raises(OptionError, match="is a folder"):
        check_output(tmp_path, fmt="geojson", overwrite=True)


@pytest.mark.parametrize("name", ["out.geojson", "out.gpkg"])
def test_an_output_that_cannot_be_written_is_refused_before_the_first_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def refuse(path: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "touch", refuse)
    with pytest.raises(OptionError, match=rf"cannot write .*{name}: Permission denied"):
        check_output(tmp_path / name, fmt=None, overwrite=False)


def test_trying_whether_an_output_can_be_written_leaves_nothing(tmp_path: Path) -> None:
    check_output(tmp_path / "out.gpkg", fmt=None, overwrite=False)
    assert not list(tmp_path.iterdir())


def test_a_file_name_that_is_not_unicode_does_not_stop_a_run(tmp_path: Path) -> None:
    write_results([PhotoResult("photos/\udcff.jpg", "rejected")], tmp_path / "out.geojson")
    assert read_results(tmp_path / "out.geojson")[0].photo == "photos/\\udcff.jpg"


def test_csv_leaves_cells_empty_where_nothing_is_known(tmp_path: Path) -> None:
    write_results(_results(tmp_path), tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert rows[0]["longitude"] == ""
    assert rows[0]["error"] == 'truncated "JPEG",\nsorry'
    assert rows[1]["longitude"] == "13.1234568"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.geojson", "{"),
        ("b.geojson", '{"type": "FeatureCollection"}'),
        ("c.geojson", '{"features": [{"properties": {"name": "x"}}]}'),
        ("d.csv", "photo,lon\na.jpg,1\n"),
        ("e.gpkg", "no database"),
        ("f.parquet", "no table"),
    ],
)
def test_a_file_that_holds_no_results_is_refused(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=name):
        read_results(tmp_path / name)


@pytest.mark.parametrize("fmt", FORMATS)
def test_a_file_that_is_not_there_is_refused(tmp_path: Path, fmt: str) -> None:
    with pytest.raises(InputError, match="cannot read"):
        read_results(tmp_path / f"out.{fmt}")


@pytest.mark.parametrize("encoding", SPREADSHEET_ENCODINGS)
def test_results_saved_again_by_a_german_spreadsheet_are_the_same(
    tmp_path: Path, encoding: str
) -> None:
    path = tmp_path / "out.csv"
    write_results(_results(tmp_path), path)
    written = read_results(path)
    longitude = next(str(each.longitude) for each in written if each.longitude is not None)
    assert longitude in path.read_text(encoding="utf-8")
    save_as_spreadsheet(path, encoding=encoding)
    assert longitude.replace(".", ",") in path.read_bytes().decode(encoding)
    assert read_results(path) == written


def test_a_geopackage_has_the_places_that_compete_as_a_layer(tmp_path: Path) -> None:
    found = list(_results(tmp_path))[1]
    rivals = "[[13.1,52.1,0.6,20.0],[13.2,52.2,0.3,25.0]]"
    results = [
        dataclasses.replace(found, candidates="[[13.1,52.1,0.9,20.0]]"),
        dataclasses.replace(found, candidates=rivals),
    ]
    write_results(results, tmp_path / "out.gpkg")
    layer = geopandas.read_file(tmp_path / "out.gpkg", layer="candidates")
    assert list(layer.photo_fid) == [2, 2]
    assert list(layer["rank"]) == [1, 2]
    assert list(layer.probability) == [0.6, 0.3]
    assert [(p.x, p.y) for p in layer.geometry] == [(13.1, 52.1), (13.2, 52.2)]
    with closing(sqlite3.connect(tmp_path / "out.gpkg")) as db:
        keys = db.execute("PRAGMA foreign_key_list('candidates')").fetchall()
        styled = {name for (name,) in db.execute("SELECT f_table_name FROM layer_styles")}
    assert [(key[2], key[3], key[4]) for key in keys] == [("photos", "photo_fid", "fid")]
    assert styled == {"photos", "footprints", "candidates"}


def test_photos_without_rivals_have_no_layer_of_candidates(tmp_path: Path) -> None:
    write_results(_results(tmp_path), tmp_path / "out.gpkg")
    assert "candidates" not in geopandas.list_layers(tmp_path / "out.gpkg").name.to_list()


def test_layers_of_a_geopackage_say_what_they_are(tmp_path: Path) -> None:
    write_results(_results(tmp_path), tmp_path / "out.gpkg")
    with closing(sqlite3.connect(tmp_path / "out.gpkg")) as db:
        stated = dict(db.execute("SELECT table_name, description FROM gpkg_contents"))
    assert "located by geoloc" in stated["photos"]
    assert "photo_fid" in stated["footprints"]


def test_each_column_of_each_layer_of_a_geopackage_says_what_it_means(tmp_path: Path) -> None:
    rivals = "[[13.1,52.1,0.6,20.0],[13.2,52.2,0.3,25.0]]"
    rows = [
        PhotoResult(
            str(tmp_path / f"{place}.jpg"),
            "located",
            longitude=13.1,
            latitude=52.1 + place / 1000,
            candidates=rivals,
            footprint="POLYGON ((13 52, 13.1 52, 13.1 52.1, 13 52))",
            track="first",
            track_position=place,
        )
        for place in (1, 2)
    ]
    write_results(rows, tmp_path / "out.gpkg")
    layers = geopandas.list_layers(tmp_path / "out.gpkg").dropna().name
    assert set(layers) == {"photos", "footprints", "candidates", "tracks"}
    with closing(sqlite3.connect(tmp_path / "out.gpkg")) as db:
        for layer in layers:
            columns = {row[1] for row in db.execute(f"PRAGMA table_info({layer})")}
            query = "SELECT column_name, description FROM gpkg_data_columns WHERE table_name = ?"
            meanings = dict(db.execute(query, (layer,)))
            assert set(meanings) == columns - {"fid", "geom"}
            assert all(meanings.values())
        extensions = {row[0] for row in db.execute("SELECT extension_name FROM gpkg_extensions")}
    assert "gpkg_schema" in extensions
