"""`geoloc tile` as a person types it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import geopandas
import numpy as np
import pytest
import rasterio
from affine import Affine
from click.testing import CliRunner, Result

from geoloc.cli import cli
from geoloc.tiles.tile_set import TileSet
from tests.fixtures import rasters
from tests.fixtures.indexes import write_model
from tests.fixtures.map_server import MapServer
from tests.fixtures.served_town import BOUNDS

SIZES = ("--ground-size", "160", "--size", "64")
FEW = ("--ground-size", "240", "--size", "64", "--overlap", "0", "--min-valid", "0.02")
WIDE = ("--ground-size", "1200", *FEW[2:])

_TILE_ALL = """
import json, resource, sys
from click.testing import CliRunner
from geoloc.cli import cli
runs = []
for arguments in json.loads(sys.argv[1]):
    done = CliRunner().invoke(cli, ["tile", *arguments, "-q"])
    runs.append((done.exit_code, done.output, done.stderr))
peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # KiB on Linux
print(json.dumps({"runs": runs, "peak_kib": peak_kib}))
"""


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["tile", *map(str, arguments)])


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    rasters.utm(Path("region.tif"))
    return tmp_path


def test_tiles_are_written_where_the_next_command_looks(here: Path) -> None:
    result = run("region.tif", *SIZES)
    assert result.exit_code == 0, result.output
    assert {p.name for p in Path("tiles").iterdir()} == {
        "pixels", "tiles.gti.gpkg", "tiles.json", "tiles.parquet",
    }  # fmt: skip
    assert result.stdout == ""
    assert "25 tiles from 1 raster" in result.stderr
    assert len(geopandas.read_parquet("tiles/tiles.parquet")) == 25


def test_a_repeated_command_says_that_there_is_nothing_to_do(here: Path) -> None:
    run("region.tif", *SIZES)
    result = run("region.tif", *SIZES)
    assert result.exit_code == 0
    assert "nothing to do" in result.stderr


def test_other_options_are_refused_with_code_2(here: Path) -> None:
    run("region.tif", *SIZES)
    result = run("region.tif", *SIZES, "--overlap", "0")
    assert result.exit_code == 2
    assert "overlap was 0.5, now 0.0" in result.stderr
    assert run("region.tif", *SIZES, "--overlap", "0", "--overwrite").exit_code == 0


def test_a_dry_run_writes_nothing(here: Path) -> None:
    result = run("region.tif", *SIZES, "--dry-run", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["tiles"] == 25
    assert not Path("tiles").exists()
    assert "25 at most" in run("region.tif", *SIZES, "--dry-run").stdout


def test_a_raster_without_a_crs_ends_with_code_3_in_one_line(here: Path) -> None:
    rasters.write_raster(
        Path("bare.tif"), np.ones((1, 9, 9), np.uint8), transform=Affine(1, 0, 5, 0, -1, 5)
    )
    result = run("bare.tif", *SIZES)
    assert result.exit_code == 3
    assert result.stderr.splitlines()[-1].startswith("geoloc: error: bare.tif has no CRS")


def test_a_bad_raster_among_good_ones_ends_with_code_6_and_is_named_once(here: Path) -> None:
    Path("bad.tif").write_text("hello")
    result = run("region.tif", "bad.tif", *SIZES)
    assert result.exit_code == 6
    assert result.stderr.count("cannot open bad.tif") == 1
    assert "25 tiles from 1 raster, 1 not cut" in result.stderr
    again = run("region.tif", "bad.tif", *SIZES)
    assert again.exit_code == 6
    assert again.stderr.count("cannot open bad.tif") == 1


def test_virtual_tiles_have_no_pixels(here: Path) -> None:
    assert run("region.tif", *SIZES, "--virtual", "-o", "windows").exit_code == 0
    assert not Path("windows/pixels").exists()
    with TileSet.open("windows") as tiles:
        assert tiles.read(0).any()


@pytest.mark.slow
def test_a_model_says_how_its_tiles_are_cut_and_explicit_sizes_win(here: Path) -> None:
    write_model(here / "mine")
    assert run("region.tif", "--model", "mine").exit_code == 0
    sizes = set(TileSet.open("tiles").table["ground_size_m"])
    assert (sizes, TileSet.open("tiles").size_px) == ({64.0}, 64)
    mixed = ("--model", "mine", "--ground-size", "120", "-o", "mixed")
    assert run("region.tif", *mixed).exit_code == 0
    sizes = set(TileSet.open("mixed").table["ground_size_m"])
    assert (sizes, TileSet.open("mixed").size_px) == ({120.0}, 64)


def test_a_model_that_is_not_there_ends_with_code_4(here: Path) -> None:
    result = run("region.tif", "--model", "nowhere")
    assert result.exit_code == 4
    assert "nowhere" in result.stderr
    assert not Path("tiles").exists()


def test_bounds_are_four_numbers(here: Path) -> None:
    result = run("region.tif", *SIZES, "--bounds", "1,2,3")
    assert result.exit_code == 2
    assert "W,S,E,N" in result.stderr
    assert run("region.tif", *SIZES, "--bounds", "-180,-90,180,90").exit_code == 0


def test_the_result_can_be_had_as_json(here: Path) -> None:
    result = run("region.tif", *SIZES, "--json", "-q")
    assert json.loads(result.stdout)["tiles"] == 25
    assert result.stderr == ""


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.skipif(sys.platform == "win32", reason="measures memory with the resource module")
def test_every_odd_raster_is_cut_or_refused_in_one_line(here: Path, shared_data: Path) -> None:
    found = sorted((shared_data / "robustness" / "rasters").iterdir())
    runs = [
        # One is a map of 137 km2: tiles of 240 m would be two thousand.
        [str(path), *(WIDE if path.name == "067_bad_output_vrt.tif" else FEW), "-o", f"out{i}"]
        for i, path in enumerate(found)
    ]
    # In a process of its own: what other tests held would count in its peak.
    done = subprocess.run(
        [sys.executable, "-c", _TILE_ALL, json.dumps(runs)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    for path, (code, output, stderr) in zip(found, said["runs"], strict=True):
        assert code in (0, 3), f"{path.name}: {output}"
        assert "unexpected" not in stderr
        lines = [line for line in stderr.splitlines() if line.startswith("geoloc:")]
        assert len(lines) == (code == 3), f"{path.name}: {stderr}"
    assert sum(code == 0 for code, *_ in said["runs"]) >= 10
    assert said["peak_kib"] < 2 << 20


@pytest.mark.slow
@pytest.mark.shared
def test_all_odd_rasters_together_leave_the_good_ones(here: Path, shared_data: Path) -> None:
    folder = shared_data / "robustness" / "rasters"
    result = run(folder, *FEW, "--virtual", "--json", "-q")
    assert result.exit_code == 6
    said = json.loads(result.stdout)
    assert said["tiles"] > 0
    assert len(said["failed"]) > 30


def test_a_tile_server_is_cut_planned_and_kept_by_the_command(
    server: MapServer, tmp_path: Path
) -> None:
    template, tiles = f"{server.url}/xyz/{{z}}/{{x}}/{{y}}.png", str(tmp_path / "tiles")
    area = ["--bounds", ",".join(map(str, BOUNDS)), "--ground-size", "100", "--size", "50"]
    refused = CliRunner().invoke(cli, ["tile", template, "-o", tiles])
    assert refused.exit_code == 2
    assert "say which part with --bounds" in refused.stderr
    planned = CliRunner().invoke(cli, ["tile", template, "-o", tiles, *area, "--dry-run", "--json"])
    assert json.loads(planned.stdout)["requests"] >= 1
    kept = tmp_path / "map.tif"
    done = CliRunner().invoke(cli, ["tile", template, "-o", tiles, *area, "--save-map", str(kept)])
    assert done.exit_code == 0, done.stderr
    with rasterio.open(kept) as saved:
        assert saved.crs.to_epsg() == 3857
    few = CliRunner().invoke(
        cli, ["tile", template, "-o", tiles, *area, "--overwrite", "--max-requests", "1"]
    )
    assert few.exit_code == 3
    assert "--max-requests is 1" in few.stderr
