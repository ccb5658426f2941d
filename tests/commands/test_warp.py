"""Claims about ``geoloc warp``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import rasterio
from click.testing import CliRunner

from geoloc.cli import cli
from geoloc.index.map_index import MapIndex
from geoloc.locate.file_job import FileJob, LocateSummary
from geoloc.results.files import write_results
from geoloc.terrain.terrain import open_terrain
from tests.fixtures.coordinate_photos import located_photo
from tests.fixtures.elevations import ORIGIN, write_elevation


@pytest.fixture
def results(tmp_path: Path) -> Path:
    rows = [
        located_photo(tmp_path / "photos", name, longitude=ORIGIN.lon, latitude=ORIGIN.lat)
        for name in ("a.png", "b.png")
    ]
    write_results(rows, tmp_path / "out.gpkg")
    return tmp_path / "out.gpkg"


def _warp(*arguments: object) -> tuple[int, str]:
    run = CliRunner().invoke(cli, ["warp", *map(str, arguments)])
    return run.exit_code, run.output


def test_results_become_maps(tmp_path: Path, results: Path) -> None:
    dem = write_elevation(tmp_path / "dem.tif")
    code, said = _warp(results, "-o", tmp_path / "warps", "--gsd", 0.5, "--dem", dem)
    assert code == 0
    assert "2 photos warped" in said
    assert f"wrote {tmp_path / 'warps' / 'mosaic.vrt'}" in said
    with rasterio.open(tmp_path / "warps" / "b.tif") as dataset:
        assert dataset.res == (0.5, 0.5)
        assert dataset.tags()["terrain"] == "dem.tif"


def test_the_same_command_has_nothing_to_do(tmp_path: Path, results: Path) -> None:
    _warp(results, "-o", tmp_path / "warps", "--gsd", 1)
    code, said = _warp(results, "-o", tmp_path / "warps", "--gsd", 1)
    assert code == 0
    assert "nothing to warp, all 2 warped photos are there already" in said
    code, said = _warp(results, "-o", tmp_path / "warps", "--gsd", 2)
    assert code == 2
    assert "use --overwrite" in said


def test_a_photo_that_is_gone_makes_the_exit_code_partial(tmp_path: Path, results: Path) -> None:
    (tmp_path / "photos" / "a.png").unlink()
    code, said = _warp(results, "-o", tmp_path / "warps", "--gsd", 1)
    assert code == 6
    assert "warning: " in said
    assert "1 photo warped, 1 could not be" in said
    assert _warp(results, "-o", tmp_path / "warps", "--gsd", 1, "--skip-errors")[0] == 0


def test_wrong_options_are_one_line(tmp_path: Path, results: Path) -> None:
    assert _warp(results, "-o", tmp_path / "warps", "--crs", "EPSG:0")[0] == 3
    assert _warp(results, "-o", tmp_path / "warps", "--co", "COMPRESS=NO")[0] == 2
    assert _warp(tmp_path / "none.gpkg", "-o", tmp_path / "warps")[0] == 3


def test_results_of_no_use_are_refused(tmp_path: Path) -> None:
    row = replace(located_photo(tmp_path / "photos"), status="rejected")
    write_results([row], tmp_path / "out.csv")
    code, said = _warp(tmp_path / "out.csv", "-o", tmp_path / "warps")
    assert code == 3
    assert "none of 1 photos is located" in said


def test_the_terrain_of_the_index_is_taken(
    tmp_path: Path, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = open_terrain(write_elevation(tmp_path / "terrain.tif"))
    monkeypatch.setattr(MapIndex, "open", lambda folder: SimpleNamespace(open_terrain=lambda: kept))
    _warp(results, "-o", tmp_path / "warps", "--gsd", 1, "--index", tmp_path / "index")
    with rasterio.open(tmp_path / "warps" / "b.tif") as dataset:
        assert dataset.tags()["terrain"] == "terrain.tif"


def test_locating_and_warping_is_one_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What locating would take seconds to find is put in its place: the rows of two photos.
    rows = [located_photo(tmp_path / "photos", name) for name in ("a.png", "b.png")]
    street = replace(located_photo(tmp_path / "photos", "c.png"), pitch_deg=None)

    def finish(job: FileJob) -> LocateSummary:
        write_results([*rows, street], tmp_path / "out.geojson", overwrite=True)
        return job.summary

    monkeypatch.setattr(FileJob, "run", finish)
    monkeypatch.setattr(MapIndex, "open", lambda folder: SimpleNamespace(open_terrain=lambda: None))
    arguments = ["locate", str(tmp_path / "photos"), "-o", str(tmp_path / "out.geojson")]
    warping = ["--warp", str(tmp_path / "warps"), "--warp-gsd", "2", "--warp-crs", "EPSG:3857"]
    run = CliRunner().invoke(cli, [*arguments, *warping])
    assert run.exit_code == 0, run.output
    assert "2 photos warped, 1 without a camera left out" in run.output
    with rasterio.open(tmp_path / "warps" / "mosaic.vrt") as dataset:
        assert dataset.crs.to_epsg() == 3857


@pytest.mark.parametrize("more", [["--warp-crs", "EPSG:0"], ["-o", "-", "--format", "csv"]])
def test_what_cannot_be_warped_is_refused_before_locating(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: list[str]
) -> None:
    located_photo(tmp_path / "photos")
    monkeypatch.setattr(FileJob, "run", lambda job: pytest.fail("it was located"))
    arguments = ["locate", str(tmp_path / "photos"), "-o", str(tmp_path / "out.csv")]
    run = CliRunner().invoke(cli, [*arguments, "--warp", str(tmp_path / "warps"), *more])
    assert run.exit_code in (2, 3)
