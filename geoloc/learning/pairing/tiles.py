"""A tile of a map around any position: square on the ground, along the map's own grid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from geoloc.geometry.crs import WGS84, LonLat, transformer
from geoloc.geometry.longitude import near
from geoloc.tiles.cutting import pixel_window
from geoloc.tiles.grid import RasterFrame, TileWindow, check_resolution
from geoloc.tiles.raster import MapRaster, open_map_raster
from geoloc.tiles.tile_file import TileWriter


@dataclass(frozen=True)
class TileShape:
    """Side of a tile on the ground and in pixels, and the least share of it that must be valid."""

    ground_size_m: float
    size_px: int
    min_valid: float


def window_around(frame: RasterFrame, centre: LonLat, shape: TileShape) -> TileWindow | None:
    """The window of a tile around a position; None where the raster's CRS has no such place."""
    x, y = transformer(WGS84, frame.crs).transform(centre.lon, centre.lat)
    if frame.crs.is_geographic:  # in the turn in which the raster counts: from 0 to 360, perhaps
        x = near(x, frame.transform.c + frame.transform.a * frame.width_px / 2)
    col, row = (
        (x - frame.transform.c) / frame.transform.a,
        (y - frame.transform.f) / frame.transform.e,
    )
    if not np.isfinite([col, row]).all():
        return None
    metres = frame.pixel_sizes_m(np.array([col]), np.array([row]))[0]
    if not np.isfinite(metres).all():
        return None
    width, height = (float(shape.ground_size_m / size) for size in metres)
    left, top = float(col - width / 2), float(row - height / 2)
    # As in `geoloc.tiles.grid`: GDAL resamples whole windows exactly, and drops fractions of them.
    if width >= shape.size_px / 2:
        left, width = float(round(left)), float(round(width))
    if height >= shape.size_px / 2:
        top, height = float(round(top)), float(round(height))
    return TileWindow(0, 0, left, top, width, height, shape.ground_size_m / shape.size_px)


class TileCutter:
    """Cuts tiles around positions from the first of several rasters that shows them.

    Use it as a context: it keeps the rasters open.
    """

    def __init__(self, locations: Sequence[str], shape: TileShape) -> None:
        self._locations, self._shape = locations, shape
        self._rasters: list[MapRaster] = []
        self._stack = ExitStack()

    def __enter__(self) -> TileCutter:
        """Open the rasters.

        Raises:
            RasterError: One cannot be opened, or is too coarse for the tiles.
            CrsError: One has no CRS.
        """
        with ExitStack() as stack:
            for location in self._locations:
                raster = open_map_raster(location)
                stack.callback(raster.dataset.close)
                check_resolution(raster.frame, self._shape.ground_size_m)
                self._rasters.append(raster)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        """Close the rasters."""
        self._stack.close()

    def cut(self, centre: LonLat, path: Path) -> bool:
        """Write the tile around a position as a GeoTIFF; whether some raster shows enough of it.

        Raises:
            RasterError: The file of the raster is damaged there.
        """
        for raster, window in self._windows(centre):
            tile = raster.read_rgb(pixel_window(window), self._shape.size_px)
            if tile.valid.any() and tile.valid.mean() >= self._shape.min_valid:
                transform = window.transform(raster.frame, self._shape.size_px)
                with TileWriter(raster.crs, self._shape.size_px) as writer:
                    writer.write(path, tile, transform)
                return True
        return False

    def _windows(self, centre: LonLat) -> Iterator[tuple[MapRaster, TileWindow]]:
        for raster in self._rasters:
            window = window_around(raster.frame, centre, self._shape)
            if window is not None:
                yield raster, window
