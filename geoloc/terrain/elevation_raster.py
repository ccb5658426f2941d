"""One elevation model: any raster with heights in its first band, sampled where they are asked for.

It is read by windows that lie on a coarse lattice and are kept, so that neighbouring photos share
them; where it is finer than needed, by its overviews or reduced by the mean. So memory does not
grow with the file.
"""

from __future__ import annotations

import math
import threading
import warnings
from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import rasterio
from affine import Affine
from rasterio.enums import ColorInterp, MaskFlags, Resampling
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.windows import Window

from geoloc.arrays import Float32Array, Float64Array, FloatArray, Mask
from geoloc.clutter import apple_double_fault
from geoloc.errors import CrsError, InputError, RasterError
from geoloc.geometry.crs import (
    LonLat,
    as_crs,
    distances_m,
    from_lonlat,
    ground_scales,
    to_lonlat,
)
from geoloc.terrain.height_datum import HeightDatum, height_datum
from geoloc.tiles.gdal import gdal_environment
from geoloc.tiles.location import public_name
from geoloc.tiles.read_failure import read_failure
from geoloc.tiles.source_files import check_sources

# The land lies between these, metres; what does not is a gap that nobody declared.
_LOWEST_M, _HIGHEST_M = -500.0, 9000.0
_LATTICE_PX = 256
_KEPT_WINDOWS = 8
# What takes a window of more pixels is read by halves: 16 MB each.
_MOST_PX = 4e6
# A projection's scale makes no pixel too coarse.
_SLACK = 1.1
_EDGE_STEPS = 9
_WIDEST_M = 3e6


class Disc(NamedTuple):
    """A part of the Earth around a place.

    Attributes:
        middle: The place.
        radius_m: Its radius, metres.
    """

    middle: LonLat
    radius_m: float


class _Patch(NamedTuple):
    """A window that was read.

    Attributes:
        heights_m: (H, W) heights; NaN in gaps.
        left_px: Column of the raster at its left edge.
        top_px: Row at its upper edge.
        step_px: Columns and rows of the raster that a pixel of it covers.
    """

    heights_m: Float32Array
    left_px: float
    top_px: float
    step_px: tuple[float, float]


@dataclass(frozen=True, eq=False)
class ElevationRaster:
    """An open elevation model; safe to use from several threads.

    Attributes:
        name: What it is called in messages.
        dataset: Dataset of rasterio.
        datum: What its heights are above, their unit, and its horizontal CRS.
    """

    name: str
    dataset: Any
    datum: HeightDatum
    _lock: threading.Lock
    _kept: OrderedDict[tuple[int, ...], _Patch]

    @property
    def transform(self) -> Affine:
        """From pixel corners to the horizontal CRS."""
        transform: Affine = self.dataset.transform
        return transform

    @cached_property
    def disc(self) -> Disc:
        """A disc that the raster lies in; one of the whole Earth where its edge has no place."""
        shares = [(s, t) for s in np.linspace(0, 1, _EDGE_STEPS).tolist() for t in (0.0, 1.0)]
        shares += [(t, s) for s, t in shares] + [(0.5, 0.5)]
        cols, rows = np.array(shares).T * [[self.dataset.width], [self.dataset.height]]
        a, b, left, d, e, top = self.transform[:6]
        x, y = left + a * cols + b * rows, top + d * cols + e * rows
        places = to_lonlat(self.datum.horizontal, x, y)
        edge, middle = places[:-1], places[-1:]
        if not (np.isfinite(edge).all() and np.isfinite(middle).all()):
            return Disc(LonLat(0.0, 0.0), math.inf)
        radius_m = float(distances_m(*middle.T, *edge.T).max())
        # The edge of what is wider does not tell how it lies on the globe.
        reach_m = 1.01 * radius_m if radius_m < _WIDEST_M else math.inf
        return Disc(LonLat(*map(float, middle[0])), reach_m)

    def pixel_m(self, at: LonLat) -> float:
        """Mean side of a pixel on the ground there, metres; NaN where the CRS has no answer."""
        return self._pixel_m(self.coordinates(np.array([at]))[0])

    def coordinates(self, lonlat: Float64Array) -> Float64Array:
        """Coordinates (N, 2) in the horizontal CRS, of degrees (N, 2) near each other.

        Degrees count on across the antimeridian, so that what lies between may be interpolated.
        """
        xy = from_lonlat(self.datum.horizontal, lonlat)
        if turn := self._turn:
            xy[:, 0] = xy[0, 0] + (xy[:, 0] - xy[0, 0] + turn / 2) % turn - turn / 2
        return xy

    def sample(self, xy: Float64Array, cell_m: float) -> Float64Array:
        """Heights (N,) in metres at coordinates (N, 2), bilinear; NaN off the raster and at gaps.

        Args:
            xy: Places, as `coordinates` gives them.
            cell_m: Details finer than this are not needed.

        Raises:
            RasterError: The file is damaged there, or cannot be reached.
        """
        cols, rows = self._pixels(xy)
        inside, width = self._is_inside(cols, rows), self.dataset.width
        heights = np.full(len(xy), np.nan)
        # A map of the whole Earth may show the two ends of what lies across its edge.
        ends = (cols < width / 2, cols >= width / 2) if self._turn else (inside,)
        for end in ends:
            at = np.flatnonzero(inside & end)
            if len(at):
                reduction = cell_m / self._pixel_m(np.median(xy[at], axis=0))
                heights[at] = self._sample(cols[at], rows[at], _step(reduction))
        return heights

    def _sample(self, cols: Float64Array, rows: Float64Array, step: int) -> Float64Array:
        """Heights (N,) at pixels inside the raster, by windows of a bounded size."""
        spans = np.array([np.ptp(cols), np.ptp(rows)])
        if (spans / step + 1).prod() <= _MOST_PX or len(cols) == 1:
            return _bilinear(self._patch(cols, rows, step), cols, rows)
        along = cols if spans[0] > spans[1] else rows
        is_low = along <= (along.min() + along.max()) / 2
        heights = np.empty(len(cols))
        for half in (is_low, ~is_low):
            heights[half] = self._sample(cols[half], rows[half], step)
        return heights

    def reaches(self, lonlat: Float64Array) -> Mask:
        """Whether degrees (N, 2) lie on the raster, whose heights may be unknown there."""
        return self._is_inside(*self._pixels(from_lonlat(self.datum.horizontal, lonlat)))

    def _is_inside(self, cols: Float64Array, rows: Float64Array) -> Mask:
        width, height = self.dataset.width, self.dataset.height
        return np.asarray((cols >= 0) & (cols <= width) & (rows >= 0) & (rows <= height))

    @property
    def _turn(self) -> float:
        """A full turn in the units of a CRS of longitudes; 0 for others."""
        crs = self.datum.horizontal
        unit = float(crs.axis_info[0].unit_conversion_factor)
        return 360.0 / math.degrees(unit) if crs.is_geographic else 0.0

    def _pixels(self, xy: Float64Array) -> tuple[Float64Array, Float64Array]:
        """Columns (N,) and rows (N,), on the turn that the raster is on."""
        x = xy[:, 0]
        if turn := self._turn:
            a, b, left, *_ = self.transform
            west = left + min(0, a * self.dataset.width) + min(0, b * self.dataset.height)
            x = west + (x - west) % turn
        cols, rows = ~self.transform @ (x, xy[:, 1])
        return cols, rows

    def _pixel_m(self, xy: Float64Array) -> float:
        """Mean side of a pixel on the ground at coordinates (2,), metres."""
        scales = ground_scales(self.datum.horizontal, xy[:1], xy[1:])[0]
        return float(np.sqrt(abs(self.transform.determinant) * scales[0] * scales[1]))

    def _patch(self, cols: Float64Array, rows: Float64Array, step: int) -> _Patch:
        """What is needed to sample at pixels inside the raster, read or kept."""
        left, right = _aligned(cols.min(), cols.max(), step, self.dataset.width)
        top, bottom = _aligned(rows.min(), rows.max(), step, self.dataset.height)
        key = (left, top, right, bottom, step)
        with self._lock:
            patch = self._kept.get(key)
            if patch is None:
                patch = self._kept[key] = self._read(left, top, right, bottom, step)
                if len(self._kept) > _KEPT_WINDOWS:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(key)
        return patch

    def _read(self, left: int, top: int, right: int, bottom: int, step: int) -> _Patch:
        """Read a window, reduced by `step`."""
        window = Window(left, top, right - left, bottom - top)
        shape = (math.ceil(window.height / step), math.ceil(window.width / step))
        # A fill that nobody declared must not be mixed with heights.
        is_plain = step == 1 or MaskFlags.all_valid in self.dataset.mask_flag_enums[0]
        method = Resampling.nearest if is_plain else Resampling.average
        try:
            with gdal_environment():
                values = self.dataset.read(
                    1,
                    window=window,
                    out_shape=shape,
                    masked=True,
                    resampling=method,
                    out_dtype=np.float64,
                )
        except (RasterioError, ValueError, MemoryError) as error:
            message = f"cannot read {self.name}: {read_failure(self.name, error)}"
            raise RasterError(message, path=self.name) from error
        return _Patch(
            self._heights_m(values),
            left,
            top,
            (window.width / shape[1], window.height / shape[0]),
        )

    def _heights_m(self, values: Any) -> Float32Array:
        """Heights of masked values of the band: its scale, its offset, its unit, its gaps."""
        scale, offset = self.dataset.scales[0], self.dataset.offsets[0]
        heights = (values.filled(np.nan) * scale + offset) * self.datum.unit_m
        with np.errstate(invalid="ignore"):
            is_land = (heights >= _LOWEST_M) & (heights <= _HIGHEST_M)
        return np.where(is_land, heights, np.nan).astype(np.float32)


def open_elevation(location: str) -> ElevationRaster:
    """Open an elevation model.

    Raises:
        RasterError: It cannot be opened, is not on the ground, shows a picture instead of heights,
            or is a mosaic whose sources are not all there.
        CrsError: It has no CRS, one without a place on the Earth, or a unit that is unknown.
    """
    name = public_name(location)
    # Else GDAL keeps what a GeoTIFF says of its vertical datum to itself.
    with gdal_environment(GTIFF_REPORT_COMPD_CS="YES"):
        dataset = _open(location, name)
        try:
            _check_heights(dataset, name)
            check_sources(location, dataset)
            datum = height_datum(as_crs(_wkt(dataset)), dataset.units[0])
        except InputError as error:
            dataset.close()
            if str(error).startswith(name):
                raise
            raise type(error)(f"{name}: {error}", path=name) from error
    return ElevationRaster(name, dataset, datum, threading.Lock(), OrderedDict())


def _open(location: str, name: str) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            return rasterio.open(location)
    except (RasterioError, ValueError, TypeError, AttributeError, OSError) as error:
        if fault := apple_double_fault(location):
            raise RasterError(fault, path=name) from error
        if Path(location).is_dir():
            raise RasterError(
                f"{name} is a folder; expected a raster of heights: name the files in it, or one "
                f"over all, as gdalbuildvrt heights.vrt {name}/*.tif makes it",
                path=name,
            ) from error
        why, _, advice = read_failure(location, error).partition("; ")
        if advice == "is it damaged?":
            advice = "expected a GeoTIFF, a VRT or another raster of heights that GDAL reads"
        message = f"cannot open {name} as an elevation model: {why}; {advice}"
        raise RasterError(message, path=name) from error


def _wkt(dataset: Any) -> str:
    """The CRS as text that keeps a third axis, which the older WKT has no place for."""
    if dataset.crs is None:
        raise CrsError("it has no CRS; expected one, as `gdal_edit.py -a_srs EPSG:32633` states it")
    text: str = dataset.crs.to_wkt(version="WKT2_2019")
    return text


def _check_heights(dataset: Any, name: str) -> None:
    """Refuse what holds no heights, or has no place.

    Raises:
        RasterError: It does.
    """
    if dataset.count == 0:
        raise RasterError(
            f"{name} holds several rasters; name one of them, as gdalinfo lists them", path=name
        )
    pictures = (ColorInterp.red, ColorInterp.palette)
    is_picture = dataset.colorinterp[0] in pictures and "float" not in dataset.dtypes[0]
    is_picture |= dataset.count >= 3 and dataset.dtypes[0] == "uint8"
    if is_picture or "complex" in dataset.dtypes[0]:
        raise RasterError(
            f"{name} shows a picture, {dataset.count} bands of {dataset.dtypes[0]}; expected one "
            "band of heights, an elevation model",
            path=name,
        )
    if dataset.transform == Affine.identity() or not dataset.transform.determinant:
        raise RasterError(
            f"{name} has no place on the ground; expected a geotransform (gdalwarp gives one to "
            "what has ground control points)",
            path=name,
        )


def _step(reduction: float) -> int:
    """How many pixels to a side are read as one, a power of two."""
    if not math.isfinite(reduction):
        return 1
    return 1 << int(math.log2(max(_SLACK * reduction, 1.0)))


def _aligned(low: float, high: float, step: int, size: int) -> tuple[int, int]:
    """The pixels around a span, on the lattice of windows, within the raster."""
    unit = _LATTICE_PX * step
    first = math.floor((low - step) / unit) * unit
    last = math.ceil((high + step) / unit) * unit
    return max(0, min(first, size - 1)), min(size, max(last, 1))


def _bilinear(patch: _Patch, cols: Float64Array, rows: Float64Array) -> Float64Array:
    """Heights (N,) at pixels of the raster; up to its edge, beyond the last centres level."""
    height, width = patch.heights_m.shape
    x = np.clip((cols - patch.left_px) / patch.step_px[0] - 0.5, 0, width - 1)
    y = np.clip((rows - patch.top_px) / patch.step_px[1] - 0.5, 0, height - 1)
    left, upper = x.astype(np.int64), y.astype(np.int64)
    right, lower = np.minimum(left + 1, width - 1), np.minimum(upper + 1, height - 1)
    right_share, lower_share = x - left, y - upper
    grid = patch.heights_m
    above = _mixed(grid[upper, left], grid[upper, right], right_share)
    below = _mixed(grid[lower, left], grid[lower, right], right_share)
    return _mixed(above, below, lower_share)


def _mixed(one: FloatArray, other: FloatArray, share: Float64Array) -> Float64Array:
    """Values that share of the way from one to the other; NaN only if one that counts is."""
    between = one + share * (other - one)
    return np.asarray(np.where(share == 0, one, between), np.float64)
