"""The option ``--heatmap`` of `geoloc locate`: its check, its work and what it says at the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import click

from geoloc.commands._console import say
from geoloc.commands._progress import progress_bar
from geoloc.errors import OptionError
from geoloc.options import OutputOptions

_Command = TypeVar("_Command", bound=Callable[..., object])


def heatmap_option(function: _Command) -> _Command:
    """Give a command ``--heatmap``, passed on as ``heatmap_folder``."""
    return click.option(
        "--heatmap",
        "heatmap_folder",
        type=click.Path(path_type=Path, file_okay=False),
        metavar="DIR",
        help="Also write where each photo may have been taken, in this folder: a GeoTIFF with the "
        "probability of each square of the ground, styled for QGIS.",
    )(function)


def check_heatmaps(folder: Path | None, output: str) -> None:
    """Refuse heatmaps of what is not kept, before photos are located.

    Raises:
        OptionError: The results go to stdout.
    """
    if folder is not None and output == "-":
        raise OptionError("--heatmap reads the results again, and -o - keeps none; name a file")


def heatmaps_of_located(
    photos: Sequence[Path], output: Path, folder: Path, writing: OutputOptions, *, quiet: bool
) -> None:
    """Write the heatmaps of those of the photos that the finished file of results has a place of.

    Raises:
        OutputBusyError: Another run writes there.
        OutputExistsError: A file is there that is no heatmap, or one of another answer.
    """
    from geoloc.locate.heatmap.job import write_heatmaps
    from geoloc.results.files import read_results
    from geoloc.results.journal import row_key

    given = {row_key(photo) for photo in photos}
    rows = [row for row in read_results(output, fmt=writing.fmt) if row_key(row.photo) in given]
    with progress_bar(quiet=quiet, verbose=0) as progress:
        replace = writing.overwrite or writing.resume
        summary = write_heatmaps(rows, folder, replace=replace, progress=progress)
    written, passed_over = len(summary.written), summary.passed_over
    text = f"{written} heatmap{'' if written == 1 else 's'} written to {folder}"
    if passed_over:
        text += f", {passed_over} were there already"
    if summary.without_place:
        text += f", {summary.without_place} without any place left out"
    say(text, quiet=quiet)
