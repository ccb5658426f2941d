"""`geoloc adapt`: parse, call `geoloc.learning.adapt`, say what it gained."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from geoloc.commands._console import device_option, example, print_rows, say, verbosity_options
from geoloc.commands._progress import progress_bar
from geoloc.learning.options import AdaptOptions

if TYPE_CHECKING:
    from geoloc.learning.adapt import AdaptSummary


@click.command("adapt", epilog=example("geoloc adapt tiles/ -o my-model/ --minutes 20"))
@click.argument("tiles", type=click.Path(path_type=Path), metavar="TILES")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    metavar="DIR",
    help="Model folder to write; it must be new or empty.",
)
@click.option(
    "--model",
    default=AdaptOptions.model,
    show_default=True,
    metavar="NAME|DIR",
    help="Model to begin with: a bundled model or a model folder.",
)
@click.option(
    "--minutes",
    type=click.FloatRange(min=0, min_open=True),
    default=AdaptOptions.minutes,
    show_default=True,
    metavar="MIN",
    help="Time limit in minutes; training stops earlier when nothing better is found any more.",
)
@click.option(
    "--whole",
    is_flag=True,
    help="Also train the backbone. This is slower, and it lost recall in the short runs that "
    "were measured.",
)
@device_option()
@click.option(
    "-j",
    "--workers",
    type=click.IntRange(min=0),
    default=AdaptOptions.workers,
    show_default=True,
    metavar="N",
    help="Processes that prepare training pairs.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=AdaptOptions.seed,
    show_default=True,
    metavar="N",
    help="Seed of the held-out parts and of everything random.",
)
@click.option(
    "--resume", is_flag=True, help="Continue an interrupted run from its checkpoint in -o."
)
@verbosity_options
def command(tiles: Path, output: Path, quiet: bool, verbose: int, **choices: object) -> None:
    """Adapt a model to your own map by training, without labels.

    TILES is a folder that `geoloc tile` wrote. The training photos are synthetic and made from its
    pixels. About 15 % of the map is held out to measure the gain. The best weights are kept, which
    are the initial ones if nothing better is found. Writes a model folder for `geoloc index
    --model`. Ctrl-C keeps the best weights so far.
    """
    from geoloc.learning.adapt import adapt_model

    options = AdaptOptions(**choices)  # type: ignore[arg-type]  # click has checked each
    with progress_bar(quiet=quiet, verbose=verbose) as progress:
        summary = adapt_model(tiles, output, options, progress=progress)
    if not quiet:
        print_rows(_rows(summary), title=f"{summary.folder}: on held-out parts of the map")
        say(_verdict(summary, options))


def _rows(summary: AdaptSummary) -> list[tuple[str, object]]:
    shares = [
        (f"recall at {k}", f"{before:.3f} before, {after:.3f} after")
        for k, before, after in (
            (1, summary.before.at_1, summary.after.at_1),
            (5, summary.before.at_5, summary.after.at_5),
            (10, summary.before.at_10, summary.after.at_10),
        )
    ]
    return [*shares, ("photos", summary.after.queries), ("tiles", summary.after.references)]


def _verdict(summary: AdaptSummary, options: AdaptOptions) -> str:
    if not summary.is_better:
        return (
            f"nothing that was learnt beats {options.model} on this map: {summary.folder} holds "
            "its weights as they were"
        )
    return (
        f"best after {summary.best_step} batches; next: geoloc index TILES --model {summary.folder}"
    )
