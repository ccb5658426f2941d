"""A tile set at rest: a folder with its table, its manifest, and the pixels of any tile.

    tiles.parquet    GeoParquet 1.1, one row a tile (`TILE_COLUMNS`), footprints in EPSG:4326
    tiles.gti.gpkg   the same footprints, which GDAL also opens as one mosaic
    tiles.json       the manifest: how the tiles were cut, and from what
    pixels/          small GeoTIFFs, unless the tiles are windows of their rasters (virtual)
    tiles.partial/   the successor of these tiles, while a run makes it

A tile is the window (`col_off`, `row_off`, `width`, `height`) of the raster at `location`, which is
relative to the folder; `transform` leads from its pixels to its `crs`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio
from affine import Affine
from pyproj import CRS
from rasterio.enums import Resampling

from geoloc.arrays import AnyArray, ByteArray
from geoloc.errors import RasterError, TilesError, cause_text
from geoloc.geometry.crs import as_crs
from geoloc.stretch import Stretch
from geoloc.tiles.location import resolve_location
from geoloc.tiles.manifest import (
    TILES_MANIFEST,
    TILES_PARTIAL_MANIFEST,
    TILES_SUCCESSOR,
    RasterEntry,
    TileManifest,
)
from geoloc.tiles.parquet_rows import ParquetRows
from geoloc.tiles.raster import MapRaster, PixelWindow, check_windows, open_map_raster, open_raster
from geoloc.tiles.tile_table import GEOMETRY, TileRecords, TileTable

if TYPE_CHECKING:
    import geopandas

TILES_TABLE = "tiles.parquet"
MOSAIC = "tiles.gti.gpkg"
PIXELS = "pixels"
# Factor of the overview inside a tile's file: networks want fewer pixels than local features.
OVERVIEW = 4

TILE_COLUMNS = (
    "tile_id",
    "location",
    "col_off",
    "row_off",
    "width",
    "height",
    "crs",
    "transform",
    "ground_size_m",
    "gsd_m",
    "valid_fraction",
    "lon",
    "lat",
    "row",
    "col",
    "raster",
    "stretch",
)

_OPEN_RASTERS_PER_THREAD = 8


class TileSet:
    """The tiles of one folder; safe to read from many threads.

    Attributes:
        folder: Folder of the tiles.
        manifest: Record of how the tiles were made.
        rows: The table of `TILE_COLUMNS` and footprints in EPSG:4326, one row a tile, of which
            little is in memory.
    """

    def __init__(self, folder: Path, manifest: TileManifest, rows: TileTable) -> None:
        self.folder = folder
        self.manifest = manifest
        self.rows = rows
        self._records = TileRecords(rows, TILE_COLUMNS)
        self._crs: dict[str, CRS] = {}
        self._local = threading.local()
        self._opened: list[MapRaster] = []
        self._lock = threading.Lock()
        self._checking = threading.Lock()
        self._checked: dict[str, RasterError | None] = {}

    @classmethod
    def open(cls, folder: str | Path) -> TileSet:
        """Open a finished folder of tiles.

        Raises:
            TilesError: There are no tiles, or they are unfinished or damaged.
        """
        folder = Path(folder)
        opened = cls._open(folder)
        # A successor may have taken its place between one file and the next.
        return opened if _manifest(folder) == opened.manifest else cls._open(folder)

    @classmethod
    def _open(cls, folder: Path) -> TileSet:
        manifest = _manifest(folder)
        try:
            rows = ParquetRows(folder / TILES_TABLE)
            missing = [name for name in (*TILE_COLUMNS, GEOMETRY) if name not in rows.columns]
            if missing:
                message = f"{folder / TILES_TABLE} lacks the columns {', '.join(missing)}"
                raise TilesError(f"{message}; run geoloc tile with --overwrite", path=folder)
            return cls(folder, manifest, TileTable(rows))
        except (OSError, ValueError) as error:
            message = f"cannot read {folder / TILES_TABLE}: {error}"
            raise TilesError(f"{message}; run geoloc tile with --overwrite", path=folder) from error

    def __len__(self) -> int:
        return len(self.rows)

    def __enter__(self) -> TileSet:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @cached_property
    def table(self) -> geopandas.GeoDataFrame:
        """The table of `TILE_COLUMNS` and footprints in EPSG:4326, one row a tile."""
        return self.rows.frame()

    @property
    def size_px(self) -> int:
        """The side of every tile, in pixels."""
        return self.manifest.scheme.size_px

    def read(self, i: int, *, shrink: int = 1) -> ByteArray:
        """Tile `i` as (size_px, size_px, 3) uint8 RGB, north up, black where it is not valid.

        Args:
            i: Row of the table.
            shrink: Average squares of so many pixels; it must divide `size_px`. `OVERVIEW` is
                quick: a tile's file holds an overview of that factor.

        Raises:
            TilesError: Its file is missing or damaged.
            RasterError: The same, for tiles that are windows of their raster.
        """
        row = self._records[i]
        # A tile that is a window of its raster lies at it; its own file lies elsewhere.
        if row["location"] == row["raster"]:
            window = PixelWindow(row["col_off"], row["row_off"], row["width"], row["height"])
            tile = self.raster(row["location"], row["stretch"]).read_rgb(window, self.size_px)
            return _interleaved(_averaged(tile.pixels, shrink))
        return self._read_file(row, shrink)

    def transform(self, i: int) -> Affine:
        """From pixels of tile `i` (corner convention) to its CRS."""
        return Affine(*self._records[i]["transform"])

    def crs(self, i: int) -> CRS:
        """The native CRS of tile `i`."""
        text = self._records[i]["crs"]
        if text not in self._crs:
            self._crs[text] = as_crs(text)
        return self._crs[text]

    def digest(self) -> str:
        """A checksum over what defines the tiles; the same for virtual tiles and their copies."""
        return self.manifest.digest

    def close(self) -> None:
        """Close the rasters that reading virtual tiles has opened."""
        with self._lock:
            for raster in self._opened:
                raster.dataset.close()
            self._opened.clear()
            self._local = threading.local()

    def _read_file(self, row: dict[str, Any], shrink: int) -> ByteArray:
        """The pixels of a tile's own file."""
        path = resolve_location(self.folder, row["location"])
        side_px = self.size_px // shrink
        try:
            # Without this GDAL lists the whole folder of tiles at each opening.
            with (
                rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR"),
                rasterio.open(path) as dataset,
            ):
                bands = dataset.read(
                    (1, 2, 3), out_shape=(3, side_px, side_px), resampling=Resampling.average
                )
                is_here = dataset.transform.almost_equals(Affine(*row["transform"]), 1e-6)
        except (rasterio.errors.RasterioError, IndexError) as error:
            message = f"cannot read the tile {path}: {cause_text(error)}"
            raise TilesError(f"{message}; run geoloc tile with --overwrite", path=path) from error
        if not is_here:
            message = f"{path} lies elsewhere than its table says: it was cut again otherwise"
            raise TilesError(f"{message}; run geoloc index with --overwrite", path=path)
        return _interleaved(np.moveaxis(bands, 0, -1))

    def raster(self, location: str, stretch_text: str = "") -> MapRaster:
        """A source of virtual tiles, kept open for this thread.

        Args:
            location: Where it lies, as the table says.
            stretch_text: Its stretch, as the table says; empty where there is none, or where none
                of its tiles is in the table.

        Raises:
            RasterError: It is not there, or has changed.
        """
        kept: dict[str, MapRaster] = self._local.__dict__
        if location not in kept:
            if len(kept) >= _OPEN_RASTERS_PER_THREAD:
                self._forget(kept.pop(next(iter(kept))))
            stretch = Stretch.from_text(stretch_text) if stretch_text else None
            kept[location] = self._open_raster(location, stretch)
            with self._lock:
                self._opened.append(kept[location])
        return kept[location]

    def window_rasters(self) -> list[RasterEntry]:
        """The rasters whose windows tiles are."""
        windows = self._records.rasters_of_windows()
        return [entry for entry in self.manifest.rasters if entry.location in windows]

    def changes(self) -> list[str]:
        """What has changed of the rasters whose windows tiles are, since they were cut.

        What is gone is not among it: that costs only the tiles of its raster.
        """
        changes = (entry.change(self.folder) for entry in self.window_rasters())
        return [text for text in changes if text is not None and not text.endswith(" is gone")]

    def _check_unchanged(self, location: str) -> None:
        """Make sure that the raster of virtual tiles is what it was when they were cut.

        Raises:
            RasterError: One of its files has changed.
        """
        entries = (entry for entry in self.manifest.rasters if entry.location == location)
        for entry in entries:
            change = entry.change(self.folder)
            if change is not None:
                raise RasterError(
                    f"{change} since its tiles were cut; cut them again: "
                    "geoloc tile --virtual --overwrite",
                    path=resolve_location(self.folder, location),
                )

    def _open_raster(self, location: str, stretch: Stretch | None) -> MapRaster:
        """A raster, which one thread looks at whether it is whole and unchanged; others wait."""
        path = resolve_location(self.folder, location)
        with self._checking:
            if location not in self._checked:
                self._checked[location] = None
                try:
                    with open_raster(path, stretch=stretch, check=False) as raster:
                        check_windows(raster, self._windows_of(location))
                        self._check_unchanged(location)
                except RasterError as error:
                    self._checked[location] = error
                    raise
        refusal = self._checked[location]
        if refusal is not None:
            raise RasterError(str(refusal), path=refusal.path) from refusal
        return open_map_raster(path, stretch=stretch, check=False)

    def _windows_of(self, location: str) -> Iterator[PixelWindow]:
        """The windows of a raster that tiles are."""
        for row in self._records.of(location):
            if row["location"] == location:
                yield PixelWindow(row["col_off"], row["row_off"], row["width"], row["height"])

    def _forget(self, raster: MapRaster) -> None:
        with self._lock:
            self._opened[:] = [other for other in self._opened if other is not raster]
        raster.dataset.close()


def _manifest(folder: Path) -> TileManifest:
    """The manifest of finished tiles.

    Raises:
        TilesError: There are none, or they are unfinished.
    """
    begun = (folder / name for name in (TILES_PARTIAL_MANIFEST, TILES_SUCCESSOR))
    if not (folder / TILES_MANIFEST).exists() and any(path.exists() for path in begun):
        message = f"the tiles in {folder} are unfinished"
        raise TilesError(f"{message}; run the same geoloc tile command again", path=folder)
    return TileManifest.read(folder / TILES_MANIFEST)


def _averaged(pixels: ByteArray, shrink: int) -> ByteArray:
    """Means of squares of `shrink` pixels of an image (H, W, 3), as GDAL's overviews are."""
    if shrink == 1:
        return pixels
    sums: AnyArray = pixels[::shrink].astype(np.uint32 if shrink > 16 else np.uint16)
    for row in range(1, shrink):
        sums += pixels[row::shrink]
    squares = sums[:, ::shrink].astype(np.uint32)
    for col in range(1, shrink):
        squares += sums[:, col::shrink]
    area = shrink * shrink
    means: ByteArray = ((2 * squares + area) // (2 * area)).astype(np.uint8)
    return means


def _interleaved(pixels: ByteArray) -> ByteArray:
    """An image (H, W, 3) pixel by pixel in memory, four times as quick as numpy's own copy."""
    if pixels.flags.c_contiguous:
        return pixels
    out = np.empty_like(pixels, order="C")
    for channel in range(pixels.shape[2]):
        out[..., channel] = pixels[..., channel]
    return out
