"""PatchNet: a small convolutional network that describes the neighbourhood of a keypoint.

After L2-Net and HardNet (Mishchuk et al., "Working hard to know your neighbor's margins", NeurIPS
2017, section 3.2): plain 3 x 3 convolutions with batch norms on a normalised patch of 32 x 32, one
last convolution as wide as what is left, a vector of unit length. It has one layer fewer than
theirs, the first of them halves the image at once, and its vector is half as long: two thousand
keypoints take a quarter of a second on one core with bfloat16, half a second without, and less than
either in whole numbers (`geoloc.models.nets.patchnet_bytes`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from geoloc.models.view import View

SIDE_PX = 32
# Of grey values in [0, 1]: flat patches are not blown up to noise.
MIN_CONTRAST = 0.015


@dataclass(frozen=True)
class PatchOptions:
    """What a PatchNet is built from.

    Attributes:
        dimension: Length of the descriptors.
        width: Channels of the first two layers; later ones have twice and four times as many.
        channels: Channels of a patch.
        dropout: Before the last layer.
    """

    dimension: int = 64
    width: int = 32
    channels: int = 3
    dropout: float = 0.1


class PatchNet(nn.Module):
    """Patches (N, channels, 32, 32) to unit vectors (N, dimension)."""

    def __init__(self, options: PatchOptions | None = None) -> None:
        super().__init__()
        self.options = options = options or PatchOptions()
        width = options.width
        self.body = nn.Sequential(
            *_layer(options.channels, width, kernel=5, stride=2),
            *_layer(width, width),
            *_layer(width, 2 * width, stride=2),
            *_layer(2 * width, 2 * width),
            *_layer(2 * width, 4 * width, stride=2),
        )
        self.dropout = nn.Dropout(options.dropout)
        self.head = nn.Conv2d(4 * width, options.dimension, 4, bias=False)
        self.norm = nn.BatchNorm1d(options.dimension, affine=False)

    @property
    def dimension(self) -> int:
        """Length of a descriptor."""
        return self.options.dimension

    def forward(self, patches: Tensor, view: View = "satellite") -> Tensor:
        """Unit vectors (N, dimension) float32; maps and photos are described alike.

        Args:
            patches: (N, channels, 32, 32), on any scale that is the same for all channels.
            view: Ignored.
        """
        del view
        mean = patches.mean(dim=(2, 3), keepdim=True)
        spread = patches.std(dim=(2, 3), keepdim=True)
        return self.describe((patches - mean) / (spread + MIN_CONTRAST))

    def describe(self, normalised: Tensor) -> Tensor:
        """Unit vectors of patches whose channels have a mean of 0 and a spread of about 1."""
        features = self.body(normalised)
        described = self.norm(self.head(self.dropout(features)).flatten(1))
        return functional.normalize(described.float(), dim=1)

    def fold(self) -> None:
        """Fold the batch norms into the convolutions before them, for inference only."""
        folded: list[nn.Module] = []
        for layer in self.body:
            if isinstance(layer, nn.BatchNorm2d):
                folded[-1] = fuse_conv_bn_eval(cast(nn.Conv2d, folded[-1]), layer)
            else:
                folded.append(layer)
        self.body = nn.Sequential(*folded)


def _layer(inputs: int, outputs: int, *, kernel: int = 3, stride: int = 1) -> list[nn.Module]:
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    return [convolution, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]
