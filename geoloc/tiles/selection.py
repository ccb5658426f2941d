"""The tiles of a grid that touch an area, at the cost of these tiles and not of the whole grid.

The grid is halved again and again, and a block of it that lies apart from the area on the Earth is
left with all its tiles. What remains is tested tile by tile. Blocks are judged by positions spread
over them, so no outline has to be carried into the CRS of the raster: that fails at the poles, at
the antimeridian and beyond the edge of a projection.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import shapely

from geoloc.arrays import Float64Array
from geoloc.geometry.crs import to_lonlat
from geoloc.progress import raise_lost_interrupt
from geoloc.tiles.area import Area
from geoloc.tiles.footprint import window_polygons
from geoloc.tiles.grid import TileGrid, TileWindow, pixel_size_m

# Tiles a side of a block that is not divided further.
_LEAF = 16
# Positions a side at which a block is judged.
_KNOTS = 9
# Around a pole, four neighbouring positions turn by 360 degrees: two of them by 90 or more. Seams
# of a projection turn by more, too.
_MAX_STEP_DEG = 60.0
# A block off the Earth's picture, with all around it, holds nothing. Blocks larger than this part
# of the raster's side are divided first: the picture may lie between their positions.
_COARSE = 16

Span = tuple[float, float]


def touching_rows(
    grid: TileGrid, area: Area, *, on_rows: Callable[[int], None] = lambda _: None
) -> Iterator[list[TileWindow]]:
    """The tiles whose footprints touch the area, one list a row, in the order of the grid.

    Args:
        grid: The grid.
        area: The area; tiles are taken as `Area.touches` decides.
        on_rows: Is told how many more rows of the grid are done.
    """
    spans: Mapping[int, list[Span] | None] = dict.fromkeys(range(len(grid)))
    if area.shape is not None:
        spans = _spans_by_row(_Judge(grid, area.on_all_turns))
    done = 0
    for row in sorted(spans):
        on_rows(row - done)
        windows = grid.row(row, spans[row])
        if area.shape is not None:
            polygons = window_polygons(grid.frame, windows, grid.options.size_px)
            found = area.touches(polygons)
            windows = [window for window, is_there in zip(windows, found, strict=True) if is_there]
        yield windows
        done = row
    on_rows(len(grid) - done)


class _Block(NamedTuple):
    """Rows of the grid, and the span of pixel columns in which the centres of its tiles lie."""

    first_row: int
    end_row: int
    west_px: float
    east_px: float

    def halves(self, side_px: float) -> tuple[_Block, ...]:
        """The block in two along its longer side, or nothing if it is small enough.

        Args:
            side_px: Width of its tiles.
        """
        rows, cols = self.end_row - self.first_row, (self.east_px - self.west_px) / side_px
        if max(rows, cols) <= _LEAF:
            return ()
        if rows >= cols:
            middle = (self.first_row + self.end_row) // 2
            return self._replace(end_row=middle), self._replace(first_row=middle)
        middle_px = (self.west_px + self.east_px) / 2
        return self._replace(east_px=middle_px), self._replace(west_px=middle_px)


def _spans_by_row(judge: _Judge) -> dict[int, list[Span]]:
    """Where along the rows of a grid tiles may touch the area."""
    grid = judge.grid
    side_px = grid.options.ground_size_m / pixel_size_m(grid.frame)
    spans: defaultdict[int, list[Span]] = defaultdict(list)
    # The last centre may lie on the edge itself.
    waiting = [_Block(0, len(grid), 0.0, grid.frame.width_px + 1.0)]
    while waiting:
        raise_lost_interrupt()
        block = waiting.pop()
        if not judge.may_touch(block):
            continue
        parts = block.halves(side_px)
        waiting += parts
        if not parts:
            for row in range(block.first_row, block.end_row):
                spans[row].append((block.west_px, block.east_px))
    return spans


@dataclass(frozen=True)
class _Judge:
    """Tells blocks of a grid that may touch a shape from those that cannot.

    Attributes:
        grid: The grid.
        shape: The shape in degrees, with its copies on all turns.
    """

    grid: TileGrid
    shape: shapely.Geometry

    def may_touch(self, block: _Block) -> bool:
        """Whether a tile of the block may touch the shape; never False when one does."""
        cols, rows = self._centres(block)
        metres = self.grid.frame.pixel_sizes_m(*_mesh(cols, rows))
        if not (metres > 0).all():  # at a pole, or off the Earth's picture
            return not self._is_off_the_earth(block)
        # Twice a tile's side: it reaches half a side from its centre, a whole one where it is
        # shifted back to end at the raster's edge, and the positions may miss the largest.
        reach_px = 2 * self.grid.options.ground_size_m / metres.min(axis=0)
        frame = self.grid.frame
        lonlat = self._lonlat(
            _widened(cols, reach_px[0], frame.width_px),
            _widened(rows, reach_px[1], frame.height_px),
        )
        if not np.isfinite(lonlat).all():
            return True
        return bool(shapely.intersects(self.shape, _surrounding_box(lonlat)))

    def _centres(self, block: _Block) -> tuple[Float64Array, Float64Array]:
        """Pixel columns and rows of positions spread over the centres of a block's tiles."""
        first, last = self.grid.rows_px[[block.first_row, block.end_row - 1]]
        east_px = min(block.east_px, self.grid.frame.width_px)
        return np.linspace(block.west_px, east_px, _KNOTS), np.linspace(first, last, _KNOTS)

    def _is_off_the_earth(self, block: _Block) -> bool:
        """Whether neither the block nor what lies around it has a place on the Earth."""
        frame = self.grid.frame
        cols, rows = self._centres(block)
        width, height = np.ptp(cols), np.ptp(rows)
        if width * _COARSE > frame.width_px or height * _COARSE > frame.height_px:
            return False
        around = self._lonlat(
            np.linspace(cols[0] - width, cols[-1] + width, 3 * _KNOTS),
            np.linspace(rows[0] - height, rows[-1] + height, 3 * _KNOTS),
        )
        return not np.isfinite(around).any()

    def _lonlat(self, cols: Float64Array, rows: Float64Array) -> Float64Array:
        """Degrees (rows, cols, 2) of pixel positions."""
        x, y = _mesh(cols, rows)
        north_up = self.grid.frame.transform
        lonlat = to_lonlat(
            self.grid.frame.crs, north_up.c + north_up.a * x, north_up.f + north_up.e * y
        )
        return lonlat.reshape(len(rows), len(cols), 2)


def _mesh(cols: Float64Array, rows: Float64Array) -> tuple[Float64Array, Float64Array]:
    """All positions, row by row, as columns (N,) and rows (N,)."""
    x, y = np.meshgrid(cols, rows)
    return x.ravel(), y.ravel()


def _widened(positions: Float64Array, reach_px: float, limit: int) -> Float64Array:
    """Positions over the same stretch and `reach_px` more at both ends, as far as tiles lie."""
    # Tiles larger than the raster lie around its middle.
    beyond = max(0.0, reach_px - limit)
    start = max(positions[0] - reach_px, -beyond)
    stop = min(positions[-1] + reach_px, limit + beyond)
    return np.linspace(start, stop, _KNOTS)


def _surrounding_box(lonlat: Float64Array) -> shapely.Geometry:
    """A box of degrees around a block that was looked at in positions (R, C, 2).

    Between two positions the block may reach beyond them by as much as they lie apart.
    """
    lon, lat = lonlat[..., 0], lonlat[..., 1]
    lat_step = max(np.abs(np.diff(lat, axis=axis)).max() for axis in (0, 1))
    south, north = lat.min() - lat_step, lat.max() + lat_step
    down, across = (_turn(np.diff(lon, axis=axis)) for axis in (0, 1))
    lon_step = max(np.abs(down).max(), np.abs(across).max())
    if lon_step > _MAX_STEP_DEG:
        return shapely.box(-180, south, 180, north)
    # Counted on from the first position: along the first column, then along each row.
    east = np.concatenate([[0.0], np.cumsum(down[:, 0])])[:, None] + np.concatenate(
        [np.zeros((len(lon), 1)), np.cumsum(across, axis=1)], axis=1
    )
    start = float(_turn(lon[0, 0]))
    west_lon, east_lon = start + east.min() - lon_step, start + east.max() + lon_step
    if east_lon - west_lon >= 360:
        return shapely.box(-180, south, 180, north)
    return shapely.box(west_lon, south, east_lon, north)


def _turn(degrees: Float64Array) -> Float64Array:
    """Differences of longitudes, the short way round."""
    turned: Float64Array = (degrees + 180) % 360 - 180
    return turned
