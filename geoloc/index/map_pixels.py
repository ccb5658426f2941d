"""Map pixels around a place, north up in local metres, read from the tiles of an index.

An index needs no pixels to be searched: it may travel alone. Who wants to look at the ground
again needs the tiles (or, for virtual ones, the rasters) where they were when it was built.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import shapely

from geoloc.arrays import Float64Array, Mask, RgbImage
from geoloc.errors import RasterError, TilesError
from geoloc.geometry.crs import LocalFrame
from geoloc.geometry.longitude import near
from geoloc.index.map_index import MapIndex

# Averages of so many pixels a side are read when a window is coarser than the tiles.
_SHRINKS = (16, 8, 4, 2)


@dataclass(frozen=True)
class MapWindow:
    """A window of the map, north up.

    Attributes:
        pixels: (H, W, 3) uint8, black where there is no map.
        valid: (H, W) bool, where there is.
        corner_m: (2,) its upper left corner, metres east and north in the region's frame.
        gsd_m: Metres a pixel.
    """

    pixels: RgbImage
    valid: Mask
    corner_m: Float64Array
    gsd_m: float

    def to_ground(self, xy_px: Float64Array) -> Float64Array:
        """Metres (N, 2) in the region's frame of pixels in the corner convention."""
        return np.asarray(self.corner_m + xy_px * [self.gsd_m, -self.gsd_m])


class MapPixels:
    """The pixels of an index's tiles; safe to read from several threads.

    Args:
        index: An opened index.

    Raises:
        TilesError: The tiles are not there any more.
    """

    def __init__(self, index: MapIndex) -> None:
        self._table = index.tiles
        self._finest = index.tiles.finest_rows()
        self._size_px = index.manifest.size_px
        self._tiles = index.open_tiles()
        self._read(int(self._finest[0]), gsd_m=0.0)

    def around(
        self, frame: LocalFrame, low: Float64Array, high: Float64Array, *, gsd_m: float
    ) -> MapWindow:
        """The map between two corners.

        Args:
            frame: Of the region.
            low: (2,) its south-western corner, metres.
            high: (2,) its north-eastern one.
            gsd_m: Metres a pixel of the map_window.

        Raises:
            TilesError: A tile is not there any more.
        """
        width, height = (max(16, round(float(side) / gsd_m)) for side in high - low)
        map_window = MapWindow(
            np.zeros((height, width, 3), np.uint8),
            np.zeros((height, width), bool),
            np.array([low[0], high[1]]),
            gsd_m,
        )
        for tile in self._near(frame, low, high):
            self._add(map_window, tile, frame)
            if map_window.valid.all():
                break
        return map_window

    def _near(self, frame: LocalFrame, low: Float64Array, high: Float64Array) -> list[int]:
        """The tiles that touch a window, those nearest to its middle first."""
        corners = np.array([low, [high[0], low[1]], high, [low[0], high[1]]])
        lonlat = frame.to_lonlat(corners)
        lonlat[:, 0] = near(lonlat[:, 0], lonlat[0, 0])
        (west, south), (east, north) = lonlat.min(axis=0), lonlat.max(axis=0)
        turns = np.array([-360, 0, 360])  # footprints are counted on across the antimeridian
        boxes = shapely.box(west + turns, south, east + turns, north)
        middle, reach_m = (low + high) / 2, float(np.hypot(*(high - low))) / 2
        ((lon, lat),) = frame.to_lonlat(middle[None]).tolist()
        rows = np.intersect1d(self._table.rows_within(lon, lat, reach_m, sides=1.0), self._finest)
        outlines = shapely.envelope(self._table.footprints(rows))
        hits = rows[shapely.intersects(outlines[:, None], boxes).any(axis=1)]
        centres = frame.from_lonlat(self._table.lon[hits], self._table.lat[hits])
        away = np.hypot(*(centres - middle).T)
        return [int(tile) for tile in hits[np.argsort(away, kind="stable")]]

    def _add(self, map_window: MapWindow, tile: int, frame: LocalFrame) -> None:
        """Put a tile where the map_window is empty."""
        side = float(self._size_px)
        corners = np.array([[0, 0], [side, 0], [side, side], [0, side]])
        crs_xy = np.array([self._tiles.transform(tile) @ (x, y) for x, y in corners])
        ground = frame.from_crs(self._tiles.crs(tile), *crs_xy.T)
        places = (ground - map_window.corner_m) / [map_window.gsd_m, -map_window.gsd_m]
        covered = np.zeros(map_window.valid.shape, np.uint8)
        cv2.fillPoly(covered, [np.round(places - 0.5).astype(np.int32)], 1)
        if map_window.valid[covered > 0].all():
            return
        pixels = self._read(tile, gsd_m=map_window.gsd_m)
        shrunk = corners * len(pixels) / side
        # OpenCV's pixel centres are whole numbers, ours lie at a half.
        matrix = cv2.getPerspectiveTransform(
            (shrunk - 0.5).astype(np.float32), (places - 0.5).astype(np.float32)
        )
        size = map_window.valid.shape[::-1]
        known = np.asarray(pixels.any(axis=2), np.float32)
        empty = ~map_window.valid & (cv2.warpPerspective(known, matrix, size) > 0.99)
        map_window.pixels[empty] = cv2.warpPerspective(pixels, matrix, size)[empty]
        map_window.valid[empty] = True

    def _read(self, tile: int, *, gsd_m: float) -> RgbImage:
        """A tile's pixels, averaged where fewer will do."""
        fitting = (
            shrink
            for shrink in _SHRINKS
            if self._size_px % shrink == 0 and shrink * self._table.gsd_m[tile] <= 1.01 * gsd_m
        )
        try:
            return self._tiles.read(tile, shrink=next(fitting, 1))
        except (TilesError, RasterError) as error:
            reason = str(error).split(";")[0]
            raise TilesError(
                f"the map's pixels are not where the index says ({reason}); expected the tiles "
                "that it was built of; put them back, or do without a matcher: --matcher none",
                path=error.path,
            ) from error
