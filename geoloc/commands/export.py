"""``geoloc export``: results in, the files of other programs out."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import click

from geoloc.commands._console import example, overwrite_option, say, verbosity_options
from geoloc.commands._handoffs import report_lines
from geoloc.commands._inputs import dem_option
from geoloc.commands._progress import progress_bar
from geoloc.errors import EXIT_PARTIAL
from geoloc.options import AnswerStatus, ExportFormat, ExportOptions


@click.command(name="export", epilog=example("geoloc export out.gpkg --to geo-txt -o geo.txt"))
@click.argument("results", type=click.Path(path_type=Path), metavar="RESULTS")
@click.option(
    "--to",
    "fmt",
    required=True,
    type=click.Choice(get_args(ExportFormat)),
    help="What to write, as listed above.",
)
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="File, or folder, to write.",
)
@click.option(
    "--status",
    "statuses",
    multiple=True,
    type=click.Choice(get_args(AnswerStatus)),
    default=("located",),
    show_default=True,
    help="Photos to take; repeat it for several.",
)
@dem_option(
    "An elevation model, for heights above the sea of photos that were located without one; repeat "
    "it for several."
)
@overwrite_option
@verbosity_options
@click.pass_context
def command(
    ctx: click.Context,
    /,
    *,
    results: Path,
    fmt: ExportFormat,
    output: Path,
    statuses: tuple[AnswerStatus, ...],
    dem: tuple[str, ...],
    overwrite: bool,
    quiet: bool,
    verbose: int,
) -> None:
    """Hand located photos on to other programs.

    RESULTS is a file that `geoloc locate` wrote, in any of its formats.

    \b
    exif           a folder of copies of the photos, with position, direction
                   and accuracy in EXIF and angles in XMP; pixels are untouched
    geo-txt        positions, angles and accuracies for OpenDroneMap
    gcp            control points for OpenDroneMap, found by matching
    points         the same for QGIS's georeferencer: a folder, a file a photo
    kml            a KMZ for Google Earth: photos as points and on the ground
    reference-csv  a table for Metashape's Import Reference
    colmap         a folder with cameras.txt and images.txt, in metres
    orthority      cameras as GeoJSON, and their lenses as YAML beside it
    gpx            waypoints and a track of the photos that have a time
    footprints     the ground that photos show, as polygons

    \b
    Exit code: 0 done, 6 done but some photos were left out (they are named),
    2 wrong options or an output that exists, 3 no photos with what the format needs.
    """
    from geoloc.export.job import check_target, export_results
    from geoloc.results.files import read_results

    check_target(output, fmt, overwrite=overwrite)  # before anything takes time
    options = ExportOptions(statuses, overwrite, dem, source=str(results))
    with progress_bar(quiet=quiet, verbose=verbose) as progress:
        rows = read_results(results)
        report = export_results(rows, fmt, output, options, progress=progress)
    for line in report_lines(report, output):
        say(line, quiet=quiet)
    if report.left_out:
        ctx.exit(EXIT_PARTIAL)
