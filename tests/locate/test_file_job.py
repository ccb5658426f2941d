"""Locating into a file, whatever ends the run: what was done is readable, and the rest is added."""

from __future__ import annotations

import errno
import os
import signal
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from geoloc.errors import IndexFolderError, MetadataError, OutputBusyError
from geoloc.locate.file_job import FileJob, locate_to_file
from geoloc.options import OutputOptions
from geoloc.results.files import read_results
from geoloc.results.journal import journal_path, read_journal
from tests.fixtures.flights import Flight, begin, interrupt, photo_names
from tests.fixtures.full_disk import SMALL_DISK_BYTES
from tests.fixtures.search import SearchWorld

FORMATS = ["geojson", "geojsonl", "gpkg", "fgb", "parquet", "csv"]
_NEW = OutputOptions(overwrite=True)


def _fail() -> None:
    raise OSError(5, "the share of the index is gone")


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("ending", [interrupt, _fail])
def test_what_was_done_is_written_and_the_same_call_goes_on(
    flight: Flight, fmt: str, ending: Callable[[], object]
) -> None:
    output = flight.folder / f"out.{fmt}"
    flight.breaks["b"] = ending
    with pytest.raises((KeyboardInterrupt, OSError)):
        flight.run(output.name)
    assert photo_names(output) == ["c", "a"]
    assert list(read_journal(output).rows) == [str(photo) for photo in flight.photos[:2]]
    summary = flight.run(output.name)
    assert flight.located == ["b", "d"]
    assert (summary.photos, summary.passed_over, summary.others) == (2, 2, 0)
    assert photo_names(output) == ["c", "a", "b", "d"]
    assert not journal_path(output).exists()
    assert not list(flight.folder.glob(".*"))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # the child only locates and dies
@pytest.mark.parametrize("fmt", ["geojson", "gpkg"])
def test_a_killed_run_leaves_its_rows_and_the_same_call_goes_on(flight: Flight, fmt: str) -> None:
    output = flight.folder / f"out.{fmt}"
    flight.breaks["d"] = lambda: os.kill(os.getpid(), signal.SIGKILL)
    child = os.fork()
    if child == 0:
        try:
            flight.run(output.name)
        finally:
            os._exit(1)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    assert not output.exists()
    assert photo_names(journal_path(output)) == ["c", "a", "b"]
    del flight.breaks["d"]
    assert flight.run(output.name).statuses == Counter(located=1)
    assert flight.located == ["d"]
    assert photo_names(output) == ["c", "a", "b", "d"]


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize(("left", "kept"), [(50_000, "ca"), (100_000, "cabd")])
def test_when_there_is_room_again_the_same_call_goes_on(
    flight: Flight, small_disk: Path, fmt: str, left: int, kept: str
) -> None:
    output = small_disk / f"out.{fmt}"
    flight.tile_path = "x" * 20_000
    filler = small_disk / "filler"
    filler.write_bytes(bytes(SMALL_DISK_BYTES - left))
    job = FileJob(flight.photos, "index", output)
    with pytest.raises(OSError, match="No space left") as caught:
        job.run()
    assert caught.value.errno == errno.ENOSPC
    assert photo_names(journal_path(output)) == list(kept)
    assert {path.name for path in small_disk.iterdir()} == {
        "filler",
        f"{output.name}.partial.geojsonl",
    }
    filler.unlink()
    flight.located.clear()
    locate_to_file(flight.photos, "index", output)
    assert flight.located == [name for name in "cabd" if name not in kept]
    assert photo_names(output) == ["c", "a", "b", "d"]
    assert not journal_path(output).exists()


def test_an_interrupt_while_the_output_is_written_costs_no_row(
    flight: Flight, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("geoloc.results.files.write_records", lambda *_: interrupt())
        job = FileJob(flight.photos, "index", flight.folder / "out.gpkg")
        with pytest.raises(KeyboardInterrupt):
            job.run()
    assert job.summary.kept_in == journal_path(flight.folder / "out.gpkg")
    flight.run("out.gpkg")
    assert flight.located == []
    assert photo_names(flight.folder / "out.gpkg") == ["c", "a", "b", "d"]


def test_what_a_writer_that_was_killed_left_is_swept(flight: Flight) -> None:
    left = [".out.7.0123abcd.tmp.gpkg", ".out.7.0123abcd.tmp.gpkg-journal"]
    left += [".out.gpkg.partial.7.0123abcd.tmp.geojsonl"]
    others = [".out.7.0123abcd.tmp.fgb", ".outer.7.0123abcd.tmp.gpkg", "out.7.0123abcd.tmp.gpkg"]
    for name in (*left, *others):
        (flight.folder / name).write_text("half")
    flight.run("out.gpkg")
    names = {path.name for path in flight.folder.iterdir()}
    assert names == {"photos", "out.gpkg", *others}


def test_a_run_killed_before_the_journal_was_removed_only_writes(flight: Flight) -> None:
    flight.breaks["d"] = interrupt
    with pytest.raises(KeyboardInterrupt):
        flight.run("out.csv")
    flight.run("out.csv", flight.photos[:3])
    assert flight.located == []
    assert photo_names(flight.folder / "out.csv") == ["c", "a", "b"]
    assert not journal_path(flight.folder / "out.csv").exists()


@pytest.mark.parametrize("fmt", FORMATS)
def test_a_finished_file_stays_as_it_is(flight: Flight, fmt: str) -> None:
    output = flight.folder / f"out.{fmt}"
    flight.run(output.name)
    before = output.read_bytes()
    summary = flight.run(output.name)
    assert summary.is_idle
    assert (summary.passed_over, flight.located) == (4, [])
    assert output.read_bytes() == before


def test_resume_that_is_interrupted_loses_no_row(flight: Flight) -> None:
    output = flight.folder / "out.fgb"
    flight.run(output.name, flight.photos[2:])
    flight.breaks["a"] = interrupt
    with pytest.raises(KeyboardInterrupt):
        flight.run(output.name, writing=OutputOptions(resume=True))
    assert photo_names(output) == ["c", "b", "d"]
    flight.run(output.name)
    assert flight.located == ["a"]
    assert photo_names(output) == ["c", "a", "b", "d"]


@pytest.mark.parametrize("is_finished", [True, False])
def test_overwrite_begins_anew(flight: Flight, is_finished: bool) -> None:
    begin(flight, "out.geojson", is_finished=is_finished)
    flight.index_id = "second"
    assert flight.run("out.geojson", writing=_NEW).photos == 4
    assert {row.index_id for row in read_results(flight.folder / "out.geojson")} == {"second"}
    assert not journal_path(flight.folder / "out.geojson").exists()


def test_what_serves_is_replaced_when_its_successor_is_whole(flight: Flight) -> None:
    output = flight.folder / "out.gpkg"
    flight.run(output.name)
    flight.index_id = "second"
    flight.breaks["b"] = interrupt
    job = FileJob(flight.photos, "index", output, writing=_NEW)
    with pytest.raises(KeyboardInterrupt):
        job.run()
    assert job.summary.kept_in == journal_path(output)
    assert {row.index_id for row in read_results(output)} == {"first"}
    flight.run(output.name)
    assert flight.located == ["b", "d"]
    assert {row.index_id for row in read_results(output)} == {"second"}


def test_rows_of_a_killed_run_serve_until_their_successors_are_whole(flight: Flight) -> None:
    output = flight.folder / "out.fgb"
    begin(flight, output.name, is_finished=False)
    output.unlink()
    flight.breaks["a"] = interrupt
    with pytest.raises(KeyboardInterrupt):
        flight.run(output.name, writing=_NEW)
    assert photo_names(output) == ["c", "a"]
    assert list(read_journal(output).rows) == [str(flight.photos[0])]


@pytest.mark.parametrize("error", [IndexFolderError, MetadataError])
def test_a_run_that_cannot_begin_changes_nothing(
    flight: Flight, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    begin(flight, "out.csv", is_finished=False)
    before = {path: path.read_bytes() for path in flight.folder.glob("out*")}

    def refuse(*_: object, **__: object) -> None:
        raise error("no")

    name = "open_index" if error is IndexFolderError else "locate_on"
    monkeypatch.setattr(f"geoloc.locate.file_job.{name}", refuse)
    with pytest.raises(error):
        flight.run("out.csv", writing=_NEW)
    assert {path: path.read_bytes() for path in flight.folder.glob("out*")} == before


def test_a_geopackage_that_is_opened_meanwhile_costs_no_row(flight: Flight) -> None:
    output = flight.folder / "out.gpkg"
    flight.run(output.name, flight.photos[:1])
    with closing(sqlite3.connect(output)) as qgis:

        def edit() -> None:
            qgis.execute("PRAGMA journal_mode = wal")
            qgis.execute("UPDATE gpkg_contents SET description = 'looked at'")
            qgis.commit()

        flight.breaks["d"] = edit
        with pytest.raises(OutputBusyError, match=r"close it there.*run the same command again"):
            flight.run(output.name, writing=OutputOptions(resume=True))
    flight.run(output.name)
    assert flight.located == []
    assert photo_names(output) == ["c", "a", "b", "d"]


def test_a_link_to_the_output_stays(flight: Flight) -> None:
    (flight.folder / "far").mkdir()
    (flight.folder / "out.geojson").symlink_to("far/real.geojson")
    begin(flight, "out.geojson", is_finished=False)
    flight.run("out.geojson")
    assert (flight.folder / "out.geojson").is_symlink()
    assert photo_names(flight.folder / "far" / "real.geojson") == ["c", "a", "b", "d"]
    assert [path.name for path in (flight.folder / "far").iterdir()] == ["real.geojson"]


@pytest.mark.slow
def test_a_run_on_an_index_is_gone_on_with(search_world: SearchWorld, tmp_path: Path) -> None:
    output = tmp_path / "out.gpkg"
    first = locate_to_file(search_world.photos[:1], search_world.index, output)
    assert first.statuses == Counter(located=1)
    writing = OutputOptions(resume=True)
    locate_to_file(search_world.photos[:2], search_world.index, output, writing=writing)
    rows = read_results(output)
    assert [row.photo for row in rows] == [str(photo) for photo in search_world.photos[:2]]
    assert rows[0].photo_size == search_world.photos[0].stat().st_size
    assert locate_to_file(search_world.photos[:2], search_world.index, output).is_idle
