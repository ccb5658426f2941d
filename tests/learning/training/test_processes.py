"""Two processes of n pairs learn what one process of 2n pairs learns."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest

from geoloc.errors import OptionError
from geoloc.learning.options import TrainOptions
from geoloc.learning.training.batch import Share
from geoloc.learning.training.job import train_model
from geoloc.learning.training.processes import OneProcess
from geoloc.models import registry

HERE = TrainOptions(device="cpu", workers=0)


def run_two(recipe: Path, data: Path, folder: Path) -> None:
    """``torchrun`` with two processes, which talk over gloo."""
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone"]
    command += ["-m", "geoloc.cli", "train", str(recipe), "--data", str(data), "-o", str(folder)]
    surroundings = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [*command, "--device", "cpu", "-j", "0"],
        env=surroundings,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def numbers(folder: Path, column: str) -> list[float]:
    with (folder / "training.csv").open() as file:
        return [float(row[column]) for row in csv.DictReader(file) if row[column]]


@pytest.mark.slow
def test_two_processes_follow_the_curve_of_one(
    pairs_recipe: Path, pairs: Path, tmp_path: Path
) -> None:
    weighted = '\n[loss]\nname = "weighted-infonce"\n'  # overlaps are gathered, too
    pairs_recipe.write_text(pairs_recipe.read_text() + weighted)
    train_model(pairs_recipe, pairs, tmp_path / "one", HERE)
    run_two(pairs_recipe, pairs, tmp_path / "two")
    one, two = (numbers(tmp_path / name, "loss") for name in ("one", "two"))
    assert len(one) == 6
    assert two == pytest.approx(one, abs=2e-3)
    assert max(one) - min(one) > 0.01  # it learns, so that equal gradients are what makes it equal
    recalls = [numbers(tmp_path / name, "recall_at_5") for name in ("one", "two")]
    assert recalls[0] == pytest.approx(recalls[1], abs=0.2)
    assert registry.load_model(tmp_path / "two").card.name == "two"


def test_shares_of_a_batch_make_it_up() -> None:
    rows = list(range(12))
    assert [rows[Share(n, 3).rows(12)] for n in range(3)] == [rows[:4], rows[4:8], rows[8:]]


def test_a_batch_that_cannot_be_shared_is_refused(
    pairs_recipe: Path, pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OneProcess, "share", Share(0, 3))
    with pytest.raises(OptionError, match="multiple"):
        train_model(pairs_recipe, pairs, tmp_path / "model", HERE)
