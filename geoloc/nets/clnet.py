"""CLNet: one ConvNeXt for both views, steered by learned maps of where to look.

After Cao et al., "CLNet" (arXiv 2512.14560), whose internals are not published. What the paper
states is kept: view-specific neural maps (NCM), a converter from the ground view's map to the
satellite's (NEC), and a recalibration of the features by the normalised map with a residual (GFR),
at several levels of the backbone. Shapes, widths and normalisation are this project's own choice.

The maps are per channel on purpose. A ConvNeXt stage begins with a LayerNorm over the channels,
and that cancels exactly any weight that is the same for all channels of a position.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, cast, get_args

import timm
import torch
from torch import Tensor, nn
from torch.nn import functional

NetworkView = Literal["satellite", "ground", "drone"]
Converter = Literal["nec", "separate"]
MapNormalisation = Literal["softmax", "sigmoid"]
Head = Literal["pool", "grid"]
ALL_LEVELS = (0, 1, 2, 3)


class LatentGrid(NamedTuple):
    """Rows and columns of a neural map before it is resized to a feature map."""

    rows: int
    cols: int

    @property
    def cells(self) -> int:
        """Positions of the grid."""
        return self.rows * self.cols


DEFAULT_GRID = LatentGrid(8, 8)


@dataclass(frozen=True)
class CLNetOptions:
    """What a CLNet is built from; the rungs of the paper's ablation are choices here.

    Attributes:
        backbone: Name of a timm ConvNeXt; it is always built without pretrained weights.
        ground_grid: Latent grid of the ground or drone view.
        satellite_grid: Latent grid of the satellite view.
        levels: Stages (0 to 3) that carry a neural map; none is the plain backbone.
        converter: ``nec`` derives the satellite's map from the ground's; ``separate`` learns both.
        converter_width: Hidden width of the converter.
        normalisation: How a map becomes weights of mean one; the paper says distribution.
        head: ``pool`` averages over all positions, as the paper's baseline does; ``grid``
            averages inside cells, so that the layout of a place stays in its vector.
        grid_side: Cells along a side of the ``grid`` head.
        grid_width: Channels of a cell of the ``grid`` head.
        dimension: Length of an embedding; 0 keeps the pooled channels as they are.
        layer_scale: Start of ConvNeXt's residual branches. Its own 1e-6 suits long schedules;
            short ones from random weights need the branches to act at once.
    """

    backbone: str = "convnext_zepto_rms"
    ground_grid: LatentGrid = DEFAULT_GRID
    satellite_grid: LatentGrid = DEFAULT_GRID
    levels: tuple[int, ...] = ALL_LEVELS
    converter: Converter = "nec"
    converter_width: int = 256
    normalisation: MapNormalisation = "softmax"
    head: Head = "pool"
    grid_side: int = 4
    grid_width: int = 64
    dimension: int = 0
    layer_scale: float = 1e-6


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


def recalibrate(features: Tensor, neural_map: Tensor, normalisation: MapNormalisation) -> Tensor:
    """GFR: features plus features weighted by their normalised map.

    Args:
        features: (B, C, H, W).
        neural_map: (1, C, rows, cols), or one channel for all.
        normalisation: ``softmax`` over the positions times their number, or ``2 sigmoid``; both
            are one everywhere for a map of zeros.

    Returns:
        (B, C, H, W) in the precision of `features`.
    """
    height, width = features.shape[-2:]
    resized = functional.interpolate(
        neural_map.float(), size=(height, width), mode="bilinear", align_corners=False
    )
    if normalisation == "softmax":
        weights = resized.flatten(2).softmax(dim=2).mul(height * width).view_as(resized)
    else:
        weights = 2.0 * torch.sigmoid(resized)
    return features * (1.0 + weights).to(features.dtype)


class GridHead(nn.Module):
    """Means of a few channels over a few cells, joined: a vector that knows the layout."""

    def __init__(self, channels: int, *, side: int, width: int, dimension: int) -> None:
        super().__init__()
        self.side = side
        self.squeeze = nn.Conv2d(channels, width, 1)
        self.project = nn.Linear(width * side * side, dimension)

    def forward(self, normed: Tensor) -> Tensor:
        """(B, dimension) of normalised features (B, C, H, W)."""
        cells = functional.adaptive_avg_pool2d(
            functional.gelu(self.squeeze(normed)), (self.side, self.side)
        )
        projected: Tensor = self.project(cells.flatten(1))
        return projected


class CLNet(nn.Module):
    """Images of either view to unit vectors that are near when the place is the same.

    The satellite's embedding depends on nothing but its own image and the weights, so that tiles
    can be embedded once; the view of an image must be said at every call.

    Attributes:
        options: What it was built from.
        backbone: A timm ConvNeXt, shared by the views.
        channels: Of the features of each stage.
    """

    backbone: Any  # timm types none of its parts

    def __init__(self, options: CLNetOptions | None = None) -> None:
        super().__init__()
        self.options = options or CLNetOptions()
        backbone: Any = timm.create_model(
            self.options.backbone,
            pretrained=False,
            num_classes=0,
            ls_init_value=self.options.layer_scale,
        )
        self.backbone = backbone
        self.channels = tuple(int(info["num_chs"]) for info in backbone.feature_info)
        self._build_maps()
        self._build_head()

    def _build_maps(self) -> None:
        options = self.options
        self.ground_maps = self._maps(options.ground_grid)
        if options.converter == "nec":
            self.converters = nn.ModuleDict(
                {
                    str(level): NonlinearEmbeddingConverter(
                        options.ground_grid, options.satellite_grid, width=options.converter_width
                    )
                    for level in options.levels
                }
            )
        else:
            self.satellite_maps = self._maps(options.satellite_grid)
        for level in options.levels:
            self.register_buffer(f"folded_{level}", None, persistent=False)

    def _maps(self, grid: LatentGrid) -> nn.ParameterDict:
        """One small random map a level; weight decay should spare them."""
        return nn.ParameterDict(
            {
                str(level): nn.Parameter(
                    0.02 * torch.randn(1, self.channels[level], grid.rows, grid.cols)
                )
                for level in self.options.levels
            }
        )

    def _build_head(self) -> None:
        options, channels = self.options, self.channels[-1]
        self.embed: nn.Module = nn.Identity()
        if options.head == "grid":
            self.embed = GridHead(
                channels,
                side=options.grid_side,
                width=options.grid_width,
                dimension=options.dimension or channels,
            )
        elif options.dimension:
            self.embed = nn.Linear(channels, options.dimension)

    @property
    def dimension(self) -> int:
        """Length of an embedding."""
        return self.options.dimension or self.channels[-1]

    def neural_map(self, level: int, view: NetworkView) -> Tensor:
        """The map (1, C, rows, cols) that `view` is recalibrated with at `level`."""
        if view != "satellite":
            return cast(Tensor, self.ground_maps[str(level)])
        folded = cast(Tensor | None, getattr(self, f"folded_{level}"))
        if folded is not None:
            return folded
        if self.options.converter == "separate":
            return cast(Tensor, self.satellite_maps[str(level)])
        converted: Tensor = self.converters[str(level)](self.ground_maps[str(level)])
        return converted

    def fold(self) -> CLNet:
        """Keep the satellite's maps as constants, for inference; training takes them back."""
        self.eval()
        for level in self.options.levels:
            setattr(self, f"folded_{level}", None)
            with torch.no_grad():
                folded = self.neural_map(level, "satellite").detach().clone()
            setattr(self, f"folded_{level}", folded)
        return self

    def train(self, mode: bool = True) -> CLNet:
        """Switch modes as every module does; training forgets the folded maps."""
        if mode:
            for level in self.options.levels:
                setattr(self, f"folded_{level}", None)
        return super().train(mode)

    def forward_features(self, images: Tensor, view: NetworkView) -> list[Tensor]:
        """Recalibrated features of the four stages, (B, C, H, W) each, fine to coarse.

        Args:
            images: (B, 3, H, W) float, normalised as the card says.
            view: Which view the images belong to.

        Raises:
            ValueError: if `view` is none of the known ones.
        """
        if view not in get_args(NetworkView):
            raise ValueError(f"view {view!r}; expected one of {get_args(NetworkView)}")
        features = self.backbone.stem(images)
        stages = []
        for level, stage in enumerate(self.backbone.stages):
            features = stage(features)
            if level in self.options.levels:
                neural_map = self.neural_map(level, view)
                features = recalibrate(features, neural_map, self.options.normalisation)
            stages.append(features)
        return stages

    def forward(self, images: Tensor, view: NetworkView) -> Tensor:
        """Unit vectors (B, dimension) float32 of images (B, 3, H, W) of one view.

        Raises:
            ValueError: if `view` is none of the known ones.
        """
        last = self.forward_features(images, view)[-1]
        if self.options.head == "grid":
            vectors = self.embed(self.backbone.head.norm(last))
        else:
            vectors = self.embed(self.backbone.forward_head(last))
        return functional.normalize(vectors.float(), dim=1)
