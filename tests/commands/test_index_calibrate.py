"""``geoloc index --calibrate``: the map alone calibrates the index that was just built of it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from geoloc.cli import cli
from geoloc.index.map_index import MapIndex
from geoloc.learning.calibration import map_job, simulation
from geoloc.learning.calibration.degradation import DegradationParameters
from geoloc.learning.calibration.job import EvidenceRow
from geoloc.locate.calibration import CALIBRATION_FILE, read_calibration
from geoloc.locate.drone.evidence import FEATURES
from tests.fixtures.search import SearchWorld

pytest.importorskip("sklearn")

# Cameras low enough for the tiny map, over ground that has changed little.
LOW = replace(
    simulation.SIMULATION,
    width_px=640,
    heights_m=(50.0, 70.0),
    heights_px=(50.0, 70.0),
    degradation=DegradationParameters(most_detail=0.7, most_changed=0.2),
)
Typed = Callable[..., Result]


@pytest.fixture
def typed(search_world: SearchWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Typed:
    """Types a command beside tiles/ and model/ of the tiny world."""
    for folder in ("tiles", "model"):
        shutil.copytree(search_world.folder / folder, tmp_path / folder)
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(cli, [str(word) for word in words])


def index_and_calibrate(typed: Typed) -> Result:
    """What is typed to build the index and calibrate it."""
    chosen = ("--model", "model", "--descriptor", "rootsift", "--device", "cpu")
    result = typed("index", "tiles", *chosen, "--calibrate")
    assert result.exit_code == 0, result.output
    return result


def find_mirrored_ones_weak(
    simulator: object, number: int, drone: object, *, mirrored: bool
) -> EvidenceRow:
    """In place of a search: photos of the map score high, mirrored ones low."""
    return ((3.0 if mirrored else 7.0) + number % 5 / 4, 1.0, 3.0, -2.5, 0.2), not mirrored


def test_the_index_is_calibrated_once_and_the_time_is_said_first(
    typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(map_job, "_find", find_mirrored_ones_weak)
    first = index_and_calibrate(typed)
    assert "calibrating on the map: about 9 minutes of one core" in first.output
    assert f"wrote index/{CALIBRATION_FILE}" in first.output
    written = Path("index", CALIBRATION_FILE).read_bytes()
    again = index_and_calibrate(typed)
    assert "calibrated already, on 60 simulated photos of this map, 60 mirrored" in again.output
    assert Path("index", CALIBRATION_FILE).read_bytes() == written


@pytest.mark.slow
def test_the_calibration_names_the_tiles_and_judges_what_is_located(
    typed: Typed, search_world: SearchWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = simulation.PhotoSimulator

    def simulate(opened: MapIndex, *, seed: int, **_: object) -> simulation.PhotoSimulator:
        return taken(opened, seed=seed, parameters=LOW)

    monkeypatch.setattr(map_job, "PhotoSimulator", simulate)
    monkeypatch.setattr(map_job, "DEFAULT_PHOTOS", 14)
    index_and_calibrate(typed)
    kept = read_calibration(Path("index", CALIBRATION_FILE))
    assert (kept.source, kept.features) == ("map", FEATURES)
    assert kept.tiles == MapIndex.open("index").manifest.recipe.tile_digests != ()
    photos = search_world.photos
    result = typed("locate", *photos, "--index", "index", "--effort", "low", "-o", "out.geojson")
    assert result.exit_code in (0, 6), result.output
    rows = [one["properties"] for one in json.loads(Path("out.geojson").read_text())["features"]]
    said = {row["conf_kind"] for row in rows if row["confidence"] is not None}
    assert said == {"calibrated:map"}
