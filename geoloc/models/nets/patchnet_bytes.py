"""PatchNet in whole numbers: the trained network with weights and activations of 8 bits.

Processors with VNNI describe a patch with bytes in a third of the time that floats take, and the
difference is small: cosines to vectors of float32 are 0.9999 on average and above 0.999 but for one
in a thousand. Weights have a scale for each output channel and activations one for each layer,
after Jacob et al., "Quantization and training of neural networks for efficient
integer-arithmetic-only inference" (CVPR 2018). No images are needed to find the scales: batch norms
say what their layers put out. Sums are whole numbers, so that a patch gives the same in any
company.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from geoloc.models.nets.patchnet import SIDE_PX, PatchNet
from geoloc.models.nets.patchnet_input import PatchInput

# What a byte reaches, in spreads: of a patch's pixels, and of a layer's channels above their mean.
_PIXEL_REACH = 5.0
_CHANNEL_REACH = 6.0
_ZERO = 128
# A PyTorch whose operation means something else gives nothing like it.
_LEAST_COSINE = 0.95


class BytePatchNet:
    """The network of `PatchNet.describe` in whole numbers, on the CPU.

    Args:
        network: Trained, in evaluation mode, not folded.

    Attributes:
        steps: Steps a spread of the pixels that it takes, as of `PatchInput.bytes`.
    """

    @torch.no_grad()
    def __init__(self, network: PatchNet) -> None:
        self.steps = 127 / _PIXEL_REACH
        scale, zero, self._layers = 1 / self.steps, _ZERO, list[_Convolution]()
        for convolution, norm in _normed(network.body):
            reach = float((norm.bias + _CHANNEL_REACH * norm.weight.abs()).max().clamp(min=0.1))
            folded = fuse_conv_bn_eval(convolution, norm)
            self._layers.append(_Convolution.of(folded, scale, zero, reach / 255))
            scale, zero = reach / 255, 0
        head = fuse_conv_bn_eval(network.head, network.norm)
        self._head = _Convolution.of(head, scale, zero, None)

    def __call__(self, pixels: Tensor) -> Tensor:
        """Unit vectors (N, dimension) float32 of patches (N, channels, 32, 32) uint8."""
        for layer in self._layers:
            pixels = layer(pixels)
        return functional.normalize(self._head(pixels).flatten(1), dim=1)


def in_bytes(network: PatchNet) -> BytePatchNet | None:
    """The network in whole numbers, where that is quicker and tells the same; None elsewhere.

    Args:
        network: As of `BytePatchNet`.
    """
    if not _multiplies_bytes():
        return None
    channels = network.options.channels
    generator = torch.Generator().manual_seed(0)
    patches = torch.randint(0, 256, (8, SIDE_PX, SIDE_PX, channels), generator=generator)
    to_input = PatchInput([1.0] * channels, torch.device("cpu"))
    with torch.inference_mode():
        try:
            quick = BytePatchNet(network)
            found = quick(to_input.bytes(patches, steps=quick.steps))
        except (AttributeError, RuntimeError):  # a PyTorch without these operations
            return None
        wanted = network.describe(to_input.floats(patches))
    return quick if bool((found * wanted).sum(dim=1).min() > _LEAST_COSINE) else None


def _multiplies_bytes() -> bool:
    """Whether the processor has VNNI: others are slower, and their sums may overflow."""
    ask = getattr(torch.cpu, "_is_vnni_supported", None)
    return ask is not None and bool(ask())


def _normed(body: nn.Sequential) -> Iterator[tuple[nn.Conv2d, nn.BatchNorm2d]]:
    """Convolutions and the batch norms after them."""
    for layer, following in pairwise(body):
        if isinstance(following, nn.BatchNorm2d):
            yield cast(nn.Conv2d, layer), following


@dataclass(frozen=True)
class _Convolution:
    """One convolution, which cuts off below zero and gives bytes, or gives floats as they are.

    Attributes:
        weight: Packed, int8.
        weight_scale: (O,) of each output channel.
        weight_zero: (O,) zeros.
        bias: (O,) float32.
        stride, padding: Of rows and columns.
        scale, zero: Of its input: the value of a step, and the byte of 0.
        output_scale: Value of a step of its output; None for floats.
    """

    weight: Tensor
    weight_scale: Tensor
    weight_zero: Tensor
    bias: Tensor
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    scale: float
    zero: int
    output_scale: float | None

    @classmethod
    def of(
        cls, layer: nn.Conv2d, scale: float, zero: int, output_scale: float | None
    ) -> _Convolution:
        weight, bias = layer.weight.detach(), cast(Tensor, layer.bias).detach()
        weight_scale = weight.abs().amax(dim=(1, 2, 3)).clamp(min=1e-9) / 127
        whole = (weight / weight_scale[:, None, None, None]).round().to(torch.int8)
        stride, padding = tuple(layer.stride), cast(tuple[int, ...], tuple(layer.padding))
        packed = torch.ops.onednn.qconv_prepack(
            whole, weight_scale, scale, zero, stride, padding, (1, 1), 1, None
        )
        zeros = torch.zeros(len(weight_scale), dtype=torch.int32)
        return cls(packed, weight_scale, zeros, bias, stride, padding, scale, zero, output_scale)

    def __call__(self, values: Tensor) -> Tensor:
        scale, kind, then = self.output_scale, torch.uint8, "relu"
        if scale is None:
            scale, kind, then = 1.0, torch.float32, "none"
        return cast(
            Tensor,
            torch.ops.onednn.qconv2d_pointwise(
                values, self.scale, self.zero, self.weight, self.weight_scale, self.weight_zero,
                self.bias, self.stride, self.padding, (1, 1), 1, scale, 0, kind, then, [], "",
            ),
        )  # fmt: skip
