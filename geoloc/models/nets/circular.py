"""Circular padding for panoramas: their first column lies beside their last.

A convolution that pads with zeros sees an edge where a panorama has none, and what it makes of a
place then depends on where the ring was cut open. Padding the whole panorama beforehand does not
help: a ConvNeXt-Tiny reaches 828 pixels to either side (three for each of its 3, 3, 9 and 3 blocks
at strides 4, 8, 16 and 32), further than a panorama of 768 is wide. So each depthwise convolution
pads with the other end of the ring. That is exact, adds no multiplication, and costs a copy: 8 %
of a training step of the smallest network with rings of 64x256 on a CPU. No other part of a
ConvNeXt pads.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class SeamConv2d(nn.Conv2d):
    """A convolution that can close the seam of a ring; its tensors are those of any other.

    Attributes:
        is_ring: Whether columns are padded with those of the other end; rows never are.
    """

    is_ring: bool = False

    def forward(self, input: Tensor) -> Tensor:
        """The convolution of (B, C, H, W), which keeps its size.

        Raises:
            ValueError: if a ring is so narrow that the convolution reaches around it.
        """
        if not self.is_ring:
            return super().forward(input)
        rows, columns = (int(each) for each in self.padding)
        if input.shape[-1] < columns:
            raise ValueError(
                f"a ring is {input.shape[-1]} columns wide at a stage whose convolutions reach "
                f"{columns} to either side; expected as many at least; feed wider ground images"
            )
        closed = functional.pad(input, (columns, columns, 0, 0), mode="circular")
        return functional.conv2d(
            closed,
            self.weight,
            self.bias,
            self.stride,
            (rows, 0),
            self.dilation,
            self.groups,
        )


def make_seams(backbone: nn.Module) -> int:
    """Let every padding convolution of a backbone close seams; returns how many there are."""
    padding = [
        (module, name, child)
        for module in backbone.modules()
        for name, child in module.named_children()
        if isinstance(child, nn.Conv2d) and child.padding not in ((0, 0), "valid")
    ]
    for module, name, child in padding:
        setattr(module, name, _with_seam(child))
    return len(padding)


def _with_seam(convolution: nn.Conv2d) -> SeamConv2d:
    """The same convolution, with the same parameters."""
    seam = SeamConv2d(
        convolution.in_channels,
        convolution.out_channels,
        convolution.kernel_size,  # type: ignore[arg-type]  # torch types it as any tuple
        stride=convolution.stride,  # type: ignore[arg-type]
        padding=convolution.padding,  # type: ignore[arg-type]
        dilation=convolution.dilation,  # type: ignore[arg-type]
        groups=convolution.groups,
        bias=convolution.bias is not None,
        device="meta",
    )
    seam.weight, seam.bias = convolution.weight, convolution.bias
    return seam


def close_seams(module: nn.Module, is_ring: bool) -> None:
    """Say whether what `module` sees next is a ring."""
    for part in module.modules():
        if isinstance(part, SeamConv2d):
            part.is_ring = is_ring


def resize_ring(grid: Tensor, height: int, width: int) -> Tensor:
    """A grid (1, C, rows, columns) resized to (1, C, height, width), its columns a ring.

    Bilinear between the centres of cells, as torch does it with ``align_corners=False``; only the
    columns between the last centre and the first are others.
    """
    columns = grid.shape[-1]
    stretched = functional.interpolate(
        grid, size=(height, columns), mode="bilinear", align_corners=False
    )
    centres = (torch.arange(width, device=grid.device) + 0.5) * (columns / width) - 0.5
    left = centres.floor()
    share = (centres - left).to(grid.dtype)
    before = left.long().remainder(columns)
    after = (before + 1).remainder(columns)
    return stretched[..., before] * (1 - share) + stretched[..., after] * share
