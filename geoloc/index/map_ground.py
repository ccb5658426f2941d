"""Pixels of a map on a grid on the ground, from all rasters that tiles are windows of.

Each raster is read once a grid, reduced by whole factors (which overviews serve) to pixels of half
the grid's or finer, smoothed as the reduction that is left wants it, and sampled linearly. Where
rasters meet, each gives its share of a pixel; what none shows is filled.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
import shapely

from geoloc.arrays import Float32Array, Float64Array, RgbImage
from geoloc.geometry.crs import from_lonlat, to_lonlat
from geoloc.geometry.longitude import near
from geoloc.image_size import ImageSize
from geoloc.index.ground_grid import GroundGrid
from geoloc.tiles.raster import MapRaster, PixelWindow
from geoloc.tiles.tile_set import TileSet

# Pixels of a grid between positions that are carried into the CRS of a raster; between these it
# goes straight, which errs by a thousandth of a pixel.
_KNOT_PX = 64
# Positions a side of a raster's outline.
_OUTLINE = 17
# Pixels around what is read, besides those that smoothing wants.
_MARGIN_PX = 2
_FULL = 0.999
# A pixel that is covered by more than this is covered.
_SEAM = 0.9
# Less smoothing than this is none.
_SHARP_PX = 0.05


class MapGround:
    """The map of virtual tiles; safe to read from several threads.

    Args:
        tiles: The tiles, windows of their rasters.
        fill: Grey level where the map shows nothing.
    """

    def __init__(self, tiles: TileSet, *, fill: int) -> None:
        self._tiles = tiles
        self._fill = fill
        self._lock = threading.Lock()
        self._stretches: dict[str, str] | None = None
        self._outlines: dict[str, shapely.Geometry] = {}

    def read(self, grid: GroundGrid, *, first: str) -> RgbImage:
        """Pixels (H, W, 3) of a grid.

        Args:
            grid: The grid.
            first: Location of the raster that goes before others where several show a place; of
                these, that which was given first to `geoloc tile`.

        Raises:
            RasterError: A raster is gone, has changed, or is damaged there.
        """
        total = np.zeros((*grid.size, 4), np.float32)
        for location in self._near(grid, first):
            raster = self._tiles.raster(location, self._stretch_of(location))
            part = _part_of(raster, grid)
            if part is None:
                continue
            room = np.minimum(part[..., 3], 1 - total[..., 3])
            total += part * (room / np.maximum(part[..., 3], 1e-6))[..., None]
            if total[..., 3].min() > _FULL:
                break
        # OpenCV places pixels to a 32nd, which leaves gaps where rasters meet.
        covered = np.where(total[..., 3:] > _SEAM, 1 / np.maximum(total[..., 3:], _SEAM), 1.0)
        empty = np.maximum(0, 1 - total[..., 3:] * covered)
        pixels = total[..., :3] * covered + empty * self._fill
        return np.asarray(np.clip(np.rint(pixels), 0, 255), np.uint8)

    def _near(self, grid: GroundGrid, first: str) -> Iterator[str]:
        """Locations of the rasters that may show a part of a grid, `first` before the others."""
        yield first
        others = [entry.location for entry in self._tiles.manifest.rasters if entry.error is None]
        if others == [first]:
            return
        corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * [grid.size[1], grid.size[0]]
        lonlat = grid.to_lonlat(corners.astype(np.float64))
        lonlat[:, 0] = near(lonlat[:, 0], lonlat[0, 0])
        box = shapely.box(*lonlat.min(axis=0), *lonlat.max(axis=0))
        for location in others:
            if location != first and _touch(box, self._outline_of(location)):
                yield location

    def _outline_of(self, location: str) -> shapely.Geometry:
        """The outline of a raster in degrees; it is opened for that once."""
        if location not in self._outlines:
            raster = self._tiles.raster(location, self._stretch_of(location))
            with self._lock:
                self._outlines[location] = _outline_of(raster)
        return self._outlines[location]

    def _stretch_of(self, location: str) -> str:
        """The stretch of a raster, as the table of its tiles says."""
        with self._lock:
            if self._stretches is None:
                rows = self._tiles.rows
                firsts = np.unique(rows.raster, return_index=True)[1]
                records = rows.records(np.sort(firsts), ["raster", "stretch"])
                self._stretches = {record["raster"]: record["stretch"] for record in records}
            return self._stretches.get(location, "")


def _touch(box: shapely.Geometry, outline: shapely.Geometry) -> bool:
    """Whether boxes in degrees touch, in whatever turn each is counted."""
    west, south, east, north = box.bounds
    turns = (shapely.box(west + turn, south, east + turn, north) for turn in (-360, 0, 360))
    return any(outline.intersects(turned) for turned in turns)


def _outline_of(raster: MapRaster) -> shapely.Geometry:
    """A box in degrees around a raster; the whole Earth where a part of its edge has no place."""
    way, zeros, ones = np.linspace(0, 1, _OUTLINE), np.zeros(_OUTLINE), np.ones(_OUTLINE)
    cols = np.concatenate([way, ones, way[::-1], zeros]) * raster.frame.width_px
    rows = np.concatenate([zeros, way, ones, way[::-1]]) * raster.frame.height_px
    place = raster.transform
    lonlat = to_lonlat(raster.crs, place.c + place.a * cols, place.f + place.e * rows)
    if not np.isfinite(lonlat).all():
        return shapely.box(-180, -90, 180, 90)
    lonlat[:, 0] = near(lonlat[:, 0], lonlat[0, 0])
    return shapely.box(*lonlat.min(axis=0), *lonlat.max(axis=0))


class _Knots(NamedTuple):
    """Rows (R,) and columns (C,) of a grid, and where they lie in a raster, (R, C, 2) pixels."""

    rows_px: Float64Array
    cols_px: Float64Array
    places_px: Float64Array


def _part_of(raster: MapRaster, grid: GroundGrid) -> Float32Array | None:
    """RGB times coverage, and coverage (H, W, 4), of a grid; None where a raster shows nothing."""
    knots = _knots_of(raster, grid)
    reduction = _Reduction.of(raster, grid, knots)
    window = None if reduction is None else reduction.window(raster, knots.places_px)
    if reduction is None or window is None:
        return None
    source = reduction.read(raster, window)
    places_px = (knots.places_px - [window.col_off, window.row_off]) / reduction.factors
    # OpenCV's pixel centres are whole numbers, ours lie at a half.
    cols, rows = (_between(knots, places_px[..., axis] - 0.5, grid.size) for axis in (0, 1))
    return np.asarray(
        cv2.remap(source, cols, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    )


def _knots_of(raster: MapRaster, grid: GroundGrid) -> _Knots:
    rows_px, cols_px = (
        np.linspace(0, side_px, math.ceil(side_px / _KNOT_PX) + 1) for side_px in grid.size
    )
    cols, rows = np.meshgrid(cols_px, rows_px)
    xy = from_lonlat(raster.crs, grid.to_lonlat(np.column_stack([cols.ravel(), rows.ravel()])))
    place, frame = raster.transform, raster.frame
    if raster.crs.is_geographic:  # whose longitudes may be counted from 0 to 360
        xy[:, 0] = near(xy[:, 0], place.c + place.a * frame.width_px / 2)
    places_px = (xy - [place.c, place.f]) / [place.a, place.e]
    return _Knots(rows_px, cols_px, places_px.reshape(*cols.shape, 2))


def _between(knots: _Knots, values: Float64Array, size: ImageSize) -> Float32Array:
    """Values (R, C) at knots, carried linearly to the centres of the pixels of a grid (H, W)."""
    down, across = (
        np.stack([np.interp(np.arange(side_px) + 0.5, at, hat) for hat in np.eye(len(at))], axis=1)
        for at, side_px in zip((knots.rows_px, knots.cols_px), size, strict=True)
    )
    return np.asarray(down @ values @ across.T, np.float32)


@dataclass(frozen=True)
class _Reduction:
    """How a raster is brought near the pixels of a grid before it is sampled.

    Attributes:
        factors: (2,) columns and rows of the raster that are averaged, whole numbers.
        sigmas_px: (2,) standard deviation of the smoothing that is left to do, in such averages.
    """

    factors: Float64Array
    sigmas_px: Float64Array

    @classmethod
    def of(cls, raster: MapRaster, grid: GroundGrid, knots: _Knots) -> _Reduction | None:
        """The reduction around the middle of a grid; None where the raster has no place there."""
        rows, cols = knots.places_px.shape[:2]
        middle_px = knots.places_px[rows // 2, cols // 2]
        if not np.isfinite(knots.places_px).all():
            return None
        pixel_m = raster.frame.pixel_sizes_m(middle_px[:1], middle_px[1:])[0]
        if not np.isfinite(pixel_m).all():
            return None
        # Averages of at most two thirds of the grid's pixels: what is left is smoothed.
        factors = np.maximum(1.0, np.floor(grid.gsd_m / (2 * pixel_m) + 0.5))
        left = grid.gsd_m / (pixel_m * factors)
        return cls(factors, np.maximum(0.0, (left - 1) / 2))

    def window(self, raster: MapRaster, places_px: Float64Array) -> PixelWindow | None:
        """What is to be read for places (..., 2) of a raster; None if it shows none of them."""
        low, high = places_px.min(axis=(0, 1)), places_px.max(axis=(0, 1))
        margin_px = (_MARGIN_PX + np.ceil(3 * self.sigmas_px)) * self.factors
        size_px = np.array([raster.frame.width_px, raster.frame.height_px])
        if (high <= 0).any() or (low >= size_px).any():
            return None
        # Beyond the raster as far as smoothing carries it: that is where the next one begins.
        first = np.floor(np.maximum(-margin_px, low - margin_px) / self.factors) * self.factors
        last = np.ceil(np.minimum(size_px, high) / self.factors) * self.factors + margin_px
        return PixelWindow(*first.tolist(), *(last - first).tolist())

    def read(self, raster: MapRaster, window: PixelWindow) -> Float32Array:
        """RGB times coverage, and coverage (H, W, 4), of a window."""
        width_px, height_px = (np.array(window[2:]) / self.factors).astype(int).tolist()
        tile = raster.read_scaled(window, ImageSize(height_px, width_px))
        source = np.empty((*tile.valid.shape, 4), np.float32)
        source[..., :3], source[..., 3] = tile.pixels, tile.valid  # what is not valid is black
        if (self.sigmas_px < _SHARP_PX).all():
            return source
        sigma_x, sigma_y = np.maximum(self.sigmas_px, 1e-3).tolist()
        return np.asarray(
            cv2.GaussianBlur(
                source, (0, 0), sigma_x, sigmaY=sigma_y, borderType=cv2.BORDER_CONSTANT
            )
        )
