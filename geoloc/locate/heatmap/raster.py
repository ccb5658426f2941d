"""Raster of a ground posterior: how much of the probability lies on each square of the ground.

A square holds the exact share that each place's normal distribution has on it, not its density in
the middle: the squares add up to the same sum however large they are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from affine import Affine
from scipy.special import ndtr

from geoloc.arrays import Float32Array, Float64Array
from geoloc.geometry.crs import LocalFrame
from geoloc.locate.ground_posterior import LEAST_SD_M, GroundPlace, GroundPosterior

# A place is drawn so many standard deviations to each side; what lies beyond is added to it.
_REACH_SD = 5.0
# Squares a standard deviation of the sharpest place, at least, where the raster allows it.
_SQUARES_A_SD = 3.0
# Squares a side at most, so that a raster takes no more than 64 MB.
MOST_PX = 4096
_STEPS = (1.0, 2.0, 5.0, 10.0)


@dataclass(frozen=True)
class Heatmap:
    """Probabilities on a grid of squares, north up.

    Attributes:
        probabilities: (H, W) float32 of the squares; zero where no place is near.
        frame: Frame of the grid, around the best place.
        transform: From pixel corners to metres of that.
        none: Probability of none of the places.
    """

    probabilities: Float32Array
    frame: LocalFrame
    transform: Affine
    none: float

    @property
    def cell_m(self) -> float:
        """Side of a square, metres."""
        return float(self.transform.a)


def heatmap(posterior: GroundPosterior) -> Heatmap:
    """The raster of a posterior; with its *none* mass it sums to one."""
    places = posterior.places
    frame = LocalFrame(places[0].position)
    lon, lat = zip(*(place.position for place in places), strict=True)
    xy_m = frame.from_lonlat(lon, lat)
    reach_m = _REACH_SD * np.array([_sd_m(place) for place in places])[:, None]
    low, high = (xy_m - reach_m).min(0), (xy_m + reach_m).max(0)
    cell_m = _cell_m(min(map(_sd_m, places)), float((high - low).max()))
    left, bottom = np.floor(low / cell_m) * cell_m
    width, height = (int(n) for n in np.ceil((high - (left, bottom)) / cell_m))
    top = bottom + height * cell_m
    total = np.zeros((height, width))
    for place, (x, y), reach in zip(places, xy_m, reach_m[:, 0], strict=True):
        columns, across = _shares((x - left) / cell_m, _sd_m(place) / cell_m, reach / cell_m)
        rows, down = _shares((top - y) / cell_m, _sd_m(place) / cell_m, reach / cell_m)
        part = total[rows, columns]  # a view: what lies beyond the edge is nothing
        part += place.probability * np.outer(down, across)[: part.shape[0], : part.shape[1]]
    transform = Affine(cell_m, 0, float(left), 0, -cell_m, float(top))
    return Heatmap(total.astype(np.float32), frame, transform, posterior.none)


def _sd_m(place: GroundPlace) -> float:
    return max(place.sd_m, LEAST_SD_M)


def _cell_m(sd_m: float, extent_m: float) -> float:
    """Side of a square: 1, 2 or 5 times a power of ten, the largest that is fine enough."""
    least = extent_m / (MOST_PX - 2)
    wanted = sd_m / _SQUARES_A_SD
    power = 10.0 ** math.floor(math.log10(max(wanted, least)))
    if wanted >= least:
        fine = max(step * power for step in _STEPS if step * power <= wanted * (1 + 1e-9))
        if fine >= least:
            return fine
    return min(step * power for step in _STEPS if step * power >= max(wanted, least) * (1 - 1e-9))


def _shares(middle: float, sd: float, reach: float) -> tuple[slice, Float64Array]:
    """Which squares of an axis a normal distribution is on, and its share on each; they sum to one.

    Args:
        middle: Its middle, squares from the edge.
        sd: Its standard deviation, squares.
        reach: How far it is drawn, squares.
    """
    first, end = max(0, math.floor(middle - reach)), math.ceil(middle + reach)
    held = np.diff(ndtr((np.arange(first, end + 1) - middle) / sd))
    return slice(first, end), held / held.sum()
