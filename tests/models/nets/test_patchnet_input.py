"""Patches in bytes become what `PatchNet.forward` makes of their floats."""

from __future__ import annotations

import torch

from geoloc.models.nets.patchnet import MIN_CONTRAST
from geoloc.models.nets.patchnet_input import PatchInput

STD = [0.2, 0.25, 1.0]
TO_INPUT = PatchInput(STD, torch.device("cpu"))


def patches() -> torch.Tensor:
    """Random ones, a flat one and one with a single bright pixel."""
    generator = torch.Generator().manual_seed(0)
    patches = torch.randint(0, 256, (7, 32, 32, 3), generator=generator, dtype=torch.uint8)
    patches[2] = 250
    patches[3] = 0
    patches[3, 5, 6] = 255
    return patches


def expected() -> torch.Tensor:
    pixels = patches().permute(0, 3, 1, 2).double() / 255
    pixels = (pixels - 0.4) / torch.tensor(STD).view(1, 3, 1, 1)
    mean, spread = (f(pixels, dim=(2, 3), keepdim=True) for f in (torch.mean, torch.std))
    return ((pixels - mean) / (spread + MIN_CONTRAST)).float()


def test_floats_are_normalised_by_channel() -> None:
    found = TO_INPUT.floats(patches())
    assert found.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(found, expected(), atol=2e-5, rtol=1e-5)


def test_bytes_are_steps_around_128() -> None:
    found = TO_INPUT.bytes(patches(), steps=25.0)
    assert found.is_contiguous(memory_format=torch.channels_last)
    wanted = (expected() * 25 + 128).clamp(0, 255)
    assert (found.float() - wanted).abs().max() < 0.501
