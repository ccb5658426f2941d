"""Keep what was read of a map as a Cloud Optimized GeoTIFF (`--save-map`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.windows import Window

from geoloc.errors import OptionError, OutputExistsError
from geoloc.storage.atomic import replacing
from geoloc.tiles.cog import cog_draft
from geoloc.tiles.gdal import gdal_environment
from geoloc.tiles.gtiff_options import PIXEL_RGB
from geoloc.tiles.raster import MapRaster, PixelWindow

_BLOCK_PX = 1024


def check_saved_map(path: Path, inputs: Sequence[str], *, overwrite: bool) -> None:
    """Refuse a file to keep the map in, before any work.

    Args:
        path: The file.
        inputs: What the map is made of.
        overwrite: Whether a file may be there.

    Raises:
        OptionError: It is no GeoTIFF by its name, or there are several maps.
        OutputExistsError: It is there, or cannot be written.
    """
    if path.suffix.lower() not in (".tif", ".tiff"):
        raise OptionError(f"--save-map {path} is no GeoTIFF by its name; expected FILE.tif")
    if len(inputs) != 1:
        message = f"--save-map keeps one map, and these are {len(inputs)}"
        raise OptionError(f"{message}; cut one at a time, or leave it out")
    is_source = path.exists() and Path(inputs[0]).exists() and path.samefile(inputs[0])
    if is_source or (path.exists() and (not overwrite or not path.is_file())):
        what = "is the map itself" if is_source else "exists already"
        advice = "use another name" if is_source or not path.is_file() else "use --overwrite"
        raise OutputExistsError(f"{path} {what}; {advice}", path=path)


def save_map(raster: MapRaster, windows: Sequence[PixelWindow], path: Path) -> None:
    """Write the part of a raster that some windows show, in its own pixels, and nothing else.

    Args:
        raster: The open raster.
        windows: The windows, in its pixels; what lies in none of them is not valid in the file.
        path: The file.

    Raises:
        RasterError: The raster cannot be read.
        OSError: The disk is full.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    sides = _sides(raster, windows)
    left, top = sides[:, :2].min(axis=0)
    right, bottom = sides[:, 2:].max(axis=0)
    profile = {
        "driver": "GTiff",
        "width": int(right - left),
        "height": int(bottom - top),
        "count": 3,
        "dtype": "uint8",
        "crs": raster.crs.to_wkt(),
        "transform": raster.transform @ rasterio.Affine.translation(float(left), float(top)),
        "tiled": True,
        "sparse_ok": True,
        "bigtiff": "IF_SAFER",
        "compress": "deflate",
        **PIXEL_RGB,
    }
    with (
        replacing(path) as draft,
        gdal_environment(GDAL_TIFF_INTERNAL_MASK=True),
        cog_draft(path, draft) as whole,
        rasterio.open(whole, "w", **profile) as out,
    ):
        for window in _blocks(sides, (int(left), int(top), int(right), int(bottom))):
            _copy(raster, out, window, (int(left), int(top)))


def _sides(raster: MapRaster, windows: Sequence[PixelWindow]) -> Any:
    """Left, top, right and bottom (N, 4) of windows, in whole pixels inside the raster."""
    sides = np.array([(w.col_off, w.row_off, w.col_off + w.width, w.row_off + w.height)
                      for w in windows])  # fmt: skip
    limits = np.array([raster.frame.width_px, raster.frame.height_px] * 2)
    whole = np.concatenate([np.floor(sides[:, :2]), np.ceil(sides[:, 2:])], axis=1)
    return np.clip(whole, 0, limits).astype(np.int64)


def _blocks(sides: Any, box: tuple[int, int, int, int]) -> Iterator[Window]:
    """The blocks of the file that a window touches, in pixels of the raster."""
    left, top, right, bottom = box
    for row in range(top, bottom, _BLOCK_PX):
        for col in range(left, right, _BLOCK_PX):
            end_col, end_row = min(col + _BLOCK_PX, right), min(row + _BLOCK_PX, bottom)
            touching = (sides[:, 0] < end_col) & (col < sides[:, 2])
            touching &= (sides[:, 1] < end_row) & (row < sides[:, 3])
            if touching.any():
                # No more of the block than was asked for: a server makes every pixel of it.
                near = sides[touching]
                first = np.maximum(near[:, :2].min(axis=0), (col, row))
                last = np.minimum(near[:, 2:].max(axis=0), (end_col, end_row))
                yield Window(*map(int, first), *map(int, last - first))


def _copy(raster: MapRaster, out: Any, window: Window, corner: tuple[int, int]) -> None:
    """Copy a window of the raster to the file whose first pixel is at `corner`."""
    part = raster.read_native(
        PixelWindow(window.col_off, window.row_off, window.width, window.height)
    )
    place = Window(
        window.col_off - corner[0], window.row_off - corner[1], window.width, window.height
    )
    out.write(np.moveaxis(part.pixels, -1, 0), window=place)
    out.write_mask(part.valid, window=place)
