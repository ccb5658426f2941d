"""``geoloc locate``: photos in, points out."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from geoloc.commands._console import (
    device_option,
    example,
    overwrite_option,
    say,
    verbosity_options,
    workers_option,
)
from geoloc.commands._progress import progress_bar
from geoloc.errors import EXIT_INTERRUPTED, EXIT_PARTIAL
from geoloc.options import (
    Effort,
    LocateOptions,
    MatcherName,
    OutputFormat,
    PositionPrior,
    ViewChoice,
)

if TYPE_CHECKING:
    from geoloc.results.schema import PhotoResult

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
@click.option(
    "--index",
    default="index",
    show_default=True,
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Index folder that `geoloc index` wrote.",
)
@click.option("-r", "--recursive", is_flag=True, help="Also search subfolders.")
@click.option(
    "--view",
    type=click.Choice(get_args(ViewChoice)),
    default=_DEFAULT.view,
    show_default=True,
    help="Kind of the photos; auto decides for each photo. Street photos and panoramas need "
    "an index of a model with the view ground (see `geoloc models show`).",
)
@click.option(
    "--metadata",
    type=click.Path(),
    metavar="FILE",
    help="A CSV with metadata that adds to the photos' own: photo and any of lon, lat "
    "(degrees), rel_alt_m, yaw_deg, pitch_deg (-90 looks straight down), roll_deg, "
    "hfov_deg, timestamp. Or a DJI flight log (.SRT) of the video that the photos are "
    "frames of; one that lies beside them is found without this option.",
)
@click.option(
    "--frame-rate",
    "frame_rate_hz",
    type=click.FloatRange(min=0, min_open=True),
    metavar="PER_SECOND",
    help="Frames per second that were taken from a video with a flight log. Not needed where "
    "a frame's name ends with its number in the video or contains a rate such as "
    "_2fps_.",
)
@click.option(
    "--prior",
    type=click.Choice(get_args(PositionPrior)),
    default=_DEFAULT.prior,
    show_default=True,
    help="exif narrows the search to the surroundings of the photo's own GPS position.",
)
@click.option(
    "--prior-radius",
    "prior_radius_m",
    type=click.FloatRange(min=0, min_open=True),
    default=_DEFAULT.prior_radius_m,
    show_default=True,
    metavar="METRES",
    help="Radius of the search around that position, in metres.",
)
@click.option(
    "--effort",
    type=click.Choice(get_args(Effort)),
    default=_DEFAULT.effort,
    show_default=True,
    help="How thoroughly each photo is searched for. More effort finds more and takes longer.",
)
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
    help="How the best places of a drone photo are verified. sift uses the index alone. The "
    "others match the photo with the map's own pixels, so the tiles must still be where "
    "they were when the index was built. They need the extra matchers (kornia), take "
    "seconds for each place without a GPU, and are untested with real weights.",
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
    "--min-confidence",
    type=click.FloatRange(0, 1),
    default=_DEFAULT.min_confidence,
    show_default=True,
    metavar="PROBABILITY",
    help="Photos with a lower confidence get the status ambiguous.",
)
@device_option(_DEFAULT.device)
@workers_option(_DEFAULT.workers)
@click.option(
    "-f",
    "--format",
    "fmt",
    type=click.Choice(get_args(OutputFormat)),
    help="Format of the output, if the extension does not say it.",
)
@overwrite_option
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
    fmt: OutputFormat | None,
    overwrite: bool,
    skip_errors: bool,
    quiet: bool,
    verbose: int,
    **search: Any,
) -> None:
    """Locate photos on an index and write them as points.

    PHOTOS are files and folders. A photo that is not found keeps its row, without a point. A
    photo's own GPS position is not used, unless you pass --prior exif.

    \b
    Exit code: 0 done (also if photos are not found: see their status),
    6 done but some photos could not be read,
    2 wrong options, 3 no photos, 4 no index or one of another model,
    5 no such device, 130 interrupted or terminated (what was done is written).
    """
    from geoloc.results.files import check_output

    check_output(output, fmt=fmt, overwrite=overwrite)  # before anything takes time

    from geoloc.locate.job import locate_photos
    from geoloc.photos.photo_files import find_photos
    from geoloc.results.files import write_results

    with progress_bar(quiet=quiet, verbose=verbose) as progress:
        found = find_photos(photos, recursive=recursive, progress=progress)
        results = locate_photos(found, index, LocateOptions(**search), progress=progress)
        tally = _Tally(results)
        interrupted = False
        try:
            written = write_results(tally, output, fmt=fmt, overwrite=overwrite)
        except KeyboardInterrupt:
            interrupted, written = True, []
    say(tally.summary(len(found)), quiet=quiet)
    if interrupted:
        kept = f"; {output} holds what was done" if tally.count else ""
        say(f"geoloc: interrupted after {tally.count} of {len(found)} photos{kept}")
        ctx.exit(EXIT_INTERRUPTED)
    for path in written:
        say(f"wrote {path}", quiet=quiet)
    if tally.has_unreadable and not skip_errors:
        ctx.exit(EXIT_PARTIAL)


class _Tally:
    """Results passing through, counted by status."""

    def __init__(self, results: Iterable[PhotoResult]) -> None:
        self._results = results
        self._counts: Counter[str] = Counter()
        self._began = time.perf_counter()

    def __iter__(self) -> Iterator[PhotoResult]:
        for result in self._results:
            self._counts[result.status] += 1
            yield result

    @property
    def count(self) -> int:
        """Photos so far."""
        return self._counts.total()

    @property
    def has_unreadable(self) -> bool:
        """Whether any photo could not be read."""
        return self._counts["unreadable"] > 0

    def summary(self, total: int) -> str:
        """How many ended how, and how long a photo took."""
        statuses = ("located", "ambiguous", "rejected", "unreadable")
        counts = ", ".join(f"{self._counts[status]} {status}" for status in statuses)
        seconds = (time.perf_counter() - self._began) / max(self.count, 1)
        done = "" if self.count == total else f"{self.count} of "
        photos = "photo" if total == 1 else "photos"
        return f"{done}{total} {photos}: {counts} ({seconds:.1f} s a photo)"
