"""A run from its first batch to its last: learn, measure, keep the best, leave checkpoints."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch

from geoloc.atomic import write_text
from geoloc.errors import GeolocError, OptionError
from geoloc.learning.training.batch import Batch
from geoloc.learning.training.checkpoint import (
    Checkpoint,
    TrainingState,
    read_checkpoint,
    write_checkpoint,
)
from geoloc.learning.training.data.sources import TrainingData
from geoloc.learning.training.embedding import TrainingEmbedder
from geoloc.learning.training.interruption import Interruption, heed_signals
from geoloc.learning.training.loading import load_batches
from geoloc.learning.training.model_folder import (
    RECIPE_NAME,
    Measurement,
    complete_card,
    draft_card,
    write_card,
)
from geoloc.learning.training.network import build_for_training, keep_backbone
from geoloc.learning.training.objective import Objective, Sample, build_loss
from geoloc.learning.training.optimisation import (
    Optimisation,
    learning_rate,
    plan_of,
    precision_of,
    share_done,
)
from geoloc.learning.training.processes import Processes
from geoloc.learning.training.recall import Recall
from geoloc.learning.training.recipe import Recipe
from geoloc.learning.training.training_log import Line, NoLog, TrainingLog
from geoloc.models.card import WEIGHTS_NAME
from geoloc.models.weights import write_tensors
from geoloc.options import TrainOptions
from geoloc.progress import Progress


@dataclass(frozen=True)
class TrainingSummary:
    """What a run ended with: its folder, its best step, and what was measured there."""

    folder: Path
    best_step: int
    recall: Recall
    untrained: Recall


@dataclass(frozen=True)
class Refinement:
    """What is different for a run that begins with a trained model and shall only better it.

    Its weights are the first best: they are written at once, and stay unless others find more.

    Attributes:
        command: What measured both, for the card.
        patience: The run ends after so many validations that find nothing better.
        keeps_backbone: Only what is behind the backbone learns.
    """

    command: str
    patience: int
    keeps_backbone: bool


@dataclass(frozen=True)
class RunConfig:
    """What a run is given.

    Attributes:
        recipe: What to train, on what, how.
        folder: Model folder to write.
        options: How to run it.
        processes: Which train it together.
        progress: Is told of every batch.
        refinement: For a run that begins with a trained model.
    """

    recipe: Recipe
    folder: Path
    options: TrainOptions
    processes: Processes
    progress: Progress
    refinement: Refinement | None = None


@dataclass
class _Clock:
    """Seconds of this part of a run and of those before it."""

    before: float
    began: float = field(default_factory=time.monotonic)

    def seconds(self) -> float:
        return self.before + time.monotonic() - self.began


class Run:
    """The state of one training run."""

    def __init__(self, setting: RunConfig, materials: TrainingData) -> None:
        self.setting, self.source = setting, materials.source
        self.validation = materials.validation
        recipe, processes = setting.recipe, setting.processes
        self.schedule = recipe.schedule
        if self.schedule.batch_size % processes.share.count:
            raise OptionError(
                f"a batch of {self.schedule.batch_size} pairs cannot be shared by "
                f"{processes.share.count} processes; expected a multiple; change batch_size"
            )
        self.plan = plan_of(self.schedule, self.source.batches_per_epoch)
        self._build(recipe, processes)
        self.standing = self._restored() if setting.options.resume else self._fresh()

    def _build(self, recipe: Recipe, processes: Processes) -> None:
        """Network, loss and optimiser, on the device."""
        options, folder = self.setting.options, self.setting.folder
        self.document = complete_card(recipe, folder, places=self.source.places)
        card = draft_card(self.document, folder)
        # What a checkpoint will replace anyway need not be there any more.
        began = None if options.resume else options.backbone_weights
        network, self.backbone = build_for_training(recipe, card, backbone_weights=began)
        refinement = self.setting.refinement
        if refinement and refinement.keeps_backbone:
            keep_backbone(network)
        self.network = network.to(processes.device).to(memory_format=torch.channels_last)
        precision = precision_of(self.schedule, processes.device)
        self.objective = Objective(
            self.network,
            build_loss(recipe.loss, self.network).to(processes.device),
            processes,
            views=(self.source.query_view, self.source.reference_view),
            precision=precision,
        )
        self.optimisation = Optimisation(self.objective, self.schedule, precision=precision)
        self.module = processes.wrap(self.objective)
        self.embed = TrainingEmbedder(self.network, card, processes, workers=options.workers)

    def _fresh(self) -> TrainingState:
        """The start of a run; the recipe is put beside what comes of it."""
        if self.setting.processes.is_main and self.setting.recipe.text:
            write_text(self.setting.folder / RECIPE_NAME, self.setting.recipe.text)
        recall = self.validation.measure(self.embed)
        standing = TrainingState(untrained=recall, best=recall, backbone=self.backbone)
        if self.setting.refinement:
            standing.best_step = 0
            self._write_model(standing)
        return standing

    def _origin(self) -> dict[str, str]:
        """What must be the same for a run to go on."""
        return {
            "recipe": self.setting.recipe.fingerprint,
            "data": self.source.identity,
            "backbone weights": self.setting.options.backbone_weights or "",
        }

    def _states(self) -> dict[str, torch.nn.Module | torch.optim.Optimizer | torch.amp.GradScaler]:
        """Everything that learns, by the name that checkpoints give it."""
        return {
            "network": self.network,
            "loss": self.objective.loss,
            "optimiser": self.optimisation.optimiser,
            "scaler": self.optimisation.scaler,
        }

    def _restored(self) -> TrainingState:
        """Where the checkpoint of the folder stands, its states taken over."""
        checkpoint = read_checkpoint(self.setting.folder, self._origin())
        for name, learner in self._states().items():
            learner.load_state_dict(dict(checkpoint.tensors[name]))
        self.source.restore({name: each.numpy() for name, each in checkpoint.source.items()})
        return checkpoint.standing

    def _write_checkpoint(self) -> None:
        if self.setting.processes.is_main:
            states = {name: learner.state_dict() for name, learner in self._states().items()}
            source = {
                name: torch.from_numpy(np.ascontiguousarray(each))
                for name, each in self.source.state().items()
            }
            checkpoint = Checkpoint(self._origin(), self.standing, states, source)
            write_checkpoint(checkpoint, self.setting.folder)

    def train(self) -> None:
        """All steps of the schedule that are not done yet."""
        standing, progress = self.standing, self.setting.progress
        progress.start("training", self._batches_to_tell(), "batches")
        progress.advance(standing.step)
        if standing.finished:
            return
        self.network.train()
        self.clock = _Clock(standing.seconds)
        with self._open_log() as log, heed_signals() as interruption:
            if standing.step == 0:
                log.write(Line(0, 0.0, 0.0, None, 0.0, standing.untrained))
                if self.setting.refinement:
                    self._write_checkpoint()  # the folder holds a model from now on
            for batch in self._batches():
                is_last = self._advance(batch, log, interruption)
                progress.advance()
                if is_last:
                    break

    def _batches_to_tell(self) -> int:
        """How many there will be; 0 where patience and the clock decide."""
        return 0 if self.setting.refinement else self.plan.steps

    def _open_log(self) -> TrainingLog | NoLog:
        if not self.setting.processes.is_main:
            return NoLog()
        board = self.setting.options.tensorboard
        return TrainingLog(self.setting.folder, step=self.standing.step, board=board)

    def _batches(self) -> Iterator[Batch]:
        """From where the run stands to its end; mined anew wherever the source wants it."""
        step, steps = self.standing.step, self.plan.steps
        per_epoch, options = self.source.batches_per_epoch, self.setting.options
        while step < steps:
            if step % per_epoch == 0 and self.source.wants_mining(step // per_epoch):
                self.setting.progress.start("finding hard negatives", 0, "images")
                self.source.mine(self.embed)
                self.setting.progress.start("training", self._batches_to_tell(), "batches")
                self.setting.progress.advance(step)
            end = (step // per_epoch + 1) * per_epoch
            while end < steps and not self.source.wants_mining(end // per_epoch):
                end += per_epoch
            end = min(end, steps)
            share = self.setting.processes.share
            yield from load_batches(
                self.source, range(step, end), share=share, workers=options.workers
            )
            step = end

    def _advance(self, batch: Batch, log: TrainingLog | NoLog, interruption: Interruption) -> bool:
        """One batch, and what is due after it; whether it was the last."""
        standing, plan = self.standing, self.plan
        step, seconds = standing.step, self._seconds()
        done = share_done(plan, step, seconds=seconds, minutes=self.schedule.minutes)
        rate = learning_rate(plan, step, greatest=self.schedule.learning_rate, done=done)
        standing.losses = (*standing.losses, self._learn(batch, step, rate))
        standing.step, standing.seconds = step + 1, seconds
        standing.finished = done >= 1 or standing.step == plan.steps
        is_due = {
            name: standing.finished or standing.step % every == 0
            for name, every in (
                ("validation", plan.validate_every),
                ("line", plan.log_every),
                ("checkpoint", plan.checkpoint_every),
            )
        }
        recall = self._validate() if is_due["validation"] else None
        if recall or is_due["line"]:
            loss = sum(standing.losses) / len(standing.losses)
            epoch = standing.step / self.source.batches_per_epoch
            log.write(Line(standing.step, epoch, seconds, loss, rate, recall))
            standing.losses = ()
        is_over = self.setting.processes.any(interruption.was_asked)
        if is_due["checkpoint"] or is_over:
            self._write_checkpoint()
        if is_over and not standing.finished:
            where = f"step {standing.step} of {plan.steps}"
            self.setting.progress.warn(f"stopped after {where}; go on with --resume")
            raise KeyboardInterrupt
        return standing.finished

    def _seconds(self) -> float:
        """Of the first process, where the clock decides anything."""
        seconds = self.clock.seconds()
        return self.setting.processes.collect(seconds)[0] if self.schedule.minutes else seconds

    def _learn(self, batch: Batch, step: int, rate: float) -> float:
        """Learn from one batch; returns its loss.

        Raises:
            GeolocError: if the loss is not a number any more.
        """
        # Dropout is a function of the step, so that a resumed run draws it alike.
        chances = np.random.SeedSequence(
            (self.schedule.seed, step, self.setting.processes.share.index)
        )
        torch.manual_seed(int(chances.generate_state(1)[0]))
        loss = self.module(self._sample(batch))
        value = float(loss.detach())
        if not math.isfinite(value):
            raise GeolocError(
                f"the loss is {value} at step {step + 1}; expected a number; lower the "
                "learning_rate, warm up longer, or choose another precision in [schedule]"
            )
        self.optimisation.step(loss, rate)
        return value

    def _sample(self, batch: Batch) -> Sample:
        device = self.setting.processes.device
        return Sample(
            self.embed.normalise(batch.queries),
            self.embed.normalise(batch.references),
            torch.from_numpy(batch.places).to(device),
            torch.from_numpy(batch.overlaps).to(device),
        )

    def _validate(self) -> Recall:
        """Measure, and keep the weights if they are the best so far."""
        recall, standing = self.validation.measure(self.embed), self.standing
        if self._is_better(recall):
            standing.best, standing.best_step = recall, standing.step
            self._write_model(standing)
        refinement = self.setting.refinement
        if refinement:
            idle = standing.step - standing.best_step
            standing.finished |= idle >= refinement.patience * self.plan.validate_every
        return recall

    def _is_better(self, recall: Recall) -> bool:
        """Whether weights take the place of the best so far; later ones may be as good."""
        best, first = self.standing.best.order, self.standing.best_step < 0
        return (
            first or recall.order > best or (not self.setting.refinement and recall.order == best)
        )

    def _write_model(self, standing: TrainingState) -> None:
        """The weights as they are, which are the best so far, and their card."""
        if not self.setting.processes.is_main:
            return
        folder, refinement = self.setting.folder, self.setting.refinement
        checksum = write_tensors(self.network, folder / WEIGHTS_NAME)
        measured = Measurement(
            self.validation.protocol, standing.best, standing.untrained, standing.backbone
        )
        if refinement:
            measured = replace(measured, command=refinement.command, steps=standing.best_step)
        write_card(self.document, folder, checksum=checksum, measured=measured)

    def summary(self) -> TrainingSummary:
        """What the run ended with."""
        standing = self.standing
        return TrainingSummary(
            self.setting.folder, standing.best_step, standing.best, standing.untrained
        )
