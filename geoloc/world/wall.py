"""Walls: a plain colour for every building, with windows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geoloc.world.noise import Float32s
from geoloc.world.shade import Bytes

_PLASTER_RGB = np.array([206.0, 194.0, 180.0])
_STOREY_M = 3.0
_GLASS = 0.72


def wall_colours(met: NDArray[np.int32], hit_m: Float32s, along_m: Float32s | None = None) -> Bytes:
    """Colours (N, 3) of points on walls.

    Args:
        met: Row of the shape table (N,) whose wall it is.
        hit_m: Height of the points (N,).
        along_m: Where they lie along the wall (N,); None for a band instead of single windows.
    """
    building = met.astype(np.int64)
    tone = 0.55 + 0.3 * ((building * 7919) % 97) / 97
    level_m = hit_m % _STOREY_M
    is_glass = (level_m > 1.0) & (level_m < 2.2)
    if along_m is not None:
        is_glass &= along_m % 2.8 < 1.3
    colour = _PLASTER_RGB * (tone * np.where(is_glass, _GLASS, 1.0))[:, None]
    return np.asarray(colour, np.uint8)
