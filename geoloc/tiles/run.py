"""One run of `geoloc tile` over several rasters: plan, cut, count, and write the tables."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import rasterio

from geoloc.errors import InputError, RasterError
from geoloc.geometry.crs import crs_text
from geoloc.options import TileOptions
from geoloc.progress import Progress, Silent
from geoloc.tiles.area import Area
from geoloc.tiles.coarseness import blurred_crops
from geoloc.tiles.cutting import (
    CACHE_BYTES,
    Outcome,
    RasterJob,
    Row,
    TileSpec,
    cut_raster,
    make_chunks,
    pixel_window,
    specs_of,
)
from geoloc.tiles.grid import GridOptions, TileGrid, check_resolution
from geoloc.tiles.journal import Journal
from geoloc.tiles.location import resolve_location
from geoloc.tiles.manifest import RasterEntry, TileManifest, TileScheme
from geoloc.tiles.raster import MapRaster, PixelWindow, check_windows, open_raster
from geoloc.tiles.resume import abandon_folder, finish_folder
from geoloc.tiles.run_messages import (
    about_raster,
    fill_warning,
    no_tiles,
    refuse_if_all_failed,
)
from geoloc.tiles.saved_map import save_map
from geoloc.tiles.selection import touching_rows
from geoloc.tiles.service_blocks import check_requests, count_blocks
from geoloc.tiles.source_files import check_sources
from geoloc.tiles.sources.map_source import MapSource
from geoloc.tiles.successor import Workplace
from geoloc.tiles.summary import TilePlan
from geoloc.tiles.table_files import make_table, write_mosaic, write_table
from geoloc.tiles.tile_file import TileWriter

_SAMPLES = 6
# Fewer rows are planned before a person could read that they are.
_SHOWN_ROWS = 500


class Cutter(Protocol):
    """Cuts the tiles of a raster."""

    def __call__(
        self, job: RasterJob, chunks: Sequence[Sequence[TileSpec]], /, *, workers: int
    ) -> Iterator[list[Outcome]]:
        """What became of tiles, in batches, in any order."""


@dataclass(frozen=True)
class TileRun:
    """One run over several rasters."""

    place: Workplace
    scheme: TileScheme
    area: Area
    workers: int
    progress: Progress
    sources: Mapping[str, MapSource] = field(default_factory=dict)
    max_requests: int = TileOptions.max_requests
    known: Mapping[str, RasterEntry] = field(default_factory=dict)
    errors: list[InputError] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    told: set[str] = field(default_factory=set)
    cutter: Cutter = cut_raster

    @property
    def folder(self) -> Path:
        """Folder of the tiles, which all locations are relative to."""
        return self.place.folder

    def make(self, manifest: TileManifest) -> TileManifest:
        """Cut all rasters and write the tables; the finished manifest."""
        with rasterio.Env(GDAL_CACHEMAX=CACHE_BYTES), Journal(self.place.notes) as journal:
            entries = tuple(self.cut(source, journal) for source in manifest.rasters)
            rows = [o.row for o in journal.outcomes.values() if o.row is not None]
            damage = next((o.unreadable for o in journal.outcomes.values() if o.unreadable), None)
        try:
            refuse_if_all_failed(entries, self.errors)
            if not rows:
                raise no_tiles(entries, damage, self.scheme)
            self._tell_held()
            finished = _write_tables(self.place.notes, replace(manifest, rasters=entries), rows)
        except InputError:
            abandon_folder(self.place)
            raise
        finish_folder(self.place, finished)
        return finished

    def cut(self, source: RasterEntry, journal: Journal) -> RasterEntry:
        """Cut one raster; an entry with its error if that cannot be done."""
        known = self.known.get(source.location)
        if known is not None and known.is_whole:
            return replace(source, tiles=known.tiles, skipped=known.skipped)
        try:
            with self._open(source) as raster:
                job = self._job(source, raster)
                specs = self._specs(job, raster)
                self._check_area(raster, specs)
                self._count_requests(source, raster, specs)
                done = {i for i, o in journal.outcomes.items() if o.unreadable is None}
                self._cut_missing(job, raster, specs, journal)
            self._check_unchanged(source, journal, done)
        except InputError as error:
            return self._without(source, error, journal)
        self._tell_held()
        return self._count(source, [s.tile_id for size in specs for s in size], journal)

    def _open(self, source: RasterEntry) -> AbstractContextManager[MapRaster]:
        """Open a raster; of a mosaic only what lies in the area has to be there, see below."""
        path, opened = resolve_location(self.folder, source.location), self._opened(source)
        if opened:
            return open_raster(opened, name=source.location)
        return open_raster(path, check=self.area.shape is None)

    def _opened(self, source: RasterEntry) -> str:
        """What GDAL opens for a raster, where that is not the file at its location; or nothing."""
        made = self.sources.get(source.location)
        return made.opened if made is not None and made.opened != made.location else ""

    def _is_service(self, source: RasterEntry) -> bool:
        made = self.sources.get(source.location)
        return made is not None and made.is_service

    def _count_requests(
        self, source: RasterEntry, raster: MapRaster, specs: Sequence[Sequence[TileSpec]]
    ) -> int:
        """How often a service will be asked, after telling what a person should know of it.

        Raises:
            RasterError: More often than the user allows.
        """
        made = self.sources.get(source.location)
        for note in () if made is None else made.notes:
            self.progress.warn(note)
        if not self._is_service(source):
            return 0
        count = count_blocks(raster, (pixel_window(s.window) for size in specs for s in size))
        check_requests(source.location, count, self.max_requests)
        return count

    def save(self, source: RasterEntry, path: Path) -> None:
        """Keep what was read of a raster in a file.

        Raises:
            InputError: The raster cannot be read.
        """
        with rasterio.Env(GDAL_CACHEMAX=CACHE_BYTES), self._open(source) as raster:
            sized = self._specs(self._job(source, raster), raster)
            save_map(raster, [pixel_window(s.window) for size in sized for s in size], path)

    def _check_area(self, raster: MapRaster, specs: Sequence[Sequence[TileSpec]]) -> None:
        """Make sure that a mosaic is there where tiles will be cut.

        Raises:
            RasterError: It is not.
        """
        if self.area.shape is None:
            return
        if raster.recipe.stretch is not None:  # which was measured on all of it
            check_sources(raster.location, raster.dataset)
        else:
            windows = (pixel_window(s.window) for size in specs for s in size)
            check_windows(raster, (self._with_crops(raster, window) for window in windows))

    def _with_crops(self, raster: MapRaster, window: PixelWindow) -> PixelWindow:
        """What the network sees of the raster with a tile, roughly."""
        if self.scheme.crops is None:
            return window
        times = self.scheme.reach_m / min(self.scheme.ground_sizes_m)
        return window.grown(times, raster.frame)

    def _check_unchanged(self, source: RasterEntry, journal: Journal, done: set[str]) -> None:
        """Make sure that a raster is still what it was before the tiles of this run were cut.

        Raises:
            RasterError: It is not, so that nobody knows what the tiles show.
        """
        change = source.change(self.folder)
        if change is not None:
            why = f"{change} while it was cut; run the same command again when it is at rest"
            journal.add(Outcome(i, unreadable=why) for i in set(journal.outcomes) - done)
            raise RasterError(why, path=resolve_location(self.folder, source.location))

    def plan(self, source: RasterEntry) -> TilePlan:
        """What cutting one raster would make."""
        try:
            with self._open(source) as raster:
                sized = self._specs(self._job(source, raster), raster)
                self._check_area(raster, sized)
                requests = self._count_requests(source, raster, sized)
                specs = [spec for size in sized for spec in size]
                plan = self._estimate(replace(source, tiles=len(specs)), raster, specs)
                return replace(plan, requests=requests)
        except InputError as error:
            return TilePlan(0, 0, 0.0, (self._failed(source, error),))

    def _without(self, source: RasterEntry, error: InputError, journal: Journal) -> RasterEntry:
        """The entry of a raster that cannot be cut now; tiles of earlier runs stay."""
        text = about_raster(source.location, error)
        rows = (o.row for o in journal.outcomes.values() if o.row is not None)
        kept = sum(row["raster"] == source.location for row in rows)
        if kept:
            self.progress.warn(f"{text} ({kept} tiles of before are kept)")
            known = self.known.get(source.location, source)
            lost = max(1, known.unreadable)
            return replace(source, tiles=kept, skipped=known.skipped, unreadable=lost)
        if self.errors:
            self.progress.warn(text)
        else:  # if no raster can be cut, the final error says this
            self.held.append(text)
        return self._failed(source, error)

    def _tell_held(self) -> None:
        """Tell of the first raster that failed, now that it is not the end."""
        while self.held:
            self.progress.warn(self.held.pop())

    def _failed(self, source: RasterEntry, error: InputError) -> RasterEntry:
        """The entry of a raster that cannot be cut; its error is kept."""
        self.errors.append(error)
        return replace(source, error=about_raster(source.location, error))

    def _job(self, source: RasterEntry, raster: MapRaster) -> RasterJob:
        stretch = raster.recipe.stretch
        if stretch is not None and stretch.fill is not None:
            self.progress.warn(fill_warning(source.location, stretch.fill))
        return RasterJob(
            location=source.location,
            folder=self.folder,
            home=self.place.home,
            key=source.key,
            scheme=self.scheme,
            frame=raster.frame,
            crs_text=crs_text(raster.crs),
            stretch=raster.recipe.stretch,
            opened=self._opened(source),
        )

    def _specs(self, job: RasterJob, raster: MapRaster) -> list[list[TileSpec]]:
        """The tiles of a raster within the area, one list a ground size.

        Raises:
            RasterError: The raster is too coarse for every ground size.
        """
        refusals: list[RasterError] = []
        specs = []
        for ground_size_m in self.scheme.ground_sizes_m:
            try:
                self._check_resolution(job, ground_size_m)
            except RasterError as error:
                refusals.append(error)
            else:
                specs.append(list(self._specs_of_size(job, ground_size_m)))
        if not specs:
            raise refusals[-1]
        for refusal in refusals:
            self.progress.warn(about_raster(job.location, refusal))
        return specs

    def _check_resolution(self, job: RasterJob, ground_size_m: float) -> None:
        """Refuse a raster that is too coarse, and say once what it blurs."""
        if self.scheme.crops is None:
            check_resolution(job.frame, ground_size_m)
            return
        blur = blurred_crops(job.frame, self.scheme.crops)
        if blur is not None and blur not in self.told:
            self.told.add(blur)
            self.progress.warn(f"{Path(job.location).name}: {blur}")

    def _specs_of_size(self, job: RasterJob, ground_size_m: float) -> Iterator[TileSpec]:
        options = GridOptions(ground_size_m, self.scheme.size_px, self.scheme.overlap)
        grid = TileGrid(job.frame, options)
        listener = self.progress if len(grid) >= _SHOWN_ROWS else Silent()
        listener.start(f"planning {Path(job.location).name}", len(grid), "rows")
        for windows in touching_rows(grid, self.area, on_rows=listener.advance):
            yield from specs_of(job, ground_size_m, windows)

    def _cut_missing(
        self,
        job: RasterJob,
        raster: MapRaster,
        specs: Sequence[Sequence[TileSpec]],
        journal: Journal,
    ) -> None:
        """Cut the tiles that the journal does not know yet, or only as lost."""
        done = {i for i, o in journal.outcomes.items() if o.unreadable is None}
        missing = [[s for s in size if s.tile_id not in done] for size in specs]
        total = sum(map(len, specs))
        workers = self._workers_for(raster)
        self.progress.start(f"cutting {Path(job.location).name}", total, "tiles")
        self.progress.advance(total - sum(map(len, missing)))
        chunks = [chunk for size in missing for chunk in make_chunks(raster, size, workers=workers)]
        # Services are described in a folder that only this machine has, and are asked by few.
        cutter = cut_raster if raster.is_service else self.cutter
        for outcomes in cutter(job, chunks, workers=workers):
            journal.add(outcomes)
            self.progress.advance(len(outcomes))

    def _workers_for(self, raster: MapRaster) -> int:
        """Threads that cut: services are asked by two at most, whatever the machine could do."""
        return min(self.workers, 2) if raster.is_service else self.workers

    def _count(self, source: RasterEntry, ids: Sequence[str], journal: Journal) -> RasterEntry:
        """The entry of a raster that was cut, warning of damage and of a result without tiles."""
        outcomes = [journal.outcomes[i] for i in ids if i in journal.outcomes]
        damage = [o.unreadable for o in outcomes if o.unreadable is not None]
        kept = sum(o.row is not None for o in outcomes)
        if damage:
            tiles = "1 tile" if len(damage) == 1 else f"{len(damage)} tiles"
            verb = "is" if len(damage) == 1 else "are"
            again = "the same command tries again"
            self.progress.warn(f"{tiles} of {source.location} {verb} lost ({again}): {damage[0]}")
        elif not kept:
            why = "none of its tiles has enough valid pixels" if ids else "it lies outside the area"
            self.progress.warn(f"no tiles from {source.location}: {why}")
        skipped = len(ids) - kept - len(damage)
        return replace(source, tiles=kept, skipped=skipped, unreadable=len(damage))

    def _estimate(
        self, entry: RasterEntry, raster: MapRaster, specs: Sequence[TileSpec]
    ) -> TilePlan:
        """Size and time of all tiles of a raster, from a few spread over it."""
        chosen = specs[:: max(1, len(specs) // _SAMPLES)][:_SAMPLES]
        started, size, scheme = time.monotonic(), 0, self.scheme
        with TileWriter(raster.crs, scheme.size_px, scheme.creation_options) as writer:
            for spec in chosen:
                if not scheme.virtual or not raster.always_valid:
                    tile = raster.read_rgb(pixel_window(spec.window), scheme.size_px)
                    place = spec.window.transform(raster.frame, scheme.size_px)
                    size += 0 if scheme.virtual else len(writer.encode(tile, place))
        share = len(specs) / max(1, len(chosen))
        seconds = (time.monotonic() - started) * share / self._workers_for(raster)
        return TilePlan(entry.tiles, round(size * share), seconds, (entry,))


def _write_tables(folder: Path, manifest: TileManifest, rows: list[Row]) -> TileManifest:
    """Write the table and the mosaic; the manifest with its digest."""
    order = {entry.location: i for i, entry in enumerate(manifest.rasters)}
    rows.sort(key=lambda r: (order[r["raster"]], r["ground_size_m"], r["row"], r["col"]))
    table = make_table(rows)
    write_table(folder, table)
    write_mosaic(folder, table)
    digest = hashlib.sha256(str(manifest.scheme.size_px).encode())
    for entry in manifest.rasters:
        digest.update(entry.fingerprint.encode())
    for row in rows:
        facts = [row[name] for name in ("tile_id", "crs", "transform", "stretch")]
        digest.update(json.dumps(facts).encode())
    return replace(manifest, digest=digest.hexdigest())
