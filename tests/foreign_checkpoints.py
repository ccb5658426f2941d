"""Small checkpoints in the layouts of other projects, filled by the names of their tensors.

The names are spelled out here and not taken from `geoloc.layouts`, which they are to test. The
backbones are the tiny ones that timm keeps for its own tests.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import timm
import torch
from torch import Tensor

from geoloc.layouts import WHOLE_MEAN, rename
from geoloc.nets.mean import MEAN, MeanOptions
from tests.nets.name_seeded import seeded_weights

CONVNEXT = "test_convnext"
CLASSES = 7
_DEPTHS = (1, 2, 4, 2)
_WIDTHS = (24, 32, 48, 64)
_MEAN_TENSORS = Path(__file__).parent / "goldens" / "mean_tensors.csv"
_SCALARS = ("logit_scale", "logit_scale_blocks", "w_blocks1", "w_blocks2", "w_blocks3")


def sample4geo(backbone: str = CONVNEXT) -> dict[str, Tensor]:
    """As Sample4Geo saves it: the backbone behind ``model.``, and the temperature."""
    return _seeded({"logit_scale": torch.tensor(2.5), **_behind("model", backbone)})


def game4loc_towers() -> dict[str, Tensor]:
    """As Game4Loc saves two towers: the drone's first."""
    towers = {**_behind("model1", CONVNEXT), **_behind("model2", CONVNEXT)}
    return _seeded({"logit_scale": torch.tensor(2.5), **towers, "MLP.fc1.weight": torch.ones(2, 2)})


def game4loc_vit() -> dict[str, Tensor]:
    """As Game4Loc saves a ViT for images of 384 pixels."""
    return _seeded(_behind("model", "test_vit", img_size=384))


def meta_convnext() -> dict[str, Tensor]:
    """A small ConvNeXt with the names of Meta's own file, behind ``model_1.convnext.``."""
    return {f"model_1.convnext.{name}": torch.zeros(shape) for name, shape in _meta_shapes()}


def _meta_shapes() -> Iterator[tuple[str, tuple[int, ...]]]:
    yield from _with_bias("downsample_layers.0.0", (_WIDTHS[0], 3, 4, 4))
    yield from _with_bias("downsample_layers.0.1", (_WIDTHS[0],))
    for i in (1, 2, 3):
        yield from _with_bias(f"downsample_layers.{i}.0", (_WIDTHS[i - 1],))
        yield from _with_bias(f"downsample_layers.{i}.1", (_WIDTHS[i], _WIDTHS[i - 1], 2, 2))
    for i, (depth, width) in enumerate(zip(_DEPTHS, _WIDTHS, strict=True)):
        for k in range(depth):
            yield f"stages.{i}.{k}.gamma", (width,)
            yield from _with_bias(f"stages.{i}.{k}.dwconv", (width, 1, 7, 7))
            yield from _with_bias(f"stages.{i}.{k}.norm", (width,))
            yield from _with_bias(f"stages.{i}.{k}.pwconv1", (4 * width, width))
            yield from _with_bias(f"stages.{i}.{k}.pwconv2", (width, 4 * width))
    yield from _with_bias("norm", (_WIDTHS[3],))
    yield from _with_bias("head", (1000, _WIDTHS[3]))


def _with_bias(name: str, shape: tuple[int, ...]) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{name}.weight", shape
    yield f"{name}.bias", shape[:1]


def mean() -> dict[str, Tensor]:
    """As MEAN saves all of it, around a small backbone."""
    network = MEAN(MeanOptions(CONVNEXT, classes=CLASSES)).state_dict()
    with _MEAN_TENSORS.open(newline="", encoding="utf-8") as file:
        official = [row["key"] for row in csv.DictReader(file)]
    branches = [name for name in official if not name.startswith("model_1.convnext.")]
    ours = {theirs: ours for ours, theirs in rename(branches, WHOLE_MEAN).kept.items()}
    return _seeded({**{name: network[ours[name]] for name in branches}, **meta_convnext()})


def dac() -> dict[str, Tensor]:
    """As DAC saves it: with two projections and triplet attention."""
    names = (
        "classifier1.add_block.0.weight",
        "classifier_mcb2.classifier.0.bias",
        "tri_layer.cw.conv.conv.weight",
        "proj.mlp.0.weight",
        "proj_obj.mlp.3.weight",
    )
    return _seeded({**meta_convnext(), **_extra(names)})


def camp() -> dict[str, Tensor]:
    """As CAMP saves it: with a position embedding and the weights of its losses."""
    names = (
        "classifier1.add_block.0.weight",
        "tri_layer.hc.conv.bn.bias",
        "pos_embed",
        "pos_scale",
    )
    weights = {"ECE_weight_D_D": torch.tensor(1.0), "ECE_weight_D_fine_S_fine": torch.tensor(1.0)}
    return _seeded({**meta_convnext(), **_extra(names), **weights})


def _extra(names: tuple[str, ...]) -> dict[str, Tensor]:
    """Tensors of the wrapper that only training needs; their shapes do not matter."""
    scalars = {name: torch.tensor(1.0) for name in _SCALARS}
    return {**scalars, **{f"model_1.{name}": torch.zeros(3, 3) for name in names}}


def _behind(prefix: str, backbone: str, **options: int) -> dict[str, Tensor]:
    """timm's tensors of a backbone behind a prefix."""
    network = timm.create_model(backbone, pretrained=False, num_classes=0, **options)
    return {f"{prefix}.{name}": value for name, value in network.state_dict().items()}


def _seeded(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return seeded_weights(tensors)
