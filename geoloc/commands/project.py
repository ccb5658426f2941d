"""``geoloc project``: results and detections in pixels in, objects on the ground out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from geoloc.commands._console import example, overwrite_option, say, verbosity_options
from geoloc.commands._progress import progress_bar
from geoloc.commands._warping import given_terrain, terrain_options
from geoloc.errors import EXIT_PARTIAL
from geoloc.options import BoxChoice, PixelChoice, ProjectOptions

if TYPE_CHECKING:
    from geoloc.ortho.project_job import ProjectSummary

_DEFAULT = ProjectOptions()
_REASONS_SHOWN = 5


@click.command(
    name="project", epilog=example("geoloc project out.geojson coco.json -o objects.geojson")
)
@click.argument("results", type=click.Path(path_type=Path), metavar="RESULTS")
@click.argument("detections", type=click.Path(path_type=Path), metavar="DETECTIONS")
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="FILE",
    help="File to write. Its extension chooses the format: .geojson, .geojsonl, .gpkg, .fgb, "
    ".parquet or .csv.",
)
@click.option(
    "--pixels",
    type=click.Choice(get_args(PixelChoice)),
    default=_DEFAULT.pixels,
    show_default=True,
    help="Whether the detector saw the photos upright, or as their files are stored, without "
    "their EXIF orientation.",
)
@click.option(
    "--boxes",
    type=click.Choice(get_args(BoxChoice)),
    default=_DEFAULT.boxes,
    show_default=True,
    help="What becomes of a box: the ground that it covers, the point in its middle, or the foot, "
    "the middle of its lower edge, where something upright stands.",
)
@click.option(
    "--reach",
    type=click.FloatRange(min=0.1, max=1000),
    default=_DEFAULT.reach,
    show_default=True,
    metavar="HEIGHTS",
    help="How far from the camera objects are placed, level, in flying heights [0.1 to 1000].",
)
@terrain_options
@click.option(
    "--classes",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Names of YOLO's classes, a line each. Default: classes.txt beside the detections.",
)
@overwrite_option
@click.option(
    "--skip-errors",
    is_flag=True,
    help=f"Exit with 0 instead of {EXIT_PARTIAL} when objects have no place.",
)
@verbosity_options
@click.pass_context
def command(
    ctx: click.Context,
    /,
    *,
    results: Path,
    detections: Path,
    output: str,
    pixels: PixelChoice,
    boxes: BoxChoice,
    reach: float,
    classes: Path | None,
    overwrite: bool,
    skip_errors: bool,
    quiet: bool,
    verbose: int,
    **relief: Any,
) -> None:
    """Place what was detected in photos on the map.

    RESULTS is a file that `geoloc locate` wrote. DETECTIONS are boxes, polygons and points in
    pixels: COCO's JSON, a folder of YOLO's text files, a CSV (photo, x, y, w, h, label, score), or
    GeoJSON in pixels. Photos are found by their names. Each object gets a radius, ce90_m; one that
    has no place (above the horizon, say) keeps its row, with the reason.

    \b
    Exit code: 0 done, 6 done but some objects have no place,
    2 wrong options, an output that exists or a full disk, 3 no results or no detections.
    """
    from geoloc.ortho.objects_file import check_objects_file

    check_objects_file(output, overwrite=overwrite)  # before anything takes time

    from geoloc.ortho.detections.reading import read_detections
    from geoloc.ortho.project_job import project_to_file
    from geoloc.results.files import read_results

    with progress_bar(quiet=quiet, verbose=verbose) as progress:
        summary = project_to_file(
            read_results(results),
            read_detections(detections, classes=classes),
            output,
            ProjectOptions(pixels, boxes, reach),
            terrain=given_terrain(relief, progress),
            overwrite=overwrite,
            progress=progress,
        )
    for line in summary_lines(summary):
        say(line, quiet=quiet)
    if summary.refused and not skip_errors:
        ctx.exit(EXIT_PARTIAL)


def summary_lines(summary: ProjectSummary) -> list[str]:
    """How many objects were placed, and why others were not."""
    refused = summary.refused.total()
    placed = summary.objects - refused
    photos = f"{summary.photos} photo{'' if summary.photos == 1 else 's'}"
    lines = [f"{summary.objects} objects in {photos}: {placed} placed, {refused} without a place"]
    reasons = summary.refused.most_common()
    lines += [f"  {count}: {reason}" for reason, count in reasons[:_REASONS_SHOWN]]
    if len(reasons) > _REASONS_SHOWN:
        lines.append("  the column error has the other reasons")
    return [*lines, f"wrote {summary.path}"]
