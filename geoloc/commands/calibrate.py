"""``geoloc calibrate``: photos whose place is known, or the map, make confidences honest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from geoloc.commands._console import device_option, example, print_rows, say, verbosity_options
from geoloc.commands._inputs import (
    effort_option,
    index_option,
    metadata_option,
    recursive_option,
)
from geoloc.commands._progress import progress_bar
from geoloc.errors import OptionError
from geoloc.options import LocateOptions

if TYPE_CHECKING:
    from geoloc.learning.calibration.job import CalibrationSummary
    from geoloc.progress import Progress


@click.command(
    name="calibrate",
    epilog=example("geoloc calibrate photos/ --index index/ --truth truth.csv"),
)
@click.argument("photos", nargs=-1, type=click.Path(), metavar="[PHOTOS...]")
@click.option(
    "--truth",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Table of true camera positions (CSV), one row per photo: photo, camera_lon, camera_lat "
    "(or lon, lat), in degrees; or the corrections.geojson of a report's page. Photos that it does "
    "not name are left out.",
)
@click.option(
    "--simulate",
    type=click.IntRange(min=20),
    metavar="N",
    help="Take N simulated photos of the map in place of PHOTOS, say 60. Needs the "
    "tiles where they were when the index was built.",
)
@index_option(
    adds="; calibration.json (of drone photos) or street_calibration.json is written into it"
)
@click.option(
    "--overwrite",
    is_flag=True,
    help="Let simulated photos replace a calibration that was made on real ones.",
)
@recursive_option
@metadata_option(
    "A CSV or a flight log that adds to the photos' own metadata, as in `geoloc locate`."
)
@effort_option("Calibrate as you will locate.")
@device_option(LocateOptions.device)
@verbosity_options
def command(
    photos: tuple[str, ...],
    truth: Path | None,
    simulate: int | None,
    index: Path,
    overwrite: bool,
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

    Without such photos, --simulate takes views of the map itself, from drones of all heights and
    tilts in other seasons (calibrated:map). It says beforehand about how long it will take, goes on
    where it was interrupted, and never replaces a calibration on real photos unless it is told to.
    """
    options = LocateOptions(**search)
    if simulate is not None:
        _check_alone(photos, truth, options)
        say(_plan(simulate), quiet=quiet)
    with progress_bar(quiet=quiet, verbose=verbose) as progress:
        if simulate is not None:
            summary = _on_map(index, options, simulate, overwrite=overwrite, progress=progress)
        else:
            summary = _on_photos(
                photos, truth, index, options, recursive=recursive, progress=progress
            )
    if not quiet:
        print_rows(_rows(summary))
    say(f"wrote {summary.path}", quiet=quiet)


def _check_alone(photos: tuple[str, ...], truth: Path | None, options: LocateOptions) -> None:
    """Refuse what --simulate has no use for."""
    if photos or truth is not None or options.metadata:
        raise OptionError(
            "--simulate makes its own photos, whose places it knows; leave out PHOTOS, --truth and "
            "--metadata"
        )


def _plan(simulate: int) -> str:
    from geoloc.learning.calibration.map_job import planned_minutes

    minutes = max(1, round(planned_minutes(simulate)))
    return f"{simulate} simulated photos and as many mirrored: about {minutes} minutes of one core"


def _on_map(
    index: Path, options: LocateOptions, photos: int, *, overwrite: bool, progress: Progress
) -> CalibrationSummary:
    from geoloc.learning.calibration.map_job import calibrate_on_map

    return calibrate_on_map(index, options, photos=photos, overwrite=overwrite, progress=progress)


def _on_photos(
    photos: tuple[str, ...],
    truth: Path | None,
    index: Path,
    options: LocateOptions,
    *,
    recursive: bool,
    progress: Progress,
) -> CalibrationSummary:
    from geoloc.learning.calibration.job import calibrate_on_photos
    from geoloc.photos.photo_files import find_photos

    if not photos or truth is None:
        raise OptionError(
            "expected PHOTOS and --truth with their places; without such photos, --simulate 60 "
            "calibrates on the map alone"
        )
    found = find_photos(photos, recursive=recursive, progress=progress)
    return calibrate_on_photos(found, index, truth, options, progress=progress)


def _rows(summary: CalibrationSummary) -> list[tuple[str, object]]:
    from geoloc.learning.calibration.job import promises

    error = summary.calibration_error
    rows: list[tuple[str, object]] = [
        ("photos with an answer", f"{summary.photos}, {summary.right} of them right"),
        (f"{summary.nowhere}, all wrong", summary.mirrored),
        ("calibration error", None if error is None else f"{error:.3f}"),
    ]
    if (radii := summary.calibration.radii) is not None:
        rows.append(("radii of the camera", f"{radii.camera:.2f} times what photos say"))
        rows.append(("map off by (--map-sd)", f"{radii.map_sd_m:.1f} m, from {radii.n} photos"))
    if summary.calibration.source == "map":  # simulated photos promise nothing of real ones
        return rows
    kept = [
        f"{max_wrong:g} (confidence from {confidence:.2f})"
        for max_wrong, confidence in promises(summary.calibration)
    ]
    return [*rows, ("locate --max-wrong", ", ".join(kept) or "more photos are needed")]
