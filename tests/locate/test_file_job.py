"""Locating into a file, whatever ends the run: what was done is readable, and the rest is added."""

from __future__ import annotations

import errno
import os
import signal
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import geopandas
import pytest

from geoloc.errors import IndexFolderError, MetadataError, OutputBusyError, OutputExistsError
from geoloc.locate.file_job import FileJob, LocateSummary, locate_to_file
from geoloc.locate.run_facts import PhotoStates, options_text
from geoloc.options import LocateOptions, OutputOptions
from geoloc.progress import Progress
from geoloc.results.files import read_results
from geoloc.results.journal import journal_path, read_journal
from geoloc.results.schema import PhotoResult
from tests.fixtures.full_disk import SMALL_DISK_BYTES
from tests.fixtures.progress import RecordedProgress
from tests.fixtures.search import SearchWorld

FORMATS = ["geojson", "geojsonl", "gpkg", "fgb", "parquet", "csv"]
_NEW = OutputOptions(overwrite=True)


class _Flight:
    """Photos of a byte each in a folder of its own, and a stand-in for what locates them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.photos = [folder / "photos" / f"{name}.jpg" for name in "cabd"]
        (folder / "photos").mkdir()
        for photo in self.photos:
            photo.write_bytes(b"1")
        self.located: list[str] = []
        self.breaks: dict[str, Callable[[], object]] = {}
        self.unreadable: set[str] = set()
        self.tile_path: str | None = None
        self.index_id = "first"

    def open_index(self, index: Path, options: LocateOptions) -> SimpleNamespace:
        return SimpleNamespace(index_id=self.index_id)

    def locate_on(
        self,
        opened: SimpleNamespace,
        photos: Sequence[Path],
        options: LocateOptions,
        *,
        progress: Progress,
        passed_over: Sequence[Path],
    ) -> Iterator[PhotoResult]:
        for photo in photos:
            if photo not in passed_over:
                self.breaks.pop(photo.stem, int)()
                self.located.append(photo.stem)
                yield self._row(photo, opened.index_id, options)

    def _row(self, photo: Path, index_id: str, options: LocateOptions) -> PhotoResult:
        size, time, log = PhotoStates(options).state_of(photo)
        row = PhotoResult(str(photo), "unreadable", photo_size=size, photo_time=time, error="cut")
        row = replace(row, flight_log=log)
        row = replace(row, index_id=index_id, options=options_text(options), geoloc_version="0.1.0")
        if photo.stem in self.unreadable:
            return row
        row = replace(row, status="located", error=None, tile_path=self.tile_path)
        return replace(row, longitude=1.0, latitude=2.0)

    def run(self, name: str, photos: Sequence[Path] | None = None, **kwargs: Any) -> LocateSummary:
        self.located.clear()
        photos = self.photos if photos is None else photos
        return locate_to_file(photos, "index", self.folder / name, **kwargs)


@pytest.fixture
def flight(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> _Flight:
    flight = _Flight(tmp_path)
    monkeypatch.setattr("geoloc.locate.file_job.open_index", flight.open_index)
    monkeypatch.setattr("geoloc.locate.file_job.locate_on", flight.locate_on)
    return flight


def _names(output: Path) -> list[str]:
    return [Path(row.photo).stem for row in read_results(output)]


def _interrupt() -> None:
    raise KeyboardInterrupt


def _fail() -> None:
    raise OSError(5, "the share of the index is gone")


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("ending", [_interrupt, _fail])
def test_what_was_done_is_written_and_the_same_call_goes_on(
    flight: _Flight, fmt: str, ending: Callable[[], object]
) -> None:
    output = flight.folder / f"out.{fmt}"
    flight.breaks["b"] = ending
    with pytest.raises((KeyboardInterrupt, OSError)):
        flight.run(output.name)
    assert _names(output) == ["c", "a"]
    assert list(read_journal(output).rows) == [str(photo) for photo in flight.photos[:2]]
    summary = flight.run(output.name)
    assert flight.located == ["b", "d"]
    assert (summary.photos, summary.passed_over, summary.others) == (2, 2, 0)
    assert _names(output) == ["c", "a", "b", "d"]
    assert not journal_path(output).exists()
    assert not list(flight.folder.glob(".*"))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # the child only locates and dies
@pytest.mark.parametrize("fmt", ["geojson", "gpkg"])
def test_a_killed_run_leaves_its_rows_and_the_same_call_goes_on(flight: _Flight, fmt: str) -> None:
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
    assert _names(journal_path(output)) == ["c", "a", "b"]
    del flight.breaks["d"]
    assert flight.run(output.name).statuses == Counter(located=1)
    assert flight.located == ["d"]
    assert _names(output) == ["c", "a", "b", "d"]


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize(("left", "kept"), [(50_000, "ca"), (100_000, "cabd")])
def test_when_there_is_room_again_the_same_call_goes_on(
    flight: _Flight, small_disk: Path, fmt: str, left: int, kept: str
) -> None:
    output = small_disk / f"out.{fmt}"
    flight.tile_path = "x" * 20_000
    filler = small_disk / "filler"
    filler.write_bytes(bytes(SMALL_DISK_BYTES - left))
    job = FileJob(flight.photos, "index", output)
    with pytest.raises(OSError, match="No space left") as caught:
        job.run()
    assert caught.value.errno == errno.ENOSPC
    assert _names(journal_path(output)) == list(kept)
    assert {path.name for path in small_disk.iterdir()} == {
        "filler",
        f"{output.name}.partial.geojsonl",
    }
    filler.unlink()
    flight.located.clear()
    locate_to_file(flight.photos, "index", output)
    assert flight.located == [name for name in "cabd" if name not in kept]
    assert _names(output) == ["c", "a", "b", "d"]
    assert not journal_path(output).exists()


def test_an_interrupt_while_the_output_is_written_costs_no_row(
    flight: _Flight, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("geoloc.results.files.write_records", lambda *_: _interrupt())
        job = FileJob(flight.photos, "index", flight.folder / "out.gpkg")
        with pytest.raises(KeyboardInterrupt):
            job.run()
    assert job.summary.kept_in == journal_path(flight.folder / "out.gpkg")
    flight.run("out.gpkg")
    assert flight.located == []
    assert _names(flight.folder / "out.gpkg") == ["c", "a", "b", "d"]


def test_what_a_writer_that_was_killed_left_is_swept(flight: _Flight) -> None:
    left = [".out.7.0123abcd.tmp.gpkg", ".out.7.0123abcd.tmp.gpkg-journal"]
    left += [".out.gpkg.partial.7.0123abcd.tmp.geojsonl"]
    others = [".out.7.0123abcd.tmp.fgb", ".outer.7.0123abcd.tmp.gpkg", "out.7.0123abcd.tmp.gpkg"]
    for name in (*left, *others):
        (flight.folder / name).write_text("half")
    flight.run("out.gpkg")
    names = {path.name for path in flight.folder.iterdir()}
    assert names == {"photos", "out.gpkg", *others}


def test_a_run_killed_before_the_journal_was_removed_only_writes(flight: _Flight) -> None:
    flight.breaks["d"] = _interrupt
    with pytest.raises(KeyboardInterrupt):
        flight.run("out.csv")
    flight.run("out.csv", flight.photos[:3])
    assert flight.located == []
    assert _names(flight.folder / "out.csv") == ["c", "a", "b"]
    assert not journal_path(flight.folder / "out.csv").exists()


@pytest.mark.parametrize("fmt", FORMATS)
def test_a_finished_file_stays_as_it_is(flight: _Flight, fmt: str) -> None:
    output = flight.folder / f"out.{fmt}"
    flight.run(output.name)
    before = output.read_bytes()
    summary = flight.run(output.name)
    assert summary.is_idle
    assert (summary.passed_over, flight.located) == (4, [])
    assert output.read_bytes() == before


@pytest.mark.parametrize("fmt", FORMATS)
def test_photos_that_are_new_or_have_changed_are_named_and_added_on_demand(
    flight: _Flight, fmt: str
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
    assert (flight.located, _names(output)) == ([], ["a", "b", "d"])
    flight.run(output.name, writing=OutputOptions(resume=True))
    assert flight.located == ["c", "a", "b"]
    assert _names(output) == ["c", "a", "b", "d"]
    assert [row.photo_size for row in read_results(output)] == [1, 1, 2, 1]
    assert flight.run(output.name).is_idle


def test_resume_that_is_interrupted_loses_no_row(flight: _Flight) -> None:
    output = flight.folder / "out.fgb"
    flight.run(output.name, flight.photos[2:])
    flight.breaks["a"] = _interrupt
    with pytest.raises(KeyboardInterrupt):
        flight.run(output.name, writing=OutputOptions(resume=True))
    assert _names(output) == ["c", "b", "d"]
    flight.run(output.name)
    assert flight.located == ["a"]
    assert _names(output) == ["c", "a", "b", "d"]


def test_rows_of_photos_that_are_not_given_are_kept(flight: _Flight) -> None:
    flight.run("out.csv", flight.photos[:2])
    summary = flight.run("out.csv", flight.photos[2:], writing=OutputOptions(resume=True))
    assert (summary.photos, summary.passed_over, summary.others) == (2, 0, 2)
    assert _names(flight.folder / "out.csv") == ["c", "a", "b", "d"]


def test_photos_that_could_not_be_read_are_tried_again(flight: _Flight) -> None:
    flight.unreadable = {"a", "b"}
    assert flight.run("out.geojson").statuses == Counter(located=2, unreadable=2)
    flight.unreadable = {"b"}
    assert flight.run("out.geojson").statuses == Counter(located=1, unreadable=1)
    assert flight.located == ["a", "b"]
    rows = read_results(flight.folder / "out.geojson")
    assert [row.status for row in rows] == ["located", "located", "unreadable", "located"]


def test_one_photo_given_by_two_paths_has_one_row(
    flight: _Flight, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(flight.folder)
    given = [Path("photos/a.jpg"), flight.folder / "photos" / "a.jpg"]
    assert flight.run("out.csv", given).photos == 1
    assert _names(flight.folder / "out.csv") == ["a"]


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
    flight: _Flight, is_finished: bool, before: LocateOptions, now: LocateOptions, reason: str
) -> None:
    _begin(flight, "out.csv", is_finished=is_finished, options=before)
    with pytest.raises(OutputExistsError, match=rf"{reason}.*--overwrite"):
        flight.run("out.csv", options=now)
    assert flight.located == []
    assert _names(flight.folder / "out.csv")[:2] == ["c", "a"]


def _begin(flight: _Flight, name: str, *, is_finished: bool, **kwargs: Any) -> None:
    """A finished output, or the remains of a run that was interrupted after two photos."""
    if is_finished:
        flight.run(name, **kwargs)
        return
    flight.breaks["b"] = _interrupt
    with pytest.raises(KeyboardInterrupt):
        flight.run(name, **kwargs)


@pytest.mark.parametrize("is_finished", [True, False])
def test_another_index_is_refused_by_name(flight: _Flight, is_finished: bool) -> None:
    _begin(flight, "out.gpkg", is_finished=is_finished)
    flight.index_id = "second"
    with pytest.raises(OutputExistsError, match="the index was first, now second"):
        flight.run("out.gpkg")


def test_a_table_of_metadata_that_was_corrected_is_noticed(flight: _Flight) -> None:
    table = flight.folder / "said.csv"
    table.write_text("photo,rel_alt_m\n")
    options = LocateOptions(metadata=str(table))
    flight.run("out.csv", options=options)
    assert flight.run("out.csv", options=options).is_idle
    table.write_text("photo,rel_alt_m\na.jpg,100\n")
    with pytest.raises(OutputExistsError, match=r"--metadata was said\.csv \(\w+\), now said\.csv"):
        flight.run("out.csv", options=options)


@pytest.mark.parametrize("fmt", FORMATS)
def test_frames_whose_flight_log_was_changed_are_located_again(flight: _Flight, fmt: str) -> None:
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


def test_options_that_only_change_the_pace_are_no_others(flight: _Flight) -> None:
    flight.run("out.csv")
    options = LocateOptions(device="cpu", workers=7, prior_radius_m=5)
    assert flight.run("out.csv", options=options).is_idle


@pytest.mark.parametrize("is_finished", [True, False])
def test_overwrite_begins_anew(flight: _Flight, is_finished: bool) -> None:
    _begin(flight, "out.geojson", is_finished=is_finished)
    flight.index_id = "second"
    assert flight.run("out.geojson", writing=_NEW).photos == 4
    assert {row.index_id for row in read_results(flight.folder / "out.geojson")} == {"second"}
    assert not journal_path(flight.folder / "out.geojson").exists()


def test_what_serves_is_replaced_when_its_successor_is_whole(flight: _Flight) -> None:
    output = flight.folder / "out.gpkg"
    flight.run(output.name)
    flight.index_id = "second"
    flight.breaks["b"] = _interrupt
    job = FileJob(flight.photos, "index", output, writing=_NEW)
    with pytest.raises(KeyboardInterrupt):
        job.run()
    assert job.summary.kept_in == journal_path(output)
    assert {row.index_id for row in read_results(output)} == {"first"}
    flight.run(output.name)
    assert flight.located == ["b", "d"]
    assert {row.index_id for row in read_results(output)} == {"second"}


def test_rows_of_a_killed_run_serve_until_their_successors_are_whole(flight: _Flight) -> None:
    output = flight.folder / "out.fgb"
    _begin(flight, output.name, is_finished=False)
    output.unlink()
    flight.breaks["a"] = _interrupt
    with pytest.raises(KeyboardInterrupt):
        flight.run(output.name, writing=_NEW)
    assert _names(output) == ["c", "a"]
    assert list(read_journal(output).rows) == [str(flight.photos[0])]


@pytest.mark.parametrize("error", [IndexFolderError, MetadataError])
def test_a_run_that_cannot_begin_changes_nothing(
    flight: _Flight, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    _begin(flight, "out.csv", is_finished=False)
    before = {path: path.read_bytes() for path in flight.folder.glob("out*")}

    def refuse(*_: object, **__: object) -> None:
        raise error("no")

    name = "open_index" if error is IndexFolderError else "locate_on"
    monkeypatch.setattr(f"geoloc.locate.file_job.{name}", refuse)
    with pytest.raises(error):
        flight.run("out.csv", writing=_NEW)
    assert {path: path.read_bytes() for path in flight.folder.glob("out*")} == before


def test_a_file_that_is_not_of_the_unfinished_run_is_refused(flight: _Flight) -> None:
    _begin(flight, "out.csv", is_finished=False)
    journal = journal_path(flight.folder / "out.csv").read_bytes()
    journal_path(flight.folder / "out.csv").unlink()
    flight.run("out.csv", flight.photos, writing=OutputOptions(resume=True))
    journal_path(flight.folder / "out.csv").write_bytes(journal)
    with pytest.raises(OutputExistsError, match="does not know"):
        flight.run("out.csv")
    assert len(_names(flight.folder / "out.csv")) == 4


@pytest.mark.parametrize("fmt", FORMATS)
def test_a_file_of_something_else_is_refused_and_stays(flight: _Flight, fmt: str) -> None:
    output = flight.folder / f"out.{fmt}"
    output.write_bytes(b"mine")
    with pytest.raises(OutputExistsError, match=rf"out\.{fmt} exists.*--overwrite"):
        flight.run(output.name)
    assert output.read_bytes() == b"mine"
    assert not journal_path(output).exists()


@pytest.mark.parametrize("fmt", ["geojson", "gpkg", "fgb", "parquet"])
@pytest.mark.parametrize("is_finished", [True, False])
def test_a_column_that_a_person_has_added_is_not_lost(
    flight: _Flight, fmt: str, is_finished: bool
) -> None:
    output = flight.folder / f"out.{fmt}"
    flight.unreadable = {"c"}
    _begin(flight, output.name, is_finished=is_finished)
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
    assert _names(output) == ["c", "a", "b", "d"]


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ("UPDATE layer_styles SET styleQML = 'mine'", "a style"),
        ("INSERT INTO layer_styles (f_table_name, styleQML) VALUES ('photos', 'b')", "a style"),
    ],
)
def test_a_style_that_a_person_has_saved_is_not_lost(
    flight: _Flight, change: str, part: str
) -> None:
    flight.run("out.gpkg", flight.photos[:2])
    with closing(sqlite3.connect(flight.folder / "out.gpkg")) as db, db:
        db.execute(change)
    with pytest.raises(OutputExistsError, match=part):
        flight.run("out.gpkg", writing=OutputOptions(resume=True))
    assert flight.run("out.gpkg", flight.photos[:2]).is_idle


def test_a_layer_that_a_person_has_added_is_not_lost(flight: _Flight) -> None:
    flight.run("out.gpkg", flight.photos[:2])
    output = flight.folder / "out.gpkg"
    geopandas.read_file(output, layer="photos").to_file(output, layer="mine", mode="a")
    with pytest.raises(OutputExistsError, match="the layer mine"):
        flight.run("out.gpkg", writing=OutputOptions(resume=True))
    assert "mine" in geopandas.list_layers(output)["name"].tolist()


def test_a_file_of_an_older_version_is_refused(flight: _Flight) -> None:
    flight.run("out.csv")
    output = flight.folder / "out.csv"
    lines = [line.rsplit(",", 5)[0] for line in output.read_text().splitlines()]
    output.write_text("\n".join(lines) + "\n")
    with pytest.raises(OutputExistsError, match=r"out\.csv exists.*--overwrite"):
        flight.run("out.csv")


def test_rows_of_another_version_are_kept_with_a_warning(
    flight: _Flight, monkeypatch: pytest.MonkeyPatch
) -> None:
    _begin(flight, "out.csv", is_finished=False)
    monkeypatch.setattr("geoloc.locate.file_job.__version__", "7.0")
    progress = RecordedProgress()
    flight.run("out.csv", progress=progress)
    assert progress.warnings == ["rows of geoloc 0.1.0 are kept beside those of 7.0"]


def test_a_geopackage_that_is_opened_meanwhile_costs_no_row(flight: _Flight) -> None:
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
    assert _names(output) == ["c", "a", "b", "d"]


def test_a_link_to_the_output_stays(flight: _Flight) -> None:
    (flight.folder / "far").mkdir()
    (flight.folder / "out.geojson").symlink_to("far/real.geojson")
    _begin(flight, "out.geojson", is_finished=False)
    flight.run("out.geojson")
    assert (flight.folder / "out.geojson").is_symlink()
    assert _names(flight.folder / "far" / "real.geojson") == ["c", "a", "b", "d"]
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
