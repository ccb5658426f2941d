"""What `geoloc warp` and `geoloc locate --warp` share: options, and what they say at the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from geoloc.commands._console import say
from geoloc.commands._inputs import dem_option, dsm_option
from geoloc.errors import OptionError
from geoloc.options import LocateOptions, OutputOptions, WarpOptions

if TYPE_CHECKING:
    from geoloc.ortho.job import WarpSummary
    from geoloc.progress import Progress
    from geoloc.terrain.terrain import Terrain

_Command = TypeVar("_Command", bound=Callable[..., object])
_DEFAULT = WarpOptions()


def warp_options(prefix: str = "") -> Callable[[_Command], _Command]:
    """Give a command what decides a warped photo, each option's name behind a prefix.

    They are passed on as ``warp_gsd_m``, ``warp_crs`` and ``warp_reach``.
    """

    def decorate(function: _Command) -> _Command:
        function = click.option(
            f"--{prefix}reach",
            "warp_reach",
            type=click.FloatRange(min=0.1, max=1000),
            default=_DEFAULT.reach,
            show_default=True,
            metavar="HEIGHTS",
            help="How far from the camera a warped photo goes, level, in flying heights [0.1 to "
            "1000]. What an oblique photo shows beyond, or above the horizon, is left out.",
        )(function)
        function = click.option(
            f"--{prefix}crs",
            "warp_crs",
            default=_DEFAULT.crs,
            show_default=True,
            metavar="utm|map|CRS",
            help="CRS of warped photos: UTM of the place, the map's, or any other (EPSG:n).",
        )(function)
        return click.option(
            f"--{prefix}gsd",
            "warp_gsd_m",
            type=click.FloatRange(min=0.0001, max=10_000),
            metavar="METRES",
            help="Pixel of warped photos on the ground, in metres. Default: each photo's own, in "
            "its middle.",
        )(function)

    return decorate


def terrain_options(function: _Command) -> _Command:
    """Give a command ``--dem`` and ``--dsm``, as ``geoloc locate`` has them, and ``--index``."""
    function = click.option(
        "--index",
        type=click.Path(path_type=Path),
        metavar="FOLDER",
        help="Index that the photos were located on, for the elevation model that it keeps; it is "
        "asked after --dem.",
    )(function)
    return dem_option(
        "An elevation model of the ground, the same as `geoloc locate` was given; any raster or "
        "VRT of heights. Without one the ground is taken for level."
    )(dsm_option(function))


def given_terrain(given: dict[str, Any], progress: Progress) -> Terrain | None:
    """The terrain that these options chose, which are taken from the others.

    Raises:
        IndexFolderError: There is no such index.
        InputError: An elevation model cannot be read.
    """
    from geoloc.index.map_index import MapIndex
    from geoloc.locate.map_terrain import terrain_of

    index = given.pop("index")
    chosen = LocateOptions(dem=given.pop("dem"), dsm=given.pop("dsm"))
    terrain = terrain_of(chosen, None if index is None else MapIndex.open(index))
    for note in terrain.notes if terrain is not None else ():
        progress.warn(note)
    return terrain


def take_warp_options(given: dict[str, Any]) -> dict[str, Any]:
    """What these options chose, as `WarpOptions` calls it, and taken from the others."""
    return {name: given.pop(f"warp_{name}") for name in ("gsd_m", "crs", "reach")}


def report_warps(summary: WarpSummary, *, quiet: bool) -> None:
    """Say what was warped, and what was written over all of it."""
    written, passed_over = len(summary.written), summary.passed_over
    if not written and passed_over and not summary.failed and not summary.mosaics:
        say(f"nothing to warp, all {passed_over} warped photos are there already", quiet=quiet)
        return
    text = f"{written} photo{'' if written == 1 else 's'} warped"
    if passed_over:
        text += f", {passed_over} were there already"
    if summary.failed:
        text += f", {len(summary.failed)} could not be"
    if summary.without_camera:
        text += f", {summary.without_camera} without a camera left out"
    say(text, quiet=quiet)
    for path in summary.mosaics:
        say(f"wrote {path}", quiet=quiet)


def check_warp_options(options: WarpOptions, output: str) -> None:
    """Refuse what cannot be warped, before photos are located.

    Raises:
        OptionError: A CRS is unknown, or the results go to stdout.
    """
    from geoloc.ortho.job import check_warping

    if output == "-":
        raise OptionError("--warp reads the results again, and -o - keeps none; name a file")
    check_warping(options)


def warp_located(
    photos: Sequence[Path],
    output: Path,
    index: Path,
    writing: OutputOptions,
    options: LocateOptions,
    warping: tuple[Path, WarpOptions],
    progress: Progress,
) -> WarpSummary:
    """Warp those of the photos that the finished file of results says are located."""
    from geoloc.index.map_index import MapIndex
    from geoloc.locate.map_terrain import terrain_of
    from geoloc.ortho.job import WarpSummary, warp_photos
    from geoloc.results.files import read_results
    from geoloc.results.journal import row_key
    from geoloc.results.solved_camera import solved_camera

    given = {row_key(photo) for photo in photos}
    rows = [row for row in read_results(output, fmt=writing.fmt) if row_key(row.photo) in given]
    located = [row for row in rows if row.status == "located"]
    if not any(solved_camera(row) for row in located):  # street photos, or none at all
        return WarpSummary(without_camera=len(located))
    terrain = terrain_of(options, MapIndex.open(index))
    return warp_photos(rows, *warping, terrain=terrain, progress=progress)
