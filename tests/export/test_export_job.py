"""Claims about the export of results: which photos, and what is never overwritten."""

from __future__ import annotations

from pathlib import Path

import pytest

from geoloc.errors import InputError, OptionError, OutputExistsError
from geoloc.export.job import export_results
from geoloc.options import ExportOptions
from tests.fixtures.located import located

ROWS = [located("a.jpg"), located("b.jpg", status="ambiguous"), located("c.jpg", status="rejected")]


def test_only_photos_of_the_status_asked_for_are_taken(tmp_path: Path) -> None:
    assert export_results(ROWS, "geo-txt", tmp_path / "a.txt").photos == 1
    both = export_results(
        ROWS, "geo-txt", tmp_path / "b.txt", ExportOptions(statuses=("located", "ambiguous"))
    )
    assert both.photos == 2


def test_no_photo_of_the_status_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none of 1 photos is located; expected"):
        export_results(ROWS[1:2], "geo-txt", tmp_path / "a.txt")


def test_what_is_there_is_kept_unless_asked(tmp_path: Path) -> None:
    (tmp_path / "geo.txt").write_text("mine")
    (tmp_path / "points").mkdir()
    (tmp_path / "points" / "mine").touch()
    for fmt, name in (("geo-txt", "geo.txt"), ("points", "points")):
        with pytest.raises(OutputExistsError, match="--overwrite"):
            export_results(ROWS, fmt, tmp_path / name)  # type: ignore[arg-type]
    assert (tmp_path / "geo.txt").read_text() == "mine"
    export_results(ROWS, "geo-txt", tmp_path / "geo.txt", ExportOptions(overwrite=True))
    assert (tmp_path / "geo.txt").read_text().startswith("EPSG:4326\n")


def test_a_file_is_no_folder_and_a_folder_no_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OptionError, match="is a folder"):
        export_results(ROWS, "points", tmp_path / "file")
    with pytest.raises(OptionError, match="it is a folder"):
        export_results(ROWS, "geo-txt", tmp_path)
    with pytest.raises(OptionError, match="does not exist"):
        export_results(ROWS, "geo-txt", tmp_path / "nowhere" / "geo.txt")
