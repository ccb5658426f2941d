"""The job `geoloc tile`: from rasters to a finished folder of tiles, resumable at any time."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import rasterio

from geoloc.options import ONE_MACHINE, EngineOptions, TileOptions
from geoloc.progress import Progress, Silent
from geoloc.storage.lock import locked_folder
from geoloc.tiles.area import Area
from geoloc.tiles.chunk_worker import ClusterCutter
from geoloc.tiles.cutting import CACHE_BYTES, cut_raster
from geoloc.tiles.location import relative_location
from geoloc.tiles.manifest import TILES_MANIFEST, RasterEntry, TileScheme
from geoloc.tiles.resume import prepare_folder
from geoloc.tiles.run import Cutter, TileRun
from geoloc.tiles.run_messages import refuse_if_all_failed
from geoloc.tiles.saved_map import check_saved_map
from geoloc.tiles.scheme import resolve_scheme
from geoloc.tiles.sources.finding import find_sources, refuse_virtual
from geoloc.tiles.sources.map_source import MapRequest, MapSource
from geoloc.tiles.successor import Workplace
from geoloc.tiles.summary import TilePlan, TileSummary


def cut_tiles(
    inputs: Sequence[str],
    folder: str | Path,
    options: TileOptions | None = None,
    *,
    progress: Progress | None = None,
    engine: EngineOptions = ONE_MACHINE,
) -> TileSummary:
    """Cut rasters into square tiles, and write them with their table, mosaic and manifest.

    An interrupted run goes on where it stopped; a finished one does nothing. A raster that cannot
    be cut is named in the summary, as long as another one can. Tiles that are there serve until
    their successor is whole. The actors of a cluster cut the same files; map services are asked
    from here only.

    Raises:
        DependencyError: There is no such cluster.
        ModelError: There is no such model, which is asked for the sizes that are not given.
        OptionError: Options contradict each other or lie out of range.
        OutputExistsError: The folder holds something else, or tiles that were cut otherwise.
        OutputBusyError: Another run writes there.
        InputError: No raster at all could be cut.
    """
    options, folder, started = options or TileOptions(), Path(folder), time.monotonic()
    progress = progress or Silent()
    scheme, area = resolve_scheme(options)
    with _found(inputs, options, scheme, area) as sources, locked_folder(folder):
        kept = options.save_map
        if kept is not None:
            is_known = options.overwrite or (folder / TILES_MANIFEST).exists()
            check_saved_map(kept, [s.location for s in sources], overwrite=is_known)
        prepared = prepare_folder(folder, scheme, _entries(sources, folder), options)
        manifest, place = prepared.manifest, prepared.place or Workplace.in_place(folder)
        run = _run(place, options, scheme, area, progress, sources)
        if prepared.place is not None:
            with _cutter(engine) as cutter:
                run = replace(run, known=prepared.known, cutter=cutter)
                manifest = run.make(manifest)
        if kept is not None and not (prepared.place is None and kept.exists()):
            # What there is to say of the raster was said when it was cut.
            replace(run, progress=Silent()).save(manifest.rasters[0], kept)
    seconds = time.monotonic() - started
    return TileSummary(folder, manifest.rasters, prepared.place is None, seconds)


def _cutter(engine: EngineOptions) -> AbstractContextManager[Cutter]:
    return ClusterCutter(engine) if engine.is_cluster else nullcontext(cut_raster)


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
    with _found(inputs, options, scheme, area) as sources:
        place = Workplace.in_place(folder)
        run = _run(place, options, scheme, area, progress or Silent(), sources)
        with rasterio.Env(GDAL_CACHEMAX=CACHE_BYTES):
            plans = [run.plan(source) for source in _entries(sources, folder)]
    entries = tuple(entry for plan in plans for entry in plan.rasters)
    refuse_if_all_failed(entries, run.errors)
    return TilePlan(
        tiles=sum(plan.tiles for plan in plans),
        bytes=sum(plan.bytes for plan in plans),
        seconds=sum(plan.seconds for plan in plans),
        requests=sum(plan.requests for plan in plans),
        rasters=entries,
    )


@contextmanager
def _found(
    inputs: Sequence[str], options: TileOptions, scheme: TileScheme, area: Area
) -> Iterator[list[MapSource]]:
    """The rasters that are meant; descriptions of services lie in a folder until the end."""
    with tempfile.TemporaryDirectory(prefix="geoloc-") as scratch:
        request = MapRequest(
            area=area,
            gsd_m=scheme.finest_gsd_m,
            margin_m=scheme.reach_m,
            scratch=Path(scratch),
            layer=options.layer,
            asset=options.asset,
        )
        sources = find_sources(inputs, request)
        if scheme.virtual:
            refuse_virtual(sources, looks_around=scheme.crops is not None)
        yield sources


def _run(
    place: Workplace,
    options: TileOptions,
    scheme: TileScheme,
    area: Area,
    progress: Progress,
    sources: Sequence[MapSource],
) -> TileRun:
    """A run over rasters, named as the folder's table will name them."""
    named = {relative_location(source.location, place.folder): source for source in sources}
    return TileRun(
        place, scheme, area, options.workers, progress, named, max_requests=options.max_requests
    )


def _entries(sources: Sequence[MapSource], folder: Path) -> list[RasterEntry]:
    """The rasters that are meant, named as the folder's table will name them."""
    return [
        replace(
            RasterEntry.of(relative_location(source.location, folder), source.key, folder),
            attribution=source.attribution,
        )
        for source in sources
    ]
