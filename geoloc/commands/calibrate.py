"""``geoloc calibrate``: photos whose place is known make an index's confidences honest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from geoloc.commands._console import device_option, example, print_rows, say, verbosity_options
from geoloc.commands._progress import progress_bar
from geoloc.options import Effort, LocateOptions

if TYPE_CHECKING:
    from geoloc.learning.calibration.job import CalibrationSummary

_DEFAULT = LocateOptions()


@click.command(
    name="calibrate",
    epilog=example("geoloc calibrate photos/ --index index/ --truth truth.csv"),
)
@click.argument("photos", nargs=-1, required=True, type=click.Path(), metavar="PHOTOS...")
@click.option(
    "--truth",
    required=True,
    type=click.Path(path_type=Path),
    metavar="CSV",
    help="Table of true camera positions, one row per photo: photo, camera_lon, camera_lat (or "
    "lon, lat), in degrees. Photos that it does not name are left out.",
)
@click.option(
    "--index",
    default="index",
    show_default=True,
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Index folder that `geoloc index` wrote; calibration.json (of drone photos) or "
    "street_calibration.json is written into it.",
)
@click.option("-r", "--recursive", is_flag=True, help="Also search subfolders.")
@click.option(
    "--metadata",
    type=click.Path(),
    metavar="FILE",
    help="A CSV or a flight log that adds to the photos' own metadata, as in `geoloc locate`.",
)
@click.option(
    "--effort",
    type=click.Choice(get_args(Effort)),
    default=_DEFAULT.effort,
    show_default=True,
    help="How thoroughly each photo is searched for. Calibrate as you will locate.",
)
@device_option(_DEFAULT.device)
@verbosity_options
def command(
    photos: tuple[str, ...],
    truth: Path,
    index: Path,
    recursive: bool,
    quiet: bool,
    verbose: int,
    **search: Any,
) -> None:
    """Make an index's confidences honest with photos whose place is known.

    PHOTOS are drone photos or street photos, files and folders. Each is located as it is, and once
    more as if it lay nowhere (mirrored; street photos on the map without their own place), so that
    chance is known too; this takes about as long as locating three times as many. From then on the
    confidence of `geoloc locate` on this index is fitted to these photos (conf_kind
    calibrated:photos). Needs ten of them or more, and scikit-learn (extra calibrate).
    """
    from geoloc.learning.calibration.job import calibrate_on_photos
    from geoloc.photos.photo_files import find_photos

    with progress_bar(quiet=quiet, verbose=verbose) as progress:
        found = find_photos(photos, recursive=recursive, progress=progress)
        options = LocateOptions(**search)
        summary = calibrate_on_photos(found, index, truth, options, progress=progress)
    if not quiet:
        print_rows(_rows(summary))
    say(f"wrote {summary.path}", quiet=quiet)


def _rows(summary: CalibrationSummary) -> list[tuple[str, object]]:
    from geoloc.learning.calibration.job import promises

    error = summary.calibration_error
    kept = [
        f"{max_wrong:g} (confidence from {confidence:.2f})"
        for max_wrong, confidence in promises(summary.calibration)
    ]
    return [
        ("photos with an answer", f"{summary.photos}, {summary.right} of them right"),
        (f"{summary.nowhere}, all wrong", summary.mirrored),
        ("calibration error", None if error is None else f"{error:.3f}"),
        ("locate --max-wrong", ", ".join(kept) or "more photos are needed"),
    ]
