"""What is known beforehand of where photos were taken: an area, and a place for each photo.

Both become rows of tiles first, which are then searched exactly: a filter on an approximate search
loses right answers without a word. An area is hard. A prior is soft unless it is asked to be hard:
its surroundings are searched first, and all else when nothing there is sure, so that a wrong one is
found out rather than obeyed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from geoloc.arrays import Int64Array
from geoloc.errors import OptionError
from geoloc.geometry.crs import LonLat
from geoloc.geometry.longitude import FARTHEST_DEG
from geoloc.options import LocateOptions
from geoloc.photos.metadata import PhotoMetadata
from geoloc.photos.metadata_csv import MetadataTable, open_table
from geoloc.tiles.area import Area
from geoloc.tiles.area_file import file_area
from geoloc.tiles.tile_table import TileTable

_NEAR = "near:"
_ROWS_AT_ONCE = 10_000
# From a tile's centre to its corner, in sides.
_HALF_DIAGONAL = 0.71


# Says where a photo is supposed to have been taken; None where nothing is supposed.
PlaceOf = Callable[[Path, PhotoMetadata], LonLat | None]


@dataclass(frozen=True)
class PositionPrior:
    """Where photos are supposed to have been taken.

    Attributes:
        place_of: The supposed place of a photo; None where nothing is supposed.
        radius_m: How far from there it may be, metres.
        is_hard: Whether nothing else is searched.
    """

    place_of: PlaceOf
    radius_m: float
    is_hard: bool

    def rows(self, place: LonLat, tiles: TileTable, within: Int64Array | None) -> Int64Array:
        """The tiles that may show what was seen from near a place.

        Args:
            place: The supposed place.
            tiles: The tiles of the map.
            within: Rows to choose from; None is all.
        """
        rows = tiles.rows_within(place.lon, place.lat, self.radius_m, sides=_HALF_DIAGONAL)
        return rows if within is None else np.intersect1d(rows, within, assume_unique=True)


def open_prior(options: LocateOptions) -> PositionPrior | None:
    """The prior that was asked for; None for none.

    Raises:
        MetadataError: Its table cannot be read.
        OptionError: It is none of ``none``, ``exif``, ``near:LON,LAT,RADIUS`` and a table.
    """
    text, is_hard = options.prior, options.prior_kind == "hard"
    if text == "none":
        return None
    if text == "exif":
        return PositionPrior(_stated_place, options.prior_radius_m, is_hard)
    if text.startswith(_NEAR):
        place, radius_m = _place_and_radius(text)
        return PositionPrior(lambda *_: place, radius_m, is_hard)
    if not Path(text).is_file():
        raise OptionError(
            f"--prior {text} is neither a file nor a word that is known; expected none, exif, "
            "near:LON,LAT,RADIUS (degrees and metres), or a CSV with the columns photo, lon, lat"
        )
    table = open_table(text)
    return PositionPrior(_table_place(table), options.prior_radius_m, is_hard)


def rows_in_area(tiles: TileTable, path: str | None) -> Int64Array | None:
    """The tiles that touch the polygons of a file; None for all, where no file is named.

    Raises:
        InputError: The file cannot be read, or holds no polygon.
        OptionError: No tile of the map touches it.
    """
    if path is None:
        return None
    area: Area = file_area(path)
    found = []
    for start in range(0, len(tiles), _ROWS_AT_ONCE):
        rows = np.arange(start, min(start + _ROWS_AT_ONCE, len(tiles)))
        found.append(rows[area.touches(tiles.footprints(rows))])
    inside = np.concatenate(found) if found else np.empty(0, np.int64)
    if len(inside) == 0:
        raise OptionError(
            f"the area {path} touches no tile of the map; look at both in QGIS, or leave --aoi out"
        )
    return np.asarray(inside, np.int64)


def _stated_place(_: Path, metadata: PhotoMetadata) -> LonLat | None:
    if metadata.lon is None or metadata.lat is None:
        return None
    return LonLat(metadata.lon, metadata.lat)


def _table_place(table: MetadataTable) -> PlaceOf:
    def place_of(photo: Path, _: PhotoMetadata) -> LonLat | None:
        row = table.match(photo)
        return None if row is None else _stated_place(photo, row)

    return place_of


def _place_and_radius(text: str) -> tuple[LonLat, float]:
    """The place and radius of ``near:LON,LAT,RADIUS``."""
    try:
        lon, lat, radius_m = (float(part) for part in text.removeprefix(_NEAR).split(","))
    except ValueError:
        lon = lat = radius_m = math.nan
    if not (abs(lon) <= FARTHEST_DEG and abs(lat) <= 90 and 0 < radius_m < math.inf):
        raise OptionError(
            f"--prior {text} is no place; expected near:LON,LAT,RADIUS in degrees and metres, such "
            "as near:13.40,52.52,500"
        )
    return LonLat(lon, lat), radius_m
