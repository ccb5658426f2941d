"""Evidence for a match: the cosine of two images attributed to positions, and neural maps.

A cosine is a sum over positions once every length that something is divided by is held as it is:
of the vectors, and of the normalisation in the head. So are the gates that weigh whole channels,
and the attention that weighs positions. After its last stage a ConvNeXt with a pooled or a grid
head is linear but for these and for one GELU, behind which the positions are still apart; so there
the decomposition is exact. For other networks (a ViT mixes its positions until the end) it is
measured instead, by covering one cell of the image after another.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from geoloc.arrays import Float32Array
from geoloc.models.nets.clnet import CLNet
from geoloc.models.nets.neural_map import recalibrate
from geoloc.models.view import View

# Cells along the short side of an image, and images a step, where cells are covered one by one.
_COVERED_CELLS = 8
_COVERED_AT_ONCE = 8


@dataclass(frozen=True)
class Evidence:
    """A cosine attributed to the positions of an image.

    Attributes:
        parts: (rows, columns) part that each position adds; negative ones speak against the match.
        rest: Part that no position adds: the constants of the head.
        is_exact: Whether parts and rest add up to the cosine. Otherwise a part is what the
            cosine loses when that cell is covered with the mean colour, and there is no rest.
    """

    parts: Float32Array
    rest: float
    is_exact: bool

    @property
    def total(self) -> float:
        """Parts and rest together."""
        return math.fsum(self.parts.ravel().tolist()) + self.rest


@dataclass(frozen=True)
class LevelMap:
    """Weights of a neural map at one level, 1 being neutral.

    Attributes:
        level: Stage of the backbone, from 0.
        weights: (rows, columns) mean over the channels of the normalised map.
        spread: Standard deviation over the channels, averaged over the positions: two channels
            may have opposite weights, of which the mean shows nothing.
        emphasis: (rows, columns) the same mean, but each channel counts as much as it holds here.
    """

    level: int
    weights: Float32Array
    spread: float
    emphasis: Float32Array


def find_evidence(network: nn.Module, images: Tensor, view: View, *, toward: Tensor) -> Evidence:
    """Evidence: what each position of an image adds to the cosine with a vector.

    Args:
        network: In evaluation mode.
        images: (1, 3, H, W), normalised; or (1, L, 3, S, S) crops of a tile, whose positions stand
            side by side in the parts.
        view: The network's view that the image passes.
        toward: (D,) vector of unit length.
    """
    backbone = _backbone(network, view)
    if type(backbone).__name__ != "ConvNeXt":  # timm's class; timm is known to the networks only
        return _by_covering(network, images, view, toward=toward)
    held = _HeldLengths()
    with held, _features_of(backbone.stages[-1], held.begin), torch.enable_grad():
        cosine = (network(images, view) * toward).sum()
    assert held.positions is not None, "the last stage was not passed"
    (gradient,) = torch.autograd.grad(cosine, held.positions)
    parts = torch.cat(list((gradient * held.positions.detach()).sum(1)), dim=1)
    return Evidence(_array(parts), float(cosine.detach() - parts.sum()), is_exact=True)


def _backbone(network: nn.Module, view: View) -> Any:
    """The timm network that sees this view."""
    own = getattr(network, "satellite_backbone", None) if view == "satellite" else None
    return own if own is not None else getattr(network, "backbone", None)


@contextmanager
def _features_of(stage: nn.Module, begin: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """Let what a stage gives pass through `begin`."""
    handle = stage.register_forward_hook(lambda _stage, _inputs, output: begin(output))
    try:
        yield
    finally:
        handle.remove()


class _HeldLengths(TorchFunctionMode):
    """From `begin` on, normalisations divide by constants, and the last GELU begins anew.

    Attributes:
        positions: (1, C, rows, columns) features after which everything is linear; of L crops
            (L, C, rows, columns).
    """

    def __init__(self) -> None:
        super().__init__()
        self.positions: Tensor | None = None

    def begin(self, features: Tensor) -> Tensor:
        """Take features as the positions."""
        self.positions = features.detach().requires_grad_()
        return self.positions

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if self.positions is not None:
            if func is functional.layer_norm:
                return _held_layer_norm(*args, **kwargs)
            if func is functional.normalize:
                return args[0] / args[0].norm(dim=1, keepdim=True).detach()
            if func in (torch.rsqrt, torch.sigmoid, torch.Tensor.softmax):  # what weighs is held
                return func(*args, **kwargs).detach()
            if func is functional.gelu and args[0].ndim == 4:
                return self.begin(func(*args, **kwargs))
        return func(*args, **kwargs)


def _held_layer_norm(
    values: Tensor,
    shape: list[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Layer normalisation over the last axis whose standard deviation is a constant."""
    centred = values - values.mean(-1, keepdim=True)
    scaled = centred * torch.rsqrt(centred.square().mean(-1, keepdim=True) + eps).detach()
    scaled = scaled if weight is None else scaled * weight
    return scaled if bias is None else scaled + bias


def _by_covering(network: nn.Module, images: Tensor, view: View, *, toward: Tensor) -> Evidence:
    """What the cosine loses when a cell is covered; the mean colour is a zero to the network."""
    height, width = images.shape[-2:]
    cell_px = min(height, width) / _COVERED_CELLS
    rows, columns = round(height / cell_px), round(width / cell_px)
    cells = [(row, column) for row in range(rows) for column in range(columns)]
    whole = float((network_vectors(network, images, view) @ toward).squeeze())
    cosines: list[float] = []
    for start in range(0, len(cells), _COVERED_AT_ONCE):
        batch = cells[start : start + _COVERED_AT_ONCE]
        covered = images.repeat(len(batch), 1, 1, 1)
        for image, (row, column) in zip(covered, batch, strict=True):
            top, bottom = height * row // rows, height * (row + 1) // rows
            left, right = width * column // columns, width * (column + 1) // columns
            image[:, top:bottom, left:right] = 0
        cosines += (network_vectors(network, covered, view) @ toward).tolist()
    parts = whole - np.array(cosines, np.float32).reshape(rows, columns)
    return Evidence(parts, 0.0, is_exact=False)


def network_vectors(network: nn.Module, images: Tensor, view: View) -> Tensor:
    """Unit vectors (B, D) in float32, whatever the device would like better."""
    with torch.inference_mode():
        return cast(Tensor, network(images, view))


def level_maps(network: nn.Module, images: Tensor, view: View) -> tuple[LevelMap, ...]:
    """What each neural map of a CLNet does to an image (1, 3, H, W); nothing for others."""
    if not isinstance(network, CLNet):
        return ()
    is_ring = network.options.circular and view == "ground"
    found = []
    with torch.inference_mode():
        stages = network.forward_features(images, view)
        for level in network.options.levels:
            after = stages[level]
            gain = recalibrate(
                torch.ones_like(after),
                network.neural_map(level, view),
                network.options.normalisation,
                is_ring=is_ring,
            )
            weights, before = gain - 1, (after / gain).abs()  # no weight is negative
            emphasis = (before * weights).sum(1) / before.sum(1).clamp_min(1e-12)
            spread = float(weights.std(dim=1).mean()) if weights.shape[1] > 1 else 0.0
            found.append(LevelMap(level, _array(weights.mean(1)[0]), spread, _array(emphasis[0])))
    return tuple(found)


def without_maps(network: nn.Module) -> nn.Module | None:
    """A copy whose neural maps are all zero, so that every weight is one; None without maps."""
    if not isinstance(network, CLNet) or not network.options.levels:
        return None
    bare = copy.deepcopy(network).fold()
    with torch.no_grad():
        for neural_map in bare.ground_maps.parameters():
            neural_map.zero_()
        for level in bare.options.levels:
            bare.neural_map(level, "satellite").zero_()
    return bare


def _array(values: Tensor) -> Float32Array:
    return np.asarray(values.detach().float().cpu().numpy(), np.float32)
