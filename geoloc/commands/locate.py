"""``geoloc locate``: photos in, points out."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from geoloc.commands._console import (
    device_option,
    engine_of,
    engine_options,
    example,
    overwrite_option,
    say,
    verbosity_options,
    workers_option,
)
from geoloc.commands._handoffs import check_handoffs, hand_off, handoff_options, handoffs_of
from geoloc.commands._heatmaps import check_heatmaps, heatmap_option, heatmaps_of_located
from geoloc.commands._inputs import (
    dem_option,
    dsm_option,
    effort_option,
    format_option,
    frame_rate_option,
    index_option,
    metadata_option,
    recursive_option,
    view_option,
)
from geoloc.commands._progress import progress_bar
from geoloc.commands._reporting import check_report, report_located
from geoloc.commands._warping import (
    check_warp_options,
    report_warps,
    take_warp_options,
    warp_located,
    warp_options,
)
from geoloc.errors import EXIT_INTERRUPTED, EXIT_PARTIAL
from geoloc.options import (
    LocateOptions,
    MatcherName,
    OutputFormat,
    OutputOptions,
    PriorKind,
    WarpOptions,
)

if TYPE_CHECKING:
    from geoloc.locate.file_job import LocateSummary

_DEFAULT = LocateOptions()


@click.command(name="locate", epilog=example("geoloc locate photos/ -o out.geojson --index index/"))
@click.argument("photos", nargs=-1, required=True, type=click.Path(), metavar="PHOTOS...")
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="FILE",
    help="File to write. Its extension chooses the format: .geojson, .geojsonl, .gpkg, .fgb, "
    ".parquet or .csv. A - writes to stdout.",
)
@index_option()
@recursive_option
@view_option(
    "Kind of the photos; auto decides for each photo. Street photos and panoramas need an index of "
    "a model with the view ground (see `geoloc models show`)."
)
@metadata_option(
    "A CSV with metadata that adds to the photos' own: photo and any of lon, lat (degrees), "
    "rel_alt_m, yaw_deg, pitch_deg (-90 looks straight down), roll_deg, hfov_deg, timestamp. Or a "
    "DJI flight log (.SRT) of the video that the photos are frames of; one that lies beside them "
    "is found without this option."
)
@frame_rate_option(
    "Frames per second that were taken from a video with a flight log. Not needed where a frame's "
    "name ends with its number in the video or contains a rate such as _2fps_."
)
@dem_option(
    "An elevation model of the ground under the map: any raster or VRT of heights, in metres or in "
    "the unit that it states, of any CRS. Repeat it for several; the first that knows a place "
    "wins. Without one the ground is taken for level."
)
@dsm_option
@click.option(
    "--prior",
    default=_DEFAULT.prior,
    show_default=True,
    metavar="PRIOR",
    help="What is known of where photos were taken: none; exif, a photo's own GPS position; "
    "near:LON,LAT,RADIUS in degrees and metres; or a CSV with the columns photo, lon, lat.",
)
@click.option(
    "--prior-radius",
    "prior_radius_m",
    type=click.FloatRange(min=0, min_open=True),
    default=_DEFAULT.prior_radius_m,
    show_default=True,
    metavar="METRES",
    help="Radius around such a position, in metres.",
)
@click.option(
    "--prior-kind",
    type=click.Choice(get_args(PriorKind)),
    default=_DEFAULT.prior_kind,
    show_default=True,
    help="soft looks there first, and everywhere else when nothing there is sure; hard looks "
    "nowhere else.",
)
@click.option(
    "--aoi",
    type=click.Path(),
    metavar="FILE",
    help="A vector file: only tiles of the map that touch its polygons are searched.",
)
@click.option(
    "--track",
    default=_DEFAULT.track,
    show_default=True,
    metavar="auto|none|FIELD",
    help="auto finds out which photos are of one flight, and locates them together: those that "
    "are not found alone are looked for again near the photos before and after them (not with "
    "--max-wrong, which promises something of photos alone). none locates each alone. FIELD is a "
    "column of --metadata that names the flight of each photo.",
)
@effort_option("More effort finds more and takes longer.")
@click.option(
    "--top-k",
    type=click.IntRange(min=1),
    default=_DEFAULT.top_k,
    show_default=True,
    metavar="N",
    help="Number of tiles that the network proposes for each photo.",
)
@click.option(
    "--matcher",
    type=click.Choice(get_args(MatcherName)),
    default=_DEFAULT.matcher,
    show_default=True,
    help="Learned matcher that is asked about the best places of a drone photo that is in doubt. "
    "It compares the photo with the map's own pixels, so the tiles must still be where they were "
    "when the index was built. auto is xfeat where the extra xfeat is installed, none is the index "
    "alone; the others need the extra matchers (kornia) and weights.",
)
@click.option(
    "--matcher-weights",
    multiple=True,
    type=click.Path(),
    metavar="FILE",
    help="Weights of the matcher, where kornia cannot download them. Repeat it for "
    "lightglue-disk: first DISK's file, then LightGlue's.",
)
@click.option(
    "--map-sd",
    "map_sd_m",
    type=click.FloatRange(0, 1000),
    default=_DEFAULT.map_sd_m,
    show_default="as `geoloc calibrate` measured it, else 8",
    metavar="METRES",
    help="How far the map itself may be off, as a standard deviation. The radii allow for it; a "
    "surveyed orthophoto deserves less.",
)
@click.option(
    "--min-confidence",
    type=click.FloatRange(0, 1),
    default=_DEFAULT.min_confidence,
    show_default=True,
    metavar="PROBABILITY",
    help="Photos with a lower confidence get the status ambiguous.",
)
@click.option(
    "--max-wrong",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    metavar="SHARE",
    help="Largest share of wrong answers among the located, such as 0.05, in place of "
    "--min-confidence. Holds with 90 % probability for photos like those that the index was "
    "calibrated with (`geoloc calibrate`); refused where these are too few.",
)
@device_option(_DEFAULT.device)
@workers_option(_DEFAULT.workers)
@engine_options
@click.option(
    "--warp",
    "warp_folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Also turn each located photo into a GeoTIFF of the ground that it shows, in this folder, "
    "with a mosaic of all (see `geoloc warp`, which does so afterwards).",
)
@warp_options("warp-")
@heatmap_option
@click.option(
    "--report",
    "report_page",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Also make a page to look at the results with, NAME.html (see `geoloc report`, which does "
    "so afterwards).",
)
@format_option
@click.option(
    "--resume",
    is_flag=True,
    help="Add photos that are new or have changed to a finished output. An unfinished one goes on "
    "without it.",
)
@overwrite_option
@handoff_options
@click.option(
    "--skip-errors",
    is_flag=True,
    help=f"Exit with 0 instead of {EXIT_PARTIAL} when photos could not be read.",
)
@verbosity_options
@click.pass_context
def command(  # one parameter an option; the search's own go on as one dataclass
    ctx: click.Context,
    /,
    *,
    photos: tuple[str, ...],
    output: str,
    index: Path,
    recursive: bool,
    warp_folder: Path | None,
    heatmap_folder: Path | None,
    report_page: Path | None,
    fmt: OutputFormat | None,
    resume: bool,
    overwrite: bool,
    skip_errors: bool,
    quiet: bool,
    verbose: int,
    **search: Any,
) -> None:
    """Locate photos on an index and write them as points.

    PHOTOS are files and folders. A photo that is not found keeps its row, without a point. A
    photo's own GPS position is not used, unless you pass --prior exif.

    Each row is kept beside the output (in FILE.partial.geojsonl, which QGIS opens) until all are
    done. After an interrupt, a full disk or a crash, the same command goes on where it stopped.

    Options that "also write" hand the located photos on to other programs when all is done, as
    `geoloc export` does afterwards.

    \b
    Exit code: 0 done (also if photos are not found: see their status),
    6 done but some photos could not be read or warped,
    2 wrong options or a full disk, 3 no photos, 4 no index or one of another model,
    5 no such device, 130 interrupted or terminated (what was done is written).
    """
    from geoloc.results.files import check_place

    check_place(output, fmt=fmt)  # before anything takes time
    check_heatmaps(heatmap_folder, output)
    handoffs = handoffs_of(search, output, fmt)
    check_handoffs(handoffs, overwrite=overwrite or resume)
    if report_page is not None:
        check_report(report_page, output, overwrite=overwrite or resume)
    warping = WarpOptions(
        **take_warp_options(search), workers=search["workers"], resume=resume, overwrite=overwrite
    )
    if warp_folder is not None:
        check_warp_options(warping, output)

    from geoloc.locate.file_job import FileJob
    from geoloc.photos.photo_files import find_photos

    engine = engine_of(search)
    writing = OutputOptions(fmt=fmt, overwrite=overwrite, resume=resume)
    with progress_bar(quiet=quiet, verbose=verbose) as progress:
        found = find_photos(photos, recursive=recursive, progress=progress)
        began = time.perf_counter()
        options = LocateOptions(**search)
        job = FileJob(
            found, index, output, options, writing=writing, progress=progress, engine=engine
        )
        interrupted = False
        try:
            job.run()
        except KeyboardInterrupt:
            interrupted = True
    seconds = time.perf_counter() - began
    _report(job.summary, output, seconds=seconds, quiet=quiet)
    if interrupted:
        _report_interrupt(job.summary, overwrite=overwrite)
        ctx.exit(EXIT_INTERRUPTED)
    is_idle = job.summary.is_idle
    failed = hand_off(handoffs, overwrite=overwrite or resume, is_idle=is_idle, quiet=quiet)
    if report_page is not None and not (is_idle and report_page.exists()):
        report_located(report_page, Path(output), index, fmt=fmt, located=options, quiet=quiet)
    if heatmap_folder is not None:
        heatmaps_of_located(found, Path(output), heatmap_folder, writing, quiet=quiet)
    is_partial = bool(job.summary.statuses["unreadable"])
    if warp_folder is not None:
        with progress_bar(quiet=quiet, verbose=verbose) as progress:
            warped = warp_located(
                found, Path(output), index, writing, options, (warp_folder, warping), progress
            )
        report_warps(warped, quiet=quiet)
        is_partial |= bool(warped.failed)
    if failed:
        ctx.exit(failed)
    if is_partial and not skip_errors:
        ctx.exit(EXIT_PARTIAL)


def _report(summary: LocateSummary, output: str, *, seconds: float, quiet: bool) -> None:
    """Say how many ended how, how long a photo took, and what was written."""
    if summary.is_idle:
        text = f"nothing to do, all {summary.passed_over} photos have their rows already"
        say(f"{output}: {text}", quiet=quiet)
        return
    statuses = ("located", "ambiguous", "rejected", "unreadable")
    counts = ", ".join(f"{summary.statuses[status]} {status}" for status in statuses)
    total = f"{summary.photos} photo{'' if summary.photos == 1 else 's'}"
    done = "" if summary.done == summary.photos else f"{summary.done} of "
    pace = f"{seconds / max(summary.done, 1):.1f} s a photo"
    say(f"{done}{total}: {counts} ({pace})", quiet=quiet)
    if summary.by_track:
        say(f"{summary.by_track} of them as their flight says (from_track is 1)", quiet=quiet)
    if summary.passed_over:
        say(f"{summary.passed_over} more had their rows already", quiet=quiet)
    if summary.others:
        say(f"{summary.others} rows of photos that were not given are kept", quiet=quiet)
    for path in summary.written if summary.kept_in is None else ():
        say(f"wrote {path}", quiet=quiet)


def _report_interrupt(summary: LocateSummary, *, overwrite: bool) -> None:
    """Say where what was done is, and how to go on."""
    again = "the same command without --overwrite" if overwrite else "the same command"
    kept = "" if summary.kept_in is None else f"; {summary.kept_in} holds what was done"
    goes_on = "" if summary.kept_in is None else f", {again} goes on"
    say(f"geoloc: interrupted after {summary.done} of {summary.photos} photos{kept}{goes_on}")
