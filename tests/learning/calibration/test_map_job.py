"""Calibrations on the map: what is kept, gone on with, refused and written."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from geoloc.errors import OptionError
from geoloc.geometry.crs import LonLat
from geoloc.index.map_index import MapIndex
from geoloc.learning.calibration import map_job, simulation
from geoloc.learning.calibration.job import EvidenceRow
from geoloc.learning.calibration.map_job import UNFINISHED, calibrate_on_map, planned_minutes
from geoloc.locate.calibration import CALIBRATION_FILE, read_calibration, write_calibration
from geoloc.locate.job import locate_photos
from geoloc.locate.locator import Locator
from geoloc.options import LocateOptions
from tests.fixtures.calibrations import flat_calibration
from tests.fixtures.search import SearchWorld

pytest.importorskip("sklearn")
LOW = LocateOptions(effort="low")


class Finder:
    """Finds what it is told to, in place of a search: mirrored photos have the lower scores."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, bool]] = []
        self.breaks_after: int | None = None

    def __call__(
        self, simulator: object, number: int, drone: object, *, mirrored: bool
    ) -> EvidenceRow | None:
        if len(self.asked) == self.breaks_after:
            raise KeyboardInterrupt
        self.asked.append((number, mirrored))
        if number == 0:
            return None
        score = (3.0 if mirrored else 7.0) + number % 5 / 2
        return (score, 1.0, 3.0, -2.5, 0.2), not mirrored


@pytest.fixture
def index(search_world: SearchWorld, tmp_path: Path) -> Path:
    """A copy of the index, beside tiles and a model that it may read."""
    for folder in ("index", "model", "tiles"):
        shutil.copytree(search_world.folder / folder, tmp_path / folder)
    return tmp_path / "index"


@pytest.fixture
def finder(monkeypatch: pytest.MonkeyPatch) -> Finder:
    finder = Finder()
    monkeypatch.setattr(map_job, "_find", finder)
    return finder


def test_what_was_found_is_fitted_and_written_for_the_tiles_of_the_index(
    index: Path, finder: Finder
) -> None:
    summary = calibrate_on_map(index, LOW, photos=12)
    assert (summary.photos, summary.right, summary.mirrored) == (11, 11, 11)
    written = read_calibration(index / CALIBRATION_FILE)
    assert written.kind == "calibrated:map"
    assert written.tiles == MapIndex.open(index).manifest.recipe.tile_digests
    assert "11 simulated photos of this map, 11 mirrored" in written.made_of
    assert written.probability((8.0, 1.0, 3.0, -2.5, 0.2)) > 0.8
    assert written.probability((3.0, 1.0, 3.0, -2.5, 0.2)) < 0.2
    assert not (index / UNFINISHED).exists()


def test_an_interrupted_run_goes_on_where_it_stopped(index: Path, finder: Finder) -> None:
    finder.breaks_after = 9
    with pytest.raises(KeyboardInterrupt):
        calibrate_on_map(index, LOW, photos=12)
    assert not (index / CALIBRATION_FILE).exists()
    with (index / UNFINISHED).open("a") as stream:
        stream.write('{"key": "cut o')
    finder.breaks_after = None
    calibrate_on_map(index, LOW, photos=12)
    assert finder.asked == [(number, which) for number in range(12) for which in (False, True)]
    once = read_calibration(index / CALIBRATION_FILE)
    calibrate_on_map(index, LOW, photos=12)
    assert read_calibration(index / CALIBRATION_FILE) == once


def test_what_was_found_with_other_options_is_not_used(index: Path, finder: Finder) -> None:
    finder.breaks_after = 5
    with pytest.raises(KeyboardInterrupt):
        calibrate_on_map(index, LOW, photos=12)
    finder.breaks_after = None
    finder.asked.clear()
    calibrate_on_map(index, LocateOptions(effort="normal"), photos=12)
    assert len(finder.asked) == 24


def test_real_photos_are_not_replaced_unless_that_is_said(index: Path, finder: Finder) -> None:
    opened = MapIndex.open(index)
    descriptor = opened.manifest.recipe.descriptor.split()[1:]
    serving: dict[str, Any] = {
        "descriptor": "".join(descriptor),
        "tiles": opened.manifest.recipe.tile_digests,
        "made_of": "41 photos of this ground",
    }
    write_calibration(flat_calibration(**serving), index / CALIBRATION_FILE)
    with pytest.raises(OptionError, match=r"41 photos of this ground.*--overwrite"):
        calibrate_on_map(index, LOW, photos=12)
    assert finder.asked == []
    calibrate_on_map(index, LOW, photos=12, overwrite=True)
    assert read_calibration(index / CALIBRATION_FILE).source == "map"
    stale = flat_calibration(**(serving | {"tiles": ("others",)}))
    write_calibration(stale, index / CALIBRATION_FILE)
    calibrate_on_map(index, LOW, photos=12)
    assert read_calibration(index / CALIBRATION_FILE).source == "map"


def test_simulated_photos_promise_nothing(index: Path, finder: Finder) -> None:
    calibrate_on_map(index, LOW, photos=12)
    with pytest.raises(OptionError, match="simulated photos, and a promise takes real ones"):
        Locator(MapIndex.open(index), LocateOptions(max_wrong=0.1), run_id="run")


def test_the_time_is_said_beforehand() -> None:
    assert planned_minutes(60) == 6 * planned_minutes(10) > 1


@pytest.mark.slow
def test_a_map_alone_calibrates_its_index(
    search_world: SearchWorld, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    easy = replace(simulation.DEGRADATION, most_detail=0.7, most_changed=0.2)
    low = replace(
        simulation.SIMULATION,
        width_px=640,
        heights_m=(50.0, 70.0),
        heights_px=(50.0, 70.0),
        degradation=easy,
    )
    taken = simulation.PhotoSimulator

    def simulate(opened: MapIndex, *, seed: int, **_: object) -> simulation.PhotoSimulator:
        return taken(opened, seed=seed, parameters=low)

    monkeypatch.setattr(map_job, "PhotoSimulator", simulate)
    summary = calibrate_on_map(index, LOW, photos=14)
    assert summary.right >= 5
    assert json.loads((index / CALIBRATION_FILE).read_text())["source"] == "map"
    rows = list(locate_photos(search_world.photos, index, LOW))
    assert {row.conf_kind for row in rows if row.confidence is not None} == {"calibrated:map"}
    assert simulate(MapIndex.open(index), seed=0).photo(0).camera != LonLat(0.0, 0.0)
