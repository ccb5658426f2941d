"""One training run: from a recipe and a folder of images to a model folder."""

from __future__ import annotations

import csv
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from geoloc.checkpoints import write_tensors
from geoloc.errors import InputError, OutputExistsError
from geoloc.nets.losses import SymmetricInfoNCE
from geoloc.progress import Progress, Silent
from geoloc.training.measurement import Normalisation, Recall, held_out_pairs, measure_recall
from geoloc.training.model_folder import draft_card, write_card
from geoloc.training.pairs import Batch, PairMaker
from geoloc.training.places import Place, read_places
from geoloc.training.recipe import Recipe, Schedule
from geoloc.zoo import WEIGHTS_NAME, ModelCard, build_network, load_model

LOG_NAME = "training.csv"
_VALIDATION_SEED = 7
_MAX_GRADIENT = 1.0


@dataclass(frozen=True)
class TrainingSummary:
    """What a run ended with: its folder, its best step, and what was measured there."""

    folder: Path
    best_step: int
    recall: Recall
    untrained: Recall


class _Batches(Dataset[Batch]):
    """Batches by their number, for a loader whose workers make them."""

    def __init__(self, maker: PairMaker, schedule: Schedule) -> None:
        self._maker = maker
        self._schedule = schedule

    def __len__(self) -> int:
        return self._schedule.steps

    def __getitem__(self, step: int) -> Batch:
        schedule = self._schedule
        is_small = step < schedule.small_steps
        size_px = schedule.small_size_px if is_small else schedule.size_px
        return self._maker.batch(step, schedule.batch_size, size_px)


def train_model(
    recipe: Recipe,
    data: Path,
    folder: Path,
    *,
    device: torch.device,
    workers: int = 1,
    progress: Progress | None = None,
) -> TrainingSummary:
    """Train what the recipe says and write the best weights, their card and the log.

    Args:
        recipe: What to train, on what, how.
        data: Folder that the recipe's tables are relative to.
        folder: Model folder to write; it must not exist yet or be empty.
        device: Where to compute.
        workers: Processes that make pairs beside the training.
        progress: Is told of every batch.

    Raises:
        OutputExistsError: if `folder` holds something.
        InputError: if images are missing or none are held out.
        ModelError: if the recipe's card does not describe a network.
    """
    if folder.exists() and any(folder.iterdir()):
        raise OutputExistsError(
            f"{folder} is not empty; expected a folder to write a model to; choose another -o",
            path=folder,
        )
    folder.mkdir(parents=True, exist_ok=True)
    listener = progress or Silent()
    places = read_places(data, recipe.data, progress=listener)
    run = _Run(recipe, places, folder, device=device)
    run.train(workers, listener)
    return run.summary()


class _Run:
    """The state of one training run."""

    def __init__(
        self, recipe: Recipe, places: list[Place], folder: Path, *, device: torch.device
    ) -> None:
        self.recipe, self.folder, self.device = recipe, folder, device
        torch.manual_seed(recipe.schedule.seed)
        self.card = draft_card(recipe, folder)
        self.network = build_network(self.card).to(device).to(memory_format=torch.channels_last)
        self.loss = SymmetricInfoNCE(recipe.schedule.label_smoothing).to(device)
        self.optimiser = _optimiser(self.network, self.loss, recipe.schedule)
        self.normalise = Normalisation(self.card.mean, self.card.std, device)
        learnt = [place for place in places if not place.is_held_out]
        held_out = [place for place in places if place.is_held_out]
        if not learnt or not held_out:
            raise InputError(
                f"{len(learnt)} places to learn from and {len(held_out)} held out; expected some "
                "of each; check [data] of the recipe"
            )
        self.batches = _Batches(
            PairMaker(learnt, recipe.pairs, seed=recipe.schedule.seed), recipe.schedule
        )
        self.validation = held_out_pairs(
            held_out, recipe.pairs, size_px=recipe.schedule.size_px, seed=_VALIDATION_SEED
        )
        self.untrained = measure_recall(self.network, self.validation, self.normalise)
        self.best, self.best_step = self.untrained, -1

    def train(self, workers: int, progress: Progress) -> None:
        """All steps of the schedule, with a line in the log at each validation."""
        schedule = self.recipe.schedule
        loader = DataLoader(self.batches, batch_size=None, num_workers=workers)
        progress.start("train", schedule.steps, "batches")
        self.network.train()
        began, losses = time.monotonic(), []
        with (self.folder / LOG_NAME).open("w", newline="", encoding="utf-8") as file:
            log = csv.writer(file)
            log.writerow(["step", "seconds", "loss", "recall_at_1", "recall_at_5", "recall_at_10"])
            for step, batch in enumerate(_batches(loader)):
                seconds = time.monotonic() - began
                done = share_done(schedule, step, seconds)
                losses.append(self._step(batch, learning_rate(schedule, step, done)))
                progress.advance()
                is_last = done >= 1 or step + 1 == schedule.steps
                if is_last or (step + 1) % schedule.validate_every == 0:
                    recall = self._validate(step)
                    shares = (recall.at_1, recall.at_5, recall.at_10)
                    mean = sum(losses) / len(losses)
                    log.writerow(
                        [step + 1, round(seconds), f"{mean:.4f}", *map("{:.4f}".format, shares)]
                    )
                    file.flush()
                    losses = []
                if is_last:
                    break

    def _step(self, batch: Batch, rate: float) -> float:
        """Learn from one batch; returns its loss."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        half = torch.float16 if self.device.type == "mps" else torch.bfloat16
        with torch.autocast(self.device.type, half):
            photos = self.network(self.normalise(batch.photos), "drone")
            tiles = self.network(self.normalise(batch.tiles), "satellite")
        loss: Tensor = self.loss(photos, tiles)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        nn.utils.clip_grad_norm_(self.network.parameters(), _MAX_GRADIENT)
        self.optimiser.step()
        return float(loss.detach())

    def _validate(self, step: int) -> Recall:
        """Measure, and keep the weights if they are the best so far."""
        recall = measure_recall(self.network, self.validation, self.normalise)
        if self.best_step < 0 or (recall.at_1, recall.at_5) >= (self.best.at_1, self.best.at_5):
            self.best, self.best_step = recall, step + 1
            checksum = write_tensors(self.network, self.folder / WEIGHTS_NAME)
            write_card(
                self.recipe,
                self.folder,
                checksum=checksum,
                recall=recall,
                untrained=self.untrained,
            )
        return recall

    def summary(self) -> TrainingSummary:
        """What the run ended with."""
        return TrainingSummary(self.folder, self.best_step, self.best, self.untrained)


def _batches(loader: DataLoader[Batch]) -> Iterator[Batch]:
    yield from loader


def measure_model(
    model: str | Path, recipe: Recipe, data: Path, *, device: torch.device
) -> tuple[ModelCard, Recall]:
    """A model's card and its recall on the recipe's held-out places, at the card's input size.

    Raises:
        ModelError: if the model cannot be loaded.
        InputError: if images are missing or none are held out.
    """
    loaded = load_model(model, device=device)
    places = [place for place in read_places(data, recipe.data) if place.is_held_out]
    if not places:
        raise InputError("no held-out places; expected some; check [data] of the recipe")
    size_px = loaded.card.input_size("satellite").height_px
    pairs = held_out_pairs(places, recipe.pairs, size_px=size_px, seed=_VALIDATION_SEED)
    normalise = Normalisation(loaded.card.mean, loaded.card.std, device)
    return loaded.card, measure_recall(loaded.eval(), pairs, normalise)


def share_done(schedule: Schedule, step: int, seconds: float) -> float:
    """How much of the schedule lies behind, by steps or by the clock, whichever is further."""
    by_clock = seconds / (60 * schedule.minutes) if schedule.minutes else 0.0
    return min(1.0, max(step / schedule.steps, by_clock))


def learning_rate(schedule: Schedule, step: int, done: float) -> float:
    """A linear warm-up, then half a cosine to zero."""
    warm = min(1.0, (step + 1) / max(1, schedule.warmup_steps))
    return schedule.learning_rate * warm * 0.5 * (1 + math.cos(math.pi * done))


def _optimiser(network: nn.Module, loss: nn.Module, schedule: Schedule) -> torch.optim.AdamW:
    """AdamW that decays weights only: no biases, norms, scales or neural maps."""
    named = [*network.named_parameters(), *loss.named_parameters()]
    spared = [p for name, p in named if p.ndim < 2 or "_maps." in name]
    decayed = [p for name, p in named if not (p.ndim < 2 or "_maps." in name)]
    groups = [
        {"params": decayed, "weight_decay": schedule.weight_decay},
        {"params": spared, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=schedule.learning_rate)
