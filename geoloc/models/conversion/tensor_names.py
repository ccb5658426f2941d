"""Tensor names of other projects' checkpoints, and ours.

A checkpoint is renamed tensor by tensor, each by the first `Rename` of a table that fits. There
``#`` stands for a number and a ``*`` at the end for the rest, in the same order on both sides; so
a table can be read both ways. A name that nothing fits is left over, and the error names it. What
is needed in training and not by an embedding is known and left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from geoloc.options import Project


class Rename(NamedTuple):
    """One rename: their name of a tensor and ours."""

    theirs: str
    ours: str


# Meta's ConvNeXt against timm's. The order matters in both directions: the particular first.
_CONVNEXT = (
    Rename("downsample_layers.0.*", "stem.*"),
    Rename("downsample_layers.#.*", "stages.#.downsample.*"),
    Rename("stages.#.#.dwconv.*", "stages.#.blocks.#.conv_dw.*"),
    Rename("stages.#.#.pwconv1.*", "stages.#.blocks.#.mlp.fc1.*"),
    Rename("stages.#.#.pwconv2.*", "stages.#.blocks.#.mlp.fc2.*"),
    Rename("stages.#.#.norm.*", "stages.#.blocks.#.norm.*"),
    Rename("stages.#.#.gamma", "stages.#.blocks.#.gamma"),
    Rename("norm.*", "head.norm.*"),
)
_BACKBONE = tuple(
    Rename(f"model_1.convnext.{rename.theirs}", f"backbone.{rename.ours}") for rename in _CONVNEXT
)
_CLASSIFIER = (
    Rename("multi_scale_block.dilated1.*", "dilated.0.*"),
    Rename("multi_scale_block.dilated2.*", "dilated.1.*"),
    Rename("multi_scale_block.dilated3.*", "dilated.2.*"),
    Rename("multi_scale_block.extra1.0.*", "rectified.*"),
    Rename("add_block.0.*", "norm.*"),
    Rename("classifier.*", "classify.*"),
)
_MEAN_BRANCHES = (
    *(
        Rename(f"model_1.{name}.{rename.theirs}", f"classifiers.{place}.{rename.ours}")
        for place, name in enumerate(("classifier_mcb1", "classifier_mcb2", "classifier1"))
        for rename in _CLASSIFIER
    ),
    Rename("model_1.DEG.FC11.*", "diversify.dilated.0.*"),
    Rename("model_1.DEG.FC12.*", "diversify.dilated.1.*"),
    Rename("model_1.DEG.FC13.*", "diversify.dilated.2.*"),
    Rename("model_1.DEG.FC1.*", "diversify.widen.*"),
    Rename("model_1.proj.layers.0.0.*", "align.widen.*"),
    Rename("model_1.proj.layers.0.1.*", "align.norm.*"),
    Rename("model_1.proj.layers.1.0.*", "align.narrow.*"),
    Rename("model_1.feature_scaling.proj.*", "align.scale.*"),
    Rename("model_1.MSF.conv1.*", "align.fuse.of_features.*"),
    Rename("model_1.MSF.conv2.*", "align.fuse.of_weights.*"),
    Rename("model_1.MSF.conv_fusion.*", "align.fuse.mix.*"),
    Rename("model_1.MSF.bn.*", "align.fuse.norm.*"),
    Rename("model_1.convnext.head.*", "backbone.head.fc.*"),
    Rename("logit_scale", "log_scale"),
    Rename("logit_scale_blocks", "unused.log_scale_blocks"),
    Rename("w_blocks#", "unused.block_#"),
)
TEMPERATURE = "logit_scale"
_TEMPERATURES = (TEMPERATURE, "logit_scale_blocks", "w_blocks#")
_HEADS = ("model_1.convnext.head.*", "model_1.classifier1.*", "model_1.classifier_mcb#.*")


@dataclass(frozen=True)
class Layout:
    """The names of one project's checkpoints.

    Attributes:
        renames: Their names and ours.
        training_only: Their names of what is needed in training and not by an embedding.
    """

    renames: tuple[Rename, ...]
    training_only: tuple[str, ...] = ()


@dataclass(frozen=True)
class Renaming:
    """What becomes of the names of a checkpoint.

    Attributes:
        kept: Their name by ours, for what the network needs.
        training_only: Their names of what only training needs.
        left_over: Their names of what the layout does not know.
    """

    kept: dict[str, str]
    training_only: tuple[str, ...]
    left_over: tuple[str, ...]


# All of a MEAN checkpoint, to train on (arXiv 2412.14819, section III).
WHOLE_MEAN = Layout((*_BACKBONE, *_MEAN_BRANCHES))

_FLAX_TOWERS = {
    "params//pv_encoder//": "backbone.",
    "params//aerial_encoder//": "satellite_backbone.",
}
_FLAX_POOLS = {"params//pv_decoder//": "pool.", "params//aerial_decoder//": "satellite_pool."}


def _flax_pair(theirs: str, ours: str, leaf: str) -> tuple[Rename, Rename]:
    """A weight, which they call `leaf`, and its bias."""
    return (
        Rename(f"{theirs}//{leaf}", f"{ours}.weight"),
        Rename(f"{theirs}//bias", f"{ours}.bias"),
    )


def _flax_tower(theirs: str, ours: str) -> tuple[Rename, ...]:
    """Their names of one encoder's tensors and timm's.

    Their first downsampling is the beginning of timm's second stage.
    """
    downsampling = (
        rename
        for i in range(3)
        for rename in (
            *_flax_pair(
                f"{theirs}Downsample_{i}//_Norm_0", f"{ours}stages.{i + 1}.downsample.0", "scale"
            ),
            *_flax_pair(
                f"{theirs}Downsample_{i}//Conv_0", f"{ours}stages.{i + 1}.downsample.1", "kernel"
            ),
        )
    )
    block, timm_block = f"{theirs}Stage_#//Block_#//", f"{ours}stages.#.blocks.#."
    return (
        *_flax_pair(f"{theirs}Stem_0//Conv_0", f"{ours}stem.0", "kernel"),
        *_flax_pair(f"{theirs}Stem_0//_Norm_0", f"{ours}stem.1", "scale"),
        *downsampling,
        *_flax_pair(f"{block}Conv_0", f"{timm_block}conv_dw", "kernel"),
        *_flax_pair(f"{block}_Norm_0", f"{timm_block}norm", "scale"),
        *_flax_pair(f"{block}_Linear_0", f"{timm_block}mlp.fc1", "weight"),
        *_flax_pair(f"{block}_Linear_1", f"{timm_block}mlp.fc2", "weight"),
        Rename(f"{block}scale", f"{timm_block}gamma"),
    )


def _flax_pool(theirs: str, ours: str) -> tuple[Rename, ...]:
    return (
        *_flax_pair(f"{theirs}_Norm_0", f"{ours}norm", "scale"),
        Rename(f"{theirs}_Linear_0//weight", f"{ours}attend.weight"),
        *_flax_pair(f"{theirs}_Linear_1", f"{ours}value", "weight"),
    )


_STATEWIDE = Layout(
    (
        *(rename for theirs, ours in _FLAX_TOWERS.items() for rename in _flax_tower(theirs, ours)),
        *(rename for theirs, ours in _FLAX_POOLS.items() for rename in _flax_pool(theirs, ours)),
    ),
    ("params//scale",),  # the logarithm of a temperature that was learnt
)


# What a search needs of each project's checkpoints.
LAYOUTS: dict[Project, Layout] = {
    # Chen, Yang and Rong, arXiv 2412.14819
    "mean": Layout(
        _BACKBONE,
        (
            *_TEMPERATURES,
            *_HEADS,
            "model_1.DEG.*",
            "model_1.proj.*",
            "model_1.feature_scaling.*",
            "model_1.MSF.*",
        ),
    ),
    # Deuser, Habel and Oswald, ICCV 2023
    "sample4geo": Layout((Rename("model.*", "backbone.*"),), _TEMPERATURES),
    # Xia et al., IEEE TCSVT 2024: two projections and triplet attention
    "dac": Layout(
        _BACKBONE,
        (
            *_TEMPERATURES,
            *_HEADS,
            "model_1.proj.*",
            "model_1.proj_obj.*",
            "model_1.tri_layer.*",
        ),
    ),
    # Wu et al., IEEE TGRS 2024: its position embedding touches nothing that is searched with
    "camp": Layout(
        _BACKBONE,
        (
            *_TEMPERATURES,
            *_HEADS,
            "ECE_weight_*",
            "model_1.pos_embed",
            "model_1.pos_scale",
            "model_1.tri_layer.*",
        ),
    ),
    # Ji et al., arXiv 2409.16925: one tower, or the drone's and the satellite's
    "game4loc": Layout(
        (
            Rename("model.*", "backbone.*"),
            Rename("model1.*", "backbone.*"),
            Rename("model2.*", "satellite_backbone.*"),
        ),
        (*_TEMPERATURES, "MLP.*"),
    ),
    # This project's own networks, without their card
    "clnet": Layout(
        tuple(
            Rename(f"{name}.*", f"{name}.*")
            for name in ("backbone", "ground_maps", "satellite_maps", "converters", "embed")
        )
    ),
    # Fervers et al., ECCV 2024: a Flax tree, of which the values have to be turned, too
    "statewide": _STATEWIDE,
}


def rename(names: Iterable[str], layout: Layout) -> Renaming:
    """Sort the names of a checkpoint; every one of them ends in exactly one place."""
    kept: dict[str, str] = {}
    training_only, left_over = [], []
    for name in names:
        ours = _first_fit(name, layout.renames)
        if ours is not None and ours not in kept:
            kept[ours] = name
        elif ours is None and any(_match(name, each) for each in layout.training_only):
            training_only.append(name)
        else:  # two of their names for one of ours are one too many
            left_over.append(name)
    return Renaming(kept, tuple(training_only), tuple(left_over))


def original_name(ours: str, layout: Layout) -> str | None:
    """What the project calls one of our tensors; None if it has no such thing."""
    return _first_fit(ours, tuple(Rename(rename.ours, rename.theirs) for rename in layout.renames))


def _first_fit(name: str, renames: tuple[Rename, ...]) -> str | None:
    """The other side of the first rename whose left side fits."""
    for left, right in renames:
        if (match := _match(name, left)) is not None:
            parts = iter(match.groups())
            return re.sub(r"[#*]", lambda _, parts=parts: next(parts), right)  # type: ignore[misc]
    return None


def _match(name: str, side: str) -> re.Match[str] | None:
    pattern = re.escape(side).replace(r"\#", r"(\d+)").replace(r"\*", "(.+)")
    return re.fullmatch(pattern, name)
