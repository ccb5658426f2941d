"""The training loop: learn, validate, keep the best weights, write checkpoints."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch

from geoloc.errors import GeolocError, OptionError
from geoloc.learning.options import TrainOptions
from geoloc.learning.training.batch import Batch
from geoloc.learning.training.data.sources import TrainingData
from geoloc.learning.training.embedding import TrainingEmbedder
from geoloc.learning.training.interruption import Interruption, heed_signals
from geoloc.learning.training.loading import load_batches
from geoloc.learning.training.model_folder import (
    RECIPE_NAME,
    Measurement,
    card_text,
    complete_card,
    draft_card,
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
from geoloc.learning.training.run_state import (
    RunState,
    TrainingState,
    read_run_state,
    write_run_state,
)
from geoloc.learning.training.training_log import LogLine, NoLog, TrainingLog
from geoloc.models.weights import write_model
from geoloc.progress import Progress
from geoloc.storage.atomic import write_text


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
        command: Command that measured both, for the card.
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
        recipe: Recipe of the run.
        folder: Model folder to write.
        options: Device, workers and the like.
        processes: Which train it together.
        progress: Listener for every batch.
        refinement: Rules of a run that begins with a trained model.
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

    def __init__(self, config: RunConfig, data: TrainingData) -> None:
        self.config, self.source = config, data.source
        self.validation = data.validation
        recipe, processes = config.recipe, config.processes
        self.schedule = recipe.schedule
        if self.schedule.batch_size % processes.share.count:
            raise OptionError(
                f"a batch of {self.schedule.batch_size} pairs cannot be shared by "
                f"{processes.share.count} processes; expected a multiple; change batch_size"
            )
        self.plan = plan_of(self.schedule, self.source.batches_per_epoch)
        self._build(recipe, processes)
        self.state = self._restored() if config.options.resume else self._fresh()

    def _build(self, recipe: Recipe, processes: Processes) -> None:
        """Network, loss and optimiser, on the device."""
        options, folder = self.config.options, self.config.folder
        self.document = complete_card(recipe, folder, places=self.source.places)
        card = draft_card(self.document, folder)
        # What a checkpoint will replace anyway need not be there any more.
        began = None if options.resume else options.backbone_weights
        network, self.backbone = build_for_training(recipe, card, backbone_weights=began)
        refinement = self.config.refinement
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
            heading_negatives=recipe.loss.heading_negatives,
            heading_least_deg=recipe.loss.heading_least_deg,
        )
        self.optimisation = Optimisation(self.objective, self.schedule, precision=precision)
        self.module = processes.wrap(self.objective)
        self.embed = TrainingEmbedder(self.network, card, processes, workers=options.workers)

    def _fresh(self) -> TrainingState:
        """The start of a run; the recipe is put beside what comes of it."""
        if self.config.processes.is_main and self.config.recipe.text:
            write_text(self.config.folder / RECIPE_NAME, self.config.recipe.text)
        recall = self.validation.measure(self.embed)
        state = TrainingState(untrained=recall, best=recall, backbone=self.backbone)
        if self.config.refinement:
            state.best_step = 0
            self._write_model(state)
        return state

    def _origin(self) -> dict[str, str]:
        """What must be the same for a run to go on."""
        return {
            "recipe": self.config.recipe.fingerprint,
            "data": self.source.identity,
            "backbone weights": self.config.options.backbone_weights or "",
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
        """Restore all states from the checkpoint of the folder; how far that run had come."""
        checkpoint = read_run_state(self.config.folder, self._origin())
        for name, learner in self._states().items():
            learner.load_state_dict(dict(checkpoint.tensors[name]))
        self.source.restore({name: each.numpy() for name, each in checkpoint.source.items()})
        return checkpoint.training

    def _write_checkpoint(self) -> None:
        if self.config.processes.is_main:
            states = {name: learner.state_dict() for name, learner in self._states().items()}
            source = {
                name: torch.from_numpy(np.ascontiguousarray(each))
                for name, each in self.source.state().items()
            }
            checkpoint = RunState(self._origin(), self.state, states, source)
            write_run_state(checkpoint, self.config.folder)

    def train(self) -> None:
        """All steps of the schedule that are not done yet."""
        state, progress = self.state, self.config.progress
        progress.start("training", self._batches_to_tell(), "batches")
        progress.advance(state.step)
        if state.finished:
            return
        self.network.train()
        self.clock = _Clock(state.seconds)
        with self._open_log() as log, heed_signals() as interruption:
            if state.step == 0:
                log.write(LogLine(0, 0.0, 0.0, None, 0.0, state.untrained))
                if self.config.refinement:
                    self._write_checkpoint()  # the folder holds a model from now on
            for batch in self._batches():
                is_last = self._advance(batch, log, interruption)
                progress.advance()
                if is_last:
                    break

    def _batches_to_tell(self) -> int:
        """How many there will be; 0 where patience and the clock decide."""
        return 0 if self.config.refinement else self.plan.steps

    def _open_log(self) -> TrainingLog | NoLog:
        if not self.config.processes.is_main:
            return NoLog()
        board = self.config.options.tensorboard
        return TrainingLog(self.config.folder, step=self.state.step, board=board)

    def _batches(self) -> Iterator[Batch]:
        """From where the run stands to its end; mined anew wherever the source wants it."""
        step, steps = self.state.step, self.plan.steps
        per_epoch, options = self.source.batches_per_epoch, self.config.options
        while step < steps:
            if step % per_epoch == 0 and self.source.wants_mining(step // per_epoch):
                self.config.progress.start("finding hard negatives", 0, "images")
                self.source.mine(self.embed)
                self.config.progress.start("training", self._batches_to_tell(), "batches")
                self.config.progress.advance(step)
            end = (step // per_epoch + 1) * per_epoch
            while end < steps and not self.source.wants_mining(end // per_epoch):
                end += per_epoch
            end = min(end, steps)
            share = self.config.processes.share
            yield from load_batches(
                self.source, range(step, end), share=share, workers=options.workers
            )
            step = end

    def _advance(self, batch: Batch, log: TrainingLog | NoLog, interruption: Interruption) -> bool:
        """One batch, and what is due after it; whether it was the last."""
        state, plan = self.state, self.plan
        step, seconds = state.step, self._seconds()
        done = share_done(plan, step, seconds=seconds, minutes=self.schedule.minutes)
        rate = learning_rate(plan, step, greatest=self.schedule.learning_rate, done=done)
        state.losses = (*state.losses, self._learn(batch, step, rate))
        state.step, state.seconds = step + 1, seconds
        state.finished = done >= 1 or state.step == plan.steps
        is_due = {
            name: state.finished or state.step % every == 0
            for name, every in (
                ("validation", plan.validate_every),
                ("line", plan.log_every),
                ("checkpoint", plan.checkpoint_every),
            )
        }
        recall = self._validate() if is_due["validation"] else None
        if recall or is_due["line"]:
            loss = sum(state.losses) / len(state.losses)
            epoch = state.step / self.source.batches_per_epoch
            log.write(LogLine(state.step, epoch, seconds, loss, rate, recall))
            state.losses = ()
        is_over = self.config.processes.any(interruption.was_asked)
        if is_due["checkpoint"] or is_over:
            self._write_checkpoint()
        if is_over and not state.finished:
            where = f"step {state.step} of {plan.steps}"
            self.config.progress.warn(f"stopped after {where}; go on with --resume")
            raise KeyboardInterrupt
        return state.finished

    def _seconds(self) -> float:
        """The value of the first process, where the clock decides anything."""
        seconds = self.clock.seconds()
        return self.config.processes.collect(seconds)[0] if self.schedule.minutes else seconds

    def _learn(self, batch: Batch, step: int, rate: float) -> float:
        """Learn from one batch; returns its loss.

        Raises:
            GeolocError: if the loss is not a number any more.
        """
        # Dropout is a function of the step, so that a resumed run draws it alike.
        chances = np.random.SeedSequence(
            (self.schedule.seed, step, self.config.processes.share.index)
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
        device = self.config.processes.device
        return Sample(
            self.embed.normalise(batch.queries),
            self.embed.normalise(batch.references),
            torch.from_numpy(batch.places).to(device),
            torch.from_numpy(batch.overlaps).to(device),
        )

    def _validate(self) -> Recall:
        """Measure, and keep the weights if they are the best so far."""
        recall, state = self.validation.measure(self.embed), self.state
        if self._is_better(recall):
            state.best, state.best_step = recall, state.step
            self._write_model(state)
        refinement = self.config.refinement
        if refinement:
            idle = state.step - state.best_step
            state.finished |= idle >= refinement.patience * self.plan.validate_every
        return recall

    def _is_better(self, recall: Recall) -> bool:
        """Whether weights take the place of the best so far; later ones may be as good."""
        best, first = self.state.best.order, self.state.best_step < 0
        return first or recall.order > best or (not self.config.refinement and recall.order == best)

    def _write_model(self, state: TrainingState) -> None:
        """The weights as they are, which are the best so far, and their card."""
        if not self.config.processes.is_main:
            return
        folder, refinement = self.config.folder, self.config.refinement
        measured = Measurement(
            self.validation.protocol, state.best, state.untrained, state.backbone
        )
        if refinement:
            measured = replace(measured, command=refinement.command, steps=state.best_step)
        write_model(
            self.network,
            folder,
            lambda checksum: card_text(self.document, checksum=checksum, measured=measured),
        )

    def summary(self) -> TrainingSummary:
        """What the run ended with."""
        state = self.state
        return TrainingSummary(self.config.folder, state.best_step, state.best, state.untrained)
