"""Layouts: names go one way and back, and nothing is dropped in silence."""

from __future__ import annotations

import pytest

from geoloc.models.conversion.tensor_names import (
    LAYOUTS,
    WHOLE_MEAN,
    Layout,
    Rename,
    original_name,
    rename,
)
from tests.fixtures.goldens import MEAN_TENSORS
from tests.fixtures.parity import read_rows

OFFICIAL_MEAN = [row.name for row in read_rows(MEAN_TENSORS)]


def test_all_tensors_of_mean_are_renamed_and_back() -> None:
    renaming = rename(OFFICIAL_MEAN, WHOLE_MEAN)
    assert len(renaming.kept) == len(OFFICIAL_MEAN) == 257
    for ours, theirs in renaming.kept.items():
        assert original_name(ours, WHOLE_MEAN) == theirs


def test_a_search_needs_the_backbone_of_mean_only() -> None:
    renaming = rename(OFFICIAL_MEAN, LAYOUTS["mean"])
    assert all(ours.startswith("backbone.") for ours in renaming.kept)
    assert "model_1.convnext.head.weight" in renaming.training_only
    assert "model_1.DEG.FC1.bias" in renaming.training_only
    assert renaming.left_over == ()


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("downsample_layers.0.1.bias", "stem.1.bias"),
        ("downsample_layers.3.0.weight", "stages.3.downsample.0.weight"),
        ("stages.2.8.dwconv.bias", "stages.2.blocks.8.conv_dw.bias"),
        ("stages.2.8.pwconv2.weight", "stages.2.blocks.8.mlp.fc2.weight"),
        ("stages.0.0.gamma", "stages.0.blocks.0.gamma"),
        ("stages.0.0.norm.weight", "stages.0.blocks.0.norm.weight"),
        ("norm.bias", "head.norm.bias"),
    ],
)
def test_metas_names_become_timms(theirs: str, ours: str) -> None:
    renaming = rename([f"model_1.convnext.{theirs}"], LAYOUTS["dac"])
    assert list(renaming.kept) == [f"backbone.{ours}"]


def test_what_no_line_fits_is_left_over() -> None:
    names = ["model.stem.0.weight", "logit_scale", "optimizer", "modelx"]
    renaming = rename(names, LAYOUTS["sample4geo"])
    assert renaming.training_only == ("logit_scale",)
    assert renaming.left_over == ("optimizer", "modelx")


def test_two_names_for_one_tensor_are_one_too_many() -> None:
    renaming = rename(["model.norm.weight", "model1.norm.weight"], LAYOUTS["game4loc"])
    assert renaming.kept == {"backbone.norm.weight": "model.norm.weight"}
    assert renaming.left_over == ("model1.norm.weight",)


def test_a_number_is_no_dot_and_a_dot_is_no_wildcard() -> None:
    layout = Layout((Rename("a.#.b", "c.#"),))
    assert rename(["a.12.b"], layout).kept == {"c.12": "a.12.b"}
    assert rename(["a.x.b", "ax1.b", "a.1.bb"], layout).kept == {}
