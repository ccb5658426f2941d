"""Grid of tiles on a raster: windows that are square on the ground in true metres.

Everything here counts in pixels of a north-up raster, by GDAL's convention: (0, 0) is the outer
corner of the first pixel. The grid is spaced by metres walked on the ground, not by map units,
so Mercator maps and maps in degrees are cut as densely as any other.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from affine import Affine
from pyproj import CRS

from geoloc.arrays import AnyArray, Float64Array
from geoloc.errors import CrsError, RasterError
from geoloc.geometry.crs import ground_scales

# With fewer pixels a side a tile shows nothing that a photo could be compared with.
MIN_SIDE_PX = 16
_KNOTS = 65


@dataclass(frozen=True)
class RasterFrame:
    """The grid of a north-up raster: its CRS, geotransform and size in pixels."""

    crs: CRS
    transform: Affine
    width_px: int
    height_px: int

    def pixel_sizes_m(self, cols: Float64Array, rows: Float64Array) -> Float64Array:
        """True ground metres (N, 2) of a pixel along x and y, at pixel positions (N,)."""
        xs = self.transform.c + self.transform.a * cols
        ys = self.transform.f + self.transform.e * rows
        return ground_scales(self.crs, xs, ys) * [abs(self.transform.a), abs(self.transform.e)]


@dataclass(frozen=True)
class GridOptions:
    """How a grid is laid: a tile's side in metres and pixels, and the share that overlaps."""

    ground_size_m: float
    size_px: int
    overlap: float

    @property
    def stride_m(self) -> float:
        """From one tile to the next, in metres."""
        return self.ground_size_m * (1.0 - self.overlap)


@dataclass(frozen=True, slots=True)
class TileWindow:
    """One tile: its place in the grid, its window in raster pixels, its metres per tile pixel."""

    row: int
    col: int
    col_off: float
    row_off: float
    width: float
    height: float
    gsd_m: float

    def transform(self, frame: RasterFrame, size_px: int) -> Affine:
        """From tile pixels (corner convention) to the raster's CRS."""
        # Written out: affine 3 deprecates `*` between transforms, affine 2 knows no `@`.
        north_up = frame.transform
        return Affine(
            north_up.a * self.width / size_px,
            0.0,
            north_up.c + north_up.a * self.col_off,
            0.0,
            north_up.e * self.height / size_px,
            north_up.f + north_up.e * self.row_off,
        )


def pixel_size_m(frame: RasterFrame) -> float:
    """The coarser side of the middle pixel on the ground, in metres.

    Raises:
        CrsError: The raster's middle has no place on the Earth.
    """
    middle = frame.pixel_sizes_m(np.array([frame.width_px / 2]), np.array([frame.height_px / 2]))
    if not np.isfinite(middle).all():
        message = f"the middle of the raster has no place on the Earth in {frame.crs.name!r}"
        raise CrsError(f"{message}; check its CRS and geotransform", crs=frame.crs)
    return float(middle.max())


def check_resolution(frame: RasterFrame, ground_size_m: float) -> None:
    """Refuse a raster whose pixels are too coarse for tiles of this size.

    Raises:
        RasterError: A tile would have fewer than `MIN_SIDE_PX` pixels a side.
        CrsError: The raster has no place on the Earth.
    """
    pixel_m = pixel_size_m(frame)
    if pixel_m * MIN_SIDE_PX > ground_size_m:
        raise RasterError(
            f"pixels of {pixel_m:.3g} m are too coarse for tiles of {ground_size_m:g} m, "
            f"which need {MIN_SIDE_PX} pixels a side; use --ground-size "
            f"{math.ceil(pixel_m * MIN_SIDE_PX)} or more, or a finer raster"
        )


class TileGrid:
    """The grid of tiles on a raster, whose rows are laid one by one when they are asked for.

    Neighbours lie `stride_m` apart on the ground; the last row and column are shifted back to end
    at the raster's edge, so that everything is covered. A raster smaller than a tile gets one tile
    in its middle that reaches beyond it. Each side is measured at the tile's own centre.

    Args:
        frame: The raster.
        options: How the grid is laid.

    Attributes:
        rows_px: Pixel rows (R,) of the centres of the grid's rows, from north to south.
    """

    def __init__(self, frame: RasterFrame, options: GridOptions) -> None:
        self.frame = frame
        self.options = options
        down = _Axis.down(frame)
        self.rows_px = down.pixels_at(_centres_m(down.length_m, options))

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.rows_px)

    def row(
        self, row: int, spans_px: Sequence[tuple[float, float]] | None = None
    ) -> list[TileWindow]:
        """The tiles of one row from west to east, of which some may have no place on the Earth.

        Args:
            row: Number of the row, from 0.
            spans_px: Only tiles whose centres lie in one of these spans of pixel columns.
        """
        row_px = float(self.rows_px[row])
        across = _Axis.across(self.frame, row_px)
        cols_px = across.pixels_at(_centres_m(across.length_m, self.options))
        cols = np.arange(len(cols_px))
        if spans_px is not None:
            # The centres ascend, so each span is a slice of them.
            ends = [np.searchsorted(cols_px, span).tolist() for span in spans_px]
            cols = np.unique(np.concatenate([cols[first:last] for first, last in ends]))
        return self._windows(row, cols, cols_px[cols])

    def _windows(self, row: int, cols: AnyArray, cols_px: Float64Array) -> list[TileWindow]:
        """The tiles with these numbers, around these pixel columns."""
        frame, options = self.frame, self.options
        row_px = float(self.rows_px[row])
        pixel_m = frame.pixel_sizes_m(cols_px, np.full(len(cols_px), row_px))
        windows = []
        for col, x, metres in zip(cols.tolist(), cols_px, pixel_m, strict=True):
            if not np.isfinite(metres).all():
                continue  # beyond the edge of the Earth's picture, as on full-disc satellite maps
            side = options.ground_size_m / metres
            col_off, width = _span(x, side[0], frame.width_px, options.size_px)
            row_off, height = _span(row_px, side[1], frame.height_px, options.size_px)
            gsd_m = float((width * metres[0] + height * metres[1]) / (2 * options.size_px))
            windows.append(TileWindow(row, col, col_off, row_off, width, height, gsd_m))
        return windows


def grid_rows(frame: RasterFrame, options: GridOptions) -> Iterator[list[TileWindow]]:
    """The tiles of a raster, one list a row, from north to south and west to east."""
    grid = TileGrid(frame, options)
    for row in range(len(grid)):
        yield grid.row(row)


def _span(centre: float, side: float, limit: int, size_px: int) -> tuple[float, float]:
    """Offset and length in pixels of one side of a window.

    Whole pixels where that changes the side by less than 1 in `size_px`: then tiles of the
    raster's own resolution are exact copies, and GDAL never drops a fraction. Coarser rasters,
    whose tiles are enlarged, keep fractions.
    """
    whole = side >= size_px / 2
    length = float(round(side)) if whole else float(side)
    offset = float(round(centre - side / 2)) if whole else float(centre - side / 2)
    if length <= limit:
        offset = min(max(offset, 0.0), limit - length)
    return offset, length


def _centres_m(length_m: float, options: GridOptions) -> Float64Array:
    """Centres of tiles along an axis, in metres from its start."""
    room = length_m - options.ground_size_m
    if room <= 0:
        return np.array([length_m / 2])
    # A rest that is less than the overlap can hide is spread over all steps: a map of 480 m in UTM
    # measures 480.2 m on the ground, and 20 cm are not worth another row of tiles.
    slack_m = options.ground_size_m * max(1e-3, min(0.02, options.overlap / 2))
    count = math.ceil((room - slack_m) / options.stride_m) + 1
    if count == 1:
        return np.array([length_m / 2])
    stride_m = max(options.stride_m, room / (count - 1))
    starts: Float64Array = np.minimum(np.arange(count) * stride_m, room)
    return starts + options.ground_size_m / 2


@dataclass(frozen=True)
class _Axis:
    """Pixels along a row or column, against the metres walked on the ground to them."""

    pixels: Float64Array
    metres: Float64Array

    @classmethod
    def down(cls, frame: RasterFrame) -> _Axis:
        """From the top to the bottom of the raster, along its middle column."""
        pixels = np.linspace(0, frame.height_px, _KNOTS)
        sizes = frame.pixel_sizes_m(np.full(_KNOTS, frame.width_px / 2), pixels)
        return cls._walk(pixels, sizes[:, 1])

    @classmethod
    def across(cls, frame: RasterFrame, row_px: float) -> _Axis:
        """From the left to the right edge of the raster, along one row."""
        pixels = np.linspace(0, frame.width_px, _KNOTS)
        sizes = frame.pixel_sizes_m(pixels, np.full(_KNOTS, row_px))
        return cls._walk(pixels, sizes[:, 0])

    @classmethod
    def _walk(cls, pixels: Float64Array, pixel_m: Float64Array) -> _Axis:
        known = np.isfinite(pixel_m)
        pixels, pixel_m = pixels[known], pixel_m[known]
        if len(pixels) < 2:
            return cls(np.zeros(1), np.zeros(1))
        steps = np.diff(pixels) * (pixel_m[1:] + pixel_m[:-1]) / 2
        return cls(pixels, np.concatenate([[0.0], np.cumsum(steps)]))

    @property
    def length_m(self) -> float:
        """The whole way, in metres."""
        return float(self.metres[-1])

    def pixels_at(self, metres: Float64Array) -> Float64Array:
        """The pixel positions (N,) after `metres` (N,)."""
        return np.interp(metres, self.metres, self.pixels)
