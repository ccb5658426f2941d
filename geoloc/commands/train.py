"""`geoloc train`: parse, call `geoloc.learning.training`, say what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from geoloc.commands._console import device_option, example, print_rows, verbosity_options
from geoloc.commands._progress import progress_bar
from geoloc.learning.options import TrainOptions

if TYPE_CHECKING:
    from geoloc.learning.training.recall import Recall


def _list_recipes(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    """Print what comes along and end, whatever else was given."""
    if wanted and not ctx.resilient_parsing:
        from geoloc.learning.training.recipe_file import recipe_purposes

        print_rows(recipe_purposes())
        ctx.exit()


def _show_recipe(ctx: click.Context, _: click.Parameter, recipe: str | None) -> None:
    """Print a recipe and end, whatever else was given."""
    if recipe is not None and not ctx.resilient_parsing:
        from geoloc.learning.training.recipe_file import recipe_text

        click.echo(recipe_text(recipe), nl=False)
        ctx.exit()


@click.command(
    "train",
    epilog=example("geoloc train clnet-pairs --data pairs -o my-model"),
)
@click.argument("recipe", metavar="RECIPE")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    required=True,
    metavar="DIR",
    help="Folder of the data set that the recipe names, or of its tables of images.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Model folder to write; the model takes its name. Required unless --evaluate is given.",
)
@click.option(
    "--evaluate",
    metavar="MODEL",
    help="Measure this model on the places that the recipe holds out, without training.",
)
@click.option(
    "--resume", is_flag=True, help="Continue an interrupted run from its checkpoint in -o."
)
@click.option(
    "--backbone-weights",
    metavar="pretrained|FILE",
    help="Initial weights of the backbone: timm's pretrained ones (downloaded) or a file.",
)
@click.option(
    "--tensorboard", is_flag=True, help="Also write the log for TensorBoard, into -o/tensorboard."
)
@device_option()
@click.option(
    "-j",
    "--workers",
    type=click.IntRange(min=0),
    default=TrainOptions.workers,
    show_default=True,
    metavar="N",
    help="Processes that prepare batches.",
)
@click.option(
    "--list-recipes",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_list_recipes,
    help="List the bundled recipes and exit.",
)
@click.option(
    "--show-recipe",
    metavar="NAME",
    is_eager=True,
    expose_value=False,
    callback=_show_recipe,
    help="Print a bundled recipe, to copy and change (> mine.toml), and exit.",
)
@verbosity_options
def command(
    recipe: str,
    data: Path,
    output: Path | None,
    evaluate: str | None,
    quiet: bool,
    verbose: int,
    **choices: object,
) -> None:
    """Train a model from a recipe, or measure a model.

    RECIPE is a TOML file or the name of a bundled recipe (--list-recipes). For example,
    clnet-pairs tunes the default model with your own photos. Writes a model folder for `geoloc
    index --model`. To train on several GPUs, start it with `torchrun
    --nproc-per-node N -m geoloc.cli train ...` or `accelerate launch`.
    """
    from geoloc.errors import OptionError
    from geoloc.learning.training.job import measure_model, train_model
    from geoloc.learning.training.processes import is_main_process

    options = TrainOptions(**choices)  # type: ignore[arg-type]  # click has checked each
    if evaluate is not None:
        card, recall = measure_model(evaluate, recipe, data, options)
        print_rows(_rows(recall), title=f"{card.name} on places held out from training")
        return
    if output is None:
        raise OptionError("no -o; expected a model folder to write, or --evaluate MODEL")
    quiet = quiet or not is_main_process()
    with progress_bar(quiet=quiet, verbose=verbose) as progress:
        summary = train_model(recipe, data, output, options, progress=progress)
    if not quiet:
        print_rows(_rows(summary.recall), title=f"{summary.folder}: best at {summary.best_step}")
        print_rows(_rows(summary.untrained), title="before training")


def _rows(recall: Recall) -> list[tuple[str, object]]:
    return [
        ("recall at 1", f"{recall.at_1:.3f}"),
        ("recall at 5", f"{recall.at_5:.3f}"),
        ("recall at 10", f"{recall.at_10:.3f}"),
        ("queries", recall.queries),
        ("references", recall.references),
    ]
