"""A run that was killed and resumed is the run that was never killed."""

from __future__ import annotations

import csv
import os
import signal
from pathlib import Path

import pytest

from geoloc import zoo
from geoloc.errors import ModelError, OutputExistsError
from geoloc.options import TrainOptions
from geoloc.progress import Silent
from geoloc.training.trainer import train_model

HERE = TrainOptions(device="cpu", workers=0)
AGAIN = TrainOptions(device="cpu", workers=0, resume=True)


class PowerCutError(Exception):
    """What stops a run in these tests."""


class Cut(Silent):
    """Stops the run from outside after some batches."""

    def __init__(self, after: int, *, politely: bool = False) -> None:
        self._after, self._politely = after, politely
        self._counting, self._done = False, 0

    def start(self, label: str, total: int, unit: str) -> None:
        """Count batches, not images."""
        self._counting, self._done = label == "train", 0

    def advance(self, count: int = 1) -> None:
        """Cut when the time has come."""
        self._done += count
        if self._counting and self._done == self._after and self._politely:
            os.kill(os.getpid(), signal.SIGTERM)
        elif self._counting and self._done == self._after:
            raise PowerCutError


def course(folder: Path) -> list[tuple[str, ...]]:
    """Everything that the log says, but for the time that passed."""
    with (folder / "training.csv").open() as file:
        return [
            tuple(value for name, value in row.items() if name != "seconds")
            for row in csv.DictReader(file)
        ]


def longer(recipe: Path, more: str = "") -> Path:
    """Four epochs, a checkpoint at every other step, and similar pairs together."""
    text = recipe.read_text().replace("epochs = 2\n", "epochs = 4\ncheckpoint_every = 2\n")
    recipe.write_text(
        text + '\n[sampling]\nneighbours = "similarity"\nrefresh_every_epochs = 1\n'
        "range = 4\nselect = 3\nalways = 2\n" + more
    )
    return recipe


@pytest.mark.parametrize("after", [1, 5, 11])
def test_a_killed_run_goes_on_to_the_same_curve(
    pairs_recipe: Path, pairs: Path, tmp_path: Path, after: int
) -> None:
    recipe = longer(pairs_recipe)
    train_model(recipe, pairs, tmp_path / "straight", HERE)
    with pytest.raises(PowerCutError):
        train_model(recipe, pairs, tmp_path / "cut", HERE, progress=Cut(after))
    if after == 1:  # nothing to go on from yet
        with pytest.raises(ModelError, match="without --resume"):
            train_model(recipe, pairs, tmp_path / "cut", AGAIN)
        return
    train_model(recipe, pairs, tmp_path / "cut", AGAIN)
    assert course(tmp_path / "cut") == course(tmp_path / "straight")
    assert [row[0] for row in course(tmp_path / "cut")] == [str(n) for n in range(13)]
    checksums = {zoo.read_card(tmp_path / name).weights_sha256 for name in ("cut", "straight")}
    assert len(checksums) == 1


def test_a_terminated_run_writes_a_checkpoint_first(
    pairs_recipe: Path, pairs: Path, tmp_path: Path
) -> None:
    recipe = longer(pairs_recipe)
    train_model(recipe, pairs, tmp_path / "straight", HERE)
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt):
        train_model(recipe, pairs, tmp_path / "cut", HERE, progress=Cut(2, politely=True))
    assert signal.getsignal(signal.SIGTERM) is before
    assert [row[0] for row in course(tmp_path / "cut")] == ["0", "1", "2", "3"]
    train_model(recipe, pairs, tmp_path / "cut", AGAIN)
    assert course(tmp_path / "cut") == course(tmp_path / "straight")


def test_a_finished_run_has_nothing_to_go_on_with(
    pairs_recipe: Path, pairs: Path, tmp_path: Path
) -> None:
    done = train_model(pairs_recipe, pairs, tmp_path / "model", HERE)
    before = course(tmp_path / "model")
    assert train_model(pairs_recipe, pairs, tmp_path / "model", AGAIN) == done
    assert course(tmp_path / "model") == before


def test_another_recipe_is_refused(pairs_recipe: Path, pairs: Path, tmp_path: Path) -> None:
    train_model(pairs_recipe, pairs, tmp_path / "model", HERE)
    with pytest.raises(OutputExistsError, match="--resume"):
        train_model(pairs_recipe, pairs, tmp_path / "model", HERE)
    pairs_recipe.write_text("# a comment changes nothing\n" + pairs_recipe.read_text())
    train_model(pairs_recipe, pairs, tmp_path / "model", AGAIN)
    pairs_recipe.write_text(pairs_recipe.read_text() + "\nseed = 5\n")
    with pytest.raises(ModelError, match="recipe changed"):
        train_model(pairs_recipe, pairs, tmp_path / "model", AGAIN)


@pytest.mark.parametrize("content", [b"", b"not a checkpoint"])
def test_a_damaged_checkpoint_is_refused(
    pairs_recipe: Path, pairs: Path, tmp_path: Path, content: bytes
) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "checkpoint.pt").write_bytes(content)
    with pytest.raises(ModelError, match="cannot be read"):
        train_model(pairs_recipe, pairs, folder, AGAIN)
