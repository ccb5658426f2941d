"""The job `geoloc tile`: from rasters to a finished folder of tiles, resumable at any time."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from pathlib import Path

import rasterio

from geoloc.lock import locked_folder
from geoloc.options import TileOptions
from geoloc.progress import Progress, Silent
from geoloc.tiles.cutting import CACHE_BYTES
from geoloc.tiles.location import relative_location
from geoloc.tiles.manifest import RasterEntry
from geoloc.tiles.raster import expand_rasters
from geoloc.tiles.resume import prepare_folder
from geoloc.tiles.run import TileRun, refuse_if_all_failed
from geoloc.tiles.scheme import resolve_scheme
from geoloc.tiles.successor import Workplace
from geoloc.tiles.summary import TilePlan, TileSummary


def cut_tiles(
    inputs: Sequence[str],
    folder: str | Path,
    options: TileOptions | None = None,
    *,
    progress: Progress | None = None,
) -> TileSummary:
    """Cut rasters into square tiles, and write them with their table, mosaic and manifest.

    An interrupted run goes on where it stopped; a finished one does nothing. A raster that cannot
    be cut is named in the summary, as long as another one can. Tiles that are there serve until
    their successor is whole.

    Raises:
        ModelError: There is no such model, which is asked for the sizes that are not given.
        OptionError: Options contradict each other or lie out of range.
        OutputExistsError: The folder holds something else, or tiles that were cut otherwise.
        OutputBusyError: Another run writes there.
        InputError: No raster at all could be cut.
    """
    options, folder, started = options or TileOptions(), Path(folder), time.monotonic()
    scheme, area = resolve_scheme(options)
    sources = _sources(inputs, folder)
    with locked_folder(folder):
        prepared = prepare_folder(folder, scheme, sources, options)
        manifest = prepared.manifest
        if prepared.place is not None:
            hear, known = progress or Silent(), prepared.known
            run = TileRun(prepared.place, scheme, area, options.workers, hear, known=known)
            manifest = run.make(manifest)
    seconds = time.monotonic() - started
    return TileSummary(folder, manifest.rasters, prepared.place is None, seconds)


def plan_tiles(
    inputs: Sequence[str],
    folder: str | Path,
    options: TileOptions | None = None,
    *,
    progress: Progress | None = None,
) -> TilePlan:
    """What `cut_tiles` would make, from the grids and a few tiles cut in memory.

    Raises:
        ModelError: There is no such model, which is asked for the sizes that are not given.
        OptionError: Options contradict each other or lie out of range.
        InputError: No raster at all could be cut.
    """
    options, folder = options or TileOptions(), Path(folder)
    scheme, area = resolve_scheme(options)
    run = TileRun(Workplace.in_place(folder), scheme, area, options.workers, progress or Silent())
    with rasterio.Env(GDAL_CACHEMAX=CACHE_BYTES):
        plans = [run.plan(source) for source in _sources(inputs, folder)]
    entries = tuple(entry for plan in plans for entry in plan.rasters)
    refuse_if_all_failed(entries, run.errors)
    return TilePlan(
        tiles=sum(plan.tiles for plan in plans),
        bytes=sum(plan.bytes for plan in plans),
        seconds=sum(plan.seconds for plan in plans),
        rasters=entries,
    )


def _sources(inputs: Sequence[str], folder: Path) -> list[RasterEntry]:
    """The rasters that are meant, named as the folder's table will name them."""
    return [
        RasterEntry.of(relative_location(location, folder), _key(location), folder)
        for location in expand_rasters(inputs)
    ]


def _key(location: str) -> str:
    """The name of a raster, fit for a file."""
    return re.sub(r"[^\w.-]+", "-", Path(location).stem)[:80] or "raster"
