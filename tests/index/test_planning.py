"""What a dry run says of the work."""

from __future__ import annotations

from pathlib import Path

from geoloc.index.job import build_index
from geoloc.index.planning import plan_index
from tests.fixtures.indexes import options_for, spoil_tile


def test_a_plan_says_what_would_be_done_and_writes_nothing(
    tiles: Path, model: Path, tmp_path: Path
) -> None:
    plan = plan_index(tiles, tmp_path / "index", options_for(model))
    assert (plan.tiles, plan.size_bytes, plan.device) == (16, 16 * 16 * 2, "cpu")
    assert plan.seconds is not None
    assert not (tmp_path / "index").exists()
    build_index(tiles, tmp_path / "index", options_for(model))
    assert plan_index(tiles, tmp_path / "index", options_for(model)).tiles == 0


def test_a_plan_survives_bad_tiles(tiles: Path, model: Path, tmp_path: Path) -> None:
    spoil_tile(tiles, 0)
    assert plan_index(tiles, tmp_path / "index", options_for(model)).seconds is not None
