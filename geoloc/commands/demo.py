"""``geoloc demo``: a synthetic town, the three commands on it, and what came out."""

from __future__ import annotations

import time
from pathlib import Path

import click

from geoloc.commands._console import example, overwrite_option, say, verbosity_options
from geoloc.commands._progress import progress_bar
from geoloc.synthetic.options import DemoOptions


@click.command(name="demo", epilog=example("geoloc demo -o geoloc-demo --photos 20"))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=DemoOptions.folder,
    show_default=True,
    metavar="DIR",
    help="Folder to write.",
)
@click.option(
    "--photos",
    type=click.IntRange(min=1),
    default=DemoOptions.photos,
    show_default=True,
    metavar="N",
    help="Number of drone photos.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=DemoOptions.seed,
    show_default=True,
    metavar="NUMBER",
    help="Seed of the town and the flight.",
)
@overwrite_option
@verbosity_options
def command(
    output: Path, photos: int, seed: int, *, overwrite: bool, quiet: bool, verbose: int
) -> None:
    """Build a synthetic town, locate photos in it, and draw the result.

    Writes a map of the town in summer (UTM) and drone photos of it in autumn and spring. Runs tile,
    index and locate on them, compares the results with the truth, and draws one picture, demo.png.
    """
    from geoloc.commands.evaluate import evaluation_lines
    from geoloc.storage.lock import locked_folder
    from geoloc.synthetic.demo.job import Demo

    with locked_folder(output):
        demo = Demo(DemoOptions(output, photos, seed, overwrite=overwrite))
        say(f"$ mkdir -p {output} && cd {output}", quiet=quiet)
        began = time.perf_counter()
        for step in demo.steps:
            say(f"$ {step.typed}" if step.typed else f"# {step.label}", quiet=quiet)
            started = time.perf_counter()
            with progress_bar(quiet=quiet, verbose=verbose) as progress:
                step.run(progress)
            if verbose:
                say(f"  {time.perf_counter() - started:.1f} s", quiet=quiet)
        summary = demo.summary
        click.echo("\n".join(evaluation_lines(summary.evaluation)))
        say(f"\n{time.perf_counter() - began:.0f} s; open {summary.results} in QGIS", quiet=quiet)
        click.echo(f"picture               {summary.sheet}")
