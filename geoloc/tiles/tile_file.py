"""Write tiles as GeoTIFFs with an overview, each whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import rasterio
import rasterio.shutil
from affine import Affine
from pyproj import CRS
from rasterio.enums import Resampling
from rasterio.io import MemoryFile

from geoloc.errors import OptionError, cause_text
from geoloc.storage.atomic import replacing
from geoloc.tiles.bands import RgbTile
from geoloc.tiles.gdal import GDAL_ERRORS, gdal_environment
from geoloc.tiles.gtiff_options import PIXEL_RGB, creation_options
from geoloc.tiles.tile_set import OVERVIEW


class TileWriter:
    """Writes tiles of one CRS and size; for one thread, as a context.

    A tile's file is a copy of a raster in memory that has its overview already: to add one to a
    file, GDAL decodes it again, and rasterio lets no other thread run meanwhile. That raster is
    used again for the next tile, because GDAL takes longer to read a CRS than to copy the pixels.

    Args:
        crs: The CRS of the tiles.
        size_px: Their side, pixels.
        options: Creation options of GDAL, each ``NAME=VALUE``.

    Raises:
        OptionError: One is not of that form.
    """

    def __init__(self, crs: CRS, size_px: int, options: Sequence[str] = ()) -> None:
        chosen = creation_options(options)
        # One strip a tile: always read whole, it decodes quicker in one piece.
        whole = {} if "TILED" in chosen else {"BLOCKYSIZE": str(size_px)}
        self._creation = {**PIXEL_RGB, **whole, **chosen}
        self._crs = rasterio.crs.CRS.from_wkt(crs.to_wkt())
        self._size_px = size_px
        self._open = ExitStack()
        self._plain: Any = None

    def __enter__(self) -> TileWriter:
        self._open.enter_context(
            gdal_environment(
                GDAL_TIFF_INTERNAL_MASK=True,
                GDAL_TIFF_OVR_BLOCKSIZE=_overview_block_px(self._size_px),
            )
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()
        self._plain = None

    def write(self, path: Path, tile: RgbTile, transform: Affine) -> None:
        """Write a tile, whole or not at all.

        GDAL writes a small file when it closes it, and keeps to itself what the disk says then; so
        it encodes the file in memory.

        Args:
            path: The file; its folder is made.
            tile: Square pixels and which of them are valid.
            transform: From the tile's pixels (corner convention) to the CRS.

        Raises:
            OptionError: GDAL refuses an option.
            OSError: The disk is full, or allows no file so large.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            encoded = self.encode(tile, transform)
        except GDAL_ERRORS as error:
            raise OptionError(f"cannot write {path}: {cause_text(error)}; check --co") from error
        with replacing(path, durable=False) as draft:
            draft.write_bytes(encoded)

    def encode(self, tile: RgbTile, transform: Affine) -> bytes:
        """The bytes of the file that `write` would write."""
        if not tile.valid.all():
            with self._raster() as raster:  # a mask cannot be taken off again
                raster.write_mask(tile.valid)
                return self._copy(raster, tile, transform)
        if self._plain is None:
            self._plain = self._open.enter_context(self._raster())
        return self._copy(self._plain, tile, transform)

    def _raster(self) -> Any:
        """A new raster in memory."""
        side = self._size_px
        shape = {"width": side, "height": side, "count": 3, "dtype": "uint8"}
        # Any transform: without one, rasterio warns.
        place = {"crs": self._crs, "transform": Affine.translation(1, 1)}
        return rasterio.open("", "w", driver="MEM", **place, **shape)

    def _copy(self, raster: Any, tile: RgbTile, transform: Affine) -> bytes:
        """The file of a tile, made in a raster in memory."""
        raster.transform = transform
        raster.write(np.moveaxis(tile.pixels, -1, 0))
        if self._size_px % OVERVIEW == 0:
            raster.build_overviews([OVERVIEW], Resampling.average)
        with MemoryFile() as memory:
            rasterio.shutil.copy(
                raster, memory.name, driver="GTiff", copy_src_overviews=True, **self._creation
            )
            return bytes(memory.getbuffer())


def _overview_block_px(size_px: int) -> int:
    """Side of the one block of a tile's overview; GDAL would take a block as large as the tile."""
    least = 64
    return max(least, 1 << (size_px // OVERVIEW - 1).bit_length())
