"""Weights that are defined by their names, so that nobody has to store them.

A tensor's values are standard normals drawn from a generator that is seeded with the checksum of
its name, and then scaled by what kind of tensor it is. The official networks were filled with the
same values under the same names, and what they computed with them is what we compare with.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable, Mapping

import numpy as np
import torch
from torch import Tensor


def seeded_tensor(name: str, like: Tensor) -> Tensor:
    """The values that belong to `name`, in the shape of `like`; a scalar keeps what it is."""
    if name.endswith("num_batches_tracked"):
        return torch.zeros_like(like)
    if like.ndim == 0:
        return like.clone()
    normals = np.random.RandomState(zlib.crc32(name.encode())).standard_normal(tuple(like.shape))
    return torch.from_numpy(_scaled(name.rpartition(".")[2], normals).astype(np.float32))


def _scaled(leaf: str, normals: np.ndarray) -> np.ndarray:
    """Values as large as a trained tensor of that kind might have them."""
    if leaf == "running_mean":
        return 0.05 * normals
    if leaf == "running_var":
        return 1.0 + 0.1 * np.abs(normals)
    if leaf == "gamma":
        return 0.2 + 0.05 * normals
    if normals.ndim >= 2:
        return normals / math.sqrt(math.prod(normals.shape[1:]))
    return 1.0 + 0.1 * normals if leaf == "weight" else 0.02 * normals


def seeded_weights(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The values that belong to the names of `tensors`."""
    return {name: seeded_tensor(name, like) for name, like in tensors.items()}


def noise_image(seed: int, shape: Iterable[int]) -> Tensor:
    """Standard normal pixels (B, 3, H, W)."""
    values = np.random.RandomState(seed).standard_normal(tuple(shape))
    return torch.from_numpy(values.astype(np.float32))


def block_image(seed: int, shape: tuple[int, int, int, int], cell: int) -> Tensor:
    """Squares of `cell` pixels, each of one standard normal colour, (B, 3, H, W)."""
    batch, channels, height, width = shape
    coarse = np.random.RandomState(seed).standard_normal(
        (batch, channels, height // cell, width // cell)
    )
    return torch.from_numpy(coarse.repeat(cell, 2).repeat(cell, 3).astype(np.float32))
