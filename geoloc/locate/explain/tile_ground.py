"""Ground that a network sees of a tile, in words, and where a place lies in its picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from geoloc.geometry.crs import LocalFrame, LonLat
from geoloc.index.ground_grid import GroundAxes
from geoloc.models.card import TileCrops


@dataclass(frozen=True)
class TileGround:
    """A tile on the ground; of crops, the picture has all of them side by side.

    Attributes:
        centre: Its middle.
        side_m: Its side, metres.
        crops: What the network sees around it; None is the tile alone.
    """

    centre: LonLat
    side_m: float
    crops: TileCrops | None

    @property
    def shown(self) -> str:
        """What of the ground the network sees."""
        if self.crops is None:
            return f"{self.side_m:g} m wide, north up"
        sides = ", ".join(f"{side_m:g}" for side_m in self.crops.ground_sizes_m)
        return f"squares of {sides} m around its middle, bearing {self.crops.bearing_deg:g}° up"

    def place_of(self, at: LonLat) -> tuple[float, float]:
        """Column and row of a place in the picture, from 0 to 1; outside if it is not shown.

        Of crops, it is marked in the smallest that shows it.
        """
        crops = self.crops
        sides_m = (self.side_m,) if crops is None else crops.ground_sizes_m
        axes = GroundAxes(LocalFrame(self.centre), 0.0 if crops is None else crops.bearing_deg)
        ((right_m, down_m),) = axes.from_lonlat(np.array([at.lon]), np.array([at.lat])).tolist()
        for number, side_m in enumerate(sides_m):
            if max(abs(right_m), abs(down_m)) <= side_m / 2:
                return (number + 0.5 + right_m / side_m) / len(sides_m), 0.5 + down_m / side_m
        return (-1.0, -1.0) if crops else (0.5 + right_m / side_m, 0.5 + down_m / side_m)
