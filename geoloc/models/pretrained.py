"""Pretrained weights of a backbone: those that timm publishes, or a file.

Nothing is downloaded unless ``pretrained`` is asked for by name; a file works without a network.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import timm
from torch import Tensor, nn

from geoloc.errors import DependencyError, ModelError, first_line
from geoloc.models.conversion.checkpoint import fitted, read_checkpoint

PRETRAINED = "pretrained"


@dataclass(frozen=True)
class BackboneOrigin:
    """Where a backbone's weights came from.

    Attributes:
        source: timm's name of them, or the file.
        licence: Licence as timm states it; None for a file, which states none.
    """

    source: str
    licence: str | None


def load_backbone_weights(network: nn.Module, choice: str | Path) -> BackboneOrigin:
    """Give the backbone (or both) of a network weights that somebody trained.

    Every tensor must be there and none may be left over, but for those of a classifier: the
    network takes it where it has the same, and else does without.

    Args:
        network: A CLNet, MEAN, Siamese or Statewide.
        choice: ``pretrained`` for timm's weights of the backbone's name (the first of them if
            the name has no tag), from the cache or downloaded; or a ``.safetensors`` or ``.pth``
            file in the layout of timm or, for a ConvNeXt, of Meta.

    Raises:
        DependencyError: if the weights are neither in the cache nor to be reached.
        ModelError: if there are none for this backbone, or the file is not of this backbone.
    """
    backbones: list[Any] = [
        getattr(network, name)
        for name in ("backbone", "satellite_backbone")
        if hasattr(network, name)
    ]
    about: Mapping[str, Any] = backbones[0].pretrained_cfg
    if str(choice) == PRETRAINED:
        origin = _published(about)
        tensors, path = _download(origin.source), Path(origin.source)
    else:
        path = Path(choice)
        origin, tensors = BackboneOrigin(path.name, None), read_checkpoint(path)
    for backbone in backbones:
        _fill(backbone, tensors, path=path)
    return origin


def _published(about: Mapping[str, Any]) -> BackboneOrigin:
    """What timm publishes for a backbone."""
    repository = about.get("hf_hub_id")
    if not repository:
        raise ModelError(
            f"timm publishes no weights for {about.get('architecture', 'this backbone')}; expected "
            "a backbone that it has weights for; pass a file of weights with --backbone-weights"
        )
    return BackboneOrigin(str(repository), about.get("license"))


def _download(repository: str) -> dict[str, Tensor]:
    """All tensors of a repository of timm, from the cache if they are there."""
    try:
        tensors: dict[str, Tensor] = timm.models.load_state_dict_from_hf(repository)
    except OSError as error:  # the hub's errors are such, offline or on the line
        raise DependencyError(
            f"the weights {repository} are not in the cache and the Hugging Face hub could not be "
            f"reached ({first_line(error)}); expected a network, or the weights in the cache "
            "(with HF_HUB_OFFLINE=1 only the cache is asked); fetch them on another machine with "
            f"'hf download {repository} model.safetensors' and pass the file with "
            "--backbone-weights FILE"
        ) from error
    return tensors


def _fill(backbone: Any, tensors: Mapping[str, Tensor], *, path: Path) -> None:
    """Load all but a classifier strictly, or all but a head where the backbone has none."""
    renamed = _as_timm_names(backbone, tensors, path=path)
    wanted: dict[str, Tensor] = backbone.state_dict()
    classifier = str(backbone.pretrained_cfg.get("classifier") or "head.fc") + "."
    if isinstance(getattr(backbone, "head", None), nn.Identity):
        classifier = "head."
    kept = {name: value for name, value in renamed.items() if not name.startswith(classifier)}
    for name, own in wanted.items():
        if name.startswith(classifier):
            found = renamed.get(name, own)
            kept[name] = found if found.shape == own.shape else own
    backbone.load_state_dict(fitted(backbone, kept, {name: name for name in kept}, path=path))


def _as_timm_names(
    backbone: nn.Module, tensors: Mapping[str, Tensor], *, path: Path
) -> dict[str, Tensor]:
    """The tensors as timm itself would rename and reshape them for this backbone."""
    family = sys.modules[type(backbone).__module__]
    rename: Callable[..., dict[str, Tensor]] | None = getattr(family, "checkpoint_filter_fn", None)
    if rename is None:
        return dict(tensors)
    try:
        return rename(dict(tensors), backbone)
    except (KeyError, RuntimeError) as error:
        raise ModelError(
            f"{path} does not fit the backbone: timm knows no place for {error}; expected its "
            "weights in the layout of timm or Meta; pass the file that belongs to the backbone",
            path=path,
        ) from error
