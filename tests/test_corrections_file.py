"""The corrections of a page as a table: whoever reads places of photos reads these, too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from geoloc.cli import cli
from geoloc.corrections_file import accepted_of
from geoloc.errors import IndexFolderError, MetadataError
from geoloc.geometry.crs import LonLat
from geoloc.learning.calibration.job import calibrate_on_photos
from geoloc.photos.metadata_csv import open_table
from geoloc.results.evaluation import read_truth
from geoloc.results.files import write_results
from geoloc.results.schema import PhotoResult
from tests.fixtures.progress import RecordedProgress


def _said(
    photo: str | None, action: str, at: list[float] | None = None, kind: str | None = "camera"
) -> dict[str, Any]:
    facts = {"photo": photo, "filename": "x", "row": 0, "action": action, "position_kind": kind}
    geometry = at and {"type": "Point", "coordinates": at}
    return {"type": "Feature", "geometry": geometry, "properties": facts}


@pytest.fixture
def corrections(tmp_path: Path) -> Path:
    path = tmp_path / "corrections.geojson"
    features = [
        _said("/p/a.jpg", "accept", [9.0, 49.6]),
        _said("/p/b.jpg", "reject"),
        _said("/p/c.jpg", "move", [-179.5 + 360, 49.7], None),
        _said("/p/d.jpg", "accept", [9.2, 49.8], "scene"),
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def test_accepted_and_moved_photos_are_a_truth(corrections: Path) -> None:
    first, second, third = read_truth(corrections)
    assert (first.photo, first.camera, first.scene) == ("/p/a.jpg", LonLat(9.0, 49.6), None)
    assert (second.photo, second.camera) == ("/p/c.jpg", LonLat(-179.5, 49.7))
    assert (third.camera, third.scene) == (None, LonLat(9.2, 49.8))


def test_answers_that_were_accepted_are_told_from_places_that_a_person_set(
    corrections: Path, tmp_path: Path
) -> None:
    table = tmp_path / "truth.csv"
    table.write_text("photo,lon,lat\na.jpg,9,49\n")
    assert (accepted_of(corrections), accepted_of(table)) == (2, 0)


def test_they_are_metadata_of_the_photos(corrections: Path) -> None:
    table = open_table(corrections)
    placed = table.match("/p/c.jpg")
    assert placed is not None
    assert (placed.lon, placed.lat) == (-179.5, 49.7)
    seen = table.match("/p/d.jpg")
    assert seen is not None
    assert seen.lon is None, "where it looks is not where it was taken"
    assert table.match("/p/b.jpg") is None


def test_results_are_evaluated_against_them(corrections: Path, tmp_path: Path) -> None:
    row = PhotoResult("/p/a.jpg", "located", longitude=9.0, latitude=49.6, position_kind="camera")
    write_results([row], tmp_path / "out.csv")
    call = ["evaluate", str(tmp_path / "out.csv"), "--truth", str(corrections)]
    run = CliRunner().invoke(cli, call)
    assert run.exit_code == 0, run.output
    assert "median error          0.0 m" in run.output


@pytest.mark.parametrize(
    ("feature", "said"),
    [
        (_said("/p/a.jpg", "accept"), "geoloc apply RESULTS CORRECTIONS --write-truth"),
        (_said(None, "accept", [9.0, 49.6]), "geoloc apply RESULTS CORRECTIONS --write-truth"),
        (_said("/p/a.jpg", "reject"), "accept or move photos on the page"),
        ({"type": "Feature"}, "that a page of `geoloc report` saves"),
    ],
    ids=["place kept back", "path kept back", "all rejected", "other features"],
)
def test_corrections_that_place_no_photo_are_refused_with_what_to_do(
    tmp_path: Path, feature: dict[str, Any], said: str
) -> None:
    path = tmp_path / "corrections.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    for read in (read_truth, open_table):
        with pytest.raises(MetadataError) as refused:
            read(path)
        assert said in str(refused.value)
        assert "\n" not in str(refused.value)


def test_calibrating_on_accepted_answers_is_warned_of(corrections: Path, tmp_path: Path) -> None:
    listener = RecordedProgress()
    with pytest.raises(IndexFolderError):
        calibrate_on_photos(
            [Path("/p/a.jpg")], tmp_path / "no index", corrections, progress=listener
        )
    (warning,) = listener.warnings
    assert warning.startswith("2 photos of")
    assert "too small" in warning
