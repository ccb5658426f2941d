"""``geoloc adapt`` as typed: what it says, what it leaves, how it ends."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from geoloc.cli import cli
from geoloc.learning import adapt
from geoloc.learning.training.data.map_validation import MapValidation
from geoloc.learning.training.recall import Recall
from geoloc.models.registry import load_model
from tests.fixtures.small_maps import SmallMap


@pytest.fixture(autouse=True)
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two batches of eight pairs."""
    monkeypatch.setattr(adapt, "_MAX_STEPS", 2)
    monkeypatch.setattr(adapt, "_MAX_BATCH", 8)


def run(tiles: Path, small: SmallMap, folder: Path, *more: str) -> Result:
    given = [str(tiles), "-o", str(folder), "--model", str(small.model)]
    return CliRunner().invoke(cli, ["adapt", *given, "--device", "cpu", "-j", "0", *more])


@pytest.mark.slow
def test_it_says_what_was_gained_and_what_comes_next(
    small_map: SmallMap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = iter([Recall(0.25, 0.5, 0.75, 9, 20), Recall(0.5, 0.75, 1.0, 9, 20)])
    monkeypatch.setattr(MapValidation, "measure", lambda self, embed: next(found))
    done = run(small_map.tiles, small_map, tmp_path / "mine", "--minutes", "5")
    assert done.exit_code == 0, done.output
    assert "recall at 1   0.250 before, 0.500 after" in done.stdout
    assert f"geoloc index TILES --model {tmp_path / 'mine'}" in done.stderr
    assert load_model(tmp_path / "mine").card.name == "mine"


@pytest.mark.slow
def test_nothing_gained_is_said_and_is_no_failure(
    small_map: SmallMap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    same = Recall(0.25, 0.5, 0.75, 9, 20)
    monkeypatch.setattr(MapValidation, "measure", lambda self, embed: same)
    done = run(small_map.tiles, small_map, tmp_path / "mine")
    assert done.exit_code == 0, done.output
    assert "nothing that was learnt beats" in done.stderr
    assert load_model(tmp_path / "mine")


def test_a_small_map_ends_with_one_line(small_map: SmallMap, tmp_path: Path) -> None:
    done = run(small_map.too_small, small_map, tmp_path / "mine")
    assert done.exit_code == 3
    assert len(done.stderr.strip().splitlines()) == 1
    assert "too little to hold a part out" in done.stderr


@pytest.mark.slow
def test_a_finished_run_is_not_begun_again(small_map: SmallMap, tmp_path: Path) -> None:
    assert run(small_map.tiles, small_map, tmp_path / "mine", "-q").exit_code == 0
    refused = run(small_map.tiles, small_map, tmp_path / "mine", "-q")
    assert refused.exit_code == 2
    assert "--resume" in refused.stderr
    again = run(small_map.tiles, small_map, tmp_path / "mine", "-q", "--resume")
    assert (again.exit_code, again.stdout, again.stderr) == (0, "", "")


def test_no_time_is_refused(small_map: SmallMap, tmp_path: Path) -> None:
    assert run(small_map.tiles, small_map, tmp_path / "mine", "--minutes", "0").exit_code == 2
