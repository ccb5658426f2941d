"""Which calibration serves: the index's own while it speaks of this index, then the model's."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from geoloc.index.features.feature_map import FeatureMap
from geoloc.index.map_index import MapIndex
from geoloc.locate.calibration import CALIBRATION_FILE, write_calibration
from geoloc.locate.drone import calibration_choice
from geoloc.locate.drone.calibration_choice import (
    bundled_calibration,
    calibration_notes,
    find_calibration,
    own_calibration,
)
from tests.fixtures.calibrations import flat_calibration

MAP = cast(FeatureMap, SimpleNamespace(kind=SimpleNamespace(checksum="abc")))


def index_of(folder: Path, *tiles: str, descriptor: str = "local abc") -> MapIndex:
    recipe = SimpleNamespace(descriptor=descriptor, tile_digests=tiles)
    manifest = SimpleNamespace(recipe=recipe)
    return cast(MapIndex, SimpleNamespace(folder=folder, manifest=manifest))


def keep(folder: Path, **changes: Any) -> None:
    write_calibration(flat_calibration(**changes), folder / CALIBRATION_FILE)


def test_an_index_without_a_calibration_has_none_and_no_note(tmp_path: Path) -> None:
    assert own_calibration(index_of(tmp_path, "a")) is None
    assert calibration_notes(index_of(tmp_path, "a")) == []


def test_the_calibration_of_the_index_serves_and_still_does_when_tiles_were_added(
    tmp_path: Path,
) -> None:
    keep(tmp_path, tiles=("a",))
    for index in (index_of(tmp_path, "a"), index_of(tmp_path, "a", "b")):
        assert own_calibration(index) == flat_calibration(tiles=("a",))
        assert calibration_notes(index) == []
    keep(tmp_path)  # of before tiles were noted
    assert own_calibration(index_of(tmp_path, "a")) == flat_calibration()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"tiles": ("other",)}, "on other tiles"),
        ({"descriptor": "another"}, "another descriptor"),
        ({"features": ("score",) * 5}, "other evidence"),
    ],
)
def test_a_calibration_of_another_index_does_not_serve_and_that_is_said(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    keep(tmp_path, **changes)
    index = index_of(tmp_path, "a")
    assert own_calibration(index) is None
    (note,) = calibration_notes(index)
    assert reason in note
    assert "geoloc calibrate" in note


def test_root_sift_has_calibrations_too(tmp_path: Path) -> None:
    keep(tmp_path, descriptor="")
    assert own_calibration(index_of(tmp_path, "a", descriptor="rootsift")) is not None


def test_the_model_s_calibration_stands_in_for_one_of_the_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, folder = tmp_path / "model", tmp_path / "index"
    for each in (model, folder):
        each.mkdir()
    monkeypatch.setattr(calibration_choice, "find_model", lambda _: model)
    keep(model, source="model")
    found = find_calibration(index_of(folder, "a"), MAP)
    assert found is not None
    assert found.kind == "calibrated:model"
    keep(folder, source="map", tiles=("a",))
    found = find_calibration(index_of(folder, "a"), MAP)
    assert found is not None
    assert found.kind == "calibrated:map"
    keep(model, source="model", descriptor="another")
    assert bundled_calibration(MAP) is None
