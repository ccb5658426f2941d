"""Keep a terrain around a map in a file of its own: a Cloud Optimized GeoTIFF, in metres.

On the grid of the first elevation model that reaches the map, so that its heights stay as they are;
those of others are interpolated. Blocks without a tile near them stay empty.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from pyproj import CRS
from rasterio.windows import Window

from geoloc.arrays import Float32Array, Float64Array
from geoloc.errors import RasterError, ShortWriteError
from geoloc.geometry.crs import LonLat, crs_text, ground_scales, to_lonlat
from geoloc.progress import Progress, Silent
from geoloc.storage.atomic import replacing
from geoloc.terrain.elevation_raster import ElevationRaster
from geoloc.terrain.terrain import Terrain
from geoloc.tiles.cog import cog_draft
from geoloc.tiles.gdal import gdal_environment

# Photos at the map's edge see so much of what lies beyond.
MARGIN_M = 500.0
# Finer heights than the map's own detail can use are averaged.
_FINEST_M = 1.0
_BLOCK_PX = 512
_NODATA = -9999.0
# Heights are kept to a 128th of a metre: what packs well is a round number of bits.
_STEPS_PER_M = 128.0


def save_terrain(
    terrain: Terrain,
    lonlat: Float64Array,
    half_side_m: float,
    path: Path,
    *,
    progress: Progress | None = None,
) -> None:
    """Write the terrain around some places.

    Args:
        terrain: The terrain.
        lonlat: (N, 2) degrees of the places, N at least 1.
        half_side_m: Reach of a place to each side; a margin comes on top.
        path: The file.
        progress: Hears of the blocks.

    Raises:
        RasterError: A model cannot be read, or none reaches the places.
        OSError: The disk is full.
    """
    grid = _grid_for(terrain, lonlat, half_side_m + MARGIN_M)
    written = 0

    def check(draft: Path) -> None:
        if _known_pixels(draft) != written:
            raise ShortWriteError(f"{path} lost heights while it was written; is its disk well?")

    with (
        replacing(path, check=check) as draft,
        gdal_environment(),
        cog_draft(path, draft) as whole,
    ):
        written = _write(terrain, grid, whole, progress or Silent())


def _write(terrain: Terrain, grid: _Grid, path: Path, progress: Progress) -> int:
    """Write the heights, block by block; the number of pixels that have one."""
    blocks, known = grid.blocks(), 0
    progress.start("keeping the terrain", len(blocks), "blocks")
    with rasterio.open(path, "w", **grid.profile) as out:
        for block in blocks:
            heights = _heights(terrain, grid, block)
            out.write(heights, 1, window=block)
            known += int((heights != _NODATA).sum())
            progress.advance()
        out.units = ("metre",)
    return known


def _known_pixels(path: Path) -> int:
    """The number of pixels that have a height: on a full disk GDAL may lose some without a word."""
    with rasterio.open(path) as dataset:
        return sum(
            int((dataset.read(1, window=window) != _NODATA).sum())
            for _, window in dataset.block_windows(1)
        )


@dataclass(frozen=True)
class _Grid:
    """The grid of the file.

    Attributes:
        crs: Its CRS.
        transform: From pixel corners to that, north-up.
        width_px: Columns.
        height_px: Rows.
        cell_m: Side of a pixel on the ground, metres.
        boxes: (N, 4) left, top, right and bottom of what is to be in it, pixels.
    """

    crs: CRS
    transform: Affine
    width_px: int
    height_px: int
    cell_m: float
    boxes: Float64Array

    @property
    def profile(self) -> dict[str, object]:
        """What rasterio creates it with."""
        return {
            "driver": "GTiff",
            "width": self.width_px,
            "height": self.height_px,
            "count": 1,
            "dtype": "float32",
            "nodata": _NODATA,
            "crs": crs_text(self.crs),
            "transform": self.transform,
            "tiled": True,
            "blockxsize": _BLOCK_PX,
            "blockysize": _BLOCK_PX,
            "sparse_ok": True,
            "bigtiff": "IF_SAFER",
            "compress": "deflate",
        }

    def blocks(self) -> list[Window]:
        """The blocks that show something of the boxes."""
        left, top, right, bottom = self.boxes.T
        found = []
        for row in range(0, self.height_px, _BLOCK_PX):
            in_row = (top < row + _BLOCK_PX) & (bottom > row)
            for col in range(0, self.width_px, _BLOCK_PX):
                if (in_row & (left < col + _BLOCK_PX) & (right > col)).any():
                    width = min(_BLOCK_PX, self.width_px - col)
                    height = min(_BLOCK_PX, self.height_px - row)
                    found.append(Window(col, row, width, height))
        return found


def _grid_for(terrain: Terrain, lonlat: Float64Array, reach_m: float) -> _Grid:
    """The grid around places."""
    first = next((each for each in terrain.rasters if each.reaches(lonlat).any()), None)
    if first is None:
        names = ", ".join(each.name for each in terrain.rasters)
        raise RasterError(
            f"{names} covers nothing of the map; expected an elevation model of its ground",
            path=terrain.rasters[0].name,
        )
    crs, xy = first.datum.horizontal, first.coordinates(lonlat)
    middle = np.median(xy, axis=0)
    scale = ground_scales(crs, middle[:1], middle[1:])[0]
    pixel = _pixel(first, LonLat(*map(float, np.median(lonlat, axis=0))))
    reach = reach_m / scale
    origin = _lattice_corner(first)
    low = np.floor((xy.min(0) - reach - origin) / pixel).astype(np.int64)
    high = np.ceil((xy.max(0) + reach - origin) / pixel).astype(np.int64)
    left, top = origin[0] + low[0] * pixel[0], origin[1] + high[1] * pixel[1]
    width, height = (high - low).tolist()
    boxes = np.column_stack(
        [
            (xy[:, 0] - reach[0] - left) / pixel[0],
            (top - xy[:, 1] - reach[1]) / pixel[1],
            (xy[:, 0] + reach[0] - left) / pixel[0],
            (top - xy[:, 1] + reach[1]) / pixel[1],
        ]
    )
    transform = Affine(pixel[0], 0, left, 0, -pixel[1], top)
    return _Grid(crs, transform, width, height, float((pixel * scale).mean()), boxes)


def _pixel(raster: ElevationRaster, at: LonLat) -> Float64Array:
    """Width and height (2,) of a pixel of the file, in units of the raster's CRS."""
    a, b, _, d, e, _ = raster.transform[:6]
    own = np.array([math.hypot(a, d), math.hypot(b, e)])
    side_m = raster.pixel_m(at)
    times = max(0, round(math.log2(_FINEST_M / side_m))) if side_m > 0 else 0
    return np.asarray(own * 2**times, np.float64)


def _lattice_corner(raster: ElevationRaster) -> Float64Array:
    """A corner (2,) of the grid that the raster's own pixels lie on, where it is not turned."""
    return np.array([raster.transform.c, raster.transform.f])


def _heights(terrain: Terrain, grid: _Grid, block: Window) -> Float32Array:
    """Heights (H, W) of a block, rounded, with the value for gaps."""
    cols = block.col_off + np.arange(block.width) + 0.5
    rows = block.row_off + np.arange(block.height) + 0.5
    xs = grid.transform.c + grid.transform.a * cols
    ys = grid.transform.f + grid.transform.e * rows

    def degrees(xy: Float64Array) -> Float64Array:
        return to_lonlat(grid.crs, xy[:, 0], xy[:, 1])

    heights = terrain.on_grid(xs, ys, degrees, cell_m=grid.cell_m)
    rounded = np.rint(heights * _STEPS_PER_M) / _STEPS_PER_M
    return np.where(np.isfinite(rounded), rounded, _NODATA).astype(np.float32)
