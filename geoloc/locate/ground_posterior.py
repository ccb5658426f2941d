"""Distribution over the ground of where a photo was taken: places, their spreads, a *none* mass.

Each place is a circular normal distribution with a share of the probability; what is missing to
one is *none of these*. Pure functions on geodesic distances, so that neither the antimeridian nor a
pole is anything special.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chndtr, ndtr

from geoloc.arrays import Float64Array
from geoloc.geometry.crs import LonLat, distances_m, geocentric_m

# No place is known better than this, metres.
LEAST_SD_M = 0.1
# Radii are exact to this, metres.
_EXACT_M = 0.01
# From so many standard deviations on, the distance from a point is normal itself.
_FAR_SD = 30.0


class GroundPlace(NamedTuple):
    """One place where a photo may have been taken.

    Attributes:
        position: Its middle.
        sd_m: Standard deviation along each axis if it is the right place, metres.
        probability: Probability that it is.
    """

    position: LonLat
    sd_m: float
    probability: float


@dataclass(frozen=True)
class GroundPosterior:
    """Places that compete for being where a photo was taken, the likeliest first."""

    places: tuple[GroundPlace, ...]

    @property
    def none(self) -> float:
        """Probability of none of the places."""
        return max(0.0, 1.0 - sum(place.probability for place in self.places))

    def radius_m(self, share: float) -> float:
        """Radius around the best place that holds the truth so often, if it is any of the places.

        Never less than that of the best place alone: a place far away makes it larger, not smaller.
        """
        best = self.places[0]
        sds = np.maximum([place.sd_m for place in self.places], LEAST_SD_M)
        alone_m = float(sds[0]) * math.sqrt(-2 * math.log(1 - share))
        weights = np.array([place.probability for place in self.places])
        if weights.sum() <= 0 or weights[1:].sum() <= 0:
            return alone_m
        away_m = self._away_m(best.position)
        low, high = alone_m, float((away_m + 10 * sds).max()) + alone_m
        while high - low > _EXACT_M:
            middle = (low + high) / 2
            if held_within(middle, away_m, sds, weights / weights.sum()) < share:
                low = middle
            else:
                high = middle
        return low if low == alone_m else high

    def spread_m(self) -> float:
        """Spread of the places around their mean, weighted by probability, metres."""
        lon, lat = zip(*(place.position for place in self.places), strict=True)
        weights = np.array([place.probability for place in self.places]) + 1e-12
        points = geocentric_m(lon, lat)
        middle = np.average(points, axis=0, weights=weights)
        squares = ((points - middle) ** 2).sum(axis=1)
        return float(math.sqrt(np.average(squares, weights=weights)))

    def _away_m(self, position: LonLat) -> Float64Array:
        lon, lat = zip(*(place.position for place in self.places), strict=True)
        return distances_m(position.lon, position.lat, lon, lat)


def ground_posterior(
    positions: Sequence[LonLat], sds_m: Sequence[float], log_odds: Sequence[float]
) -> GroundPosterior:
    """The distribution that independent evidence for places gives, in whatever order they come.

    Args:
        positions: The middles of the places.
        sds_m: Their standard deviations, metres.
        log_odds: Log-odds of each place against *none of these*.
    """
    probabilities, _ = shared_mass(log_odds)
    places = map(GroundPlace, positions, sds_m, probabilities.tolist())
    return GroundPosterior(tuple(sorted(places, key=_rank)))


def with_best(posterior: GroundPosterior, probability: float) -> GroundPosterior:
    """The posterior whose best place has another probability; all others share the rest as before.

    None of them overtakes the best: what they would have beyond it goes to *none of these*.
    """
    best, *others = posterior.places
    rest = 1.0 - best.probability
    scale = (1.0 - probability) / rest if rest > 0 else 0.0
    places = [best._replace(probability=probability)]
    for other in others:
        places.append(other._replace(probability=min(other.probability * scale, probability)))
    return GroundPosterior(tuple(sorted(places[:1]) + sorted(places[1:], key=_rank)))


def shared_mass(log_odds: ArrayLike) -> tuple[Float64Array, float]:
    """Probabilities (N,) of places and that of none of them, from log-odds against none.

    They sum to one; odds of any size neither overflow nor vanish.
    """
    odds = np.asarray(log_odds, np.float64).reshape(-1)
    largest = max(0.0, float(odds.max(initial=0.0)))
    mass = np.exp(odds - largest)
    total = mass.sum() + math.exp(-largest)
    return mass / total, math.exp(-largest) / float(total)


def held_within(
    radius_m: float, away_m: Float64Array, sds_m: Float64Array, weights: Float64Array
) -> float:
    """Probability that the truth lies within a radius of a point.

    Args:
        radius_m: The radius, metres.
        away_m: (N,) distance of each place from the point, metres.
        sds_m: (N,) standard deviation of each place, metres.
        weights: (N,) probability of each place.
    """
    away, radius = away_m / sds_m, radius_m / sds_m
    near = np.minimum(away, _FAR_SD)  # the noncentral chi-square takes long to sum far away
    held = np.where(
        away < _FAR_SD,
        chndtr(np.minimum(radius, 2 * _FAR_SD) ** 2, 2, near**2),
        ndtr(radius - away),
    )
    return float(held @ weights)


def _rank(place: GroundPlace) -> tuple[float, float, float, float]:
    """The likeliest first; of two equals the same one, in whatever order they came."""
    return (-place.probability, place.sd_m, place.position.lon, place.position.lat)
