"""Optimiser, learning-rate schedule, precision and gradient clipping of a run."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from geoloc.learning.training.recipe import Schedule
from geoloc.models.device import autocast_type

_PRECISIONS = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}
# Of gradients in half precision: what the authors of Sample4Geo and MEAN begin with.
_FIRST_SCALE = 2.0**10


@dataclass(frozen=True)
class Plan:
    """A schedule in steps.

    Attributes:
        steps: Batches.
        warmup_steps: Batches until the greatest learning rate is reached.
        validate_every: Batches between validations.
        log_every: Batches between lines in the log.
        checkpoint_every: Batches between checkpoints.
    """

    steps: int
    warmup_steps: int
    validate_every: int
    log_every: int
    checkpoint_every: int


def plan_of(schedule: Schedule, batches_per_epoch: int) -> Plan:
    """The schedule's epochs counted in batches."""

    def steps(epochs: float, otherwise: int) -> int:
        return max(1, round(epochs * batches_per_epoch)) if epochs else otherwise

    validate_every = max(1, steps(schedule.validate_epochs, schedule.validate_every))
    return Plan(
        steps=steps(schedule.epochs, schedule.steps),
        warmup_steps=steps(schedule.warmup_epochs, schedule.warmup_steps),
        validate_every=validate_every,
        log_every=schedule.log_every or validate_every,
        checkpoint_every=schedule.checkpoint_every or validate_every,
    )


def share_done(plan: Plan, step: int, *, seconds: float, minutes: float) -> float:
    """How much of the plan lies behind, by steps or by the clock, whichever is further."""
    by_clock = seconds / (60 * minutes) if minutes else 0.0
    return min(1.0, max(step / plan.steps, by_clock))


def learning_rate(plan: Plan, step: int, *, greatest: float, done: float) -> float:
    """A linear warm-up, and over all of it half a cosine to zero."""
    warm = min(1.0, (step + 1) / max(1, plan.warmup_steps))
    return greatest * warm * 0.5 * (1 + math.cos(math.pi * done))


def precision_of(schedule: Schedule, device: torch.device) -> torch.dtype | None:
    """The half precision that the networks compute in; None for float32."""
    if schedule.precision == "auto":
        return autocast_type(device)
    return _PRECISIONS[schedule.precision]


class Optimisation:
    """AdamW with its gradient scaler and its limits.

    Attributes:
        optimiser: AdamW.
        scaler: Keeps float16's small gradients from vanishing; idle in other precisions.
    """

    def __init__(
        self, module: nn.Module, schedule: Schedule, *, precision: torch.dtype | None
    ) -> None:
        self._parameters = [each for each in module.parameters() if each.requires_grad]
        self._schedule = schedule
        groups = _groups(module, schedule)
        self.optimiser = torch.optim.AdamW(groups, lr=schedule.learning_rate)
        device = next(module.parameters()).device.type
        self.scaler = torch.amp.GradScaler(
            device, init_scale=_FIRST_SCALE, enabled=precision is torch.float16
        )

    def step(self, loss: Tensor, rate: float) -> None:
        """Learn from one loss at one learning rate."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        self.scaler.unscale_(self.optimiser)
        if self._schedule.clip_norm:
            nn.utils.clip_grad_norm_(self._parameters, self._schedule.clip_norm)
        if self._schedule.clip_value:
            nn.utils.clip_grad_value_(self._parameters, self._schedule.clip_value)
        self.scaler.step(self.optimiser)
        self.scaler.update()


def _groups(module: nn.Module, schedule: Schedule) -> list[dict[str, object]]:
    """Parameters that decay, and biases, norms, scales and neural maps, which do not."""
    decayed: list[nn.Parameter] = []
    spared: list[nn.Parameter] = []
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            is_spared = parameter.ndim < 2 or "_maps." in name
            (spared if is_spared and not schedule.decay_all else decayed).append(parameter)
    return [
        {"params": decayed, "weight_decay": schedule.weight_decay},
        {"params": spared, "weight_decay": 0.0},
    ]
