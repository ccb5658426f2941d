"""Corrections of a page, written back: what changes, what stays, what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from geoloc.cli import cli
from geoloc.corrections_file import read_corrections
from geoloc.errors import EXIT_PARTIAL, InputError, OutputExistsError
from geoloc.geometry.crs import LonLat
from geoloc.report.apply_job import apply_to_file
from geoloc.report.corrections import corrected
from geoloc.results.evaluation import read_truth
from geoloc.results.files import read_results, write_results
from geoloc.results.schema import PhotoResult

_ROWS = [
    PhotoResult(
        "/p/a.jpg", "ambiguous", longitude=9.0, latitude=49.6, confidence=0.3, heading=12.0,
        direction=12.0, position_kind="camera", footprint="POLYGON ((0 0, 1 0, 1 1, 0 0))",
        exif_lon=9.0, exif_lat=49.6, exif_dist_m=0.0,
    ),
    PhotoResult("/p/b.jpg", "located", longitude=9.1, latitude=49.7, position_kind="scene"),
    PhotoResult("/p/c.jpg", "rejected", error="not here"),
]  # fmt: skip


def _feature(row: int, action: str, at: list[float] | None = None, **facts: Any) -> dict[str, Any]:
    geometry = at and {"type": "Point", "coordinates": at}
    properties = {"photo": _ROWS[row].photo, "filename": _ROWS[row].filename, "row": row}
    return {
        "type": "Feature",
        "geometry": geometry,
        "properties": {**properties, "action": action, **facts},
    }


def _saved(path: Path, *features: dict[str, Any]) -> Path:
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


@pytest.fixture
def results(tmp_path: Path) -> Path:
    path = tmp_path / "out.geojson"
    write_results(_ROWS, path)
    return path


def test_a_moved_photo_keeps_nothing_that_was_solved_elsewhere() -> None:
    row = corrected(_ROWS[0], "move", LonLat(9.0, 49.601))
    assert (row.status, row.longitude, row.latitude) == ("corrected", 9.0, 49.601)
    assert (row.heading, row.direction, row.footprint, row.confidence) == (None,) * 4
    assert row.exif_dist_m == pytest.approx(111.2, abs=0.1)
    before = json.loads(row.correction or "")["before"]
    assert before["status"] == "ambiguous"
    assert (before["latitude"], before["heading"], before["confidence"]) == (49.6, 12.0, 0.3)


def test_an_accepted_photo_keeps_its_answer() -> None:
    row = corrected(_ROWS[1], "accept", None)
    assert (row.status, row.longitude, row.latitude) == ("corrected", 9.1, 49.7)
    assert json.loads(row.correction or "") == {"action": "accept", "before": {"status": "located"}}
    assert corrected(_ROWS[2], "accept", None) == _ROWS[2], "it has no answer"


def test_the_first_answer_is_kept_however_often_it_is_corrected() -> None:
    row = corrected(_ROWS[0], "accept", None)
    row = corrected(row, "move", LonLat(1.0, 2.0))
    row = corrected(row, "reject", None)
    before = json.loads(row.correction or "")["before"]
    assert (row.status, row.longitude) == ("rejected", None)
    assert (before["status"], before["longitude"]) == ("ambiguous", 9.0)


@pytest.mark.parametrize("extension", ["geojson", "gpkg", "csv"])
def test_corrections_are_written_back_in_the_same_format(tmp_path: Path, extension: str) -> None:
    results = tmp_path / f"out.{extension}"
    write_results(_ROWS, results)
    said = _saved(
        tmp_path / "c.geojson", _feature(0, "reject"), _feature(2, "move", [179.5 + 360, 10.0])
    )
    done = apply_to_file(results, said)
    first, second, third = read_results(results)
    assert (first.status, first.longitude) == ("rejected", None)
    assert second.status == "located"
    assert (third.status, third.longitude, third.error) == ("corrected", 179.5, None)
    assert done.actions == {"reject": 1, "move": 1}


def test_corrected_photos_become_a_table_of_truth(results: Path, tmp_path: Path) -> None:
    said = _saved(tmp_path / "c.geojson", _feature(0, "accept"), _feature(1, "accept"))
    apply_to_file(results, said, truth=tmp_path / "truth.csv")
    first, second = read_truth(tmp_path / "truth.csv")
    assert (first.photo, first.camera, first.scene) == ("/p/a.jpg", LonLat(9.0, 49.6), None)
    assert (second.camera, second.scene) == (None, LonLat(9.1, 49.7))


def test_a_correction_of_another_photo_changes_nothing(results: Path, tmp_path: Path) -> None:
    said = _saved(
        tmp_path / "c.geojson", _feature(0, "reject", photo="/p/z.jpg"), _feature(1, "accept")
    )
    run = CliRunner().invoke(cli, ["apply", str(results), str(said)])
    assert run.exit_code == EXIT_PARTIAL
    assert "not among the results, or accepted when the answer was another: /p/z.jpg" in run.output
    assert [row.status for row in read_results(results)] == ["ambiguous", "corrected", "rejected"]


def test_an_answer_that_was_accepted_is_not_confused_with_a_later_one(
    results: Path, tmp_path: Path
) -> None:
    said = _saved(
        tmp_path / "c.geojson",
        _feature(0, "accept", [9.0, 49.6]),
        _feature(1, "accept", [9.1, 49.701]),
    )
    done = apply_to_file(results, said)
    assert done.unknown == ("/p/b.jpg",)
    assert [row.status for row in read_results(results)] == ["corrected", "located", "rejected"]


def test_a_correction_of_a_redacted_page_is_found_by_its_row(results: Path, tmp_path: Path) -> None:
    said = _saved(tmp_path / "c.geojson", _feature(1, "accept", photo=None))
    apply_to_file(results, said)
    assert read_results(results)[1].status == "corrected"


def test_results_that_a_person_has_added_to_are_not_written_over(
    results: Path, tmp_path: Path
) -> None:
    document = json.loads(results.read_text())
    document["features"][0]["properties"]["note"] = "mine"
    results.write_text(json.dumps(document))
    said = _saved(tmp_path / "c.geojson", _feature(1, "accept"))
    with pytest.raises(OutputExistsError, match="the column note"):
        apply_to_file(results, said)
    apply_to_file(results, said, output=tmp_path / "copy.gpkg")
    assert read_results(tmp_path / "copy.gpkg")[1].status == "corrected"


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"features": [{"properties": {"action": "eat"}}]}', '{"features": 3}']
)
def test_what_is_no_file_of_corrections_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "c.geojson"
    path.write_text(text)
    with pytest.raises(InputError, match=r"geoloc report"):
        read_corrections(path)
