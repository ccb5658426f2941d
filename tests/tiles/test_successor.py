"""Tiles that are replaced or grow serve until their successor is whole, whatever happens."""

from __future__ import annotations

import errno
import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from geoloc.errors import OutputBusyError, OutputExistsError, RasterError, TilesError
from geoloc.options import TileOptions
from geoloc.tiles import job, tile_set
from geoloc.tiles import run as tile_run
from geoloc.tiles.job import cut_tiles
from geoloc.tiles.parquet_rows import ParquetRows
from geoloc.tiles.tile_set import TileSet
from tests.fixtures import rasters
from tests.fixtures.killing import STEPS, run_killed_at
from tests.fixtures.progress import RecordedProgress

# Of a raster of 400 by 300 metres, four tiles, or one.
OLD = TileOptions(ground_sizes_m=(160.0,), size_px=32, overlap=0.0, workers=1)
NEW = replace(OLD, ground_sizes_m=(320.0,), overwrite=True)


@pytest.fixture
def source(tmp_path: Path) -> str:
    return str(rasters.utm(tmp_path / "region.tif").path)


@pytest.fixture
def other(tmp_path: Path) -> str:
    return str(rasters.mercator(tmp_path / "elsewhere.tif").path)


@pytest.fixture
def folder(tmp_path: Path, source: str) -> Path:
    """Finished tiles, and a file of somebody."""
    cut_tiles([source], tmp_path / "tiles", OLD)
    (tmp_path / "tiles" / "notes.txt").write_text("mine")
    return tmp_path / "tiles"


def served(folder: Path) -> dict[str, bytes]:
    """What a reader finds: every tile that opens, with its pixels; and the digest of all."""
    with TileSet.open(folder) as tiles:
        ids = tiles.table["tile_id"]
        pixels = {name: tiles.read(i).tobytes() for i, name in enumerate(ids)}
        return pixels | {"digest": tiles.digest().encode()}


def served_or_unfinished(folder: Path) -> dict[str, bytes] | None:
    """The same; None if a reader is told what to do."""
    if (folder / "tiles.json").exists():
        return served(folder)
    with pytest.raises(TilesError, match="unfinished; run the same geoloc tile command again"):
        TileSet.open(folder)
    return None


def files(folder: Path) -> dict[str, bytes]:
    """Every file but the mosaic, which holds the time of writing, and the lock of a killed run."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".gpkg" and path.name != ".geoloc.lock"
    }


def assert_killed_anywhere(
    folder: Path, runs: tuple[Callable[[Path], object], ...], patch: pytest.MonkeyPatch
) -> None:
    """At each step at which the first run may be killed, any of them goes on to the same end."""
    old, start, end = served(folder), folder.with_name("start"), folder.with_name("end")
    shutil.copytree(folder, start)
    shutil.copytree(folder, end)
    runs[0](end)
    new = served(end)
    assert new != old
    seen = set()
    for step in STEPS:
        shutil.rmtree(folder)
        shutil.copytree(start, folder)
        has_ended = run_killed_at(step, lambda: runs[0](folder), patch)
        found = served_or_unfinished(folder)
        assert found in (old, new, None), step
        seen.add("unfinished" if found is None else "old" if found == old else "new")
        runs[step // STEPS.step % len(runs)](folder)
        assert served(folder) == new, step
        assert files(folder) == files(end), step
        assert (folder / "tiles.gti.gpkg").is_file()
        if has_ended:
            assert seen == {"old", "unfinished", "new"}
            return
    pytest.fail("the run never ended")


@pytest.mark.slow
def test_a_replacement_that_is_killed_anywhere_goes_on(
    source: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(place: Path) -> None:
        cut_tiles([source], place, NEW)

    def without_overwrite(place: Path) -> None:
        is_begun = (place / "tiles.partial").exists()
        cut_tiles([source], place, replace(NEW, overwrite=not is_begun))

    assert_killed_anywhere(folder, (run, without_overwrite), monkeypatch)


def test_windows_replace_pixels(source: str, folder: Path) -> None:
    cut_tiles([source], folder, replace(NEW, virtual=True))
    with TileSet.open(folder) as tiles:
        assert tiles.read(0).any()
    names = {path.name for path in folder.iterdir()}
    assert names == {"tiles.json", "tiles.parquet", "tiles.gti.gpkg", "notes.txt"}
    cut_tiles([source], folder, NEW)
    assert len(list(folder.glob("pixels/*/*/*.tif"))) == len(TileSet.open(folder))


@pytest.mark.slow
def test_a_raster_that_is_added_by_a_run_that_is_killed_anywhere_is_added(
    source: str, other: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, options = tmp_path / "few", replace(NEW, overwrite=False, resume=True)
    cut_tiles([source], folder, options)
    run = lambda place: cut_tiles([source, other], place, options)  # noqa: E731
    assert_killed_anywhere(folder, (run,), monkeypatch)


def done_tiles(folder: Path, home: Path) -> dict[Path, int]:
    """When the pixels of those tiles were written that a journal knows, by their place."""
    lines = (folder / "tiles.partial.jsonl").read_text().splitlines()
    rows = (json.loads(line)["row"] for line in lines)
    places = (Path(row["location"]) for row in rows if row)
    return {place: (home / place).stat().st_mtime_ns for place in places}


@pytest.mark.parametrize("again", [{"overwrite": True}, {"overwrite": False}, {"resume": True}])
def test_what_was_cut_is_not_cut_again(
    source: str, other: str, folder: Path, again: dict[str, bool]
) -> None:
    first = (
        replace(OLD, **again) if "resume" in again else replace(OLD, min_valid=1, overwrite=True)
    )
    inputs, old = ([source, other] if first.resume else [source]), served(folder)
    with pytest.raises(KeyboardInterrupt):
        cut_tiles(inputs, folder, first, progress=RecordedProgress(stop_after=2))
    assert served(folder) == old
    notes = folder / "tiles.partial"
    done = done_tiles(notes, folder if first.resume else notes)
    assert len(done) >= 2
    cut_tiles(inputs, folder, replace(first, **again))
    assert {place: (folder / place).stat().st_mtime_ns for place in done} == done
    assert len(TileSet.open(folder)) > len(done)
    assert not notes.exists()


def test_old_tiles_serve_when_no_raster_can_be_read(
    source: str, folder: Path, tmp_path: Path
) -> None:
    old = files(folder)
    (tmp_path / "broken.tif").write_text("no raster")
    with pytest.raises(RasterError, match=r"broken\.tif"):
        cut_tiles([str(tmp_path / "broken.tif")], folder, NEW)
    assert files(folder) == old
    with pytest.raises(RasterError, match="no tiles"):
        cut_tiles([source], folder, replace(NEW, bounds=(0.0, 0.0, 1.0, 1.0)))
    assert files(folder) == old
    assert cut_tiles([source], folder, OLD).unchanged


@pytest.mark.parametrize("writer", ["write_table", "write_mosaic", "cut_raster"])
def test_old_tiles_serve_when_the_disk_is_full(
    source: str, folder: Path, monkeypatch: pytest.MonkeyPatch, writer: str
) -> None:
    old = served(folder)

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(folder))

    with monkeypatch.context() as patch:
        patch.setattr(job if writer == "cut_raster" else tile_run, writer, full)
        with pytest.raises(OSError, match="No space left"):
            cut_tiles([source], folder, NEW)
    assert served(folder) == old
    cut_tiles([source], folder, NEW)
    assert set(TileSet.open(folder).table["ground_size_m"]) == {320.0}
    assert (folder / "notes.txt").read_text() == "mine"


def test_a_replacement_waits_for_the_program_that_has_the_mosaic_open(
    source: str, folder: Path
) -> None:
    old = served(folder)
    with closing(sqlite3.connect(folder / "tiles.gti.gpkg")) as qgis:

        class Opening(RecordedProgress):
            def advance(self, count: int = 1) -> None:
                qgis.execute("PRAGMA journal_mode = wal")
                qgis.execute("SELECT count(*) FROM gpkg_contents").fetchone()

        for options in (NEW, replace(NEW, overwrite=False)):
            with pytest.raises(OutputBusyError, match=r"tiles/tiles\.gti\.gpkg is open"):
                cut_tiles([source], folder, options, progress=Opening())
            assert served(folder) == old
    progress = RecordedProgress()
    assert cut_tiles([source], folder, NEW, progress=progress).unchanged  # but for the exchange
    assert progress.done == 0
    assert set(TileSet.open(folder).table["ground_size_m"]) == {320.0}
    assert not list(folder.glob("*-wal"))


def test_tiles_that_are_exchanged_while_they_are_opened_are_opened_anew(
    source: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = tile_set.ParquetRows

    def late(path: Path) -> ParquetRows:
        monkeypatch.setattr(tile_set, "ParquetRows", read)
        cut_tiles([source], folder, NEW)
        return read(path)

    monkeypatch.setattr(tile_set, "ParquetRows", late)
    opened = TileSet.open(folder)
    assert opened.manifest.scheme.ground_sizes_m == (320.0,)
    assert set(opened.table["ground_size_m"]) == {320.0}


def test_another_replacement_begins_anew(source: str, folder: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        cut_tiles([source], folder, NEW, progress=RecordedProgress(stop_after=1))
    assert cut_tiles([source], folder, OLD).unchanged
    summary = cut_tiles([source], folder, replace(OLD, size_px=16, overwrite=True))
    assert (summary.unchanged, TileSet.open(folder).size_px) == (False, 16)
    assert len(list(folder.glob("pixels/*/*/*.tif"))) == summary.tiles


def test_a_raster_that_is_not_added_after_all_leaves_no_pixels(
    source: str, other: str, folder: Path, tmp_path: Path
) -> None:
    options, old = replace(OLD, resume=True), served(folder)
    with pytest.raises(KeyboardInterrupt):
        cut_tiles([source, other], folder, options, progress=RecordedProgress(stop_after=2))
    assert served(folder) == old
    third = str(rasters.mercator(tmp_path / "third.tif").path)
    cut_tiles([source, third], folder, options)
    assert {path.name for path in (folder / "pixels").iterdir()} == {"region", "third"}
    assert served(folder).keys() > old.keys() - {"digest"}


def test_a_first_run_that_was_told_to_overwrite_goes_on(source: str, tmp_path: Path) -> None:
    folder = tmp_path / "fresh"
    with pytest.raises(KeyboardInterrupt):
        cut_tiles([source], folder, NEW, progress=RecordedProgress(stop_after=1))
    done = done_tiles(folder / "tiles.partial", folder / "tiles.partial")
    with pytest.raises(TilesError, match="unfinished; run the same"):
        TileSet.open(folder)
    with pytest.raises(OutputExistsError, match=r"ground_sizes_m was 320\.0, now 160\.0"):
        cut_tiles([source], folder, OLD)
    cut_tiles([source], folder, NEW)
    assert {place: (folder / place).stat().st_mtime_ns for place in done} == done
    assert not (folder / "tiles.partial").exists()


def test_what_a_run_leaves_that_was_killed_at_once_bars_nobody(source: str, tmp_path: Path) -> None:
    folder = tmp_path / "fresh"
    folder.mkdir()
    (folder / ".tiles.partial.4711.0123abcd.tmp.json").write_text("{")
    assert cut_tiles([source], folder, OLD).tiles > 0
    assert not list(folder.glob(".*"))


def test_tiles_whose_records_are_damaged_can_be_replaced(source: str, folder: Path) -> None:
    (folder / "tiles.json").write_text("{")
    with pytest.raises(TilesError, match="damaged"):
        cut_tiles([source], folder, OLD)
    cut_tiles([source], folder, NEW)
    assert set(TileSet.open(folder).table["ground_size_m"]) == {320.0}


def test_a_table_elsewhere_is_replaced_where_it_lies(
    source: str, folder: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "table.parquet"
    (folder / "tiles.parquet").replace(elsewhere)
    (folder / "tiles.parquet").symlink_to(elsewhere)
    cut_tiles([source], folder, NEW)
    assert (folder / "tiles.parquet").is_symlink()
    assert set(TileSet.open(folder).table["ground_size_m"]) == {320.0}
    assert elsewhere.is_file()
