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
from typing import Any, Literal, cast, get_args

import timm
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from geoloc.models.nets.circular import close_seams, make_seams
from geoloc.models.nets.grid_head import GridHead
from geoloc.models.nets.neural_map import (
    ChannelGate,
    MapNormalisation,
    NonlinearEmbeddingConverter,
    recalibrate,
)
from geoloc.models.nets.neural_map import LatentGrid as LatentGrid  # part of the options
from geoloc.models.view import View

Converter = Literal["nec", "separate"]
Head = Literal["pool", "grid"]
ALL_LEVELS = (0, 1, 2, 3)


DEFAULT_GRID = LatentGrid(8, 8)


@dataclass(frozen=True)
class CLNetOptions:
    """What a CLNet is built from; the steps of the paper's ablation are choices here.

    Attributes:
        backbone: Name of a timm ConvNeXt; it is always built without pretrained weights.
        ground_grid: Latent grid of the ground or drone view.
        satellite_grid: Latent grid of the satellite view.
        levels: Stages (0 to 3) that carry a neural map; none is the plain backbone.
        converter: ``nec`` derives the satellite's map from the ground's; ``separate`` learns both.
        converter_width: Hidden width of the converter.
        normalisation: Normalisation of a map to weights of mean one; the paper says distribution.
        temperature: Learn what the maps of a level are divided by, from one.
        gate: After a map, weigh the channels by what the map points at in the image.
        head: ``pool`` averages over all positions, as the paper's baseline does; ``grid``
            averages inside cells, so that the layout of a place stays in its vector.
        grid_side: Cells along a side of the ``grid`` head.
        ground_cells: Rows and columns of cells of a ``grid`` head that the ground (or drone) view
            has for itself, because a panorama's rows are elevations and its columns azimuths,
            and no cell of it is a cell of the tile. None: both views share one head. One column
            makes the head blind to where a ring begins, for photos of unknown heading.
        grid_width: Channels of a cell of the ``grid`` head.
        dimension: Length of an embedding; 0 keeps the pooled channels as they are.
        circular: The ground view (not the drone's) is a ring: convolutions and maps go on from
            its last column to its first. No weight is another, so it can be chosen afterwards.
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
    temperature: bool = False
    gate: bool = False
    head: Head = "pool"
    grid_side: int = 4
    ground_cells: LatentGrid | None = None
    grid_width: int = 64
    dimension: int = 0
    circular: bool = False
    layer_scale: float = 1e-6


class CLNet(nn.Module):
    """Images of either view to unit vectors that are near when the place is the same.

    The satellite's embedding depends on nothing but its own image and the weights, so that tiles
    can be embedded once; the view of an image must be said at every call.

    Attributes:
        options: Options that it was built from.
        backbone: A timm ConvNeXt, shared by the views.
        channels: Channels of the features of each stage.
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
        if self.options.circular:
            make_seams(backbone)
        self.channels = tuple(int(info["num_chs"]) for info in backbone.feature_info)
        self.grad_checkpointing = False
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
        if options.temperature:
            self.log_temperatures = nn.ParameterDict(
                {str(level): nn.Parameter(torch.zeros(())) for level in options.levels}
            )
        if options.gate:
            self.gates = nn.ModuleDict(
                {str(level): ChannelGate(self.channels[level]) for level in options.levels}
            )
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
            self.embed = self._grid_head(LatentGrid(options.grid_side, options.grid_side))
            if options.ground_cells is not None:
                self.embed_ground = self._grid_head(options.ground_cells)
        elif options.ground_cells is not None:
            raise ValueError(f"ground_cells with head {options.head!r}; expected head 'grid'")
        elif options.dimension:
            self.embed = nn.Linear(channels, options.dimension)

    def _grid_head(self, cells: LatentGrid) -> GridHead:
        return GridHead(
            self.channels[-1], cells, width=self.options.grid_width, dimension=self.dimension
        )

    @property
    def dimension(self) -> int:
        """Length of an embedding."""
        return self.options.dimension or self.channels[-1]

    def neural_map(self, level: int, view: View) -> Tensor:
        """The map (1, C, rows, cols) that `view` is recalibrated with at `level`."""
        folded = cast(Tensor | None, getattr(self, f"folded_{level}"))
        if view == "satellite" and folded is not None:
            return folded
        learnt = self._learnt_map(str(level), view)
        if self.options.temperature:
            learnt = learnt / self.log_temperatures[str(level)].exp()
        return learnt

    def _learnt_map(self, level: str, view: View) -> Tensor:
        if view != "satellite":
            return cast(Tensor, self.ground_maps[level])
        if self.options.converter == "separate":
            return cast(Tensor, self.satellite_maps[level])
        return cast(Tensor, self.converters[level](self.ground_maps[level]))

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

    def forward_features(self, images: Tensor, view: View) -> list[Tensor]:
        """Recalibrated features of the four stages, (B, C, H, W) each, fine to coarse.

        Args:
            images: (B, 3, H, W) float, normalised as the card says.
            view: Which view the images belong to.

        Raises:
            ValueError: if `view` is none of the known ones.
        """
        if view not in get_args(View):
            raise ValueError(f"view {view!r}; expected one of {get_args(View)}")
        is_ring = self.options.circular and view == "ground"
        features = self.backbone.stem(images)
        stages = []
        for level, stage in enumerate(self.backbone.stages):
            features = self._pass(stage, features, is_ring)
            if level in self.options.levels:
                features = self._recalibrated(features, level, view, is_ring)
            stages.append(features)
        return stages

    def _recalibrated(self, features: Tensor, level: int, view: View, is_ring: bool) -> Tensor:
        """What the next stage is given of the features (B, C, H, W) of `level`."""
        neural_map, normalisation = self.neural_map(level, view), self.options.normalisation
        found = recalibrate(features, neural_map, normalisation, is_ring=is_ring)
        if self.options.gate:
            gated: Tensor = self.gates[str(level)](features, found)
            return gated
        return found

    def _pass(self, stage: Any, features: Tensor, is_ring: bool) -> Tensor:
        """Features (B, C, H, W) after one stage of the backbone."""
        if not (self.grad_checkpointing and torch.is_grad_enabled()):
            return self._through(stage, features, is_ring)
        features = stage.downsample(features)
        for block in stage.blocks:
            features = checkpoint(self._through, block, features, is_ring, use_reentrant=False)
        return features

    def _through(self, part: Any, features: Tensor, is_ring: bool) -> Tensor:
        """Features after a part; the ring is set here, since checkpointing runs the part again."""
        if self.options.circular:
            close_seams(part, is_ring)
        passed: Tensor = part(features)
        return passed

    def set_grad_checkpointing(self, enable: bool = True) -> None:
        """Keep only what blocks begin with, and compute the rest again on the way back."""
        self.grad_checkpointing = enable

    def forward(self, images: Tensor, view: View) -> Tensor:
        """Unit vectors (B, dimension) float32 of images (B, 3, H, W) of one view.

        Raises:
            ValueError: if `view` is none of the known ones.
        """
        last = self.forward_features(images, view)[-1]
        if self.options.head == "grid":
            is_own = view != "satellite" and self.options.ground_cells is not None
            head = self.embed_ground if is_own else self.embed
            vectors = head(self.backbone.head.norm(last))
        else:
            vectors = self.embed(self.backbone.forward_head(last))
        return functional.normalize(vectors.float(), dim=1)
