"""`geoloc train`: parse, call `geoloc.training`, say what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from geoloc.commands._console import device_option, example, print_rows, verbosity_options
from geoloc.commands._progress import progress_bar

if TYPE_CHECKING:
    from geoloc.training.measurement import Recall


@click.command(
    "train",
    epilog=example("geoloc train models/clnet-aerial-s/recipe.toml --data images -o my-model"),
)
@click.argument("recipe", type=click.Path(path_type=Path), metavar="RECIPE")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    required=True,
    metavar="DIR",
    help="Folder that the recipe's tables of images lie in.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Model folder to write; needed unless a model is only evaluated.",
)
@click.option(
    "--evaluate",
    metavar="MODEL",
    help="Train nothing; measure this model on the places that the recipe holds out.",
)
@device_option()
@click.option(
    "-j",
    "--workers",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    metavar="N",
    help="Processes that make pairs beside the training.",
)
@verbosity_options
def command(
    recipe: Path,
    data: Path,
    output: Path | None,
    evaluate: str | None,
    device: str,
    workers: int,
    quiet: bool,
    verbose: int,
) -> None:
    """Train a model from a recipe, or measure one.

    RECIPE is a TOML file: the model's card, the images to learn from, how pairs of a map tile and
    a drone photo are made of them, and the schedule. What is written is a model folder: pass it
    to `geoloc index --model`.
    """
    from geoloc.embed import resolve_device
    from geoloc.errors import OptionError
    from geoloc.training.recipe import read_recipe
    from geoloc.training.trainer import measure_model, train_model

    choice, target = read_recipe(recipe), resolve_device(device)
    if evaluate is not None:
        card, recall = measure_model(evaluate, choice, data, device=target)
        print_rows(_rows(recall), title=f"{card.name} on places held out from training")
        return
    if output is None:
        raise OptionError("no -o; expected a model folder to write, or --evaluate MODEL")
    with progress_bar(quiet=quiet, verbose=verbose) as progress:
        summary = train_model(
            choice, data, output, device=target, workers=workers, progress=progress
        )
    if not quiet:
        print_rows(_rows(summary.recall), title=f"{summary.folder}: best at {summary.best_step}")
        print_rows(_rows(summary.untrained), title="before training")


def _rows(recall: Recall) -> list[tuple[str, object]]:
    return [
        ("recall at 1", f"{recall.at_1:.3f}"),
        ("recall at 5", f"{recall.at_5:.3f}"),
        ("recall at 10", f"{recall.at_10:.3f}"),
        ("photos", recall.photos),
        ("tiles", recall.tiles),
    ]
