"""``geoloc models``: list bundled models, and make published weights into models."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import get_args

import click

from geoloc.commands._console import (
    device_option,
    example,
    json_option,
    overwrite_option,
    print_json,
    print_rows,
    say,
)
from geoloc.commands._events import progress_option
from geoloc.learning.options import VocabularyOptions
from geoloc.models.card import TileCrops
from geoloc.models.conversion.catalogue import SOURCES
from geoloc.options import DataSet, ImportOptions, OnnxOptions, Project

_PROJECTS = click.Choice(get_args(Project))


@click.group(name="models", epilog=example("geoloc models list"))
def command() -> None:
    """List models, import published weights, export and verify them.

    A model is a folder with a card, model.toml, and weights, model.safetensors. Wherever a
    command takes --model, it takes the name of a bundled model or the path of such a folder.
    """


@command.command("list", epilog=example("geoloc models list"))
@click.argument("folder", type=click.Path(path_type=Path), default=Path(), metavar="[FOLDER]")
@json_option
def list_command(folder: Path, as_json: bool) -> None:
    """List the bundled models and those in a folder.

    FOLDER is the current folder by default. The first line of each model is what --model takes.
    """
    from geoloc.models.card import CARD_NAME
    from geoloc.models.registry import list_models, read_card

    own = sorted(str(path.parent) for path in folder.glob(f"*/{CARD_NAME}"))
    cards = {name: read_card(name) for name in [*list_models(), *own]}
    if as_json:
        print_json([{"model": name, **dataclasses.asdict(card)} for name, card in cards.items()])
        return
    for name, card in cards.items():
        rows: list[tuple[str, object]] = [
            ("what", card.description or None),
            ("network", ", ".join(filter(None, (card.architecture, card.backbone)))),
            ("views", ", ".join(card.views)),
            ("tile", f"{card.tile_ground_size_m:g} m, {card.tile_size_px} px"),
            ("crops", None if card.crops is None else _crops_text(card.crops)),
            ("vector", f"{card.dimension} numbers"),
        ]
        print_rows(rows, title=name)
    say("more: geoloc models sources, geoloc models import")


def _crops_text(crops: TileCrops) -> str:
    sides = ", ".join(f"{side_m:g}" for side_m in crops.ground_sizes_m)
    return f"{sides} m around it, {crops.size_px} px each"


@command.command("sources", epilog=example("geoloc models sources"))
@json_option
def sources_command(as_json: bool) -> None:
    """List published weights that can be imported, with their licences.

    geoloc downloads none of them. The licence of a project's code says nothing certain about its
    weights, nor about the imagery that they were trained on.
    """
    if as_json:
        print_json({key: dataclasses.asdict(source) for key, source in SOURCES.items()})
        return
    for key, source in SOURCES.items():
        rows: list[tuple[str, object]] = [
            ("paper", source.paper),
            ("code", f"GitHub {source.repository}" if source.repository else None),
            ("licence", source.licence),
            ("weights", source.weights),
            ("data sets", ", ".join(source.data_sets)),
            ("backbone", source.backbone or None),
            ("import", f"geoloc models import FILE --as {key} --name NAME --dataset DATASET"),
        ]
        print_rows(rows, title=source.title)


@command.command("show", epilog=example("geoloc models show clnet-aerial"))
@click.argument("name", metavar="MODEL")
@json_option
@click.pass_context
def show_command(context: click.Context, name: str, as_json: bool) -> None:
    """Show the card of a model: its input, its training data and its origin.

    MODEL is the name of a bundled model or a model folder.
    """
    from geoloc.commands.info import command as info
    from geoloc.models.registry import find_model

    context.invoke(info, path=str(find_model(name)), as_json=as_json)


@command.command(
    "import",
    epilog=example("geoloc models import weights.pth --as sample4geo --name s4g --dataset vigor"),
)
@click.argument(
    "checkpoint", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="CHECKPOINT"
)
@click.option(
    "--as", "project", type=_PROJECTS, required=True, help="Project that published the checkpoint."
)
@click.option("--name", required=True, metavar="NAME", help="Name of the new model.")
@click.option(
    "--dataset",
    "data_set",
    type=click.Choice(get_args(DataSet)),
    help="Data set that it was trained on, which decides the sizes of images and tiles.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Model folder to write. Default: ./NAME.",
)
@click.option(
    "--backbone",
    metavar="NAME",
    help="timm's name of the backbone, if it is not recognised.",
)
@click.option(
    "--ground-size",
    "ground_size_m",
    type=click.FloatRange(min=0, min_open=True),
    metavar="METRES",
    help="Side of a tile on the ground in metres. Default: that of the data set.",
)
@click.option(
    "--whole", is_flag=True, help="For MEAN: also keep the branches that only training needs."
)
@overwrite_option
def import_command(
    checkpoint: Path,
    project: Project,
    name: str,
    data_set: DataSet | None,
    output: Path | None,
    backbone: str | None,
    ground_size_m: float | None,
    whole: bool,
    overwrite: bool,
) -> None:
    """Turn a downloaded checkpoint into a model.

    CHECKPOINT is a .pth or .safetensors file as its project publishes it (see: geoloc models
    sources). Reading it runs no code. Every tensor must fit; missing and unknown tensors are
    named.
    """
    from geoloc.models.conversion.job import import_model

    options = ImportOptions(project, name, data_set, backbone, ground_size_m, whole)
    summary = import_model(checkpoint, output or Path(name), options, overwrite=overwrite)
    say(
        f"{summary.folder}: {summary.architecture} with {summary.backbone}, "
        f"{summary.parameters:,} parameters; tensors left out because only training needs "
        f"them: {len(summary.training_only)}"
    )
    say(f"licence: {SOURCES[project].licence}")
    say(f"use it: geoloc index --model {summary.folder}")


@command.command(
    "export", epilog=example("geoloc models export s4g -o weights.pth --as sample4geo")
)
@click.argument("name", metavar="MODEL")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="File to write: .safetensors, or .pth for torch.load.",
)
@click.option(
    "--as",
    "project",
    type=_PROJECTS,
    help="Project whose tensor names are written. Default: that of the model's origin.",
)
@overwrite_option
def export_command(name: str, output: Path, project: Project | None, overwrite: bool) -> None:
    """Write a model's weights with the tensor names of another project.

    MODEL is the name of a bundled model or a model folder.
    """
    from geoloc.models.conversion.job import export_model

    count = export_model(name, output, project=project, overwrite=overwrite)
    say(f"{output}: {count} tensors")


@command.command("onnx", epilog=example("geoloc models onnx clnet-aerial -o onnx/"))
@click.argument("name", metavar="MODEL")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    metavar="DIR",
    help="Folder for VIEW.onnx of each view, onnx.json and README.md.",
)
@click.option(
    "--view",
    "views",
    multiple=True,
    metavar="satellite|drone|ground",
    help="View to export; repeat it for several. Default: all views of the model.",
)
@click.option(
    "--opset",
    type=int,
    default=OnnxOptions.opset,
    show_default=True,
    metavar="VERSION",
    help="Version of ONNX's operators; the default is the oldest that torch writes.",
)
@click.option(
    "--dynamic-batch/--fixed-batch",
    default=OnnxOptions.dynamic_batch,
    show_default=True,
    help="Accept any number of images at once, or exactly one.",
)
@overwrite_option
@json_option
@progress_option
def onnx_command(
    name: str,
    output: Path,
    *,
    views: tuple[str, ...],
    opset: int,
    dynamic_batch: bool,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Export a model as ONNX files, for computers without torch.

    MODEL is the name of a bundled model or a model folder. Writes one file per view, which takes
    normalised images and returns vectors of unit length. Each file is compared with torch, and no
    file is kept if they differ.
    """
    from geoloc.commands._progress import progress_bar
    from geoloc.models.onnx_export import export_onnx

    options = OnnxOptions(views, opset, dynamic_batch, overwrite)
    with progress_bar(quiet=as_json, verbose=0) as progress:
        summary = export_onnx(name, output, options, progress=progress)
    if as_json:
        print_json(dataclasses.asdict(summary))
        return
    for branch in summary.branches:
        rows: list[tuple[str, object]] = [
            ("input", f"N x 3 x {branch.height_px} x {branch.width_px}"),
            ("size", f"{branch.size_bytes / 1e6:.1f} MB"),
            ("difference", f"{branch.difference:.1e} at most, in batches of {branch.batches}"),
        ]
        print_rows(rows, title=str(output / branch.file))


@command.command(
    "vocabulary", epilog=example("geoloc models vocabulary my-descriptor aerial-images/")
)
@click.argument("name", metavar="MODEL")
@click.argument("images", nargs=-1, required=True, metavar="IMAGES...")
@click.option("-r", "--recursive", is_flag=True, help="Search subfolders, too.")
@click.option(
    "--source",
    "sources",
    multiple=True,
    metavar="TEXT",
    help="What the images are, and their licence, for the card; repeat it for several.",
)
@device_option("cpu")
@overwrite_option
@json_option
@progress_option
def vocabulary_command(
    name: str,
    images: tuple[str, ...],
    *,
    recursive: bool,
    sources: tuple[str, ...],
    device: str,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Learn the vocabulary of a model that describes keypoints.

    MODEL is a model folder, or the name of a bundled model; it is written to. IMAGES are files or
    folders of aerial images, 100 to 300 m wide each, of as many kinds of ground as there are. All
    maps that the model describes share the vocabulary, and indexing them trains nothing.
    """
    from geoloc.commands._progress import progress_bar
    from geoloc.learning.vocabulary import teach_vocabulary

    options = VocabularyOptions(
        recursive=recursive, sources=sources, device=device, overwrite=overwrite
    )
    with progress_bar(quiet=as_json, verbose=0) as progress:
        summary = teach_vocabulary(name, images, options, progress=progress)
    if as_json:
        print_json(dataclasses.asdict(summary))
        return
    say(
        f"{summary.path}: {summary.lists:,} lists and {summary.words:,} words, from "
        f"{summary.descriptors:,} descriptors of {summary.images:,} images"
    )


@command.command("verify", epilog=example("geoloc models verify clnet-aerial"))
@click.argument("name", metavar="MODEL")
@json_option
def verify_command(name: str, as_json: bool) -> None:
    """Check a model: its card, its checksums, every tensor and its vectors.

    MODEL is the name of a bundled model or a model folder.
    """
    from geoloc.index.features.vocabulary import Vocabulary
    from geoloc.models.check import check_model
    from geoloc.models.registry import read_card

    check = check_model(name)
    vocabulary = Vocabulary.of_model(read_card(name))
    if as_json:
        print_json(dataclasses.asdict(check))
        return
    rows: list[tuple[str, object]] = [
        ("weights", check.weights_sha256),
        ("parameters", f"{check.parameters:,}"),
        ("views", ", ".join(check.views)),
        ("vector", f"{check.dimension} numbers"),
        ("vocabulary", None if vocabulary is None else f"{len(vocabulary.lists):,} lists"),
    ]
    print_rows(rows, title=f"{check.name} is whole")
