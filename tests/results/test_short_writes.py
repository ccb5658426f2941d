"""No format is reported as written unless it can be read again, whole."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from geoloc.errors import OutputBusyError, OutputExistsError, ShortWriteError
from geoloc.results import formats, layers
from geoloc.results.files import check_output, read_results, write_results
from geoloc.results.journal import journal_path, read_journal
from geoloc.results.schema import PhotoResult, Record

FORMATS = ["geojson", "geojsonl", "gpkg", "fgb", "parquet", "csv"]
_AREA = "POLYGON ((0 0, 1 0, 1 1, 0 1, 0 0))"


def _rows(count: int, *, text: str = "") -> list[PhotoResult]:
    return [
        PhotoResult(f"/p/{i}.jpg", "located", longitude=1, latitude=2, footprint=_AREA, error=text)
        for i in range(count)
    ]


@contextmanager
def _file_size_limit(size_bytes: int) -> Iterator[None]:
    """What ``ulimit -f`` sets, for the time being."""
    resource = pytest.importorskip("resource")  # not on Windows
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("is_there", [True, False])
def test_a_short_write_is_no_success(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fmt: str, is_there: bool
) -> None:
    path = tmp_path / f"out.{fmt}"
    if is_there:
        write_results(_rows(2), path)
    write = formats.write_records
    monkeypatch.setattr(
        "geoloc.results.files.write_records",
        lambda records, draft, fmt: write(records[:-1], draft, fmt),
    )
    with pytest.raises(ShortWriteError, match=r"out\.\w+: .* 4 of 5 rows are there; .*kept"):
        write_results(_rows(5), path, overwrite=True)
    assert len(read_journal(path).rows) == 5
    assert path.exists() == is_there
    assert not is_there or len(read_results(path)) == 2


def test_a_file_with_another_last_row_is_no_success(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = formats.write_records
    monkeypatch.setattr(
        "geoloc.results.files.write_records",
        lambda records, draft, fmt: write(records[::-1], draft, fmt),
    )
    with pytest.raises(ShortWriteError, match="last row"):
        write_results(_rows(3), tmp_path / "out.csv")


def _without_footprints(records: list[Record], path: Path) -> None:
    layers.write_gpkg([{**record, "footprint": None} for record in records], path)


def _without_styles(records: list[Record], path: Path) -> None:
    layers.write_gpkg(records, path)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("DELETE FROM layer_styles WHERE f_table_name = 'footprints'")


@pytest.mark.parametrize(
    ("writer", "missing"),
    [(_without_footprints, "0 of 3 footprints"), (_without_styles, "styles")],
)
def test_a_geopackage_without_its_other_parts_is_no_success(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    writer: Callable[[list[Record], Path], None],
    missing: str,
) -> None:
    monkeypatch.setattr(
        "geoloc.results.files.write_records", lambda records, draft, _: writer(records, draft)
    )
    with pytest.raises(ShortWriteError, match=missing):
        write_results(_rows(3), tmp_path / "out.gpkg")
    assert not (tmp_path / "out.gpkg").exists()


@pytest.mark.parametrize("name", ["write_gpkg", "write_fgb", "write_parquet"])
def test_what_a_library_says_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("sqlite3_exec(CREATE TRIGGER " + "x" * 5300)

    monkeypatch.setattr(layers, name, fail)
    path = tmp_path / f"out.{name.removeprefix('write_')}"
    with pytest.raises(ShortWriteError) as caught:
        write_results(_rows(1), path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize("words", ["database or disk is full", "write: No space left on device"])
def test_a_disk_that_was_full_for_a_moment_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError(f"{words}; INSERT INTO photos")

    monkeypatch.setattr(layers, "write_gpkg", fail)
    with pytest.raises(OSError, match="No space left") as caught:
        write_results(_rows(1), tmp_path / "out.gpkg")
    assert (caught.value.errno, caught.value.filename) == (
        errno.ENOSPC,
        str(tmp_path / "out.gpkg"),
    )


@pytest.mark.parametrize("fmt", FORMATS)
def test_a_full_disk_is_named_and_keeps_the_rows(small_disk: Path, fmt: str) -> None:
    path = small_disk / f"out.{fmt}"
    rows = _rows(8, text="x" * 10_000)  # the journal fits, the output beside it does not
    filler = small_disk / "filler"
    filler.write_bytes(bytes((1 << 20) - 100_000))
    with pytest.raises(OSError, match=rf"No space left.*out\.{fmt}'") as caught:
        write_results(rows, path)
    assert caught.value.errno == errno.ENOSPC
    assert len(read_journal(path).rows) == 8
    assert not path.exists()
    filler.unlink()
    write_results(rows, path, overwrite=True)
    assert len(read_results(path)) == 8
    assert not journal_path(path).exists()


@pytest.mark.parametrize("fmt", FORMATS)
def test_a_limit_of_file_size_is_named_and_keeps_the_rows(tmp_path: Path, fmt: str) -> None:
    path = tmp_path / f"out.{fmt}"
    rows = _rows(20, text="x" * 10_000)
    with _file_size_limit(100_000), pytest.raises(OSError, match="File too large") as caught:
        write_results(rows, path)
    assert caught.value.errno == errno.EFBIG
    assert 7 <= len(read_journal(path).rows) < 10
    assert not path.exists()


def test_a_geopackage_that_is_open_elsewhere_is_refused_before_any_work(tmp_path: Path) -> None:
    path = tmp_path / "out.gpkg"
    write_results(_rows(2), path)
    with closing(sqlite3.connect(path)) as qgis:
        qgis.execute("PRAGMA journal_mode = wal")
        qgis.execute("UPDATE gpkg_contents SET description = 'looked at'")
        qgis.commit()
        with pytest.raises(OutputBusyError, match="close it there"):
            check_output(path, fmt=None, overwrite=True)
    assert len(read_results(path)) == 2


def test_a_geopackage_that_is_opened_meanwhile_keeps_the_rows_in_the_journal(
    tmp_path: Path,
) -> None:
    path = tmp_path / "out.gpkg"
    write_results(_rows(1), path)
    with closing(sqlite3.connect(path)) as qgis:

        def rows() -> Iterator[PhotoResult]:
            yield from _rows(3)
            qgis.execute("PRAGMA journal_mode = wal")
            qgis.execute("UPDATE gpkg_contents SET description = 'looked at'")
            qgis.commit()

        with pytest.raises(OutputBusyError):
            write_results(rows(), path, overwrite=True)
    assert len(read_journal(path).rows) == 3
    assert len(read_results(path)) == 1
    with pytest.raises(OutputExistsError, match="exists"):
        check_output(path, fmt=None, overwrite=False)


def test_an_unfinished_output_is_not_begun_anew_unasked(tmp_path: Path) -> None:
    journal_path(tmp_path / "out.csv").write_text("{}\n")
    with pytest.raises(OutputExistsError, match=r"out\.csv\.partial\.geojsonl exists"):
        check_output(tmp_path / "out.csv", fmt=None, overwrite=False)
