"""`geoloc index`: tiles in, an index out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from geoloc.commands._console import (
    device_option,
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
from geoloc.commands._inputs import dem_option
from geoloc.commands._progress import progress_bar
from geoloc.errors import EXIT_PARTIAL, OptionError
from geoloc.options import CellMode, IndexOptions

if TYPE_CHECKING:
    from geoloc.index.job import IndexSummary
    from geoloc.index.planning import IndexPlan

_DEFAULT = IndexOptions()


@click.command(name="index", epilog=example("geoloc index tiles/ -o index"))
@click.argument("tiles", type=click.Path(path_type=Path), metavar="TILES", required=False)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("index"),
    show_default=True,
    metavar="DIR",
    help="Folder to write.",
)
@click.option(
    "--model",
    default=_DEFAULT.model,
    show_default=True,
    metavar="NAME|DIR",
    help="Model that embeds the tiles: a bundled model or a model folder.",
)
@device_option(_DEFAULT.device)
@click.option(
    "--batch-size",
    type=click.IntRange(min=1),
    metavar="TILES",
    help="Tiles per batch; halved automatically when memory runs out. Default: chosen by device.",
)
@click.option(
    "--factory",
    default=_DEFAULT.factory,
    show_default=True,
    metavar="STRING",
    help="FAISS factory string. SQfp16 is exact. Others, such as IVF1024,SQfp16, search "
    "large maps faster and may miss tiles.",
)
@click.option(
    "--store",
    default=_DEFAULT.store,
    show_default=True,
    metavar="faiss|lance|ADDRESS",
    help="What keeps vectors and tiles: files for FAISS, a Lance dataset in the folder, or one at "
    "an address such as s3://bucket/region.lance (extra lance).",
)
@click.option(
    "--features",
    type=click.Choice(["stored", "lazy"]),
    default="stored",
    show_default=True,
    help="The local features of the map, which locate needs for an exact position: stored in the "
    "index, or found again in the map's pixels, where a photo may be, by locate.",
)
@click.option("--no-features", is_flag=True, help="Leave the local features out.")
@click.option(
    "--descriptor",
    default=_DEFAULT.descriptor,
    show_default=True,
    metavar="NAME|FOLDER",
    help="Descriptor of the local features: a model that geoloc train made, or rootsift.",
)
@click.option(
    "--cells",
    type=click.Choice(get_args(CellMode)),
    default=_DEFAULT.cells,
    show_default=True,
    help="How tiles are embedded by a model that looks around them: exact passes it over each "
    "tile's own crops, dense most of it once over the map, which is several times as quick and "
    "makes slightly other vectors. Other models take no notice.",
)
@dem_option(
    "An elevation model of the ground, whose heights around the map the index keeps for locate. "
    "Repeat it for several; the first that knows a place wins."
)
@click.option("--append", is_flag=True, help="Add tiles that are not in the index yet.")
@click.option(
    "--remove",
    multiple=True,
    metavar="RASTER",
    help="Take the tiles of a raster out of the index, without TILES; repeat it for several.",
)
@click.option(
    "--calibrate",
    is_flag=True,
    help="Then fit confidences to simulated photos of the map, as geoloc calibrate --simulate 60 "
    "does, unless the index is calibrated already.",
)
@click.option(
    "--dry-run", is_flag=True, help="Report the number of tiles, bytes and minutes; write nothing."
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on stdout.")
@overwrite_option
@workers_option(_DEFAULT.workers)
@engine_options
@verbosity_options
@click.pass_context
def command(  # one parameter an option; how to build goes on as one dataclass
    ctx: click.Context,
    /,
    *,
    tiles: Path | None,
    output: Path,
    remove: tuple[str, ...],
    features: str,
    no_features: bool,
    calibrate: bool,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
    verbose: int,
    **build: Any,
) -> None:
    """Embed tiles and build the index that photos are searched in.

    TILES is a folder that `geoloc tile` wrote. Locating does not need it any more once it is
    indexed. After an interruption run the same command again: it continues, and it does nothing
    when the index is complete, unless a part of it is damaged, which it builds anew.

    \b
    Exit code: 0 done, 6 done but some tiles could not be read and are left out,
    2 wrong options or another index is there, 3 no tiles, 4 no such model,
    5 no such device, 130 interrupted (the same command continues).
    """
    from geoloc.index.job import build_index

    engine = engine_of(build)
    is_lazy = features == "lazy"
    options = IndexOptions(**build, features=not no_features, lazy_features=is_lazy)
    if remove:
        _check_alone(tiles, options, dry_run=dry_run)
        _remove(output, remove, options, quiet=quiet, verbose=verbose, as_json=as_json)
        return
    if tiles is None:
        raise OptionError("no TILES given; expected the folder that geoloc tile wrote")
    if dry_run:
        from geoloc.index.planning import plan_index

        _show_plan(plan_index(tiles, output, options), as_json=as_json)
        return
    with progress_bar(quiet=quiet, verbose=verbose) as progress:
        summary = build_index(tiles, output, options, progress=progress, engine=engine)
    _show_summary(summary, quiet=quiet, as_json=as_json)
    if calibrate:
        _calibrate(output, quiet=quiet, verbose=verbose)
    if not summary.is_complete:
        ctx.exit(EXIT_PARTIAL)


def _calibrate(folder: Path, *, quiet: bool, verbose: int) -> None:
    """Calibrate an index on its map, unless something serves already."""
    from geoloc.learning.calibration.map_job import (
        DEFAULT_PHOTOS,
        calibrate_on_map,
        planned_minutes,
        serving_calibration,
    )

    if (serving := serving_calibration(folder)) is not None:
        say(f"{folder} is calibrated already, on {serving.made_of}", quiet=quiet)
        return
    minutes = round(planned_minutes(DEFAULT_PHOTOS))
    say(f"calibrating on the map: about {minutes} minutes of one core", quiet=quiet)
    with progress_bar(quiet=quiet, verbose=verbose) as progress:
        summary = calibrate_on_map(folder, photos=DEFAULT_PHOTOS, progress=progress)
    say(f"wrote {summary.path}", quiet=quiet)


def _check_alone(tiles: Path | None, options: IndexOptions, *, dry_run: bool) -> None:
    """Refuse what --remove has no use for."""
    if tiles is not None or dry_run or options.append or options.overwrite:
        raise OptionError(
            "--remove works on the index alone; leave out TILES, --append, --overwrite and "
            "--dry-run, and name the index with -o"
        )


def _remove(
    folder: Path,
    rasters: tuple[str, ...],
    options: IndexOptions,
    *,
    quiet: bool,
    verbose: int,
    as_json: bool,
) -> None:
    from geoloc.index.removal import remove_rasters

    with progress_bar(quiet=quiet, verbose=verbose) as progress:
        count = remove_rasters(folder, rasters, options, progress)
    if as_json:
        print_json({"folder": folder, "removed": count})
    elif not quiet:
        say(f"{folder}: {count} tiles removed")


def _show_plan(plan: IndexPlan, *, as_json: bool) -> None:
    facts: dict[str, object] = {
        "tiles": plan.tiles,
        "vectors_mb": round(plan.size_bytes / 1e6, 1),
        "network_minutes": _minutes(plan.seconds),
        "device": plan.device,
    }
    for mode, cost in plan.cells.items():
        facts[f"{mode}_gmac"] = round(cost.gmac, 1)
        facts[f"{mode}_minutes"] = _minutes(cost.seconds)
    if as_json:
        print_json(facts)
    else:
        print_rows(list(facts.items()))


def _minutes(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds / 60, 1)


def _show_summary(summary: IndexSummary, *, quiet: bool, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "folder": summary.folder,
                "tiles": summary.tiles,
                "added": summary.added,
                "left_out": summary.left_out,
                "size_mb": round(summary.size_bytes / 1e6, 1),
                "seconds": round(summary.elapsed_s, 1),
            }
        )
        return
    size = f"{summary.size_bytes / 1e6:.1f} MB"
    left = f", {summary.left_out} left out: unreadable" if summary.left_out else ""
    if summary.added:
        took = f" in {summary.elapsed_s:.0f} s"
        say(f"{summary.folder}: {summary.tiles} tiles, {size}{left}{took}", quiet=quiet)
    else:
        text = f"{summary.folder} holds these tiles already: {summary.tiles} tiles, {size}{left}"
        say(text, quiet=quiet)
