"""A model adapts to a map by itself, and is never worse for it."""

from __future__ import annotations

import csv
import os
import signal
import tomllib
from collections.abc import Iterator
from itertools import chain, repeat
from pathlib import Path

import pytest
import torch

from geoloc.errors import InputError, ModelError, OptionError, OutputExistsError
from geoloc.index.job import build_index
from geoloc.learning import adapt
from geoloc.learning.adapt import AdaptSummary, adapt_model
from geoloc.learning.options import AdaptOptions
from geoloc.learning.training.data import map_validation
from geoloc.learning.training.data.map_validation import MapValidation
from geoloc.learning.training.recall import Recall
from geoloc.models.registry import load_model, read_card
from geoloc.models.weights import read_tensors
from geoloc.options import IndexOptions
from geoloc.progress import Silent
from tests.fixtures.small_maps import SmallMap, cut_map
from tests.fixtures.tiny_models import TINY, write_tiny_model


@pytest.fixture(autouse=True)
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Six batches of eight pairs, 32 photos of validation at every other; the clock has no say."""
    monkeypatch.setattr(adapt, "_MAX_STEPS", 6)
    monkeypatch.setattr(adapt, "_MAX_BATCH", 8)
    monkeypatch.setattr(adapt, "_PAIRS_PER_VALIDATION", 16)
    monkeypatch.setattr(map_validation, "_PHOTOS", 32)


def run(small: SmallMap, folder: Path, **options: object) -> AdaptSummary:
    chosen = {"model": str(small.model), "minutes": 1000.0, "device": "cpu", "workers": 0}
    return adapt_model(small.tiles, folder, AdaptOptions(**(chosen | options)))  # type: ignore[arg-type]


def measuring(monkeypatch: pytest.MonkeyPatch, *at_1: float) -> None:
    """Have validations find these shares, and the last one for ever."""
    shares: Iterator[float] = chain(at_1, repeat(at_1[-1]))

    def measure(self: MapValidation, embed: object) -> Recall:
        del self, embed
        return Recall(next(shares), 0.9, 1.0, queries=10, references=20)

    monkeypatch.setattr(MapValidation, "measure", measure)


def changed_parts(one: Path, other: Path) -> set[str]:
    """The outermost modules whose weights differ."""
    first, second = (read_tensors(each / "model.safetensors") for each in (one, other))
    return {name.split(".")[0] for name in first if not torch.equal(first[name], second[name])}


def steps(folder: Path) -> list[int]:
    with (folder / "training.csv").open(newline="") as file:
        return [int(row["step"]) for row in csv.DictReader(file)]


@pytest.mark.slow
def test_what_was_learnt_is_kept_where_it_finds_more(
    small_map: SmallMap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measuring(monkeypatch, 0.2, 0.1, 0.5, 0.4)
    done = run(small_map, tmp_path / "mine")
    assert (done.before.at_1, done.after.at_1, done.best_step) == (0.2, 0.5, 4)
    assert done.is_better
    assert changed_parts(tmp_path / "mine", small_map.model)
    assert load_model(tmp_path / "mine").card.name == "mine"


@pytest.mark.slow
def test_the_backbone_learns_only_if_it_is_told_to(
    small_map: SmallMap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, whole in (("head", False), ("whole", True)):
        measuring(monkeypatch, 0.2, 0.5)
        run(small_map, tmp_path / name, whole=whole)
        assert changed_parts(small_map.model, tmp_path / name) >= {"embed"}
        assert ("backbone" in changed_parts(small_map.model, tmp_path / name)) == whole
        assert ("all but" in str(read_card(tmp_path / name).training["adapted_parts"])) != whole


@pytest.mark.slow
def test_a_network_that_is_all_backbone_learns_all_the_same(
    small_map: SmallMap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measuring(monkeypatch, 0.2, 0.5)
    siamese = write_tiny_model(tmp_path / "siamese", TINY["siamese-convnext"])
    assert run(small_map, tmp_path / "mine", model=str(siamese)).is_better
    assert changed_parts(siamese, tmp_path / "mine") == {"backbone"}


@pytest.mark.slow
def test_an_adapted_model_embeds_the_map(small_map: SmallMap, tmp_path: Path) -> None:
    run(small_map, tmp_path / "mine")
    options = IndexOptions(str(tmp_path / "mine"), device="cpu", features=False)
    build_index(small_map.tiles, tmp_path / "index", options)
    assert (tmp_path / "index" / "index.json").is_file()


@pytest.mark.slow
def test_the_card_says_from_what_on_what_and_what_it_gained(
    small_map: SmallMap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measuring(monkeypatch, 0.2, 0.5)
    run(small_map, tmp_path / "mine")
    text = (tmp_path / "mine" / "model.toml").read_text(encoding="utf-8")
    assert str(tmp_path.parent) not in text
    card = tomllib.loads(text)
    (accuracy,) = card["accuracy"]
    training = card["training"]
    assert card["name"] == "mine"
    assert training["adapted_from_sha256"] == read_card(small_map.model).weights_sha256
    assert (training["adapted_from"], training["minutes"], training["steps"]) == ("tiny", 1000, 2)
    assert training["data"][-1]["name"] == "Map of the user: town.tif"
    assert len(training["tiles_digest"]) > 10
    assert (accuracy["before_recall_at_1"], accuracy["recall_at_1"]) == (0.2, 0.5)
    assert accuracy["command"] == "geoloc adapt tiles -o mine --model tiny --minutes 1000"
    assert "held-out parts of the map" in accuracy["protocol"]


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.1, 0.2], ids=["worse", "as good"])
def test_old_weights_stay_where_nothing_beats_them(
    small_map: SmallMap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    measuring(monkeypatch, 0.2, share)
    done = run(small_map, tmp_path / "mine")
    assert (done.is_better, done.best_step, done.after) == (False, 0, done.before)
    assert not changed_parts(tmp_path / "mine", small_map.model)
    assert read_card(tmp_path / "mine").training["steps"] == 0
    assert load_model(tmp_path / "mine")


@pytest.mark.slow
def test_it_ends_early_when_nothing_better_comes(
    small_map: SmallMap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapt, "_MAX_STEPS", 100)
    monkeypatch.setattr(adapt, "_PATIENCE", 2)
    measuring(monkeypatch, 0.2, 0.3, 0.4, 0.4)
    assert run(small_map, tmp_path / "mine").best_step == 4
    assert steps(tmp_path / "mine") == [0, 2, 4, 6, 8]


@pytest.mark.slow
def test_it_ends_when_the_time_is_over(
    small_map: SmallMap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapt, "_MAX_STEPS", 10**6)
    run(small_map, tmp_path / "mine", minutes=0.001)
    assert steps(tmp_path / "mine")[-1] < 10


class Cut(Silent):
    """Sends Ctrl-C after the first batches."""

    def __init__(self, after: int) -> None:
        self._left, self._counting = after, False

    def start(self, label: str, total: int, unit: str) -> None:
        """Count batches only."""
        self._counting = label == "training"

    def advance(self, count: int = 1) -> None:
        """Cut when the time has come."""
        if self._counting:
            self._left -= count
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.slow
def test_an_interrupted_run_leaves_a_model_and_goes_on_to_the_same_one(
    small_map: SmallMap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rising = 0.1, 0.2, 0.3, 0.4
    measuring(monkeypatch, *rising)
    whole = run(small_map, tmp_path / "whole" / "mine")
    assert whole.best_step == 6  # what is compared below has been learnt
    options = AdaptOptions(str(small_map.model), minutes=1000.0, device="cpu", workers=0)
    cut = tmp_path / "cut" / "mine"
    measuring(monkeypatch, *rising)
    with pytest.raises(KeyboardInterrupt):
        adapt_model(small_map.tiles, cut, options, progress=Cut(3))
    assert load_model(cut).card.name == "mine"
    resumed = run(small_map, cut, resume=True)
    assert (resumed.after, resumed.best_step) == (whole.after, whole.best_step)
    assert not changed_parts(cut, tmp_path / "whole" / "mine")
    assert run(small_map, cut, resume=True).best_step == whole.best_step


@pytest.mark.slow
def test_other_tiles_do_not_go_on(small_map: SmallMap, tmp_path: Path) -> None:
    run(small_map, tmp_path / "mine")
    other = SmallMap(cut_map(tmp_path / "map", side_m=310), small_map.too_small, small_map.model)
    with pytest.raises(ModelError, match="changed"):
        run(other, tmp_path / "mine", resume=True)


def test_a_map_too_small_to_hold_a_part_out_is_refused(small_map: SmallMap, tmp_path: Path) -> None:
    small = SmallMap(small_map.too_small, small_map.too_small, small_map.model)
    with pytest.raises(InputError, match=r"0\.022 km2.* 234 x 234 m .*larger map"):
        run(small, tmp_path / "mine")
    assert not (tmp_path / "mine").exists()


def test_a_model_that_knows_no_drone_photos_is_refused(small_map: SmallMap, tmp_path: Path) -> None:
    street = write_tiny_model(tmp_path / "street", TINY["clnet-ring"])
    with pytest.raises(ModelError, match="drone"):
        run(small_map, tmp_path / "mine", model=str(street))


def test_a_folder_that_holds_something_is_refused(small_map: SmallMap, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(OutputExistsError):
        run(small_map, tmp_path)


def test_no_time_is_refused(small_map: SmallMap, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="--minutes"):
        run(small_map, tmp_path / "mine", minutes=0.0)
