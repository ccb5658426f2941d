"""Areas of interest: polygons in EPSG:4326, from bounds in degrees or put together."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import shapely

from geoloc.arrays import AnyArray, Mask
from geoloc.errors import OptionError

# Degrees; footprints are counted from -180 to 540 at most.
_TURNS = (-360.0, 0.0, 360.0)


@dataclass(frozen=True)
class Area:
    """A part of the Earth.

    Attributes:
        shape: Polygons in degrees; None is everywhere.
    """

    shape: shapely.Geometry | None = None

    def touches(self, footprints: AnyArray | shapely.Geometry) -> Mask:
        """Which footprints (N,) in degrees overlap the area, whichever turn they are counted in."""
        if self.shape is None:
            return np.ones(np.shape(footprints), dtype=np.bool_)
        return np.asarray(shapely.intersects(self.on_all_turns, footprints))

    @cached_property
    def on_all_turns(self) -> shapely.Geometry:
        """The shape, prepared, and once more a turn to the west and to the east.

        Maps beyond the antimeridian count their longitudes on or back, files cut their polygons
        there: with its copies, a shape meets footprints in every way of counting.
        """
        turns = [shapely.transform(self.shape, partial(np.add, [turn, 0])) for turn in _TURNS]
        copies = shapely.union_all(turns)
        shapely.prepare(copies)
        return copies

    def digest(self) -> str:
        """A checksum of the shape; empty for everywhere."""
        if self.shape is None:
            return ""
        return hashlib.sha256(shapely.to_wkb(self.shape)).hexdigest()[:16]


def bounds_area(bounds: tuple[float, float, float, float]) -> Area:
    """The area between west, south, east and north in degrees; west > east crosses 180°.

    Longitudes are counted from -180 to 180 or from 0 to 360.

    Raises:
        OptionError: The numbers are no such bounds.
    """
    west, south, east, north = bounds
    span = east - west if west < east else east - west + 360
    fine = max(abs(west), abs(east)) <= 360 and -90 <= south < north <= 90
    if not fine or west == east or not 0 < span <= 360:
        message = f"bounds {west:g},{south:g},{east:g},{north:g} are not W,S,E,N in degrees"
        raise OptionError(f"{message}; say for example --bounds 13.1,52.3,13.8,52.7")
    return Area(shapely.box(west, south, west + span, north))


def intersection(first: Area, second: Area) -> Area:
    """The intersection of two areas.

    Raises:
        OptionError: It is empty.
    """
    if first.shape is None or second.shape is None:
        return second if first.shape is None else first
    common = shapely.intersection(first.shape, second.on_all_turns)
    if common.is_empty:
        raise OptionError("--bounds and --aoi have no place in common; leave one of them out")
    return Area(common)
