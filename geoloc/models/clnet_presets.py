"""CLNet presets: sizes, the grids of each data set, and the steps of the ablation.

Cao et al. (arXiv 2512.14560) give neither the size of their ConvNeXt nor the shapes of their maps.
These presets are the concrete reading of the paper that this project stands for:

- maps on the latent grid of the last stage, of all channels, at all four levels, as a spatial MLP
  at the features' own resolution would need hundreds of millions of weights;
- NEC as one MLP for each level with 256 hidden units, that all channels share;
- softmax over the positions, times their number; the pooled features are the embedding.

They differ from the plainest reading in one point: a panorama is a ring for the convolutions, too,
and not only where its maps are resized. Weights fit either; `CLNetOptions.circular` chooses.

The bundled network differs in more, because it was trained from nothing within an hour: its
maps lie on 8x8 cells for both views, the head keeps a grid of cells, and the residual branches
begin at 0.1 and not at one millionth. It is the ``zepto`` of `CLNetSize`, with other options.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, get_args

from geoloc.image_size import ImageSize
from geoloc.models.conversion.catalogue import DATA_SETS
from geoloc.models.nets.clnet import CLNetOptions
from geoloc.models.nets.neural_map import LatentGrid
from geoloc.options import DataSet

CLNetSize = Literal["zepto", "tiny", "base"]
AblationStep = Literal["backbone", "maps", "nec"]

# The weights that Sample4Geo, and so most of this field, begin with; zepto has only these.
BACKBONES: dict[CLNetSize, str] = {
    "zepto": "convnext_zepto_rms.ra4_e3600_r224_in1k",
    "tiny": "convnext_tiny.fb_in22k_ft_in1k_384",
    "base": "convnext_base.fb_in22k_ft_in1k_384",
}
_STRIDE_PX = 32


def clnet_options(size: CLNetSize = "tiny", task: DataSet = "cvusa") -> CLNetOptions:
    """The CLNet of one size for the images of one data set.

    Raises:
        ValueError: if there is no such size or data set.
    """
    if size not in BACKBONES or task not in DATA_SETS:
        raise ValueError(
            f"a CLNet {size!r} for {task!r}; expected one of {', '.join(BACKBONES)} for one of "
            f"{', '.join(DATA_SETS)}"
        )
    images = DATA_SETS[task]
    return CLNetOptions(
        backbone=BACKBONES[size],
        ground_grid=_last_stage(images.size_px),
        satellite_grid=_last_stage(images.satellite_size_px),
        circular=images.view == "ground",
    )


def _last_stage(size: ImageSize) -> LatentGrid:
    """Positions of the last stage of a ConvNeXt: each of its strides drops what is left over."""
    return LatentGrid(size.height_px // _STRIDE_PX, size.width_px // _STRIDE_PX)


def ablation_options(options: CLNetOptions, step: AblationStep) -> CLNetOptions:
    """One step of the paper's ablation, all else being equal.

    ``backbone`` has no maps; ``maps`` learns a map for each view on its own (and recalibrates with
    it); ``nec`` derives the satellite's from the ground's.

    Raises:
        ValueError: if there is no such step.
    """
    if step == "backbone":
        return replace(options, levels=())
    if step == "maps":
        return replace(options, converter="separate")
    if step == "nec":
        return replace(options, converter="nec")
    raise ValueError(f"ablation step {step!r}; expected one of {', '.join(get_args(AblationStep))}")
