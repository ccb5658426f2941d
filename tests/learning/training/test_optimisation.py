from __future__ import annotations

import pytest
import torch
from torch import nn

from geoloc.learning.training.optimisation import (
    Optimisation,
    Plan,
    learning_rate,
    plan_of,
    precision_of,
    share_done,
)
from geoloc.learning.training.recipe import Schedule

HUNDRED = Plan(steps=100, warmup_steps=10, validate_every=1, log_every=1, checkpoint_every=1)


def test_the_rate_warms_up_and_ends_at_zero() -> None:
    rates = [
        learning_rate(
            HUNDRED, step, greatest=1.0, done=share_done(HUNDRED, step, seconds=0, minutes=0)
        )
        for step in range(101)
    ]
    assert rates[0] == pytest.approx(0.1, rel=0.01)
    assert max(rates) == rates[9]
    assert rates[100] == pytest.approx(0.0, abs=1e-9)


def test_the_clock_can_end_a_schedule_early() -> None:
    shares = [
        share_done(HUNDRED, step, seconds=seconds, minutes=1.0)
        for step, seconds in ((10, 30), (90, 30), (10, 90))
    ]
    assert shares == [0.5, 0.9, 1.0]


def test_epochs_are_counted_in_batches() -> None:
    schedule = Schedule(epochs=40, warmup_epochs=0.1, validate_epochs=4, checkpoint_every=7)
    assert plan_of(schedule, 277) == Plan(
        steps=11080, warmup_steps=28, validate_every=1108, log_every=1108, checkpoint_every=7
    )


def test_steps_are_taken_as_they_are() -> None:
    plan = plan_of(Schedule(steps=30, validate_every=10, warmup_steps=5), 277)
    assert plan == Plan(30, 5, 10, 10, 10)


class _Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2, 2))
        self.bias = nn.Parameter(torch.ones(2))
        self.ground_maps = nn.ParameterDict({"0": nn.Parameter(torch.ones(1, 2, 2, 2))})
        self.frozen = nn.Parameter(torch.ones(2, 2), requires_grad=False)

    def forward(self) -> torch.Tensor:
        return 1e4 * (self.weight.sum() + self.bias.sum() + self.ground_maps["0"].sum())


@pytest.mark.parametrize(("decay_all", "decayed"), [(False, 1), (True, 3)])
def test_biases_and_maps_do_not_decay_unless_all_does(decay_all: bool, decayed: int) -> None:
    schedule = Schedule(steps=1, decay_all=decay_all)
    groups = Optimisation(_Small(), schedule, precision=None).optimiser.param_groups
    assert [len(group["params"]) for group in groups] == [decayed, 3 - decayed]
    assert [group["weight_decay"] for group in groups] == [0.05, 0.0]


@pytest.mark.parametrize(
    ("schedule", "largest"),
    [
        (Schedule(steps=1, clip_norm=14**0.5), 1.0),
        (Schedule(steps=1, clip_norm=0, clip_value=100), 100.0),
        (Schedule(steps=1, clip_norm=0), 1e4),
    ],
)
def test_gradients_are_clipped_by_norm_or_value(schedule: Schedule, largest: float) -> None:
    module = _Small()
    Optimisation(module, schedule, precision=None).step(module(), 1e-3)
    assert module.weight.grad is not None
    assert float(module.weight.grad.max()) == pytest.approx(largest, rel=1e-3)


def test_gradients_of_float16_are_scaled_back_before_they_are_clipped() -> None:
    module = _Small()
    optimisation = Optimisation(
        module, Schedule(steps=1, clip_norm=0, clip_value=100), precision=torch.float16
    )
    optimisation.step(module() / 1e4, 1e-3)
    assert module.weight.grad is not None
    assert float(module.weight.grad.max()) == pytest.approx(1.0)
    assert optimisation.scaler.is_enabled()


def test_precision_is_what_the_schedule_says() -> None:
    cpu = torch.device("cpu")
    assert precision_of(Schedule(steps=1, precision="fp32"), cpu) is None
    assert precision_of(Schedule(steps=1, precision="bf16"), cpu) is torch.bfloat16
    assert precision_of(Schedule(steps=1), cpu) in (None, torch.bfloat16)
