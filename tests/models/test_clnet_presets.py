"""The family of CLNets: what the sizes and data sets make of it, counted."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from geoloc.models.card import card_from
from geoloc.models.clnet_presets import AblationStep, CLNetSize, ablation_options, clnet_options
from geoloc.models.nets.clnet import CLNet, CLNetOptions
from geoloc.models.registry import build_network
from geoloc.options import DataSet


def network(size: CLNetSize, task: DataSet, step: AblationStep = "nec") -> CLNet:
    """Without memory, because only its shapes matter."""
    with torch.device("meta"):
        return CLNet(ablation_options(clnet_options(size, task), step))


def parameters(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "tiny", "base"),
    [
        ("cvusa", 138_240, 184_320),
        ("cvact", 138_240, 184_320),
        ("vigor", 414_720, 552_960),
        ("university1652", 207_360, 276_480),
        ("sues200", 207_360, 276_480),
    ],
)
def test_maps_have_a_weight_for_each_channel_and_cell(task: DataSet, tiny: int, base: int) -> None:
    assert parameters(network("tiny", task).ground_maps) == tiny
    assert parameters(network("base", task).ground_maps) == base


@pytest.mark.parametrize(
    ("task", "thousands"), [("cvusa", 61.8), ("vigor", 111.0), ("university1652", 74.1)]
)
def test_a_converter_is_light(task: DataSet, thousands: float) -> None:
    for size in ("tiny", "base"):
        for converter in network(size, task).converters.values():
            assert parameters(converter) == pytest.approx(1000 * thousands, rel=0.01)


@pytest.mark.slow
def test_maps_and_converters_add_less_than_a_million_weights_or_just_that() -> None:
    small, large = ("tiny", "cvusa"), ("base", "vigor")
    added = [
        parameters(network(size, task)) - parameters(network(size, task, "backbone"))  # type: ignore[arg-type]
        for size, task in (small, large)
    ]
    assert added == pytest.approx([0.39e6, 1.0e6], rel=0.02)


def test_the_bare_backbones_are_the_published_ones() -> None:
    assert parameters(network("tiny", "cvusa", "backbone")) == 27_820_128
    assert parameters(network("base", "cvusa", "backbone")) == 87_566_464


@pytest.mark.parametrize(
    ("task", "size_px", "grid"),
    [
        ("cvusa", (140, 768), (4, 24)),
        ("vigor", (384, 768), (12, 24)),
        ("sues200", (384, 384), (12, 12)),
    ],
)
def test_latent_grids_are_the_last_stages(
    task: DataSet, size_px: tuple[int, int], grid: tuple[int, int]
) -> None:
    net = network("tiny", task)
    last = net.forward_features(torch.empty(1, 3, *size_px, device="meta"), "ground")[-1]
    assert last.shape[-2:] == net.options.ground_grid == grid
    assert net.options.satellite_grid == (12, 12)


def test_panoramas_are_rings_and_drone_photos_are_not() -> None:
    assert clnet_options("tiny", "vigor").circular
    assert not clnet_options("tiny", "university1652").circular


def test_ablation_steps_differ_in_nothing_but_the_maps() -> None:
    bare, maps, nec = (network("zepto", "cvusa", step) for step in ("backbone", "maps", "nec"))  # type: ignore[arg-type]
    assert set(bare.state_dict()) == {k for k in nec.state_dict() if k.startswith("backbone.")}
    assert hasattr(maps, "satellite_maps")
    assert not hasattr(maps, "converters")
    assert ablation_options(CLNetOptions(), "nec") == CLNetOptions()


def test_an_unknown_member_of_the_family_is_refused() -> None:
    with pytest.raises(ValueError, match="expected one of zepto, tiny, base"):
        clnet_options("huge")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="cvusa"):
        clnet_options("tiny", "mars")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="ablation step 'ladder'"):
        ablation_options(CLNetOptions(), "ladder")  # type: ignore[arg-type]


def test_a_card_states_the_options_of_a_ring() -> None:
    document = {
        "name": "ring",
        "architecture": "clnet",
        "views": ["satellite", "ground"],
        "dimension": 16,
        "input": {
            "mean": [0.5] * 3,
            "std": [0.5] * 3,
            "size": {"satellite": [64, 64], "ground": [64, 256]},
        },
        "tile": {"ground_size_m": 50.0, "size_px": 64},
        "weights": {"sha256": ""},
        "options": {
            "backbone": "convnext_zepto_rms",
            "ground_grid": [2, 8],
            "head": "grid",
            "ground_cells": [2, 8],
            "dimension": 16,
            "circular": True,
        },
    }
    net = build_network(card_from(document, Path("ring")))
    assert isinstance(net, CLNet)
    assert net.options.ground_cells is not None
    assert net.options.ground_cells.cells == 16
    assert net(torch.randn(1, 3, 64, 256), "ground").shape == (1, 16)
