"""Statewide: two ConvNeXt towers, each pooled by attention over positions, for ordinary photos.

After Fervers, Bullinger, Bodensteiner, Arens and Stiefelhagen, "Statewide Visual Geolocalization in
the Wild" (ECCV 2024, arXiv 2409.16763), as the authors' code computes it. A photo from the ground
passes one tower. A cell of the map passes the other in crops of several ground sizes, and one
softmax over the positions of all crops pools them: no position is told from another, so crops of
any number, size and order can be pooled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import timm
import torch
from torch import Tensor, nn
from torch.nn import functional

from geoloc.models.view import View

# Published towers are ConvNeXts with the tanh form of GELU; the exact one moves embeddings by 1e-4.
_ACTIVATION = "gelu_tanh"
# The epsilon of the pool's norm; those of the towers are timm's 1e-6.
_POOL_EPS = 1e-5


@dataclass(frozen=True)
class StatewideOptions:
    """What a Statewide is built from.

    Attributes:
        backbone: Name of a timm ConvNeXt, one tower for each view; it is always built without
            pretrained weights.
        heads: Heads of the pools, which share the dimension among them.
        dimension: Length of an embedding.
        scale: Length that the authors' embeddings have: a fixed temperature in training, where a
            logit is its square times a cosine. Ours have unit length, which ranks alike.
        layer_scale: Start of the towers' residual branches; 0 leaves it to the backbone.
    """

    backbone: str = "convnext_base"
    heads: int = 64
    dimension: int = 1024
    scale: float = 6.0
    layer_scale: float = 0.0

    def __post_init__(self) -> None:
        if self.heads < 1 or self.dimension % self.heads:
            raise ValueError(f"dimension {self.dimension} is no multiple of heads {self.heads}")


def pool_positions(logits: Tensor, values: Tensor) -> Tensor:
    """Means of values over all positions, weighted by the softmax of their logits, head by head.

    Args:
        logits: (..., T, heads) of T positions.
        values: (..., T, dimension), the channels of the first head first.

    Returns:
        (..., dimension), not of unit length.
    """
    weights = logits.softmax(dim=-2)
    split = values.reshape(*values.shape[:-1], logits.shape[-1], -1)
    return torch.einsum("...th,...thc->...hc", weights, split).flatten(-2)


class AttentionPool(nn.Module):
    """Logits and values of positions, which `pool_positions` makes one vector of."""

    def __init__(self, channels: int, options: StatewideOptions) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels, eps=_POOL_EPS)
        self.attend = nn.Linear(channels, options.heads, bias=False)
        self.value = nn.Linear(channels, options.dimension)

    def forward(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (..., heads) and values (..., dimension) of positions (..., C)."""
        normed = self.norm(positions)
        return self.attend(normed), self.value(normed)


class Statewide(nn.Module):
    """Photos from the ground, and cells of the map in several crops, to unit vectors.

    With ``convnext_base`` and 64 heads it has 177,363,200 parameters, half of them for each view.
    Sides of images that are no multiple of 32 lose the rest.

    Attributes:
        shared_stride_px: Pixels a side that one of the `shared_features` stands for.
    """

    shared_stride_px = 16

    def __init__(self, options: StatewideOptions | None = None) -> None:
        super().__init__()
        self.options = options or StatewideOptions()
        self.backbone: Any = self._build_tower()
        self.satellite_backbone: Any = self._build_tower()
        channels = int(self.backbone.num_features)
        self.pool = AttentionPool(channels, self.options)
        self.satellite_pool = AttentionPool(channels, self.options)

    def _build_tower(self) -> Any:
        stated: dict[str, Any] = {"num_classes": 0, "act_layer": _ACTIVATION}
        if self.options.layer_scale:
            stated["ls_init_value"] = self.options.layer_scale
        tower: Any = timm.create_model(self.options.backbone, pretrained=False, **stated)
        tower.head = nn.Identity()  # nothing lies between the last stage and the pool's own norm
        return tower

    @property
    def dimension(self) -> int:
        """Length of an embedding."""
        return self.options.dimension

    def set_grad_checkpointing(self, enable: bool = True) -> None:
        """Keep only what blocks of the towers begin with; the pools keep all they need."""
        self.backbone.set_grad_checkpointing(enable)
        self.satellite_backbone.set_grad_checkpointing(enable)

    def ground_positions(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (B, h, w, heads) and values (B, h, w, dimension) of photos (B, 3, H, W)."""
        logits, values = self.pool(_channels_last(self.backbone, images))
        return logits, values

    def satellite_positions(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (B, h, w, heads) and values (B, h, w, dimension) of maps (B, 3, H, W).

        A position stands for 32 x 32 pixels; `pool_positions` of those of a cell's crops is the
        cell's embedding before it is brought to unit length.
        """
        logits, values = self.satellite_pool(_channels_last(self.satellite_backbone, pixels))
        return logits, values

    def shared_features(self, pixels: Tensor) -> Tensor:
        """Features (B, C, h, w) of maps (B, 3, H, W), after all stages of the tower but the last.

        Neighbouring cells may share them: `embed_shared` makes vectors of windows of them.
        """
        features: Tensor = self.satellite_backbone.stem(pixels)
        for stage in self.satellite_backbone.stages[:-1]:
            features = stage(features)
        return features

    def embed_shared(self, features: Tensor) -> Tensor:
        """Unit vectors (B, dimension) float32 of cells, from `shared_features` of their crops.

        Args:
            features: (B, L, C, s, s); those of each crop by itself make what `forward` makes.
        """
        tower = self.satellite_backbone
        last: Tensor = tower.norm_pre(tower.stages[-1](features.flatten(0, 1)))
        logits, values = self.satellite_pool(last.permute(0, 2, 3, 1))
        return functional.normalize(_pool_crops(logits, values, len(features)).float(), dim=1)

    def pooled(self, images: Tensor, view: View) -> Tensor:
        """Pooled values (B, dimension) before they are brought to unit length.

        Args:
            images: Normalised as the card says: (B, 3, H, W) photos from the ground, or
                (B, L, 3, S, S) crops of cells.
            view: ``ground`` or ``satellite``.

        Raises:
            ValueError: if `view` is neither, or crops are not in groups of a cell each.
        """
        if view == "ground":
            logits, values = self.ground_positions(images)
            return pool_positions(logits.flatten(1, 2), values.flatten(1, 2))
        if view != "satellite":
            raise ValueError(f"view {view!r}; expected ground or satellite")
        if images.ndim != 5:
            raise ValueError(f"images {tuple(images.shape)}; expected crops (B, L, 3, S, S)")
        logits, values = self.satellite_positions(images.flatten(0, 1))
        return _pool_crops(logits, values, len(images))

    def forward(self, images: Tensor, view: View) -> Tensor:
        """Unit vectors (B, dimension) float32 of images as `pooled` takes them.

        Raises:
            ValueError: as `pooled` does.
        """
        return functional.normalize(self.pooled(images, view).float(), dim=1)


def _pool_crops(logits: Tensor, values: Tensor, cells: int) -> Tensor:
    """What the positions (cells * L, h, w, ...) of all crops of each cell are pooled to."""
    return pool_positions(
        logits.reshape(cells, -1, logits.shape[-1]), values.reshape(cells, -1, values.shape[-1])
    )


def _channels_last(tower: Any, images: Tensor) -> Tensor:
    """The last stage of a tower as positions (B, h, w, C)."""
    features: Tensor = tower.forward_features(images)
    return features.permute(0, 2, 3, 1)
