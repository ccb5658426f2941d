"""A training run writes a model folder that loads; its parts do what the recipe says."""

from __future__ import annotations

import csv
import math
import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from torch import Tensor, nn

from geoloc import zoo
from geoloc.cli import cli
from geoloc.errors import InputError, OutputExistsError
from geoloc.nets.losses import SymmetricInfoNCE
from geoloc.training.measurement import Normalisation, measure_recall
from geoloc.training.model_folder import to_toml
from geoloc.training.pairs import Batch
from geoloc.training.recipe import Schedule, read_recipe
from geoloc.training.trainer import learning_rate, measure_model, share_done, train_model

CPU = torch.device("cpu")


def test_a_run_writes_a_model_that_loads(recipe_path: Path, data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    recipe = read_recipe(recipe_path)
    summary = train_model(recipe, data, folder, device=CPU, workers=0)
    card = zoo.load_model(folder).card
    assert card.name == "tiny"
    assert card.training == {"summary": "made up"}
    assert card.accuracy[0]["tiles"] == summary.recall.tiles == 4
    assert card.accuracy[0]["recall_at_1"] == round(summary.recall.at_1, 4)
    with (folder / "training.csv").open() as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["2", "4"]
    assert not list(folder.glob("*.tmp"))
    _, recall = measure_model(folder, recipe, data, device=CPU)
    assert recall == summary.recall


def test_two_runs_of_one_recipe_make_the_same_weights(
    recipe_path: Path, data: Path, tmp_path: Path
) -> None:
    recipe = read_recipe(recipe_path)
    for name in ("one", "two"):
        train_model(recipe, data, tmp_path / name, device=CPU, workers=0)
    one, two = (zoo.read_card(tmp_path / name).weights_sha256 for name in ("one", "two"))
    assert one == two


def test_a_folder_that_holds_something_is_not_written_to(recipe_path: Path, data: Path) -> None:
    with pytest.raises(OutputExistsError):
        train_model(read_recipe(recipe_path), data, data, device=CPU)


def test_a_recipe_that_holds_nothing_out_is_refused(
    recipe_path: Path, data: Path, tmp_path: Path
) -> None:
    recipe_path.write_text(recipe_path.read_text().replace('"Kept"', '"Nowhere"'))
    with pytest.raises(InputError, match="0 held out"):
        train_model(read_recipe(recipe_path), data, tmp_path / "model", device=CPU)


def test_the_command_trains_and_evaluates(recipe_path: Path, data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    start = ["train", str(recipe_path), "--data", str(data), "--device", "cpu", "-q"]
    done = CliRunner().invoke(cli, [*start, "-o", str(folder), "-j", "0"])
    assert done.exit_code == 0, done.output
    told = CliRunner().invoke(cli, [*start, "--evaluate", str(folder)])
    assert told.exit_code == 0, told.output
    assert "recall at 1" in told.stdout


def test_the_command_needs_somewhere_to_write(recipe_path: Path, data: Path) -> None:
    done = CliRunner().invoke(cli, ["train", str(recipe_path), "--data", str(data)])
    assert done.exit_code == 2
    assert "-o" in done.output


@torch.no_grad()
def test_the_loss_is_small_for_partners_and_large_for_strangers() -> None:
    vectors = torch.eye(8)
    loss = SymmetricInfoNCE(label_smoothing=0.0)
    assert float(loss(vectors, vectors)) < 1e-4
    assert float(loss(vectors, vectors.roll(1, dims=0))) > 10
    assert float(loss(torch.ones(8, 8), torch.ones(8, 8))) == pytest.approx(math.log(8))


@torch.no_grad()
def test_the_loss_does_not_know_queries_from_references() -> None:
    one, two = torch.randn(2, 6, 4, generator=torch.Generator().manual_seed(0))
    loss = SymmetricInfoNCE()
    assert float(loss(one, two)) == pytest.approx(float(loss(two, one)), rel=1e-5)


class _FirstPixel(nn.Module):
    """Embeds an image as the colour of its first pixel."""

    def forward(self, images: Tensor, view: str) -> Tensor:
        del view
        return nn.functional.normalize(images[:, :, 0, 0], dim=1)


def test_recall_counts_the_right_tiles_rank() -> None:
    tiles = np.zeros((3, 2, 2, 3), np.uint8)
    tiles[[0, 1, 2], :, :, [0, 1, 2]] = 255
    photos = tiles[[0, 1, 1]]  # the third photo looks like the second tile
    normalise = Normalisation((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), CPU)
    recall = measure_recall(_FirstPixel(), Batch(photos, tiles), normalise)
    assert recall.at_1 == pytest.approx(2 / 3)
    assert recall.at_5 == 1.0


def test_a_tie_counts_against_the_right_tile() -> None:
    same = np.full((4, 2, 2, 3), 255, np.uint8)
    normalise = Normalisation((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), CPU)
    assert measure_recall(_FirstPixel(), Batch(same, same), normalise).at_1 == 0.0


def test_the_rate_warms_up_and_ends_at_zero() -> None:
    schedule = Schedule(steps=100, learning_rate=1.0, warmup_steps=10)
    rates = [learning_rate(schedule, step, share_done(schedule, step, 0.0)) for step in range(101)]
    assert rates[0] == pytest.approx(0.1, rel=0.01)
    assert max(rates) == rates[9]
    assert rates[100] == pytest.approx(0.0, abs=1e-9)


def test_the_clock_can_end_a_schedule_early() -> None:
    schedule = Schedule(steps=100, minutes=1.0)
    assert share_done(schedule, 10, 30.0) == 0.5
    assert share_done(schedule, 90, 30.0) == 0.9
    assert share_done(schedule, 10, 90.0) == 1.0


def test_toml_is_read_back_as_it_was() -> None:
    document = {
        "name": 'a "quoted" ü',
        "sizes": [1, 2],
        "on": True,
        "input": {"mean": [0.5], "size": {"drone": [3, 4]}},
        "accuracy": [{"n": 1, "by": {"x": 2}}, {"n": 2}],
    }
    assert tomllib.loads(to_toml(document)) == document
