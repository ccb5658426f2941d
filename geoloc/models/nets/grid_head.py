"""Grid head: an embedding that keeps the layout of a place, which pooling would forget."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from geoloc.models.nets.neural_map import LatentGrid


class GridHead(nn.Module):
    """Means of a few channels over a few cells, joined: a vector that knows the layout."""

    def __init__(self, channels: int, cells: LatentGrid, *, width: int, dimension: int) -> None:
        super().__init__()
        self.cells = cells
        self.squeeze = nn.Conv2d(channels, width, 1)
        self.project = nn.Linear(width * cells.cells, dimension)

    def forward(self, normed: Tensor) -> Tensor:
        """(B, dimension) of normalised features (B, C, H, W)."""
        cells = functional.adaptive_avg_pool2d(
            functional.gelu(self.squeeze(normed)), (self.cells.rows, self.cells.cols)
        )
        projected: Tensor = self.project(cells.flatten(1))
        return projected
