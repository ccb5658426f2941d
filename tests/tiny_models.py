"""Model folders of each kind with random weights, small enough to be computed in a test.

write_tiny_model(folder, TINY["siamese-vit"])
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch

from geoloc.checkpoints import write_tensors
from geoloc.zoo import build_network, card_from


@dataclass(frozen=True)
class TinyModel:
    """What a tiny model is made of; `sizes` are height and width of each view's input."""

    architecture: str
    dimension: int
    sizes: Mapping[str, tuple[int, int]]
    options: Mapping[str, object] = field(default_factory=dict)
    ground_span_deg: tuple[float, float] | None = None


_GRID = {"converter_width": 8, "layer_scale": 0.1}
_SQUARE = {"satellite": (64, 64), "drone": (64, 64)}

TINY = {
    "clnet-grid": TinyModel(
        "clnet",
        16,
        {"satellite": (96, 96), "drone": (96, 96)},
        {
            "backbone": "test_convnext",
            "head": "grid",
            "grid_side": 2,
            "grid_width": 8,
            "dimension": 16,
            **_GRID,
        },
    ),
    "clnet-pool": TinyModel("clnet", 64, _SQUARE, {"backbone": "test_convnext", **_GRID}),
    "clnet-gated": TinyModel(
        "clnet",
        64,
        _SQUARE,
        {"backbone": "test_convnext", "gate": True, "temperature": True, **_GRID},
    ),
    "clnet-rms": TinyModel("clnet", 256, _SQUARE, {"backbone": "convnext_zepto_rms", **_GRID}),
    "clnet-bare": TinyModel(
        "clnet", 64, _SQUARE, {"backbone": "test_convnext", "levels": [], **_GRID}
    ),
    "clnet-ring": TinyModel(
        "clnet",
        16,
        {"satellite": (64, 64), "ground": (32, 128)},
        {
            "backbone": "test_convnext",
            "head": "grid",
            "grid_width": 8,
            "dimension": 16,
            "ground_grid": [2, 8],
            "ground_cells": [1, 4],
            "circular": True,
            **_GRID,
        },
        (-60.0, 30.0),
    ),
    # The sizes of the data sets, at a width that a test can afford.
    "clnet-cvusa": TinyModel(
        "clnet",
        64,
        {"satellite": (384, 384), "ground": (140, 768)},
        {"backbone": "test_convnext", "ground_grid": [4, 16], "satellite_grid": [8, 8], **_GRID},
    ),
    "mean": TinyModel("mean", 64, _SQUARE, {"backbone": "test_convnext", "classes": 7}),
    "siamese-convnext": TinyModel("siamese", 64, _SQUARE, {"backbone": "test_convnext"}),
    "siamese-vit": TinyModel("siamese", 64, _SQUARE, {"backbone": "test_vit", "image_side_px": 64}),
    "siamese-towers": TinyModel(
        "siamese", 64, _SQUARE, {"backbone": "test_convnext", "shared": False}
    ),
}

# Not among them: it takes patches around keypoints, they take images.
TINY_PATCHNET = TinyModel(
    "patchnet",
    32,
    {"satellite": (32, 32), "drone": (32, 32)},
    {"dimension": 32, "width": 8},
)


def write_tiny_model(folder: Path, model: TinyModel, *, seed: int = 0) -> Path:
    """A model folder whose neural maps are far from neutral; returns the folder."""
    folder.mkdir(parents=True)
    card = card_from(
        {
            "name": folder.name,
            "architecture": model.architecture,
            "views": list(model.sizes),
            "dimension": model.dimension,
            "tile": {"ground_size_m": 64.0, "size_px": 64},
            "input": {"mean": [0.4, 0.5, 0.6], "std": [0.2, 0.25, 0.3], "size": dict(model.sizes)},
            "options": dict(model.options),
            "weights": {"sha256": ""},
        },
        folder,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = build_network(card)
        for name, parameter in network.named_parameters():
            if "_maps." in name or "gates." in name:
                torch.nn.init.normal_(parameter, std=0.5)
    checksum = write_tensors(network, folder / "model.safetensors")
    (folder / "model.toml").write_text(_card_text(folder.name, model, checksum), encoding="utf-8")
    return folder


def _card_text(name: str, model: TinyModel, checksum: str) -> str:
    """The card; JSON's strings, numbers, lists and truths are TOML's."""
    span = model.ground_span_deg
    sizes = "\n".join(f"{view} = {list(size)}" for view, size in model.sizes.items())
    options = "\n".join(f"{key} = {json.dumps(value)}" for key, value in model.options.items())
    return f"""\
name = "{name}"
architecture = "{model.architecture}"
views = {json.dumps(list(model.sizes))}
dimension = {model.dimension}

[tile]
ground_size_m = 64.0
size_px = 64

[input]
mean = [0.4, 0.5, 0.6]
std = [0.2, 0.25, 0.3]
{f"ground_span_deg = {list(span)}" if span else ""}

[input.size]
{sizes}

[options]
{options}

[weights]
sha256 = "{checksum}"
"""
