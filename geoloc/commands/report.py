"""``geoloc report``: results in, a page to look at out."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import click

from geoloc.commands._console import example, overwrite_option, verbosity_options
from geoloc.commands._progress import progress_bar
from geoloc.commands._reporting import say_report
from geoloc.options import LocateOptions, Redaction, ReportOptions

_DEFAULT = ReportOptions()


@click.command(
    name="report", epilog=example("geoloc report out.geojson --index index/ -o report.html")
)
@click.argument("results", type=click.Path(path_type=Path), metavar="RESULTS")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("report.html"),
    show_default=True,
    metavar="FILE",
    help="Page to write.",
)
@click.option(
    "--index",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Index that the photos were located on, whose map the page shows.",
)
@click.option(
    "--truth",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Table of true positions, as geoloc evaluate reads it: the page shows the errors.",
)
@click.option(
    "--thumbnails",
    "thumbnail_px",
    type=click.IntRange(0, 4000),
    default=_DEFAULT.thumbnail_px,
    show_default=True,
    metavar="PIXELS",
    help="Long side of the photos' pictures in the page; 0 leaves them out.",
)
@click.option(
    "--redact",
    type=click.Choice(get_args(Redaction)),
    default=_DEFAULT.redact,
    show_default=True,
    help="For a page to be shared: leave out every place and path (drop), or keep positions to "
    "about a kilometre (fuzz). Names and pictures of photos stay.",
)
@click.option(
    "--max-mb",
    type=click.FloatRange(min=0, min_open=True),
    default=_DEFAULT.max_mb,
    show_default=True,
    metavar="SIZE",
    help="A page of more megabytes has its map and pictures in a folder beside it, NAME_files.",
)
@overwrite_option
@verbosity_options
def command(
    *,
    results: Path,
    output: Path,
    index: Path | None,
    truth: Path | None,
    thumbnail_px: int,
    redact: Redaction,
    max_mb: float,
    overwrite: bool,
    quiet: bool,
    verbose: int,
) -> None:
    """Make a page to look at results, and to put them right.

    RESULTS is a file that `geoloc locate` wrote. The page is one file that needs neither a
    network nor geoloc: a map, the photos on it and in a list, the most doubtful first, each beside
    its map. What is accepted, rejected or moved there is saved as corrections.geojson, which
    `geoloc apply` writes back.

    \b
    Exit code: 0 done, 2 wrong options or an output that exists,
    3 no results or a wrong truth, 4 no index.
    """
    from geoloc.index.map_index import MapIndex
    from geoloc.locate.map_terrain import terrain_of
    from geoloc.report.job import check_page, write_report
    from geoloc.results.evaluation import read_truth
    from geoloc.results.files import read_results

    options = ReportOptions(redact, thumbnail_px, max_mb, overwrite)
    check_page(output, overwrite=overwrite)  # before anything takes time
    with progress_bar(quiet=quiet, verbose=verbose) as progress:
        opened = None if index is None else MapIndex.open(index)
        summary = write_report(
            read_results(results),
            output,
            options,
            index=opened,
            terrain=terrain_of(LocateOptions(), opened),
            truth=None if truth is None else read_truth(truth),
            beside=results.absolute().parent,
            progress=progress,
        )
    say_report(summary, quiet=quiet)
