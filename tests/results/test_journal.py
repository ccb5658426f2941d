"""The journal of an unfinished output: every row at once on the disk, whatever ends the run."""

from __future__ import annotations

import json
from pathlib import Path

import pyogrio
import pytest

from geoloc.results.files import read_results
from geoloc.results.journal import ResultJournal, journal_path, read_journal, row_key
from geoloc.results.schema import PhotoResult

_ROWS = [
    PhotoResult("/p/a.jpg", "located", longitude=1.0, latitude=2.0, photo_size=3_000_000_000),
    PhotoResult("/p/b ü.jpg", "rejected", error="two\nlines"),
]


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """An output whose journal holds two rows, as a killed run leaves it."""
    output = tmp_path / "out.gpkg"
    journal = ResultJournal(output)
    for row in _ROWS:
        journal.add(row)
    return output


def test_a_row_is_on_the_disk_as_soon_as_it_is_added(output: Path) -> None:
    content = read_journal(output)
    assert list(content.rows.values()) == _ROWS
    assert list(content.rows) == ["/p/a.jpg", "/p/b ü.jpg"]
    assert not content.replaces


@pytest.mark.parametrize("cut", [0, 40])
def test_gdal_opens_the_rows_of_a_journal(output: Path, cut: int) -> None:
    path = journal_path(output)
    with path.open("ab") as stream:
        stream.write(path.read_bytes()[:cut])  # the beginning of a third row
    frame = pyogrio.read_dataframe(journal_path(output))
    assert list(frame.filename) == ["a", "b ü"]
    assert (frame.geometry[0].x, frame.geometry[0].y) == (1.0, 2.0)
    assert frame.geometry[1] is None


@pytest.mark.parametrize("cut", [1, 40])
def test_a_last_line_that_is_cut_off_is_passed_over_and_replaced(output: Path, cut: int) -> None:
    path = journal_path(output)
    path.write_bytes(path.read_bytes()[:-cut])
    content = read_journal(output)
    assert list(content.rows) == ["/p/a.jpg"]
    assert read_results(path) == _ROWS[:1]
    journal = ResultJournal(output, content.rows.values(), end=content.end)
    journal.add(PhotoResult("/p/c.jpg", "rejected"))
    assert list(read_journal(output).rows) == ["/p/a.jpg", "/p/c.jpg"]
    assert path.read_bytes().count(b"\n") == 2


def test_lines_that_a_crashed_machine_damaged_are_passed_over(output: Path) -> None:
    path = journal_path(output)
    path.write_bytes(bytes(30) + b"\n[1]\n{}\n" + path.read_bytes())
    assert list(read_journal(output).rows.values()) == _ROWS


def test_the_later_of_two_rows_of_a_photo_counts(output: Path) -> None:
    content = read_journal(output)
    later = PhotoResult("/p/a.jpg", "ambiguous", longitude=5.0, latitude=6.0)
    ResultJournal(output, content.rows.values(), end=content.end).add(later)
    assert list(read_journal(output).rows.values()) == [later, _ROWS[1]]


def test_nothing_is_written_before_the_first_row(output: Path) -> None:
    before = journal_path(output).read_bytes()
    ResultJournal(output, replaces=True).close()
    assert journal_path(output).read_bytes() == before
    journal = ResultJournal(output, _ROWS[:1], replaces=True)
    journal.add(PhotoResult("/p/d.jpg", "rejected"))
    content = read_journal(output)
    assert list(content.rows) == ["/p/a.jpg", "/p/d.jpg"]
    assert content.replaces
    journal.remove()
    assert not list(output.parent.iterdir())


def test_a_full_disk_keeps_the_rows_before_and_is_named(small_disk: Path) -> None:
    journal = ResultJournal(small_disk / "out.fgb")
    row = PhotoResult("/p/a.jpg", "rejected", error="x" * 100_000)
    with pytest.raises(OSError, match=r"No space left.*out\.fgb\.partial\.geojsonl"):  # noqa: PT012
        for i in range(20):
            journal.add(PhotoResult(f"/p/{i}.jpg", "rejected", error=row.error))
    kept = read_journal(small_disk / "out.fgb").rows
    assert len(kept) == len(journal.rows) > 5
    lines = journal_path(small_disk / "out.fgb").read_text("utf-8").splitlines()
    assert [json.loads(line)["properties"]["photo"] for line in lines] == list(kept)


def test_the_journal_of_a_link_lies_where_the_link_leads(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "out.csv").symlink_to(tmp_path / "far" / "real.csv")
    assert journal_path(tmp_path / "out.csv") == tmp_path / "far" / "real.csv.partial.geojsonl"


def test_rows_of_one_photo_share_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert row_key("a.jpg") == row_key(tmp_path / "a.jpg")
    assert row_key("/p/\udcff.jpg") == "/p/\\udcff.jpg"
