"""A run that was killed and resumed is the run that was never killed."""

from __future__ import annotations

import csv
import os
import shutil
import signal
from pathlib import Path

import pytest

from geoloc.errors import GeolocError, ModelError, OutputExistsError
from geoloc.learning.options import TrainOptions
from geoloc.learning.training.job import train_model
from geoloc.models import registry
from geoloc.progress import Silent
from tests.fixtures.training_data import PAIRS_RECIPE, write_pairs

HERE = TrainOptions(device="cpu", workers=0)
AGAIN = TrainOptions(device="cpu", workers=0, resume=True)
STEPS = 9

# Three epochs, a checkpoint at every other step, and similar pairs together.
RECIPE = (
    PAIRS_RECIPE.replace("epochs = 2\n", "epochs = 3\ncheckpoint_every = 2\n")
    + """
[sampling]
neighbours = "similarity"
refresh_every_epochs = 1
range = 4
select = 3
always = 2
"""
)


class PowerCutError(Exception):
    """What stops a run in these tests."""


class Cut(Silent):
    """Stops the run from outside after some batches."""

    def __init__(self, after: int, *, politely: bool = False, number: int = signal.SIGTERM) -> None:
        self._after, self._politely, self._number = after, politely, number
        self._counting, self._done = False, 0

    def start(self, label: str, total: int, unit: str) -> None:
        """Count batches, not images."""
        self._counting, self._done = label == "training", 0

    def advance(self, count: int = 1) -> None:
        """Cut when the time has come."""
        self._done += count
        if self._counting and self._done == self._after and self._politely:
            os.kill(os.getpid(), self._number)
        elif self._counting and self._done == self._after:
            raise PowerCutError


class Whole:
    """A run that nothing disturbed, and what it was made of."""

    def __init__(self, folder: Path) -> None:
        self.pairs = folder / "pairs"
        write_pairs(self.pairs)
        self.recipe = folder / "recipe.toml"
        self.recipe.write_text(RECIPE)
        self.folder = folder / "straight"
        self.summary = train_model(self.recipe, self.pairs, self.folder, HERE)
        self.course = course(self.folder)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    return Whole(tmp_path_factory.mktemp("whole"))


@pytest.fixture
def finished(whole: Whole, tmp_path: Path) -> Path:
    """A copy of what the undisturbed run wrote."""
    return Path(shutil.copytree(whole.folder, tmp_path / "copy"))


def course(folder: Path) -> list[tuple[str, ...]]:
    """Everything that the log says, but for the time that passed."""
    with (folder / "training.csv").open() as file:
        return [
            tuple(value for name, value in row.items() if name != "seconds")
            for row in csv.DictReader(file)
        ]


@pytest.mark.slow
@pytest.mark.parametrize("after", [5, 7])
def test_a_killed_run_goes_on_to_the_same_curve(whole: Whole, tmp_path: Path, after: int) -> None:
    folder = tmp_path / "cut"
    with pytest.raises(PowerCutError):
        train_model(whole.recipe, whole.pairs, folder, HERE, progress=Cut(after))
    assert len(course(folder)) == 1 + after
    train_model(whole.recipe, whole.pairs, folder, AGAIN)
    assert course(folder) == whole.course
    assert [row[0] for row in whole.course] == [str(n) for n in range(STEPS + 1)]
    checksums = {registry.read_card(each).weights_sha256 for each in (folder, whole.folder)}
    assert len(checksums) == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_terminated_run_writes_a_checkpoint_first(
    whole: Whole, tmp_path: Path, name: str
) -> None:
    number = getattr(signal, name, None)
    if number is None or signal.getsignal(number) == signal.SIG_IGN:
        pytest.skip("a system without this signal, or a run under nohup")
    before, folder = signal.getsignal(number), tmp_path / "cut"
    cut = Cut(2, politely=True, number=number)
    with pytest.raises(KeyboardInterrupt):
        train_model(whole.recipe, whole.pairs, folder, HERE, progress=cut)
    assert signal.getsignal(number) is before
    assert [row[0] for row in course(folder)] == ["0", "1", "2", "3"]
    train_model(whole.recipe, whole.pairs, folder, AGAIN)
    assert course(folder) == whole.course


def test_a_run_that_was_cut_before_its_first_checkpoint_starts_anew(
    whole: Whole, tmp_path: Path
) -> None:
    with pytest.raises(PowerCutError):
        train_model(whole.recipe, whole.pairs, tmp_path / "cut", HERE, progress=Cut(1))
    with pytest.raises(ModelError, match="without --resume"):
        train_model(whole.recipe, whole.pairs, tmp_path / "cut", AGAIN)
    train_model(whole.recipe, whole.pairs, tmp_path / "cut", HERE)
    assert course(tmp_path / "cut") == whole.course


def test_what_is_no_beginning_of_a_run_is_left_alone(whole: Whole, tmp_path: Path) -> None:
    for name in ("training.csv", "notes.txt"):
        (tmp_path / name).write_text("mine")
    with pytest.raises(OutputExistsError, match="is not empty"):
        train_model(whole.recipe, whole.pairs, tmp_path, HERE)
    assert (tmp_path / "training.csv").read_text() == "mine"


def test_a_finished_run_has_nothing_to_go_on_with(whole: Whole, finished: Path) -> None:
    again = train_model(whole.recipe, whole.pairs, finished, AGAIN)
    assert (again.best_step, again.recall) == (whole.summary.best_step, whole.summary.recall)
    assert course(finished) == whole.course


def test_a_folder_that_holds_a_run_is_not_begun_in(whole: Whole, finished: Path) -> None:
    with pytest.raises(OutputExistsError, match="--resume"):
        train_model(whole.recipe, whole.pairs, finished, HERE)


def test_a_comment_does_not_make_another_recipe_but_a_seed_does(
    whole: Whole, finished: Path, tmp_path: Path
) -> None:
    recipe = tmp_path / "other.toml"
    recipe.write_text("# a comment\n" + RECIPE)
    train_model(recipe, whole.pairs, finished, AGAIN)
    recipe.write_text(RECIPE.replace("[schedule]", "[schedule]\nseed = 5"))
    with pytest.raises(ModelError, match="recipe changed"):
        train_model(recipe, whole.pairs, finished, AGAIN)


def test_other_data_are_refused(whole: Whole, finished: Path, tmp_path: Path) -> None:
    fewer = Path(shutil.copytree(whole.pairs, tmp_path / "pairs"))
    lines = (fewer / "pairs.csv").read_text().splitlines(keepends=True)
    (fewer / "pairs.csv").write_text("".join([lines[0], *lines[2:]]))
    with pytest.raises(GeolocError, match="data changed"):
        train_model(whole.recipe, fewer, finished, AGAIN)


@pytest.mark.parametrize("content", [b"", b"not a checkpoint"])
def test_a_damaged_checkpoint_is_refused(whole: Whole, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "checkpoint.pt").write_bytes(content)
    with pytest.raises(ModelError, match="cannot be read"):
        train_model(whole.recipe, whole.pairs, tmp_path, AGAIN)
