"""The calibration of street photos serves while it speaks of this index."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from geoloc.errors import IndexFolderError
from geoloc.index.map_index import MapIndex
from geoloc.locate.calibration import CALIBRATION_FILE, write_calibration
from geoloc.locate.street.calibration_choice import (
    STREET_CALIBRATION_FILE,
    own_street_calibration,
    street_calibration_notes,
)
from geoloc.locate.street.evidence import FEATURES
from tests.fixtures.calibrations import flat_calibration


def index_of(folder: Path, *tiles: str) -> MapIndex:
    recipe = SimpleNamespace(fingerprint="abc", tile_digests=tiles)
    return cast(MapIndex, SimpleNamespace(folder=folder, manifest=SimpleNamespace(recipe=recipe)))


def street_calibration(**changes: Any) -> Any:
    numbers = dict.fromkeys(("mean", "scale", "low", "high", "weights"), (1.0,) * len(FEATURES))
    return flat_calibration(features=FEATURES, **(numbers | changes))


def test_it_lies_beside_that_of_drone_photos_and_serves_where_tiles_were_added(
    tmp_path: Path,
) -> None:
    write_calibration(flat_calibration(), tmp_path / CALIBRATION_FILE)
    assert own_street_calibration(index_of(tmp_path, "a")) is None
    ours = street_calibration(tiles=("a",))
    write_calibration(ours, tmp_path / STREET_CALIBRATION_FILE)
    for index in (index_of(tmp_path, "a"), index_of(tmp_path, "a", "b")):
        assert own_street_calibration(index) == ours
        assert street_calibration_notes(index) == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"tiles": ("other",)}, "on other tiles"),
        ({"descriptor": "another"}, "another network"),
        ({"features": ("a", "b", "c", "d")}, "other evidence"),
    ],
)
def test_one_of_another_index_does_not_serve_and_that_is_said(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    values = {"features": FEATURES, **changes}
    numbers = dict.fromkeys(("mean", "scale", "low", "high", "weights"), (1.0,) * len(FEATURES))
    write_calibration(flat_calibration(**numbers, **values), tmp_path / STREET_CALIBRATION_FILE)
    index = index_of(tmp_path, "a")
    assert own_street_calibration(index) is None
    (note,) = street_calibration_notes(index)
    assert reason in note
    assert "geoloc calibrate" in note


def test_one_that_is_damaged_is_an_error(tmp_path: Path) -> None:
    (tmp_path / STREET_CALIBRATION_FILE).write_text("{}")
    with pytest.raises(IndexFolderError, match="run `geoloc calibrate` again"):
        own_street_calibration(index_of(tmp_path, "a"))
