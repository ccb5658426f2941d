"""Radii: how far what is stated of a camera's place, and of the map, is widened or narrowed.

What the points of a photo leave open is known from the photo alone. How well the map itself lies,
and how level the ground is, no photo can tell: both are assumed until `geoloc calibrate` has
compared answers with true places (`geoloc.learning.calibration.radii`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

# How far a map may be off east and north, metres, as long as nobody has measured it.
MAP_SD_M = 8.0


@dataclass(frozen=True)
class Radii:
    """What the radii of answers are made of.

    Attributes:
        camera: Factor for the standard deviation that a photo's own points give its camera.
        map_sd_m: Standard deviation of the map's place, east and north, metres.
        n: Photos that both were measured on; 0 where they are assumed.
    """

    camera: float = 1.0
    map_sd_m: float = MAP_SD_M
    n: int = 0

    def with_map_sd(self, map_sd_m: float | None) -> Radii:
        """The same with what a user states of the map; None states nothing."""
        return self if map_sd_m is None else replace(self, map_sd_m=map_sd_m)


ASSUMED_RADII = Radii()
