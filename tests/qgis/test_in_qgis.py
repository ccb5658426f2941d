"""The plugin inside QGIS: installed into a profile, and run by qgis_process on the demo."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from geoloc.qgis.packing import install_plugin
from geoloc.results.evaluation import read_truth
from geoloc.results.files import write_results
from tests.fixtures.located import HEIGHT_PX, WIDTH_PX, located

# Debian's wrapper puts an option first that the program itself does not know.
QGIS_PROCESS = shutil.which("qgis_process.bin") or shutil.which("qgis_process")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(QGIS_PROCESS is None, reason="QGIS is not installed"),
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's home whose profile of QGIS has the plugin, switched on."""
    home = tmp_path_factory.mktemp("home")
    profile = home / ".local/share/QGIS/QGIS3/profiles/default"
    profile.mkdir(parents=True)
    install_plugin(profile)
    _qgis(home, "plugins", "enable", "geoloc_qgis")
    return home


def _qgis(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run qgis_process, whose plugin calls this tree's geoloc."""
    # Without this environment's programs on the path, whose Python QGIS would take for its own.
    environment = {"HOME": str(home), "PATH": os.defpath, "QT_QPA_PLATFORM": "offscreen"}
    return subprocess.run(
        [str(QGIS_PROCESS), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def _run(home: Path, algorithm: str, **parameters: object) -> dict[str, Any]:
    """The results of an algorithm that does its work."""
    stated = [f"--{name}={value}" for name, value in parameters.items()]
    ran = _qgis(home, "--json", "run", f"geoloc:{algorithm}", *stated)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    results = json.loads(ran.stdout[ran.stdout.index("{") :])["results"]
    assert isinstance(results, dict)
    return results


def test_evaluating_says_what_it_found_or_the_one_line_why_not(home: Path, tmp_path: Path) -> None:
    results, truth = tmp_path / "out.csv", tmp_path / "truth.csv"
    results.write_text("photo,longitude,latitude,status\na.jpg,9,49,located\n")
    truth.write_text("photo,lon,lat\na.jpg,9,49\n")
    found = _run(home, "evaluate", RESULTS=results, TRUTH=truth)
    assert "median error          0.0 m" in found["TEXT"]
    lost = tmp_path / "lost.csv"
    ran = _qgis(home, "run", "geoloc:evaluate", f"--RESULTS={results}", f"--TRUTH={lost}")
    assert ran.returncode != 0
    assert "cannot read the truth" in ran.stdout + ran.stderr


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the demo's map, two photos, their truth, and an index of the map."""
    from click.testing import CliRunner

    from geoloc.cli import cli

    folder = tmp_path_factory.mktemp("demos") / "demo"
    assert CliRunner().invoke(cli, ["demo", "-o", str(folder), "--photos", "2"]).exit_code == 0
    return folder


def test_the_demo_is_located_from_its_raster_on(home: Path, demo: Path, tmp_path: Path) -> None:
    tiles, index, out = tmp_path / "tiles", tmp_path / "index", tmp_path / "out.gpkg"
    _run(home, "tileandindex", INPUT=demo / "region.tif", TILES=tiles, OUTPUT=index)
    found = _run(home, "locate", PHOTOS=demo / "photos", INDEX=index, OUTPUT=out)
    assert (found["LOCATED"], found["ALL"]) == (2, 2)


def test_located_photos_become_a_page_and_a_mosaic(home: Path, demo: Path, tmp_path: Path) -> None:
    results, page, warps = demo / "out.geojson", tmp_path / "report.html", tmp_path / "warps"
    made = _run(home, "report", RESULTS=results, INDEX=demo / "index", OUTPUT=page)
    assert made["OUTPUT"] == str(page)
    assert "report-photos" in page.read_text(encoding="utf-8")
    _run(home, "warp", RESULTS=results, OUTPUT=warps)
    assert len(list(warps.glob("*.tif"))) == 2
    assert (warps / "mosaic.vrt").is_file()


def test_a_model_is_adapted_to_the_tiles(home: Path, demo: Path, tmp_path: Path) -> None:
    adapted = tmp_path / "adapted"
    _run(home, "adapt", TILES=demo / "tiles", MINUTES=0.05, OUTPUT=adapted)
    assert (adapted / "model.toml").is_file()


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results with every kind of layer, and a mosaic of their photos beside them."""
    from click.testing import CliRunner

    from geoloc.cli import cli

    folder = tmp_path_factory.mktemp("results")
    rivals = "[[120.703,23.987,0.6,20.0],[120.704,23.988,0.3,25.0]]"
    ground = "POLYGON ((120.703 23.987, 120.704 23.987, 120.704 23.988, 120.703 23.987))"
    rows = []
    for number in range(2):
        Image.new("RGB", (WIDTH_PX, HEIGHT_PX), "red").save(folder / f"{number}.jpg")
        row = located(str(folder / f"{number}.jpg"), track="first", track_position=number)
        rows.append(replace(row, candidates=rivals, footprint=ground, confidence=0.9))
    write_results(rows, folder / "out.gpkg")
    warp = ["warp", str(folder / "out.gpkg"), "-o", str(folder / "warps")]
    assert CliRunner().invoke(cli, warp).exit_code == 0
    return folder / "out.gpkg"


def test_the_map_tool_finds_a_photo_a_cancelled_run_ends_and_results_become_a_group(
    home: Path, demo: Path, results: Path
) -> None:
    truth = next(iter(read_truth(demo / "truth.csv")))
    assert truth.camera is not None
    lon, lat = truth.camera
    extent = f"{lon - 0.003},{lat - 0.002},{lon + 0.002},{lat + 0.003}"
    (photo,) = (path for path in (demo / "photos").iterdir() if path.name == truth.photo)
    plugins = home / ".local/share/QGIS/QGIS3/profiles/default/python/plugins"
    script, warps = Path(__file__).with_name("in_window.py"), results.parent / "warps"
    ran = subprocess.run(
        ["/usr/bin/python3", script, plugins, demo / "index", photo, extent, results, warps],
        env={"HOME": str(home), "PATH": os.defpath, "XDG_RUNTIME_DIR": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    said = json.loads(ran.stdout.splitlines()[-1])
    ((kind, text),) = said["tool"]["said"]
    assert (kind, "located" in text) == ("info", True), text
    assert said["tool"]["layers"] == [1]
    assert said["tool"]["centre"] == pytest.approx([lon, lat], abs=3e-4)
    assert said["cancelled"]["said"].startswith("cancelled")
    (code,) = said["cancelled"]["codes"]
    assert code not in (None, 0), "the child has ended, without having done its work"
    order = ["photos", "candidates", "tracks", "footprints"]
    assert said["loaded"] == {
        "whole": True,
        "counted": {"LOCATED": 2, "ALL": 2},
        "group": "out",
        "layers": [*order, "mosaic"],
        "valid": True,
        "renderers": {
            "photos": "categorizedSymbol",
            "candidates": "singleSymbol",
            "tracks": "singleSymbol",
            "footprints": "categorizedSymbol",
        },
        "labelled": ["photos", "candidates", "tracks"],
        "tips": order,
        "actions": ["Open photo"],
    }
