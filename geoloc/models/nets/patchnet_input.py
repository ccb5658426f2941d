"""What a PatchNet sees of patches: their bytes, freed of light and contrast in few passes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from geoloc.models.nets.patchnet import MIN_CONTRAST, SIDE_PX

_PIXELS = SIDE_PX * SIDE_PX
# Whole numbers up to its square add up in float32 without rounding, so that a patch gives the same
# in any company.
_MIDDLE = 128.0


class PatchInput:
    """Normalises patches (N, 32, 32, channels) uint8 as `PatchNet.forward` would their floats.

    Args:
        std: Standard deviation of each channel's input, of the model's card. The mean does not
            matter.
        device: Device of the patches.
    """

    def __init__(self, std: Sequence[float], device: torch.device) -> None:
        self._flat = torch.tensor([MIN_CONTRAST * 255 * s for s in std], device=device)
        # A product with it sums the pixels of each channel: quicker than a mean over (H, W).
        self._of_channel = torch.eye(len(std), device=device).repeat(_PIXELS, 1)

    def floats(self, patches: Tensor) -> Tensor:
        """(N, channels, 32, 32) float32, channels last: each channel's pixels in its spreads."""
        values, mean, gain = self._light(patches)
        return _images(torch.addcmul(-mean * gain, values, gain))

    def bytes(self, patches: Tensor, *, steps: float) -> Tensor:
        """(N, channels, 32, 32) uint8, channels last: 128 and so many steps a spread."""
        values, mean, gain = self._light(patches)
        gain = gain * steps
        scaled = torch.addcmul(_MIDDLE - mean * gain, values, gain)
        return _images(scaled.round_().clamp_(0, 255).to(torch.uint8))

    def _light(self, patches: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Pixels (N, 1024, channels) around 0, and of each channel the mean and the gain."""
        values = patches.reshape(len(patches), -1).float().sub_(_MIDDLE)
        mean = values @ self._of_channel / _PIXELS
        squares = values.square() @ self._of_channel
        spread = ((squares - _PIXELS * mean.square()) / (_PIXELS - 1)).clamp_(min=0).sqrt()
        gain = 1 / (spread + self._flat)
        return values.view(len(values), _PIXELS, -1), mean[:, None], gain[:, None]


def _images(pixels: Tensor) -> Tensor:
    """(N, 1024, channels) seen as (N, channels, 32, 32)."""
    return pixels.view(len(pixels), SIDE_PX, SIDE_PX, -1).permute(0, 3, 1, 2)
