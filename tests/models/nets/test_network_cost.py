"""The cost report counts what the literature counts."""

from __future__ import annotations

import pytest

from geoloc.models.clnet_presets import clnet_options
from tests.benchmarks.network_cost import (
    ablation_costs,
    clnet_cost,
    mean_training_cost,
    siamese_cost,
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "tiny", "base"),
    [
        ("cvusa", 8.96 + 13.09, 30.49 + 45.12),
        ("vigor", 26.18 + 13.09, 90.24 + 45.12),
    ],
)
def test_backbones_cost_what_is_published(task: str, tiny: float, base: float) -> None:
    found = [
        siamese_cost(name, task).macs / 1e9  # type: ignore[arg-type]
        for name in ("convnext_tiny", "convnext_base")
    ]
    assert found == pytest.approx([tiny, base], abs=0.015)


@pytest.mark.slow
def test_mean_has_its_published_size() -> None:
    assert mean_training_cost("university1652").parameters == 36_498_820


@pytest.mark.slow
def test_every_step_costs_more_until_the_satellites_maps_are_folded() -> None:
    bare, maps, nec, folded = (cost for _, cost in ablation_costs("zepto", "cvusa"))
    assert bare.macs == siamese_cost("convnext_zepto_rms", "cvusa").macs
    assert bare.macs < maps.macs == folded.macs < nec.macs
    assert nec.macs - folded.macs == 480 * (96 + 144) * 256
    assert (
        maps.parameters - bare.parameters == 480 * (96 + 144) == folded.parameters - bare.parameters
    )


@pytest.mark.slow
def test_recalibration_costs_a_multiplication_for_each_feature() -> None:
    options = clnet_options("tiny", "university1652")
    added = clnet_cost(options, "university1652", fold=True).macs
    added -= siamese_cost("convnext_tiny", "university1652").macs
    assert added == 2 * sum(96 * 2**i * (96 // 2**i) ** 2 for i in range(4))
