"""Neural maps: the grids that they lie on, their conversion, and what they do to features.

After Cao et al., "CLNet" (arXiv 2512.14560): NEC and GFR. See `geoloc.models.nets.clnet` for
what the paper says of them and what it does not.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from geoloc.models.nets.circular import resize_ring

MapNormalisation = Literal["softmax", "sigmoid"]


class LatentGrid(NamedTuple):
    """Rows and columns of a neural map before it is resized to a feature map."""

    rows: int
    cols: int

    @property
    def cells(self) -> int:
        """Positions of the grid."""
        return self.rows * self.cols


class NonlinearEmbeddingConverter(nn.Module):
    """NEC: the ground view's map in the satellite's space, by one small MLP over positions.

    All channels share the MLP. Its last layer starts small, so that the maps start near zero and
    the network starts as its backbone.
    """

    def __init__(self, source: LatentGrid, target: LatentGrid, *, width: int) -> None:
        super().__init__()
        self.target = target
        self.norm = nn.LayerNorm(source.cells)
        self.widen = nn.Linear(source.cells, width)
        self.narrow = nn.Linear(width, target.cells)
        nn.init.normal_(self.narrow.weight, std=0.02)
        nn.init.zeros_(self.narrow.bias)

    def forward(self, ground_map: Tensor) -> Tensor:
        """Satellite map (1, C, rows, cols) of a ground map (1, C, rows, cols)."""
        flat = ground_map.flatten(2)
        converted: Tensor = self.narrow(functional.gelu(self.widen(self.norm(flat))))
        return converted.reshape(1, -1, self.target.rows, self.target.cols)


def recalibrate(
    features: Tensor,
    neural_map: Tensor,
    normalisation: MapNormalisation,
    *,
    is_ring: bool = False,
) -> Tensor:
    """GFR: features plus features weighted by their normalised map.

    Args:
        features: (B, C, H, W).
        neural_map: (1, C, rows, cols), or one channel for all.
        normalisation: ``softmax`` over the positions times their number, or ``2 sigmoid``; both
            are one everywhere for a map of zeros.
        is_ring: Whether the last column lies beside the first.

    Returns:
        (B, C, H, W) in the precision of `features`.
    """
    height, width = features.shape[-2:]
    if is_ring:
        resized = resize_ring(neural_map.float(), height, width)
    else:
        resized = functional.interpolate(
            neural_map.float(), size=(height, width), mode="bilinear", align_corners=False
        )
    if normalisation == "softmax":
        weights = resized.flatten(2).softmax(dim=2).mul(height * width).view_as(resized)
    else:
        weights = 2.0 * torch.sigmoid(resized)
    return features * (1.0 + weights).to(features.dtype)


class ChannelGate(nn.Module):
    """Channels weighed by what the map points at: a squeeze and excitation that knows where.

    The abstract of CLNet speaks of reweighting "informative feature channels guided by learned
    spatial cues", which the map alone does for all images alike. All gates are one at the start.
    """

    def __init__(self, channels: int, *, reduction: int = 16) -> None:
        super().__init__()
        self.squeeze = nn.Linear(channels, max(1, channels // reduction))
        self.excite = nn.Linear(max(1, channels // reduction), channels)
        nn.init.zeros_(self.excite.weight)
        nn.init.zeros_(self.excite.bias)

    def forward(self, features: Tensor, recalibrated: Tensor) -> Tensor:
        """Gated features (B, C, H, W) of those before and after `recalibrate`."""
        pointed_at = (recalibrated - features).mean(dim=(2, 3))  # of features times weights
        gates = 2.0 * torch.sigmoid(self.excite(functional.gelu(self.squeeze(pointed_at))))
        return recalibrated * gates[:, :, None, None].to(recalibrated.dtype)
