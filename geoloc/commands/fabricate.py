"""``geoloc fabricate``: data to try things on, with its truth."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, get_args

import click

from geoloc.commands._console import example, overwrite_option, print_rows, say, verbosity_options
from geoloc.commands._progress import progress_bar
from geoloc.synthetic.options import MAX_MAP_SEASONS, CrossViewOptions, SyntheticKind

_EXAMPLE = "geoloc fabricate crossview -o town --kind panorama --places 400 --test-places 100"


@click.group(name="fabricate", epilog=example("geoloc fabricate crossview"))
def command() -> None:
    """Make synthetic data for training and measuring.

    The towns are synthetic, so the position of everything in them is known to the decimetre.
    """


@command.command("crossview", epilog=example(_EXAMPLE))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("town"),
    show_default=True,
    metavar="DIR",
    help="Folder to write.",
)
@click.option(
    "--kind",
    type=click.Choice(get_args(SyntheticKind)),
    default=CrossViewOptions.kind,
    show_default=True,
    help="Kind of the photos.",
)
@click.option(
    "--places",
    type=click.IntRange(min=1),
    default=CrossViewOptions.places,
    show_default=True,
    metavar="N",
    help="Number of training places.",
)
@click.option(
    "--test-places",
    type=click.IntRange(min=1),
    default=CrossViewOptions.test_places,
    show_default=True,
    metavar="N",
    help="Number of test places, in a town of their own.",
)
@click.option(
    "--towns",
    type=click.IntRange(min=1),
    default=CrossViewOptions.towns,
    show_default=True,
    metavar="N",
    help="Number of towns that the training places are divided among.",
)
@click.option(
    "--photos",
    type=click.IntRange(min=1),
    metavar="N",
    help="Photos of each place.  [default: 1 panorama or street photo, 4 drone photos]",
)
@click.option(
    "--street",
    type=click.IntRange(min=0),
    default=CrossViewOptions.street,
    show_default=True,
    metavar="N",
    help="Number of test places where a street photo with a limited field of view is taken too.",
)
@click.option(
    "--tiles",
    type=click.IntRange(min=1),
    default=CrossViewOptions.tiles,
    show_default=True,
    metavar="N",
    help="Tiles of each training place and map. All but the first are shifted a little.",
)
@click.option(
    "--map-seasons",
    type=click.IntRange(1, MAX_MAP_SEASONS),
    default=CrossViewOptions.map_seasons,
    show_default=True,
    metavar="N",
    help="Number of seasons in which the training towns are mapped.",
)
@click.option(
    "--tile-size",
    "tile_m",
    type=click.FloatRange(min=1),
    metavar="METRES",
    help="Side of a reference tile in metres.  [default: 60, drone 100]",
)
@click.option(
    "--spacing",
    "spacing_m",
    type=click.FloatRange(min=1),
    metavar="METRES",
    help="Least distance between two places in metres.  [default: half a tile]",
)
@click.option(
    "--gsd",
    "gsd_m",
    type=click.FloatRange(min=0.05),
    default=CrossViewOptions.gsd_m,
    show_default=True,
    metavar="METRES",
    help="Side of a pixel of maps and tiles in metres.",
)
@click.option(
    "--width",
    "width_px",
    type=click.IntRange(min=16),
    metavar="PIXELS",
    help="Width of a photo in pixels.  [default: 1024, drone 512, street 640]",
)
@click.option(
    "--span",
    "span_deg",
    type=float,
    nargs=2,
    default=CrossViewOptions.span_deg,
    show_default=True,
    metavar="BOTTOM TOP",
    help="Lower and upper elevation of a panorama in degrees.",
)
@click.option(
    "--any-heading",
    is_flag=True,
    help="Give each panorama a random heading, which its metadata record. Without it, north "
    "is in the middle.",
)
@click.option(
    "--relief",
    "relief_percent",
    type=click.FloatRange(0, 100),
    default=CrossViewOptions.relief_percent,
    show_default=True,
    metavar="PERCENT",
    help="Mean slope of the ground under drone photos: hills, a valley and terraces. Writes the "
    "elevation models dem_*.tif too.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=CrossViewOptions.seed,
    show_default=True,
    metavar="NUMBER",
    help="Seed of the towns.",
)
@overwrite_option
@verbosity_options
def crossview(output: Path, *, quiet: bool, verbose: int, **chosen: Any) -> None:
    """Make photos of places, and map tiles of the same places in other seasons.

    Writes map_*.tif (UTM), tiles/, photos/train and photos/test with metadata, pairs.csv, which
    train and benchmark read, and truth.csv of the test photos, which evaluate reads. With --street
    photos/street and truth_street.csv as well.
    """
    from geoloc.synthetic.crossview.job import fabricate_crossview

    began = time.perf_counter()
    options = CrossViewOptions(**chosen)
    with progress_bar(quiet=quiet, verbose=verbose) as progress:
        made = fabricate_crossview(output, options, progress=progress)
    if not quiet:
        rows: list[tuple[str, object]] = [
            ("maps", ", ".join(path.name for path in made.maps)),
            ("training photos", made.training_photos),
            ("test photos", made.test_photos),
            ("street photos", made.street_photos or None),
            ("pairs", output / "pairs.csv"),
        ]
        print_rows(rows)
    say(f"{time.perf_counter() - began:.0f} s", quiet=quiet)
