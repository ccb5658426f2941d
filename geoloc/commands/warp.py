"""``geoloc warp``: results in, a GeoTIFF of each photo out."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import click

from geoloc.commands._console import example, overwrite_option, verbosity_options, workers_option
from geoloc.commands._progress import progress_bar
from geoloc.commands._warping import (
    given_terrain,
    report_warps,
    take_warp_options,
    terrain_options,
    warp_options,
)
from geoloc.errors import EXIT_PARTIAL
from geoloc.options import AnswerStatus, WarpOptions

_STATUSES = get_args(AnswerStatus)


@click.command(name="warp", epilog=example("geoloc warp out.geojson -o warps"))
@click.argument("results", type=click.Path(path_type=Path), metavar="RESULTS")
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Folder to write.",
)
@terrain_options
@warp_options()
@click.option(
    "--status",
    "statuses",
    multiple=True,
    type=click.Choice(_STATUSES),
    default=("located",),
    show_default=True,
    help="Photos to take; repeat it for several.",
)
@click.option(
    "--co",
    "creation_options",
    multiple=True,
    metavar="KEY=VALUE",
    help="Creation option of GDAL's COG driver, such as COMPRESS=WEBP; repeatable.",
)
@workers_option(WarpOptions.workers)
@click.option("--resume", is_flag=True, help="Also warp photos anew whose answers have changed.")
@overwrite_option
@click.option(
    "--skip-errors",
    is_flag=True,
    help=f"Exit with 0 instead of {EXIT_PARTIAL} when photos could not be warped.",
)
@verbosity_options
@click.pass_context
def command(
    ctx: click.Context,
    /,
    *,
    results: Path,
    output: Path,
    statuses: tuple[str, ...],
    skip_errors: bool,
    quiet: bool,
    verbose: int,
    **chosen: Any,
) -> None:
    """Turn located photos into maps: a GeoTIFF each, and a mosaic of all.

    RESULTS is a file that `geoloc locate` wrote. Each photo is laid on the ground that its camera
    sees, as a Cloud Optimized GeoTIFF that is transparent outside of it. mosaic.vrt shows all of
    them, the best on top; warps.gti.gpkg is their index. Warped photos that are there already are
    passed over.

    \b
    Exit code: 0 done, 6 done but some photos could not be warped,
    2 wrong options, an output that exists or a full disk, 3 no photos with a camera,
    130 interrupted (what was done is kept, the same command goes on).
    """
    from geoloc.ortho.job import check_warping, warp_photos
    from geoloc.results.files import read_results

    with progress_bar(quiet=quiet, verbose=verbose) as progress:
        terrain = given_terrain(chosen, progress)
        options = WarpOptions(**take_warp_options(chosen), **chosen)
        check_warping(options)  # before anything takes time
        summary = warp_photos(
            read_results(results),
            output,
            options,
            statuses=statuses,  # type: ignore[arg-type]  # click.Choice holds it to the Literal
            terrain=terrain,
            beside=results.absolute().parent,
            progress=progress,
        )
    report_warps(summary, quiet=quiet)
    if summary.failed and not skip_errors:
        ctx.exit(EXIT_PARTIAL)
