"""What a later run makes of an output: gone on with, left as it is, or refused by name."""

from __future__ import annotations

import os
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import geopandas
import pytest

from geoloc.errors import OutputExistsError
from geoloc.locate.run_facts import PhotoStates
from geoloc.options import LocateOptions, OutputOptions
from geoloc.results.files import read_results, write_results
from geoloc.results.journal import journal_path
from tests.fixtures.calibrations import flat_calibration
from tests.fixtures.flights import Flight, begin, photo_names
from tests.fixtures.progress import RecordedProgress

FORMATS = ["geojson", "geojsonl", "gpkg", "fgb", "parquet", "csv"]


@pytest.mark.parametrize("fmt", FORMATS)
def test_photos_that_are_new_or_have_changed_are_named_and_added_on_demand(
    flight: Flight, fmt: str
) -> None:
    output = flight.folder / f"out.{fmt}"
    flight.run(output.name, flight.photos[1:])
    os.utime(flight.photos[1], (10, 10))
    flight.photos[2].write_bytes(b"23")
    with pytest.raises(
        OutputExistsError,
        match=r"of these 4 photos 1 new \(c.jpg\) and 2 changed \(a.jpg, ...\).*--resume",
    ):
        flight.run(output.name)
    assert (flight.located, photo_names(output)) == ([], ["a", "b", "d"])
    flight.run(output.name, writing=OutputOptions(resume=True))
    assert flight.located == ["c", "a", "b"]
    assert photo_names(output) == ["c", "a", "b", "d"]
    assert [row.photo_size for row in read_results(output)] == [1, 1, 2, 1]
    assert flight.run(output.name).is_idle


def test_rows_of_photos_that_are_not_given_are_kept(flight: Flight) -> None:
    flight.run("out.csv", flight.photos[:2])
    summary = flight.run("out.csv", flight.photos[2:], writing=OutputOptions(resume=True))
    assert (summary.photos, summary.passed_over, summary.others) == (2, 0, 2)
    assert photo_names(flight.folder / "out.csv") == ["c", "a", "b", "d"]


def test_photos_that_could_not_be_read_are_tried_again(flight: Flight) -> None:
    flight.unreadable = {"a", "b"}
    assert flight.run("out.geojson").statuses == Counter(located=2, unreadable=2)
    flight.unreadable = {"b"}
    assert flight.run("out.geojson").statuses == Counter(located=1, unreadable=1)
    assert flight.located == ["a", "b"]
    rows = read_results(flight.folder / "out.geojson")
    assert [row.status for row in rows] == ["located", "located", "unreadable", "located"]


@pytest.mark.parametrize("fmt", FORMATS)
def test_an_output_without_any_point_is_gone_on_with(flight: Flight, fmt: str) -> None:
    output = flight.folder / f"out.{fmt}"
    write_results([], output)
    flight.unreadable = set("cabd")
    flight.run(output.name, writing=OutputOptions(resume=True))
    flight.unreadable = set()
    assert flight.run(output.name).statuses == Counter(located=4)
    assert photo_names(output) == ["c", "a", "b", "d"]


def test_one_photo_given_by_two_paths_has_one_row(
    flight: Flight, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(flight.folder)
    given = [Path("photos/a.jpg"), flight.folder / "photos" / "a.jpg"]
    assert flight.run("out.csv", given).photos == 1
    assert photo_names(flight.folder / "out.csv") == ["a"]


@pytest.mark.parametrize("is_finished", [True, False])
@pytest.mark.parametrize(
    ("before", "now", "reason"),
    [
        (LocateOptions(), LocateOptions(effort="high"), "--effort was normal, now high"),
        (LocateOptions(prior="exif"), LocateOptions(), "--prior was exif, now none"),
        (LocateOptions(frame_rate_hz=2), LocateOptions(), "--frame-rate was 2, now none"),
        (LocateOptions(), LocateOptions(metadata="m.csv"), r"--metadata was none, now m\.csv \("),
    ],
)
def test_other_options_are_refused_by_name(
    flight: Flight, is_finished: bool, before: LocateOptions, now: LocateOptions, reason: str
) -> None:
    begin(flight, "out.csv", is_finished=is_finished, options=before)
    with pytest.raises(OutputExistsError, match=rf"{reason}.*--overwrite"):
        flight.run("out.csv", options=now)
    assert flight.located == []
    assert photo_names(flight.folder / "out.csv")[:2] == ["c", "a"]


@pytest.mark.parametrize("is_finished", [True, False])
def test_another_index_is_refused_by_name(flight: Flight, is_finished: bool) -> None:
    begin(flight, "out.gpkg", is_finished=is_finished)
    flight.index_id = "second"
    with pytest.raises(OutputExistsError, match="the index was first, now second"):
        flight.run("out.gpkg")


@pytest.mark.parametrize("is_finished", [True, False])
def test_another_calibration_of_the_index_is_refused_by_name(
    flight: Flight, is_finished: bool
) -> None:
    begin(flight, "out.csv", is_finished=is_finished)
    flight.calibration = flat_calibration()
    with pytest.raises(OutputExistsError, match=r"calibration was none, now photos \("):
        flight.run("out.csv")
    flight.run("out.csv", writing=OutputOptions(overwrite=True))
    assert flight.run("out.csv").is_idle
    flight.calibration = flat_calibration(intercept=1.0)
    with pytest.raises(OutputExistsError, match=r"calibration was photos \(\w+\), now photos \("):
        flight.run("out.csv")


def test_a_table_of_metadata_that_was_corrected_is_noticed(flight: Flight) -> None:
    table = flight.folder / "said.csv"
    table.write_text("photo,rel_alt_m\n")
    options = LocateOptions(metadata=str(table))
    flight.run("out.csv", options=options)
    assert flight.run("out.csv", options=options).is_idle
    table.write_text("photo,rel_alt_m\na.jpg,100\n")
    with pytest.raises(OutputExistsError, match=r"--metadata was said\.csv \(\w+\), now said\.csv"):
        flight.run("out.csv", options=options)


@pytest.mark.parametrize("fmt", FORMATS)
def test_frames_whose_flight_log_was_changed_are_located_again(flight: Flight, fmt: str) -> None:
    frame, other = flight.photos[0].with_name("frame_0001.jpg"), flight.photos[1]
    frame.write_bytes(b"1")
    log = frame.with_name("flight.SRT")
    log.write_text("one")
    flight.run(f"out.{fmt}", [frame, other])
    assert flight.run(f"out.{fmt}", [frame, other]).is_idle
    log.write_text("two")
    with pytest.raises(OutputExistsError, match=r"1 changed \(frame_0001\.jpg\)"):
        flight.run(f"out.{fmt}", [frame, other])
    given = LocateOptions(metadata=str(log))
    assert PhotoStates(given).state_of(frame).flight_log is None


def test_options_that_only_change_the_pace_are_no_others(flight: Flight) -> None:
    flight.run("out.csv")
    options = LocateOptions(device="cpu", workers=7, prior_radius_m=5)
    assert flight.run("out.csv", options=options).is_idle


def test_a_file_that_is_not_of_the_unfinished_run_is_refused(flight: Flight) -> None:
    begin(flight, "out.csv", is_finished=False)
    journal = journal_path(flight.folder / "out.csv").read_bytes()
    journal_path(flight.folder / "out.csv").unlink()
    flight.run("out.csv", flight.photos, writing=OutputOptions(resume=True))
    journal_path(flight.folder / "out.csv").write_bytes(journal)
    with pytest.raises(OutputExistsError, match="does not know"):
        flight.run("out.csv")
    assert len(photo_names(flight.folder / "out.csv")) == 4


@pytest.mark.parametrize("fmt", FORMATS)
def test_a_file_of_something_else_is_refused_and_stays(flight: Flight, fmt: str) -> None:
    output = flight.folder / f"out.{fmt}"
    output.write_bytes(b"mine")
    with pytest.raises(OutputExistsError, match=rf"out\.{fmt} exists.*--overwrite"):
        flight.run(output.name)
    assert output.read_bytes() == b"mine"
    assert not journal_path(output).exists()


@pytest.mark.parametrize("fmt", ["geojson", "gpkg", "fgb", "parquet"])
@pytest.mark.parametrize("is_finished", [True, False])
def test_a_column_that_a_person_has_added_is_not_lost(
    flight: Flight, fmt: str, is_finished: bool
) -> None:
    output = flight.folder / f"out.{fmt}"
    flight.unreadable = {"c"}
    begin(flight, output.name, is_finished=is_finished)
    if fmt == "parquet":
        geopandas.read_parquet(output).assign(seen=1).to_parquet(output)
    else:
        options = {"SPATIAL_INDEX": "NO"} if fmt == "fgb" else {}
        frame = geopandas.read_file(output, layer="photos")
        frame.assign(seen=1).to_file(output, layer="photos", **options)
    before = output.read_bytes()
    with pytest.raises(OutputExistsError, match="the column seen; rename the file"):
        flight.run(output.name)
    assert output.read_bytes() == before
    flight.unreadable = set()
    output.rename(output.with_stem("mine"))
    flight.run(output.name)
    assert photo_names(output) == ["c", "a", "b", "d"]


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ("UPDATE layer_styles SET styleQML = 'mine'", "a style"),
        ("INSERT INTO layer_styles (f_table_name, styleQML) VALUES ('photos', 'b')", "a style"),
    ],
)
def test_a_style_that_a_person_has_saved_is_not_lost(
    flight: Flight, change: str, part: str
) -> None:
    flight.run("out.gpkg", flight.photos[:2])
    with closing(sqlite3.connect(flight.folder / "out.gpkg")) as db, db:
        db.execute(change)
    with pytest.raises(OutputExistsError, match=part):
        flight.run("out.gpkg", writing=OutputOptions(resume=True))
    assert flight.run("out.gpkg", flight.photos[:2]).is_idle


def test_a_geopackage_that_was_saved_again_is_added_to_or_refused(flight: Flight) -> None:
    output = flight.folder / "out.gpkg"
    flight.run(output.name, flight.photos[:2])
    with closing(sqlite3.connect(output)) as db, db:
        db.execute("DROP TABLE layer_styles")
        db.execute("DELETE FROM gpkg_contents WHERE table_name = 'layer_styles'")
    flight.run(output.name, flight.photos[:3], writing=OutputOptions(resume=True))
    assert len(photo_names(output)) == 3
    with closing(sqlite3.connect(output)) as db, db:
        db.execute("ALTER TABLE photos DROP COLUMN longitude")
    with pytest.raises(OutputExistsError, match="moved"):
        flight.run(output.name, writing=OutputOptions(resume=True))


@pytest.mark.parametrize("fmt", ["geojson", "gpkg", "fgb", "parquet"])
def test_points_that_a_person_has_moved_stay(flight: Flight, fmt: str) -> None:
    output = flight.folder / f"out.{fmt}"
    flight.unreadable = {"b"}
    flight.run(output.name)
    flight.run(output.name)  # the points are where the columns say
    assert flight.located == ["b"]
    if fmt == "parquet":
        frame = geopandas.read_parquet(output)
        frame.set_geometry(frame.translate(0.001)).to_parquet(output)
    else:
        options = {"SPATIAL_INDEX": "NO"} if fmt == "fgb" else {}
        frame = geopandas.read_file(output, layer="photos")
        frame.set_geometry(frame.translate(0.001)).to_file(output, layer="photos", **options)
    with pytest.raises(OutputExistsError, match="3 points that were moved"):
        flight.run(output.name)


def test_a_layer_that_a_person_has_added_is_not_lost(flight: Flight) -> None:
    flight.run("out.gpkg", flight.photos[:2])
    output = flight.folder / "out.gpkg"
    geopandas.read_file(output, layer="photos").to_file(output, layer="mine", mode="a")
    with pytest.raises(OutputExistsError, match="the layer mine"):
        flight.run("out.gpkg", writing=OutputOptions(resume=True))
    assert "mine" in geopandas.list_layers(output)["name"].tolist()


def test_a_file_of_an_older_version_is_refused(flight: Flight) -> None:
    flight.run("out.csv")
    output = flight.folder / "out.csv"
    lines = [line.rsplit(",", 5)[0] for line in output.read_text().splitlines()]
    output.write_text("\n".join(lines) + "\n")
    with pytest.raises(OutputExistsError, match=r"out\.csv exists.*--overwrite"):
        flight.run("out.csv")


def test_rows_of_another_version_are_kept_with_a_warning(
    flight: Flight, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(flight, "out.csv", is_finished=False)
    monkeypatch.setattr("geoloc.locate.file_job.__version__", "7.0")
    progress = RecordedProgress()
    flight.run("out.csv", progress=progress)
    assert progress.warnings == ["rows of geoloc 0.1.0 are kept beside those of 7.0"]
