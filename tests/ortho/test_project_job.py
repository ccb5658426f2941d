"""Claims about projecting detections into a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import pytest

from geoloc.errors import OptionError, OutputExistsError
from geoloc.ortho.detections.detection import Detection, box_corners
from geoloc.ortho.project_job import project_detections, project_to_file
from tests.fixtures.located import located
from tests.fixtures.progress import RecordedProgress

ROWS = [
    located("/flight/one/a.jpg", confidence=0.9),
    located("/flight/two/a.jpg"),
    located("/flight/two/b.jpg", status="ambiguous"),
    located("/flight/two/c.jpg", status="rejected"),
]


def _box(photo: str, **columns: Any) -> Detection:
    return Detection("1", photo, "box", (box_corners(100, 50, 80, 60),), "car", 0.5, **columns)


def _point(photo: str) -> Detection:
    return Detection("2", photo, "point", (np.array([[20.0, 30.0]]),))


@pytest.mark.parametrize(
    ("name", "photo"),
    [
        ("one/a.jpg", "/flight/one/a.jpg"), ("two/a", "/flight/two/a.jpg"),
        ("b.JPG", "/flight/two/b.jpg"), ("b", "/flight/two/b.jpg"),
        ("images/b.jpg", "/flight/two/b.jpg"), ("/flight/two/b.jpg", "/flight/two/b.jpg"),
    ],
)  # fmt: skip
def test_a_photo_is_found_by_its_name(name: str, photo: str) -> None:
    (placed,) = project_detections(ROWS, [_box(name)])
    assert placed.row is not None
    assert placed.row.photo == photo
    assert placed.geometry is not None


def test_two_names_of_one_photo_both_mean_it() -> None:
    placed = project_detections(ROWS, [_box("b"), _box("b.jpg")])
    assert [each.error for each in placed] == [None, None]


@pytest.mark.parametrize(
    ("name", "reason"),
    [("a.jpg", "a.jpg fits several photos"), ("x.jpg", "no photo of the results is called x.jpg"),
     ("c", "its photo is rejected"), ("", "called by an empty name")],
)  # fmt: skip
def test_a_name_that_means_no_photo_is_refused(name: str, reason: str) -> None:
    bad, good = project_detections(ROWS, [_box(name), _box("b")])
    assert reason in str(bad.error)
    assert good.error is None


def test_names_alone_are_told_of() -> None:
    progress = RecordedProgress()
    project_detections(ROWS, [_box("images/b.jpg")], progress=progress)
    assert progress.warnings == [
        "photos are taken by their names alone: images/b.jpg for /flight/two/b.jpg"
    ]


def test_detections_keep_their_order() -> None:
    names = ["b", "one/a.jpg", "b", "two/a.jpg"]
    placed = project_detections(ROWS, [_box(name) for name in names])
    assert [each.detection.photo for each in placed] == names


@pytest.mark.parametrize("suffix", ["geojson", "geojsonl", "gpkg", "fgb", "parquet", "csv"])
def test_every_format_holds_every_object(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"objects.{suffix}"
    summary = project_to_file(ROWS, [_box("one/a.jpg"), _point("b"), _box("c")], path)
    assert (summary.objects, summary.photos, summary.refused.total()) == (3, 3, 1)
    if suffix == "csv":
        table = pd.read_csv(path)
        assert table["wkt"][0].startswith("POLYGON")
    else:
        read = geopandas.read_parquet if suffix == "parquet" else geopandas.read_file
        table = read(path)
        assert table.crs.to_epsg() == 4326
        kinds = ["Polygon", "Point", None]
        assert [shape and shape.geom_type for shape in table.geometry] == kinds
    assert table["photo"].tolist() == [
        "/flight/one/a.jpg",
        "/flight/two/b.jpg",
        "/flight/two/c.jpg",
    ]
    assert table["status"].tolist() == ["located", "ambiguous", "rejected"]
    assert table["label"].tolist()[0] == "car"
    assert table["score"].tolist()[0] == 0.5
    assert table["confidence"].tolist()[0] == 0.9
    assert table["ce90_m"].tolist()[0] > 4.29
    assert "rejected" in table["error"].tolist()[2]


def test_objects_without_any_place_are_written_too(tmp_path: Path) -> None:
    for suffix in ("gpkg", "fgb", "geojson"):
        project_to_file(ROWS, [_box("c")], tmp_path / f"objects.{suffix}")
        assert len(geopandas.read_file(tmp_path / f"objects.{suffix}")) == 1


def test_rings_of_geojson_are_anticlockwise(tmp_path: Path) -> None:
    project_to_file(ROWS, [_box("b")], tmp_path / "objects.geojson")
    (feature,) = json.loads((tmp_path / "objects.geojson").read_text())["features"]
    ring = np.array(feature["geometry"]["coordinates"][0])
    ring -= ring[0]
    assert np.sum(ring[:-1, 0] * ring[1:, 1] - ring[1:, 0] * ring[:-1, 1]) > 0


def test_a_file_that_is_there_stays(tmp_path: Path) -> None:
    path = tmp_path / "objects.csv"
    path.write_text("mine")
    with pytest.raises(OutputExistsError, match="say --overwrite"):
        project_to_file(ROWS, [_box("b")], path)
    assert path.read_text() == "mine"
    project_to_file(ROWS, [_box("b")], path, overwrite=True)
    assert path.read_text().startswith("id,photo")


def test_a_format_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError):
        project_to_file(ROWS, [_box("b")], tmp_path / "objects.shp")
