"""Import of a downloaded checkpoint as a model folder, and export in a project's names."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w
import torch
from torch import Tensor, nn

from geoloc.errors import ModelError, OptionError, OutputExistsError
from geoloc.models.card import CARD_NAME, ModelCard, card_from
from geoloc.models.conversion.catalogue import DATA_SETS, SOURCES, TrainingImages
from geoloc.models.conversion.checkpoint import (
    fitted,
    read_checkpoint,
    recognise_convnext,
    renamed,
    write_checkpoint,
)
from geoloc.models.conversion.statewide import (
    CONFIG_NAME,
    StatewideSetup,
    from_flax,
    read_setup,
    to_flax,
)
from geoloc.models.conversion.tensor_names import (
    LAYOUTS,
    TEMPERATURE,
    WHOLE_MEAN,
    Layout,
    original_name,
)
from geoloc.models.nets.siamese import ColourScale, colour_scale
from geoloc.models.registry import build_network, list_models, load_model
from geoloc.models.view import SATELLITE
from geoloc.models.weights import sha256_of, write_model
from geoloc.options import DataSet, ImportOptions, Project
from geoloc.storage.atomic import remove_drafts
from geoloc.storage.lock import locked_folder

_TILE_SIZE_PX = 384
_IMAGENET = ColourScale((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_INITIAL_LOG_SCALE = math.log(1 / 0.07)


@dataclass(frozen=True)
class ImportSummary:
    """What an import has written: the folder, the network, and what was not taken along."""

    folder: Path
    architecture: str
    backbone: str
    parameters: int
    training_only: tuple[str, ...]


def import_model(
    checkpoint: Path, folder: Path, options: ImportOptions, *, overwrite: bool = False
) -> ImportSummary:
    """Write ``model.safetensors`` and ``model.toml`` of a downloaded checkpoint.

    Args:
        checkpoint: A ``.pth`` or ``.safetensors`` file in the layout of its project.
        folder: Model folder to write.
        options: Project, name, data set and the like.
        overwrite: Replace a model that lies there.

    Raises:
        OptionError: if the data set has to be said, or does not exist for the project; if the
            name is a path, or that of a bundled model.
        ModelError: if the checkpoint cannot be read or does not fit; tensors are named.
        OutputExistsError: if there is a model already.
        OutputBusyError: if another run writes there.
    """
    _check_name(options.name)
    images = DATA_SETS[_data_set(options)]
    with locked_folder(folder):
        if (folder / CARD_NAME).exists() and not overwrite:
            raise OutputExistsError(
                f"{folder} holds a model; expected a new folder; pass --overwrite or another -o",
                path=folder,
            )
        remove_drafts(folder)
        return _import(checkpoint, folder, options, images)


def _import(
    checkpoint: Path, folder: Path, options: ImportOptions, images: TrainingImages
) -> ImportSummary:
    """Read, rename, build, write; nothing is written before all of it fits."""
    tensors, setup = read_checkpoint(checkpoint), None
    if options.project == "statewide":
        tensors, setup = from_flax(tensors), read_setup(checkpoint.with_name(CONFIG_NAME))
    layout = WHOLE_MEAN if options.whole else LAYOUTS[options.project]
    renaming = renamed(tensors, layout, path=checkpoint)
    recognised = _recognise(tensors, renaming.kept, options, setup)
    document = _document(options, images, recognised)
    if setup is not None:
        setup.fill_card(document, cell_m=options.ground_size_m)
    document["training"] |= _origin(checkpoint, tensors)
    network = build_network(card_from({**document, "weights": {"sha256": ""}}, folder))
    network.load_state_dict(fitted(network, tensors, renaming.kept, path=checkpoint))
    document["dimension"] = int(network.dimension)  # type: ignore[arg-type]
    write_model(
        network,
        folder,
        lambda checksum: tomli_w.dumps({**document, "weights": {"sha256": checksum}}),
    )
    return ImportSummary(
        folder,
        recognised.architecture,
        recognised.backbone,
        sum(parameter.numel() for parameter in network.parameters()),
        renaming.training_only,
    )


def _check_name(name: str) -> None:
    """Refuse the name of a bundled model: it is looked for first and would hide the new one."""
    is_taken = name in list_models()
    if is_taken or name in ("", "..") or Path(name).name != name:
        raise OptionError(
            f"--name {name!r} is {'a bundled model already' if is_taken else 'no name'}; expected "
            "a new name without slashes; choose the folder with -o"
        )


def _data_set(options: ImportOptions) -> DataSet:
    known = SOURCES[options.project].data_sets
    if options.data_set in known:
        return options.data_set
    if options.data_set is None and len({DATA_SETS[each].size_px for each in known}) == 1:
        return known[0]
    raise OptionError(
        f"no --dataset {options.data_set or 'was given'} for {options.project}; expected one of "
        f"{', '.join(known)}: the size of its images and tiles depends on it"
    )


@dataclass(frozen=True)
class _Recognised:
    """The network that a checkpoint's tensors belong to."""

    architecture: str
    backbone: str
    options: dict[str, Any]


def _recognise(
    tensors: Mapping[str, Tensor],
    names: Mapping[str, str],
    options: ImportOptions,
    setup: StatewideSetup | None,
) -> _Recognised:
    shapes = {ours: tensors[theirs].shape for ours, theirs in names.items()}
    backbone = options.backbone or recognise_convnext(shapes) or SOURCES[options.project].backbone
    if not backbone:
        raise OptionError(
            f"the backbone of this {options.project} is not recognised; expected its name in "
            "timm; pass --backbone NAME"
        )
    built: dict[str, Any] = {"backbone": backbone}
    if options.project == "clnet":
        return _Recognised("clnet", backbone, built | _clnet_options(shapes))
    if setup is not None:
        return _Recognised("statewide", backbone, built | setup.options(shapes))
    if options.whole:
        classes = shapes.get("classifiers.0.classify.weight", torch.Size([701]))[0]
        return _Recognised("mean", backbone, built | {"classes": classes})
    if any(name.startswith("satellite_backbone.") for name in names):
        built["shared"] = False
    if options.project == "game4loc" and ("vit" in backbone or "swin" in backbone):
        built["image_side_px"] = DATA_SETS["gta_uav"].size_px.height_px
    return _Recognised("siamese", backbone, built)


def _clnet_options(shapes: Mapping[str, torch.Size]) -> dict[str, Any]:
    """A CLNet's options as far as its tensors show them; they do not show how maps are normalised.

    A converter's target grid is taken for square, or for like the ground's where it is as large.
    """
    maps = {name: shape for name, shape in shapes.items() if name.startswith("ground_maps.")}
    found: dict[str, Any] = {"levels": sorted(int(name.split(".")[1]) for name in maps)}
    for shape in maps.values():
        found["ground_grid"] = list(shape[2:])
    for name, shape in shapes.items():
        if name.startswith("satellite_maps."):
            found |= {"converter": "separate", "satellite_grid": list(shape[2:])}
        elif name.startswith("converters.") and name.endswith("narrow.weight"):
            side = math.isqrt(shape[0])
            square = [side, side] if side * side == shape[0] else found["ground_grid"]
            found |= {"converter_width": shape[1], "satellite_grid": square}
        elif name == "embed.weight":
            found["dimension"] = shape[0]
        elif name == "embed.squeeze.weight":
            cells = shapes["embed.project.weight"]
            side = math.isqrt(cells[1] // shape[0])
            found |= {"head": "grid", "grid_width": shape[0]}
            found |= {"grid_side": side, "dimension": cells[0]}
    return found


def _document(
    options: ImportOptions, images: TrainingImages, recognised: _Recognised
) -> dict[str, Any]:
    """The card, but for the weights' checksum and the origin of the file."""
    source = SOURCES[options.project]
    scale = colour_scale(recognised.backbone) if source.is_colour_scale_of_backbone else _IMAGENET
    return {
        "name": options.name,
        "description": f"{source.title}'s network, trained on {images.title}.",
        "architecture": recognised.architecture,
        "views": [SATELLITE, images.view],
        "dimension": 0,
        "tile": {
            "ground_size_m": options.ground_size_m or images.ground_size_m,
            "size_px": _TILE_SIZE_PX,
        },
        "input": {
            "mean": list(scale.mean),
            "std": list(scale.std),
            "size": {
                SATELLITE: list(images.satellite_size_px),
                images.view: list(images.size_px),
            },
        },
        "options": recognised.options,
        "training": {
            "project": options.project,
            "paper": source.paper,
            "repository": source.repository,
            "licence": source.licence,
            "weights": source.weights,
            "data": images.title,
            "ground_size": "given at the import" if options.ground_size_m else images.size_source,
        },
    }


def _origin(checkpoint: Path, tensors: Mapping[str, Tensor]) -> dict[str, object]:
    """What ties a model to the file that it was made from."""
    origin: dict[str, object] = {
        "imported_from": checkpoint.name,
        "imported_sha256": sha256_of(checkpoint),
    }
    if TEMPERATURE in tensors:
        origin["log_scale"] = float(tensors[TEMPERATURE])
    return origin


def export_model(
    name_or_path: str | Path, path: Path, *, project: Project | None = None, overwrite: bool = False
) -> int:
    """Write a model's weights in the layout of a project, so that its own code can read them.

    Args:
        name_or_path: The name of a bundled model or a model folder.
        path: ``.safetensors``, or ``.pth`` for ``torch.load``.
        project: Project whose layout is written; None takes the one that the model came from.
        overwrite: Replace a file that exists.

    Returns:
        The number of tensors.

    Raises:
        ModelError: if the model cannot be loaded, or the layout has no names for its tensors.
        OptionError: if the file's ending is neither.
        OutputExistsError: if the file exists.
    """
    if path.suffix not in (".safetensors", ".pth"):
        raise OptionError(f"{path} ends in neither .safetensors nor .pth; choose one of them")
    if path.exists() and not overwrite:
        raise OutputExistsError(f"{path} exists; pass --overwrite to replace it", path=path)
    loaded = load_model(name_or_path)
    layout = _layout_of(loaded.card, project)
    tensors = _in_layout(loaded.eval(), layout, path=loaded.card.folder)
    if loaded.card.architecture == "siamese":
        log_scale = loaded.card.training.get("log_scale", _INITIAL_LOG_SCALE)
        tensors[TEMPERATURE] = torch.tensor(float(str(log_scale)))
    write_checkpoint(to_flax(tensors) if layout is LAYOUTS["statewide"] else tensors, path)
    return len(tensors)


def _layout_of(card: ModelCard, project: Project | None) -> Layout:
    """The layout of the project that was asked for, or of the model's origin, or of its like."""
    if card.architecture == "mean" and project in (None, "mean"):
        return WHOLE_MEAN
    own: dict[str, Project] = {"clnet": "clnet", "statewide": "statewide"}
    like = own.get(card.architecture, "sample4geo")
    wanted = project or card.training.get("project")
    return next((LAYOUTS[each] for each in LAYOUTS if each == wanted), LAYOUTS[like])


def _in_layout(network: nn.Module, layout: Layout, *, path: Path) -> dict[str, Tensor]:
    """A network's tensors by the names of a layout.

    Raises:
        ModelError: if the layout has no name for one of them.
    """
    names = {ours: original_name(ours, layout) for ours in network.state_dict()}
    if any(ours.startswith("satellite_backbone.") for ours in names):
        names = {
            ours: theirs.replace("model.", "model1.", 1) if theirs else None
            for ours, theirs in names.items()
        }
    nameless = [ours for ours, theirs in names.items() if theirs is None]
    if nameless:
        raise ModelError(
            f"{path} does not fit that layout: it has no name for {nameless[0]} and "
            f"{len(nameless) - 1} more; expected a network like its own; choose another --as",
            path=path,
        )
    tensors = network.state_dict()
    return {str(theirs): tensors[ours].contiguous() for ours, theirs in names.items()}
