"""Cut the tiles of one raster: read, convert and write them with several threads.

Memory is bounded: tiles are cut in chunks of neighbouring columns, from north to south, so that
GDAL's block cache (of fixed size) holds what the next row of tiles needs again, and each block of
the file is decoded about once. Files striped over their whole width are cut in chunks of rows.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np
import shapely

from geoloc.errors import RasterError
from geoloc.stretch import Stretch
from geoloc.tiles.footprint import window_centres, window_polygons
from geoloc.tiles.grid import RasterFrame, TileWindow
from geoloc.tiles.location import resolve_location
from geoloc.tiles.manifest import TileScheme
from geoloc.tiles.raster import MapRaster, PixelWindow, open_raster
from geoloc.tiles.tile_file import TileWriter
from geoloc.tiles.tile_set import PIXELS

# Rasterio hands GDAL_CACHEMAX on in bytes; megabytes, as in GDAL itself, would disable the cache.
CACHE_BYTES = 256 << 20

# A server that refuses so many tiles in a row is not asked for the rest of the chunk.
_REFUSALS = 5

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class TileSpec:
    """One tile to be cut: its name, its window, and where that lies in degrees."""

    tile_id: str
    ground_size_m: float
    window: TileWindow
    lon: float
    lat: float
    footprint: shapely.Geometry


@dataclass(frozen=True)
class Outcome:
    """What became of one tile: its row, or why there is none."""

    tile_id: str
    row: Row | None = None
    unreadable: str | None = None


@dataclass(frozen=True)
class RasterJob:
    """What the threads that cut one raster share.

    Attributes:
        location: Location of the raster, as the table names it.
        folder: Folder of the tiles, which locations are relative to.
        home: Folder that the pixels are written under.
        key: Name of the raster within the set, and of its folder of pixels.
        scheme: Options that decide the tiles.
        frame: North-up grid of the raster.
        crs_text: CRS of the raster, as the table keeps it.
        stretch: Mapping of its values to bytes, if they are none.
        opened: What GDAL opens, where that is not the file at the location.
        stop: Event that is set when the run is to end early.
    """

    location: str
    folder: Path
    home: Path
    key: str
    scheme: TileScheme
    frame: RasterFrame
    crs_text: str
    stretch: Stretch | None = None
    opened: str = ""
    stop: threading.Event = field(default_factory=threading.Event)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "stop"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, stop=threading.Event())  # another process ends by itself

    @property
    def path(self) -> str:
        """The raster, as GDAL opens it."""
        return self.opened or resolve_location(self.folder, self.location)

    @property
    def name(self) -> str:
        """What the raster is called in messages."""
        return self.location if self.opened else self.path


def specs_of(job: RasterJob, ground_size_m: float, windows: Sequence[TileWindow]) -> list[TileSpec]:
    """The tiles of these windows, under names that are unique over the set."""
    frame, size_px = job.frame, job.scheme.size_px
    centres = window_centres(frame, windows, size_px).tolist()
    footprints = window_polygons(frame, windows, size_px)
    return [
        TileSpec(f"{job.key}_{ground_size_m:g}_{w.row}_{w.col}", ground_size_m, w, lon, lat, shape)
        for w, (lon, lat), shape in zip(windows, centres, footprints, strict=True)
    ]


def cut_raster(
    job: RasterJob, chunks: Sequence[Sequence[TileSpec]], *, workers: int
) -> Iterator[list[Outcome]]:
    """Cut chunks of tiles, and yield what became of them in batches, in any order.

    Raises:
        OptionError: A creation option was refused.
    """
    # The threads put outcomes; a chunk that is done, or has failed, follows its own.
    reports: SimpleQueue[Outcome | Future[None]] = SimpleQueue()
    with ThreadPoolExecutor(max_workers=workers) as pool:
        waiting = {pool.submit(cut_chunk, job, chunk, reports.put) for chunk in chunks}
        try:
            for future in waiting:
                future.add_done_callback(reports.put)
            while waiting:
                batch = _take(reports)
                yield [report for report in batch if isinstance(report, Outcome)]
                finished = {report for report in batch if isinstance(report, Future)}
                for future in finished:
                    future.result()
                waiting -= finished
        finally:
            job.stop.set()
            for future in waiting:
                future.cancel()


def _take(
    reports: SimpleQueue[Outcome | Future[None]],
) -> list[Outcome | Future[None]]:
    """All that is reported by now; waits for the first."""
    batch = [reports.get()]
    while not reports.empty():
        batch.append(reports.get())
    return batch


def cut_chunk(job: RasterJob, chunk: Sequence[TileSpec], report: Callable[[Outcome], None]) -> None:
    """Cut one chunk with its own handle of the raster.

    Args:
        job: The raster.
        chunk: The tiles.
        report: Hears what became of each.

    Raises:
        OptionError: A creation option was refused.
    """
    scheme = job.scheme
    with (
        open_raster(job.path, name=job.name, stretch=job.stretch, check=False) as raster,
        TileWriter(raster.crs, scheme.size_px, scheme.creation_options) as writer,
    ):
        refused: list[str] = []
        for spec in chunk:
            if job.stop.is_set():
                return
            if raster.is_service and len(refused) >= _REFUSALS:
                report(Outcome(spec.tile_id, unreadable=refused[-1]))
                continue
            outcome = _cut_tile(job, spec, raster, writer)
            refused = [] if outcome.unreadable is None else [*refused, outcome.unreadable]
            report(outcome)


def _cut_tile(job: RasterJob, spec: TileSpec, raster: MapRaster, writer: TileWriter) -> Outcome:
    """Cut one tile; a damaged part of the file costs only this one."""
    window, size_px = spec.window, job.scheme.size_px
    try:
        if job.scheme.virtual and raster.always_valid:
            return _finish(job, spec, share_inside(job.frame, window))
        tile = raster.read_rgb(pixel_window(window), size_px)
    except RasterError as error:
        return Outcome(spec.tile_id, unreadable=str(error))
    share = 1.0 if tile.valid.all() else float(tile.valid.mean())
    if share >= job.scheme.min_valid and share > 0 and not job.scheme.virtual:
        path = job.home / pixel_location(job, spec)
        writer.write(path, tile, window.transform(job.frame, size_px))
    return _finish(job, spec, share)


def _finish(job: RasterJob, spec: TileSpec, share: float) -> Outcome:
    """The outcome of a tile with this share of valid pixels."""
    if share < job.scheme.min_valid or share <= 0:
        return Outcome(spec.tile_id)
    return Outcome(spec.tile_id, make_row(job, spec, share))


def share_inside(frame: RasterFrame, window: TileWindow) -> float:
    """The share of a window that lies within its raster."""
    width = min(window.col_off + window.width, frame.width_px) - max(window.col_off, 0)
    height = min(window.row_off + window.height, frame.height_px) - max(window.row_off, 0)
    return min(1.0, max(0.0, width) * max(0.0, height) / (window.width * window.height))


def pixel_window(window: TileWindow) -> PixelWindow:
    """The raster window of a tile."""
    return PixelWindow(window.col_off, window.row_off, window.width, window.height)


def pixel_location(job: RasterJob, spec: TileSpec) -> str:
    """Where the pixels of a tile will lie, relative to the folder of tiles."""
    window = spec.window
    name = f"{window.row:05d}_{window.col:05d}.tif"
    return f"{PIXELS}/{job.key}/{spec.ground_size_m:g}/{name}"


def make_row(job: RasterJob, spec: TileSpec, share: float) -> Row:
    """The row of a tile in the table, with its footprint."""
    window, size_px = spec.window, job.scheme.size_px
    transform = window.transform(job.frame, size_px)
    virtual = job.scheme.virtual
    return {
        "tile_id": spec.tile_id,
        "location": job.location if virtual else pixel_location(job, spec),
        "col_off": window.col_off if virtual else 0.0,
        "row_off": window.row_off if virtual else 0.0,
        "width": window.width if virtual else float(size_px),
        "height": window.height if virtual else float(size_px),
        "crs": job.crs_text,
        "transform": list(transform)[:6],
        "ground_size_m": spec.ground_size_m,
        "gsd_m": window.gsd_m,
        "valid_fraction": share,
        "lon": spec.lon,
        "lat": spec.lat,
        "row": window.row,
        "col": window.col,
        "raster": job.location,
        "stretch": "" if job.stretch is None else job.stretch.to_text(),
        "geometry": spec.footprint,
    }


def make_chunks(
    raster: MapRaster, specs: Sequence[TileSpec], *, workers: int
) -> list[list[TileSpec]]:
    """Tiles of one ground size in chunks for one thread each, in the order that reads blocks once.

    A chunk is at most as many columns wide as the share of the cache of a thread holds for one row
    of tiles and the next; or, for a file in stripes over its whole width, some rows high. All are
    of one size, so that no thread waits for another at the end, and may end within a column.
    """
    if not specs:
        return []
    axis, across = ("row", "col") if raster.has_stripes else ("col", "row")
    ordered = sorted(specs, key=lambda s: (getattr(s.window, axis), getattr(s.window, across)))
    rounds = 1
    if not raster.has_stripes:
        columns = len({spec.window.col for spec in specs})
        # One that begins and ends within a column reaches over one more.
        widest = max(1, _columns_in_cache(raster, specs, workers=workers) - 1)
        rounds = math.ceil(columns / (widest * workers))
    count = min(len(specs), rounds * workers)
    ends = [len(specs) * number // count for number in range(count + 1)]
    return [
        sorted(ordered[first:end], key=lambda spec: (spec.window.row, spec.window.col))
        for first, end in pairwise(ends)
    ]


def _columns_in_cache(raster: MapRaster, specs: Sequence[TileSpec], *, workers: int) -> int:
    """How many columns of tiles, two tiles high, a thread's share of the cache holds."""
    window = specs[0].window
    dataset = raster.dataset
    per_pixel = sum(np.dtype(dtype).itemsize for dtype in dataset.dtypes)
    per_column = 2 * window.width * window.height * per_pixel
    return max(1, int(CACHE_BYTES / workers / per_column))
