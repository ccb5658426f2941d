"""`geoloc tile`: parse, call `geoloc.tiles.job`, say what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from geoloc.commands._console import (
    engine_of,
    engine_options,
    example,
    overwrite_option,
    print_json,
    print_rows,
    say,
    verbosity_options,
    workers_option,
)
from geoloc.commands._progress import progress_bar
from geoloc.errors import EXIT_PARTIAL
from geoloc.options import TileOptions

if TYPE_CHECKING:
    from geoloc.tiles.summary import TilePlan, TileSummary

_DEFAULTS = TileOptions()
_MODEL_DEFAULT = "Default: what --model asks for."


class _Bounds(click.ParamType):  # type: ignore[type-arg] # generic only since click 8.2
    """Four numbers with commas between them."""

    name = "W,S,E,N"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, float, float, float]:
        """The four numbers."""
        if isinstance(value, tuple):
            return value
        try:
            west, south, east, north = map(float, str(value).replace(",", " ").split())
        except ValueError:
            self.fail(f"{value!r} is not W,S,E,N in degrees, such as 13.1,52.3,13.8,52.7")
        return west, south, east, north


@click.command("tile", epilog=example("geoloc tile region.tif --overlap 0.5 -o tiles"))
@click.argument("rasters", nargs=-1, required=True, metavar="MAP...")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=Path("tiles"),
    show_default=True,
    metavar="DIR",
    help="Folder to write.",
)
@click.option(
    "--model",
    default=_DEFAULTS.model,
    show_default=True,
    metavar="NAME|DIR",
    help="Cut tiles of the size that this model expects: the one that you will pass to "
    "geoloc index.",
)
@click.option(
    "--ground-size",
    type=float,
    multiple=True,
    metavar="METRES",
    help=f"Side of a tile on the ground, in metres; repeat it for a pyramid. {_MODEL_DEFAULT}",
)
@click.option(
    "--size",
    type=int,
    metavar="PIXELS",
    help=f"Side of a tile in pixels. {_MODEL_DEFAULT}",
)
@click.option(
    "--overlap",
    type=float,
    metavar="SHARE",
    help="Share of a tile's side that overlaps the next tile, 0 to 0.9. Default: 0.5, or 0 for a "
    "model that looks around its tiles.",
)
@click.option(
    "--min-valid",
    type=float,
    default=_DEFAULTS.min_valid,
    show_default=True,
    metavar="SHARE",
    help="Skip tiles with a smaller share of valid pixels, 0 to 1.",
)
@click.option(
    "--virtual",
    is_flag=True,
    help="Write no pixels. Tiles are then windows of the rasters, which must stay where they are. "
    "So are those of a model that looks around its tiles, without this.",
)
@click.option(
    "--bounds",
    type=_Bounds(),
    metavar="W,S,E,N",
    help="Cut only tiles that touch these bounds, in degrees (WGS84).",
)
@click.option(
    "--aoi",
    type=click.Path(exists=True, dir_okay=False),
    metavar="FILE",
    help="Cut only tiles that touch the polygons of this vector file.",
)
@click.option(
    "--aoi-layer",
    metavar="NAME",
    help="Layer of --aoi, where several of its layers hold polygons.",
)
@click.option(
    "--co",
    "creation_options",
    multiple=True,
    metavar="KEY=VALUE",
    help="GDAL creation option of the GeoTIFF tiles; repeat it for several. Default: "
    "lossless ZSTD.",
)
@click.option(
    "--layer",
    metavar="NAME",
    help="Layer of a WMS or WMTS, or raster of a GeoPackage, where there are several.",
)
@click.option(
    "--asset",
    metavar="NAME",
    help="Asset of STAC items, by its name or role. Default: the picture.",
)
@click.option(
    "--max-requests",
    type=click.IntRange(min=1),
    default=_DEFAULTS.max_requests,
    show_default=True,
    metavar="N",
    help="Refuse to ask a map service more often.",
)
@click.option(
    "--save-map",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.tif",
    help="Keep what was read of the map as a Cloud Optimized GeoTIFF, too.",
)
@click.option(
    "--dry-run", is_flag=True, help="Report the number of tiles, bytes and seconds; write nothing."
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on stdout.")
@click.option(
    "--resume",
    is_flag=True,
    help="Keep finished tiles and add the missing ones, also of new rasters.",
)
@overwrite_option
@workers_option(_DEFAULTS.workers)
@engine_options
@verbosity_options
def command(
    rasters: tuple[str, ...],
    output: Path,
    *,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
    verbose: int,
    **given: Any,
) -> None:
    """Cut georeferenced rasters into tiles that are square on the ground.

    MAP is a GeoTIFF, a VRT, an MBTiles, a GeoPackage, a folder, a glob, a zip or tar, a GDAL path
    (/vsizip/..., /vsicurl/...) or an https:// address; with --bounds or --aoi also a tile server
    (https://host/{z}/{x}/{y}.png; {-y} counts from the south, {q} is a quadkey), a WMS, a WMTS, an
    XML file for GDAL's WMS driver, or a STAC item or search. Maps may have different CRS. Writes
    tiles.parquet, tiles.gti.gpkg, tiles.json and the pixels. After an interruption run the same
    command again: it continues, and it does nothing when all tiles are there. Tiles that are
    replaced or added to serve until the new ones are whole, so both take room for a time. The exit
    code is 6 if a map or a part of one could not be read.
    """
    from geoloc.tiles.job import cut_tiles, plan_tiles

    engine = engine_of(given)
    options = _as_options(given)
    if dry_run:
        with progress_bar(quiet=quiet, verbose=verbose) as progress:
            plan = plan_tiles(rasters, output, options, progress=progress)
        _show_plan(plan, as_json=as_json)
        return
    with progress_bar(quiet=quiet, verbose=verbose) as progress:
        summary = cut_tiles(rasters, output, options, progress=progress, engine=engine)
    _show_summary(summary, quiet=quiet, as_json=as_json)
    if not summary.is_complete:
        click.get_current_context().exit(EXIT_PARTIAL)


def _as_options(given: dict[str, object]) -> TileOptions:
    """The options of the library, from those of the command line."""
    names = {"ground_size": "ground_sizes_m", "size": "size_px"}
    return TileOptions(**{names.get(k, k): v for k, v in given.items()})  # type: ignore[arg-type] # click checked them


def _show_plan(plan: TilePlan, *, as_json: bool) -> None:
    """What a dry run has found, on stdout."""
    if as_json:
        facts = {"tiles": plan.tiles, "bytes": plan.bytes, "seconds": round(plan.seconds, 1)}
        print_json(facts | ({"requests": plan.requests} if plan.requests else {}))
        return
    rows: list[tuple[str, object]] = [
        ("tiles", f"{plan.tiles} at most"),
        ("on disk", _readable_bytes(plan.bytes)),
        ("time", f"about {_readable_seconds(plan.seconds)}"),
    ]
    if plan.requests:
        rows.append(("requests", f"{plan.requests} to map services, about"))
    rows += [(r.location, r.error or f"{r.tiles} tiles") for r in plan.rasters]
    print_rows(rows)


def _show_summary(summary: TileSummary, *, quiet: bool, as_json: bool) -> None:
    """What a run has made: one line on stderr, or JSON on stdout."""
    if as_json:
        print_json(
            {
                "folder": summary.folder.as_posix(),
                "tiles": summary.tiles,
                "skipped": summary.skipped,
                "unreadable": summary.unreadable,
                "failed": {entry.location: entry.error for entry in summary.failures},
                "unchanged": summary.unchanged,
            }
        )
    if summary.unchanged:
        say(
            f"{summary.folder}: nothing to do, {summary.tiles} tiles are there already", quiet=quiet
        )
        return
    count = len(summary.rasters) - len(summary.failures)
    text = f"{summary.folder}: {summary.tiles} tiles from {count} raster{'s' * (count != 1)}"
    if summary.skipped:
        text += f", {summary.skipped} skipped (too few valid pixels)"
    if summary.unreadable:
        text += f", {summary.unreadable} unreadable"
    if summary.failures:
        text += f", {len(summary.failures)} not cut"
    say(f"{text}, {_readable_seconds(summary.seconds)}", quiet=quiet)


def _readable_bytes(count: float) -> str:
    """``12.3 MB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"


def _readable_seconds(seconds: float) -> str:
    """``4.2 s``, ``3 min`` or ``2.5 h``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
