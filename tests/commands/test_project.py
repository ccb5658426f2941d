"""Claims about ``geoloc project``."""

from __future__ import annotations

from pathlib import Path

import geopandas
import pytest
from click.testing import CliRunner

from geoloc.cli import cli
from geoloc.results.files import write_results
from tests.fixtures.located import located


@pytest.fixture
def results(tmp_path: Path) -> Path:
    write_results([located("/photos/a.jpg")], tmp_path / "out.geojson")
    return tmp_path / "out.geojson"


def _project(*arguments: object) -> tuple[int, str]:
    run = CliRunner().invoke(cli, ["project", *map(str, arguments)])
    return run.exit_code, run.output


def test_detections_become_objects(tmp_path: Path, results: Path) -> None:
    (tmp_path / "found.csv").write_text("photo,x,y,w,h,label\na.jpg,100,50,80,60,car\n")
    code, said = _project(
        results, tmp_path / "found.csv", "-o", tmp_path / "o.gpkg", "--boxes", "foot"
    )
    assert (code, said.splitlines()[0]) == (0, "1 objects in 1 photo: 1 placed, 0 without a place")
    (shape,) = geopandas.read_file(tmp_path / "o.gpkg").geometry
    assert shape.geom_type == "Point"


def test_objects_without_a_place_make_the_exit_code_partial(tmp_path: Path, results: Path) -> None:
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "a.txt").write_text("0 0.5 0.5 0.1 0.1\n0 0.5\n")
    command = [results, tmp_path / "labels", "-o", tmp_path / "o.geojson"]
    code, said = _project(*command)
    assert code == 6
    assert "2 objects in 1 photo: 1 placed, 1 without a place" in said
    assert "1: its line is none of YOLO's" in said
    assert _project(*command)[0] == 2
    assert _project(*command, "--overwrite", "--skip-errors")[0] == 0


def test_wrong_files_are_one_line(tmp_path: Path, results: Path) -> None:
    code, said = _project(results, tmp_path / "none.json", "-o", tmp_path / "o.geojson")
    assert code == 3
    assert said.startswith("geoloc: error: ")
    assert "does not exist; expected COCO's JSON" in said
    assert _project(results, tmp_path / "none.json", "-o", tmp_path / "o.shp")[0] == 2
