"""Siamese: a timm backbone that embeds both views alike, as Sample4Geo wraps it.

After Deuser, Habel and Oswald, "Sample4Geo" (ICCV 2023, arXiv 2303.11851), section 3: no heads and
no aggregation of its own; the backbone's pooled output, scaled to unit length, is the embedding.
DAC, CAMP and MEAN are such networks, too, once they are trained, and so is Game4Loc (Ji et al.,
arXiv 2409.16925) with a ViT. The temperature that they learn beside it belongs to the loss here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, get_args

import timm
from torch import Tensor, nn
from torch.nn import functional

from geoloc.models.view import View


@dataclass(frozen=True)
class SiameseOptions:
    """What a Siamese is built from.

    Attributes:
        backbone: Name of a timm backbone; it is always built without pretrained weights.
        shared: Whether both views share the weights (Sample4Geo, section 3); Game4Loc also
            publishes pairs of towers, one for the satellite and one for the drone.
        image_side_px: For backbones with position embeddings: the side of the square input that
            they are made for. 0 leaves it to the backbone; ConvNeXts take any size.
        layer_scale: Start of a ConvNeXt's residual branches; 0 leaves it to the backbone, whose
            1e-6 suits long schedules. Short ones from random weights need them to act at once.
    """

    backbone: str = "convnext_base"
    shared: bool = True
    image_side_px: int = 0
    layer_scale: float = 0.0


class ColourScale(NamedTuple):
    """Mean and standard deviation of red, green and blue in [0, 1]."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]


def colour_scale(backbone: str) -> ColourScale:
    """The normalisation that a timm backbone was pretrained with.

    Sample4Geo and Game4Loc take it from there as well. A name without a tag gets timm's first.

    Raises:
        ValueError: if timm has no weights of that name.
    """
    config = timm.get_pretrained_cfg(backbone)
    if config is None:
        raise ValueError(f"timm knows no pretrained {backbone!r}")
    return ColourScale(_three(config.mean), _three(config.std))


def _three(values: tuple[float, ...]) -> tuple[float, float, float]:
    red, green, blue = values
    return float(red), float(green), float(blue)


def build_backbone(
    name: str, *, image_side_px: int = 0, layer_scale: float = 0.0, classes: int = 0
) -> Any:
    """A timm backbone with random weights, and without a classifier unless it has classes.

    Raises:
        RuntimeError: if timm does not know the name.
        TypeError: if a size or a scale is given to a backbone that has none.
    """
    given: dict[str, Any] = {"img_size": image_side_px, "ls_init_value": layer_scale}
    stated = {option: value for option, value in given.items() if value}
    return timm.create_model(name, pretrained=False, num_classes=classes, **stated)


class Siamese(nn.Module):
    """Images of either view to unit vectors that are near when the place is the same.

    Sample4Geo, section 3 and figure 2. With ``convnext_base`` it has 87,566,464 parameters and
    1024 dimensions, with ``convnext_tiny`` 27,820,128 and 768: the network of MEAN at test time.
    """

    def __init__(self, options: SiameseOptions | None = None) -> None:
        super().__init__()
        self.options = options or SiameseOptions()
        self.backbone: Any = self._build()
        if not self.options.shared:
            self.satellite_backbone: Any = self._build()

    def _build(self) -> Any:
        options = self.options
        return build_backbone(
            options.backbone, image_side_px=options.image_side_px, layer_scale=options.layer_scale
        )

    @property
    def dimension(self) -> int:
        """Length of an embedding."""
        return int(self.backbone.num_features)

    def set_grad_checkpointing(self, enable: bool = True) -> None:
        """Keep only what blocks begin with, and compute the rest again on the way back."""
        self.backbone.set_grad_checkpointing(enable)
        if not self.options.shared:
            self.satellite_backbone.set_grad_checkpointing(enable)

    def pooled(self, images: Tensor, view: View) -> Tensor:
        """Pooled features (B, dimension) before they are scaled to unit length.

        Args:
            images: (B, 3, H, W) float, normalised as the card says.
            view: Which view the images belong to; without effect where the weights are shared.

        Raises:
            ValueError: if `view` is none of the known ones.
        """
        if view not in get_args(View):
            raise ValueError(f"view {view!r}; expected one of {get_args(View)}")
        separate = view == "satellite" and not self.options.shared
        features: Tensor = (self.satellite_backbone if separate else self.backbone)(images)
        return features

    def forward(self, images: Tensor, view: View) -> Tensor:
        """Unit vectors (B, dimension) float32 of images (B, 3, H, W) of one view.

        Sample4Geo, section 3: similarity is the dot product of these.

        Raises:
            ValueError: if `view` is none of the known ones.
        """
        return functional.normalize(self.pooled(images, view).float(), dim=1)
