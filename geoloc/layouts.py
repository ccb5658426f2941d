"""How other projects name the tensors of their checkpoints, and what we call them.

A checkpoint is renamed key by key, each by the first line of a table that fits. What no line fits
is left over, and is named as such; what trains but does not embed is known and left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Project = Literal["mean", "sample4geo", "dac", "camp", "game4loc", "clnet"]
_Table = tuple[tuple[str, str], ...]

# Meta's ConvNeXt against timm's, both behind a prefix. The order matters: the particular first.
_CONVNEXT: _Table = (
    (r"downsample_layers\.0\.(.*)", r"stem.\1"),
    (r"downsample_layers\.(\d+)\.(.*)", r"stages.\1.downsample.\2"),
    (r"stages\.(\d+)\.(\d+)\.dwconv\.(.*)", r"stages.\1.blocks.\2.conv_dw.\3"),
    (r"stages\.(\d+)\.(\d+)\.pwconv([12])\.(.*)", r"stages.\1.blocks.\2.mlp.fc\3.\4"),
    (r"stages\.(\d+)\.(\d+)\.(gamma|norm\..*)", r"stages.\1.blocks.\2.\3"),
    (r"norm\.(.*)", r"head.norm.\1"),
)
_BEHIND_CONVNEXT: _Table = tuple(
    (r"model_1\.convnext\." + theirs, "backbone." + ours) for theirs, ours in _CONVNEXT
)
_CLASSIFIER: _Table = (
    (r"multi_scale_block\.dilated1\.(.*)", r"dilated.0.\1"),
    (r"multi_scale_block\.dilated2\.(.*)", r"dilated.1.\1"),
    (r"multi_scale_block\.dilated3\.(.*)", r"dilated.2.\1"),
    (r"multi_scale_block\.extra1\.0\.(.*)", r"rectified.\1"),
    (r"add_block\.0\.(.*)", r"norm.\1"),
    (r"classifier\.(.*)", r"classify.\1"),
)
_MEAN_BRANCHES: _Table = (
    *(
        (rf"model_1\.{name}\.{theirs}", f"classifiers.{place}.{ours}")
        for place, name in enumerate(("classifier_mcb1", "classifier_mcb2", "classifier1"))
        for theirs, ours in _CLASSIFIER
    ),
    (r"model_1\.DEG\.FC11\.(.*)", r"diversify.dilated.0.\1"),
    (r"model_1\.DEG\.FC12\.(.*)", r"diversify.dilated.1.\1"),
    (r"model_1\.DEG\.FC13\.(.*)", r"diversify.dilated.2.\1"),
    (r"model_1\.DEG\.FC1\.(.*)", r"diversify.widen.\1"),
    (r"model_1\.proj\.layers\.0\.0\.(.*)", r"align.widen.\1"),
    (r"model_1\.proj\.layers\.0\.1\.(.*)", r"align.norm.\1"),
    (r"model_1\.proj\.layers\.1\.0\.(.*)", r"align.narrow.\1"),
    (r"model_1\.feature_scaling\.proj\.(.*)", r"align.scale.\1"),
    (r"model_1\.MSF\.conv1\.(.*)", r"align.fuse.of_features.\1"),
    (r"model_1\.MSF\.conv2\.(.*)", r"align.fuse.of_weights.\1"),
    (r"model_1\.MSF\.conv_fusion\.(.*)", r"align.fuse.mix.\1"),
    (r"model_1\.MSF\.bn\.(.*)", r"align.fuse.norm.\1"),
    (r"model_1\.convnext\.head\.(.*)", r"backbone.head.fc.\1"),
    (r"logit_scale", "log_scale"),
    (r"logit_scale_blocks", "unused.log_scale_blocks"),
    (r"w_blocks([123])", r"unused.block_\1"),
)
_TEMPERATURES = (r"logit_scale(_blocks)?", r"w_blocks\d")
_HEADS = (r"model_1\.convnext\.head\..*", r"model_1\.classifier(1|_mcb\d+)\..*")


@dataclass(frozen=True)
class Layout:
    """The names of one project's checkpoints.

    Attributes:
        renames: Their name as a pattern, ours as its replacement.
        training_only: Patterns of what is needed in training and not by an embedding.
    """

    renames: _Table
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


WHOLE_MEAN = Layout((*_BEHIND_CONVNEXT, *_MEAN_BRANCHES))

# What a search needs of each project's checkpoints (README and model files of each repository).
LAYOUTS: dict[Project, Layout] = {
    # arXiv 2412.14819
    "mean": Layout(
        _BEHIND_CONVNEXT,
        (*_TEMPERATURES, *_HEADS, r"model_1\.(DEG|proj|feature_scaling|MSF)\..*"),
    ),
    # Deuser et al., ICCV 2023
    "sample4geo": Layout(((r"model\.(.*)", r"backbone.\1"),), _TEMPERATURES),
    # Xia et al., DAC: a projection for each of the aligned spaces, triplet attention
    "dac": Layout(
        _BEHIND_CONVNEXT, (*_TEMPERATURES, *_HEADS, r"model_1\.(proj|proj_obj|tri_layer)\..*")
    ),
    # Wu et al., CAMP: its position embedding touches the map of the last stage only
    "camp": Layout(
        _BEHIND_CONVNEXT,
        (
            *_TEMPERATURES,
            *_HEADS,
            r"ECE_weight_\w+",
            r"model_1\.(pos_embed|pos_scale|tri_layer\..*)",
        ),
    ),
    # Ji et al., arXiv 2409.16925: one tower, or the drone's and the satellite's
    "game4loc": Layout(
        (
            (r"model\.(.*)", r"backbone.\1"),
            (r"model1\.(.*)", r"backbone.\1"),
            (r"model2\.(.*)", r"satellite_backbone.\1"),
        ),
        (*_TEMPERATURES, r"MLP\..*"),
    ),
    # This project's own networks, without their card
    "clnet": Layout(((r"((ground|satellite)_maps|converters|backbone|embed)\.(.*)", r"\g<0>"),)),
}


def rename(names: Iterable[str], layout: Layout) -> Renaming:
    """Sort the names of a checkpoint; every one of them ends in exactly one place."""
    kept: dict[str, str] = {}
    training_only, left_over = [], []
    for name in names:
        ours = _first_fit(name, layout.renames)
        if ours is not None:
            kept[ours] = name
        elif any(re.fullmatch(pattern, name) for pattern in layout.training_only):
            training_only.append(name)
        else:
            left_over.append(name)
    return Renaming(kept, tuple(training_only), tuple(left_over))


def _first_fit(name: str, table: _Table) -> str | None:
    for theirs, ours in table:
        if match := re.fullmatch(theirs, name):
            return match.expand(ours)
    return None
