"""``geoloc pairs``: geotagged photos and a map in, pairs to learn from out."""

from __future__ import annotations

import dataclasses
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from geoloc.commands._console import (
    example,
    json_option,
    overwrite_option,
    print_json,
    say,
    verbosity_options,
)
from geoloc.commands._inputs import metadata_option, recursive_option
from geoloc.commands._progress import progress_bar
from geoloc.errors import EXIT_PARTIAL
from geoloc.learning.options import PairingOptions, PairViewChoice
from geoloc.progress import CappedWarnings

if TYPE_CHECKING:
    from geoloc.learning.pairing.job import PairingSummary

_DEFAULT = PairingOptions()


class _Span(click.ParamType):  # type: ignore[type-arg] # generic only since click 8.2
    """Two numbers with a comma between them."""

    name = "BOTTOM,TOP"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, float]:
        """The two numbers."""
        if isinstance(value, tuple):
            return value
        try:
            bottom, top = map(float, str(value).split(","))
        except ValueError:
            self.fail(f"{value!r} is not BOTTOM,TOP in degrees, such as -60,30")
        return bottom, top


@click.command(name="pairs", epilog=example("geoloc pairs photos/ --map region.tif -o pairs"))
@click.argument("photos", nargs=-1, required=True, type=click.Path(), metavar="PHOTOS...")
@click.option(
    "--map",
    "maps",
    multiple=True,
    required=True,
    metavar="RASTER",
    help="Georeferenced raster, folder of rasters or glob; repeat it for several. Tiles are "
    "cut from the first one that shows the photo's place.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("pairs"),
    show_default=True,
    metavar="DIR",
    help="Folder to write: pairs.csv, tiles/ and photos/.",
)
@recursive_option
@click.option(
    "--ground-size",
    "ground_size_m",
    type=float,
    metavar="METRES",
    help="Side of a tile on the ground in metres. Default: what the default model expects "
    "(drone photos), or 80 m (ground photos).",
)
@click.option(
    "--size",
    "size_px",
    type=int,
    metavar="PIXELS",
    help="Side of tiles and drone photos in pixels; rings are twice as wide. Default: as the "
    "default model.",
)
@click.option(
    "--test-share",
    type=float,
    default=_DEFAULT.test_share,
    show_default=True,
    metavar="SHARE",
    help="Share of the photos that is held out for testing, 0 to 1. These are all photos of "
    "a strip at one end of the area. Photos in a gap of one tile before it are dropped.",
)
@click.option(
    "--offset",
    type=float,
    default=_DEFAULT.offset,
    show_default=True,
    metavar="SHARE",
    help="Largest random shift of a tile from its photo, in sides of the tile, 0 to 0.5. An "
    "index of half-overlapping tiles leaves 0.25.",
)
@click.option(
    "--view",
    type=click.Choice(get_args(PairViewChoice)),
    default=_DEFAULT.view,
    show_default=True,
    help="Kind of the photos: from a drone, or from the ground (panoramas, street photos). "
    "auto takes the most frequent kind.",
)
@click.option(
    "--height",
    "height_m",
    type=float,
    metavar="METRES",
    help="Height above the ground, in metres, of drone photos whose metadata have none.",
)
@click.option(
    "--span",
    "span_deg",
    type=_Span(),
    default=_DEFAULT.span_deg,
    metavar="BOTTOM,TOP",
    help="Lower and upper elevation of the rings of ground photos, in degrees. Default: -60,30.",
)
@metadata_option(
    "A CSV (photo and any of lon, lat, rel_alt_m, yaw_deg, pitch_deg, ...), the "
    "corrections.geojson of a report's page, or a DJI flight log "
    "(.SRT) that adds to the photos' own metadata."
)
@click.option(
    "--seed",
    type=int,
    default=_DEFAULT.seed,
    show_default=True,
    metavar="N",
    help="Seed of the random shifts.",
)
@overwrite_option
@json_option
@verbosity_options
def command(
    photos: tuple[str, ...],
    maps: tuple[str, ...],
    output: Path,
    *,
    recursive: bool,
    as_json: bool,
    quiet: bool,
    verbose: int,
    **given: Any,
) -> None:
    """Make training pairs from geotagged photos and a map.

    PHOTOS are files, folders or globs. A tile of the map is cut around the place of each photo.
    Writes pairs.csv (also for QGIS: lon, lat), tiles/*.tif and photos/*.png, which `geoloc train`
    and `geoloc benchmark pairs` read. One part of the area is held out for testing. The exit code
    is 6 if a photo has no position, lies outside the map or is damaged. After an interrupt the same
    command goes on.
    """
    from geoloc.learning.pairing.job import make_pairs
    from geoloc.photos.photo_files import find_photos

    options = PairingOptions(**given)
    with progress_bar(quiet=quiet, verbose=verbose) as progress:
        found = find_photos(photos, recursive=recursive, progress=progress)
        summary = make_pairs(found, maps, output, options, progress=progress)
    if as_json:
        print_json(dataclasses.asdict(summary))
    _show(summary, quiet=quiet)
    if summary.failures:
        click.get_current_context().exit(EXIT_PARTIAL)


def _show(summary: PairingSummary, *, quiet: bool) -> None:
    """What was made and what was not, on stderr."""
    say(
        f"{summary.folder}: {summary.train} pairs to learn from and {summary.test} held out, "
        f"{summary.places} places, {summary.view} photos, tiles of {summary.ground_size_m:g} m",
        quiet=quiet,
    )
    if summary.passed_over:
        say(f"{summary.passed_over} tiles and photos were there already", quiet=quiet)
    if summary.gap:
        say(f"{_photos(summary.gap)} between the two areas dropped", quiet=quiet)
    if summary.unscaled:
        say(
            f"{_photos(summary.unscaled)} of unknown height taken as they are, at no known scale; "
            "say --height",
            quiet=quiet,
        )
    if summary.unturned:
        say(f"{_photos(summary.unturned)} of unknown heading not turned to north", quiet=quiet)
    failures = CappedWarnings(partial(say, quiet=quiet), rest="no pair: {} more photos")
    for failure in summary.failures:
        failures.add(f"no pair: {failure.reason}")
    failures.finish()


def _photos(count: int) -> str:
    return "1 photo" if count == 1 else f"{count} photos"
