"""``geoloc train`` as typed: what it says, what it leaves, how it ends."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from geoloc.cli import cli
from geoloc.learning.training.recipe_file import list_recipes, read_recipe
from geoloc.models.registry import load_model
from tests.fixtures.training_data import PAIRS_RECIPE, write_pairs


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with pairs/ and a recipe."""
    write_pairs(tmp_path / "pairs")
    (tmp_path / "mine.toml").write_text(PAIRS_RECIPE.replace("epochs = 2", "steps = 2"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def train(*arguments: str) -> Result:
    start = ["train", "mine.toml", "--data", "pairs", "--device", "cpu", "-j", "0"]
    return CliRunner().invoke(cli, [*start, *arguments])


def test_it_trains_and_evaluates_what_it_trained(here: Path) -> None:
    done = train("-o", "model")
    assert done.exit_code == 0, done.output
    assert "before training" in done.stdout
    assert load_model(here / "model").card.name == "model"
    told = train("--evaluate", "model")
    assert told.exit_code == 0, told.output
    assert "recall at 10" in told.stdout
    assert "references    6" in told.stdout


def test_an_existing_model_is_not_overwritten_and_a_finished_one_is_not_trained_again(
    here: Path,
) -> None:
    assert train("-o", "model", "-q").exit_code == 0
    before = (here / "model" / "model.safetensors").stat().st_mtime_ns
    refused = train("-o", "model", "-q")
    assert refused.exit_code == 2
    assert "--resume" in refused.stderr
    assert train("-o", "model", "-q", "--resume").exit_code == 0
    assert (here / "model" / "model.safetensors").stat().st_mtime_ns == before


@pytest.mark.usefixtures("here")
def test_it_needs_somewhere_to_write() -> None:
    done = train()
    assert done.exit_code == 2
    assert "-o" in done.stderr


@pytest.mark.usefixtures("here")
def test_there_is_nothing_to_resume_in_a_new_folder() -> None:
    done = train("-o", "new", "--resume")
    assert done.exit_code == 4
    assert "without --resume" in done.stderr


@pytest.mark.usefixtures("here")
def test_an_unknown_recipe_is_told_with_those_that_are_known() -> None:
    done = CliRunner().invoke(cli, ["train", "clnet-mars", "--data", "pairs", "-o", "model"])
    assert done.exit_code == 4
    assert "clnet-pairs" in done.stderr


def test_quiet_says_nothing(here: Path) -> None:
    done = train("-o", "model", "-q")
    assert (done.stdout, done.stderr) == ("", "")
    assert (here / "model" / "training.csv").is_file()


def test_recipes_are_listed_with_what_they_are_for() -> None:
    done = CliRunner().invoke(cli, ["train", "--list-recipes"])
    assert done.exit_code == 0, done.output
    rows = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    assert set(list_recipes()) == set(rows)
    assert rows["clnet-pairs"] == "clnet-aerial, tuned with drone photos of one region."


def test_a_recipe_is_shown_to_be_copied_and_changed(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["train", "--show-recipe", "clnet-town"])
    assert done.exit_code == 0, done.output
    (tmp_path / "mine.toml").write_text(done.stdout)
    assert read_recipe(tmp_path / "mine.toml") == read_recipe("clnet-town")
    assert done.stdout.startswith("#")  # what it is for is worth copying, too


def test_a_recipe_that_is_not_there_cannot_be_shown() -> None:
    done = CliRunner().invoke(cli, ["train", "--show-recipe", "clnet-mars"])
    assert done.exit_code == 4
    assert "clnet-pairs" in done.stderr
