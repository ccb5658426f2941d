"""What a network can do that sees a tile in several crops of the map, whatever it is called."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from torch import Tensor


@runtime_checkable
class CropNetwork(Protocol):
    """A network whose first part can pass over a map once, for all tiles that lie on it.

    Attributes:
        shared_stride_px: Pixels a side of the map that one of the shared features stands for.
    """

    shared_stride_px: int

    def shared_features(self, pixels: Tensor) -> Tensor:
        """Features (B, C, h, w) of maps (B, 3, H, W), which neighbouring tiles may share."""
        ...

    def embed_shared(self, features: Tensor) -> Tensor:
        """Unit vectors (B, D) float32 of tiles from the features (B, L, C, s, s) of their crops."""
        ...
