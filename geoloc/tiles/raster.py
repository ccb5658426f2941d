"""Open any georeferenced raster as a north-up grid, and read square windows of it as RGB.

Rotated, sheared, south-up and GCP-only rasters are warped on the fly to a north-up grid in their
own CRS, so a window always means that grid. Pixels are counted by GDAL's convention: (0, 0) is
the outer corner of the first pixel.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import rasterio
from affine import Affine
from pyproj import CRS
from rasterio.enums import ColorInterp, MaskFlags, Resampling
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from geoloc.arrays import AnyArray, Mask
from geoloc.clutter import apple_double_fault
from geoloc.errors import InputError, RasterError
from geoloc.geometry.crs import as_crs
from geoloc.image_size import ImageSize
from geoloc.stretch import Stretch
from geoloc.tiles.bands import RgbRecipe, RgbTile, choose_recipe
from geoloc.tiles.gdal import gdal_environment
from geoloc.tiles.grid import RasterFrame, pixel_size_m
from geoloc.tiles.north_up import north_up
from geoloc.tiles.patience import SERVICE_DRIVERS, read_patiently
from geoloc.tiles.read_failure import read_failure
from geoloc.tiles.source_files import check_sources

# Blocks a side that the stretch is measured on: enough for percentiles, few enough to be quick.
_SAMPLE_BLOCKS = 12
_SAMPLE_BLOCK_PX = 256


class PixelWindow(NamedTuple):
    """A window in pixels of the north-up grid; may be fractional and reach beyond the raster."""

    col_off: float
    row_off: float
    width: float
    height: float

    def grown(self, times: float, frame: RasterFrame) -> PixelWindow:
        """A window of so many times its sides around the same middle, as far as the raster goes."""
        more_cols, more_rows = self.width * (times - 1) / 2, self.height * (times - 1) / 2
        west, north = max(0.0, self.col_off - more_cols), max(0.0, self.row_off - more_rows)
        east = min(float(frame.width_px), self.col_off + self.width + more_cols)
        south = min(float(frame.height_px), self.row_off + self.height + more_rows)
        return PixelWindow(west, north, east - west, south - north)


@dataclass(frozen=True)
class MapRaster:
    """An open raster on a north-up grid.

    Attributes:
        location: Path or address that it was opened from.
        name: What it is called in messages, without secrets of an address.
        dataset: Dataset of rasterio, or the warped view of it.
        frame: CRS, geotransform and size.
        recipe: Conversion of its bands to RGB.
        always_valid: True if no pixel inside the raster can be invalid.
        warped: True if it is warped on the fly.
    """

    location: str
    name: str
    dataset: Any
    frame: RasterFrame
    recipe: RgbRecipe
    always_valid: bool
    warped: bool

    @property
    def crs(self) -> CRS:
        """The CRS of the grid."""
        return self.frame.crs

    @property
    def transform(self) -> Affine:
        """From pixel corners to the CRS."""
        return self.frame.transform

    @property
    def is_service(self) -> bool:
        """Whether a map service makes its pixels."""
        return self.dataset.driver in SERVICE_DRIVERS

    @property
    def has_stripes(self) -> bool:
        """Whether a block of the file reaches over the whole width."""
        return not self.warped and self.dataset.block_shapes[0][1] >= self.frame.width_px

    @property
    def stretch_text(self) -> str:
        """The stretch as it is kept in the table of tiles; empty when there is none."""
        return "" if self.recipe.stretch is None else self.recipe.stretch.to_text()

    def read_rgb(self, window: PixelWindow, size_px: int) -> RgbTile:
        """The window as `size_px` squared RGB, black where it is invalid or beyond the raster.

        Reduced by the mean of the covered pixels, enlarged linearly, palettes by the nearest.

        Raises:
            RasterError: The file is damaged there, or cannot be reached.
        """
        return self.read_scaled(window, ImageSize(size_px, size_px))

    def read_scaled(self, window: PixelWindow, size: ImageSize) -> RgbTile:
        """The window as RGB of any size, as `read_rgb` does it.

        Raises:
            RasterError: The file is damaged there, or cannot be reached.
        """
        rows = _visible(window.row_off, window.height, self.frame.height_px, size.height_px)
        cols = _visible(window.col_off, window.width, self.frame.width_px, size.width_px)
        if (rows.count_px, cols.count_px) == size:
            return self._read_inside(rows, cols)
        pixels = np.zeros((*size, 3), dtype=np.uint8)
        valid = np.zeros(size, dtype=np.bool_)
        if rows.count_px and cols.count_px:
            part = self._read_inside(rows, cols)
            place = (rows.place, cols.place)
            pixels[place], valid[place] = part.pixels, part.valid
        return RgbTile(pixels, valid)

    def read_native(self, window: PixelWindow) -> RgbTile:
        """A window of whole pixels inside the raster as RGB (height, width), pixel by pixel.

        Raises:
            RasterError: The file is damaged there, or cannot be reached.
        """
        shape = (int(window.height), int(window.width))
        bands, valid = self._read_bands(Window(*window), shape, Resampling.nearest)
        return self.recipe.to_rgb(bands, valid)

    def _read_inside(self, rows: _Side, cols: _Side) -> RgbTile:
        """Read a part that lies within the raster."""
        window = Window(cols.offset, rows.offset, cols.length, rows.length)
        shape = (rows.count_px, cols.count_px)
        if self.recipe.kind == "palette":
            resampling = Resampling.nearest
        elif cols.length >= cols.count_px and rows.length >= rows.count_px:
            resampling = Resampling.average
        else:
            resampling = Resampling.bilinear
        bands, valid = self._read_bands(window, shape, resampling)
        return self.recipe.to_rgb(bands, valid)

    def _read_bands(
        self, window: Window, shape: tuple[int, int], resampling: Resampling
    ) -> tuple[AnyArray, Mask]:
        """The recipe's bands (B, H, W) and their validity (H, W)."""
        recipe = self.recipe

        def read() -> tuple[AnyArray, Mask]:
            bands = self.dataset.read(
                list(recipe.bands),
                window=window,
                out_shape=(len(recipe.bands), *shape),
                resampling=resampling,
            )
            return bands, self._read_valid(window, shape)

        try:
            with gdal_environment():
                return read_patiently(self.dataset, read)
        except (RasterioError, ValueError, MemoryError) as error:
            message = f"cannot read {self.name}: {read_failure(self.location, error)}"
            raise RasterError(message, path=self.name) from error

    def _read_valid(self, window: Window, shape: tuple[int, int]) -> Mask:
        """Which pixels (H, W) the alpha, mask or nodata declare valid."""
        dataset, recipe = self.dataset, self.recipe
        if recipe.alpha_band is not None:
            alpha = dataset.read(recipe.alpha_band, window=window, out_shape=shape)
            return np.asarray(alpha > 0)
        if self.always_valid:
            return np.ones(shape, dtype=np.bool_)
        masks = dataset.read_masks(
            list(recipe.bands), window=window, out_shape=(len(recipe.bands), *shape)
        )
        return np.asarray((masks > 0).any(axis=0))


@contextmanager
def open_raster(
    location: str | Path,
    *,
    name: str | None = None,
    stretch: Stretch | None = None,
    check: bool = True,
) -> Iterator[MapRaster]:
    """Open a raster, north-up and ready to become RGB.

    Args:
        location: A path, a GDAL path (``/vsizip/...``) or an ``https://`` address.
        name: What to call it in messages; None calls it by its location.
        stretch: Stretch that was measured before, for types other than bytes; None measures it.
        check: Whether to look at the sources of a mosaic first; False when that was just done.

    Raises:
        RasterError: It cannot be opened, is not on the ground, shows no picture, or is a mosaic
            whose sources are not all there.
        CrsError: It has no CRS, or one without a place on the Earth.
    """
    raster = open_map_raster(location, name=name, stretch=stretch, check=check)
    try:
        yield raster
    finally:
        raster.dataset.close()


def open_map_raster(
    location: str | Path,
    *,
    name: str | None = None,
    stretch: Stretch | None = None,
    check: bool = True,
) -> MapRaster:
    """As `open_raster`, for callers who keep it open; they close its `dataset`."""
    name = str(location) if name is None else name
    with gdal_environment(), ExitStack() as stack:
        opened = _open(str(location), name)
        stack.callback(opened.close)
        if check:
            check_sources(str(location), opened)
        dataset = north_up(opened, name)
        raster = replace(_as_map(dataset, name), location=str(location))
        if raster.recipe.kind != "palette" and _needs_stretch(dataset, raster.recipe):
            stretch = stretch or _measure_stretch(raster)
        if stretch is not None:
            raster = _stretched(raster, stretch)
        stack.pop_all()
        return raster


def check_windows(raster: MapRaster, windows: Iterable[PixelWindow]) -> None:
    """Make sure that the sources of a mosaic are there as far as some windows of it reach.

    Of a mosaic of a whole country a part may be there, and that part may be cut.

    Raises:
        RasterError: One is not.
    """
    sides = [(w.col_off, w.row_off, w.col_off + w.width, w.row_off + w.height) for w in windows]
    if not sides:
        return
    lefts, tops, rights, bottoms = zip(*sides, strict=True)
    box = (min(lefts), min(tops), max(rights), max(bottoms))
    check_sources(raster.location, raster.dataset, within=None if raster.warped else box)


def _open(location: str, name: str) -> Any:
    """The dataset as GDAL sees it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            return rasterio.open(location)
    except (RasterioError, ValueError, TypeError, AttributeError, OSError) as error:
        if fault := apple_double_fault(location):
            raise RasterError(fault, path=name) from error
        why, _, advice = read_failure(location, error).partition("; ")
        if advice == "is it damaged?":
            advice = "expected a GeoTIFF or another format that GDAL reads"
        message = f"cannot open {name} as a raster: {why}"
        raise RasterError(f"{message}; {advice}", path=name) from error


def _as_map(dataset: Any, location: str) -> MapRaster:
    """Frame, recipe and validity of a north-up dataset."""
    try:
        crs = as_crs(dataset.crs.to_wkt())
        frame = RasterFrame(crs, dataset.transform, dataset.width, dataset.height)
        pixel_size_m(frame)
        recipe = choose_recipe(
            [meaning.name for meaning in dataset.colorinterp],
            str(np.dtype(dataset.dtypes[0])),
            colours=_colour_table(dataset),
        )
    except InputError as error:
        raise type(error)(f"{location}: {error}", path=location) from error
    flags = [dataset.mask_flag_enums[band - 1] for band in recipe.bands]
    plain = all(MaskFlags.all_valid in f for f in flags) and recipe.alpha_band is None
    floats = np.issubdtype(np.dtype(dataset.dtypes[0]), np.floating)
    return MapRaster(
        location=location,
        name=location,
        dataset=dataset,
        frame=frame,
        recipe=recipe,
        always_valid=plain and not floats and recipe.kind != "palette",
        warped=isinstance(dataset, WarpedVRT),
    )


def _colour_table(dataset: Any) -> dict[int, tuple[int, int, int, int]] | None:
    """The palette of the first band, if it has one."""
    if dataset.colorinterp[0] != ColorInterp.palette:
        return None
    try:
        table: dict[int, tuple[int, int, int, int]] = dataset.colormap(1)
    except ValueError:  # named a palette, but there is none: the indices are shown as grey
        return None
    return table


def _needs_stretch(dataset: Any, recipe: RgbRecipe) -> bool:
    return any(dataset.dtypes[band - 1] != "uint8" for band in recipe.bands)


def _stretched(raster: MapRaster, stretch: Stretch) -> MapRaster:
    """The raster with its stretch, and with what that knows of undeclared fill values."""
    recipe = replace(raster.recipe, stretch=stretch)
    always_valid = raster.always_valid and stretch.fill is None
    return replace(raster, recipe=recipe, always_valid=always_valid)


def _measure_stretch(raster: MapRaster) -> Stretch:
    """Percentiles over blocks spread evenly, so that a large raster is not read twice."""
    side = _SAMPLE_BLOCK_PX
    samples, masks = [], []
    for row in _spread(raster.frame.height_px, side):
        for col in _spread(raster.frame.width_px, side):
            width = min(side, raster.frame.width_px - col)
            height = min(side, raster.frame.height_px - row)
            window = Window(col, row, width, height)
            bands, valid = raster._read_bands(window, (height, width), Resampling.nearest)
            samples.append(bands.reshape(len(bands), -1))
            masks.append(valid.ravel())
    # Who declares a value is believed: that is also how to say that another one is data.
    undeclared = all(raster.dataset.nodatavals[band - 1] is None for band in raster.recipe.bands)
    return Stretch.measure(
        np.concatenate(samples, axis=1), np.concatenate(masks), find_fill=undeclared
    )


def _spread(length: int, side: int) -> list[int]:
    """Offsets of up to `_SAMPLE_BLOCKS` blocks, evenly from the first to the last."""
    blocks = math.ceil(length / side)
    chosen = np.linspace(0, blocks - 1, min(blocks, _SAMPLE_BLOCKS)).round().astype(int)
    return [int(block) * side for block in chosen]


class _Side(NamedTuple):
    """One side of a window: what lies in the raster, and the tile pixels that show it."""

    offset: float
    length: float
    place: slice
    count_px: int


def _visible(offset: float, length: float, limit: int, size_px: int) -> _Side:
    """The tile pixels that lie wholly inside the raster, and their part of the window."""
    step = length / size_px
    first = max(0, math.ceil(-offset / step - 1e-6))
    last = min(size_px, math.floor((limit - offset) / step + 1e-6))
    count = max(0, last - first)
    start = max(0.0, offset + first * step)
    stop = min(float(limit), offset + last * step)
    return _Side(start, max(0.0, stop - start), slice(first, first + count), count)
