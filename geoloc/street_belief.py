"""How sure a street photo's place is: one match among all the tiles that might have won by chance.

A cosine means little by itself: one photo looks a bit like every tile, the next like none. So the
score of a tile is how far it stands out of this photo's own scores over the rest of the map, in
their robust standard deviations. Tiles that overlap are one place. Of all places at most one is
right, and maybe none: a place's odds are the likelihood ratio of two normal distributions of that
score, those of right and of wrong tiles, over the number of places that had their chance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geoloc.crs import LocalFrame, LonLat, distances_m
from geoloc.street_search import StreetMatch

Floats = NDArray[np.float64]

# Log-odds of a place by its score, before the places that compete: set on a fabricated town.
_STEEPNESS = 4.0
_EVEN_SCORE = 3.0
# How quickly a tile's weight falls with its score, for the position and for the heading.
_POSITION_STEEPNESS = 1.0
_HEADING_STEEPNESS = 2.0
# The standard deviation of a handful of tiles is hardly known: scores shrink as if so many more
# had been looked at without a word.
_UNHEARD_TILES = 20.0
_SMALLEST_SD = 1e-5
# Half the width of the middle 68.27 % of a normal distribution is one standard deviation.
_MAD_SD = 1.4826
# What no photo can tell, as for drones: how well the map itself lies.
_MAP_SD_M = 8.0
# Within its tile the camera stands anywhere, as far as the network was taught; one side of an even
# square has this standard deviation, and the neighbours' scores halve what is left of it.
_TILE_SD = 0.5 / math.sqrt(12)
_RAYLEIGH_90 = 2.146
_RAYLEIGH_95 = 2.448
_COMPETES = 0.05
_MOST_PLACES = 20
# Beyond this a heading says nothing.
_VAGUE_HEADING_DEG = 60.0


@dataclass(frozen=True)
class TileMap:
    """Where the tiles of an index lie.

    Attributes:
        lon: (N,) degrees of their centres.
        lat: (N,) degrees.
        side_m: (N,) on the ground.
        overlap: Share of a side that the next tile covers too.
    """

    lon: Floats
    lat: Floats
    side_m: Floats
    overlap: float

    def n_places(self, n_tiles: int) -> float:
        """How many tiles without overlap cover the ground of so many."""
        return max(1.0, n_tiles * (1 - self.overlap) ** 2)

    def is_near(self, row: int, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether the centres of `rows` lie within a side of that of `row`."""
        away = distances_m(self.lon[row], self.lat[row], self.lon[rows], self.lat[rows])
        return np.asarray((away < self.side_m[row]) | (rows == row), np.bool_)


@dataclass(frozen=True)
class Heading:
    """A direction and its standard deviation, in degrees; clockwise from true north."""

    deg: float
    sd_deg: float


@dataclass(frozen=True)
class StreetBelief:
    """What is believed of one street photo.

    Attributes:
        position: Of the camera: the mean of the best place's tiles, weighted by their scores.
        heading: Of the photo's middle; None when all headings look alike.
        probability: That the truth lies within `radius_m`, in [0, 1].
        score: Of the best tile: robust standard deviations above this photo's other tiles.
        margin: That score against the best one elsewhere, at most 100.
        n_modes: Places with a probability of 0.05 or more.
        spread_m: Spread of the places around their mean, weighted by probability.
        radius_m: Half the diagonal of the best tile.
        ce90_m: Radius that holds the truth 90 % of the time, if the place is right.
        acc95_m: The same for 95 %.
    """

    position: LonLat
    heading: Heading | None
    probability: float
    score: float
    margin: float
    n_modes: int
    spread_m: float
    radius_m: float
    ce90_m: float
    acc95_m: float


@dataclass(frozen=True)
class _Scale:
    """How a photo's cosines become scores: robust standard deviations above any other tile."""

    middle: float
    unit: float

    def score(self, cosines: NDArray[np.float32]) -> Floats:
        return np.asarray((cosines.astype(np.float64) - self.middle) / self.unit, np.float64)


def believe_street(match: StreetMatch, tiles: TileMap, *, n_tiles: int) -> StreetBelief | None:
    """The belief that a match gives; None when there is nothing to compare.

    Args:
        match: Of one photo.
        tiles: Of the index.
        n_tiles: How many of them had their chance.
    """
    scale = _scale(match, tiles) if len(match.rows) else None
    if scale is None:
        return None
    scores = scale.score(match.scores.max(axis=1))
    places = _places(match.rows, scores, tiles)
    firsts = np.array([place[0] for place in places])
    shares = _shares(scores[firsts], chance=tiles.n_places(n_tiles))
    best = places[0]
    frame = LocalFrame(LonLat(*_centre(tiles, match.rows[best[0]])))
    xy = frame.from_lonlat(tiles.lon[match.rows], tiles.lat[match.rows])
    weights = np.exp(_POSITION_STEEPNESS * (scores[best] - scores[best[0]]))
    lon, lat = frame.to_lonlat(np.average(xy[best], axis=0, weights=weights)[None])[0]
    side_m = float(tiles.side_m[match.rows[best[0]]])
    sd_m = math.hypot(_MAP_SD_M, _TILE_SD * side_m)
    return StreetBelief(
        position=LonLat(float(lon), float(lat)),
        heading=_heading(match.headings_deg, scale.score(match.scores[best[0]])),
        probability=float(shares[0]),
        score=float(scores[best[0]]),
        margin=_margin(scores[firsts]),
        n_modes=int((shares >= _COMPETES).sum()),
        spread_m=_spread_m(xy[firsts], shares),
        radius_m=side_m / math.sqrt(2),
        ce90_m=_RAYLEIGH_90 * sd_m,
        acc95_m=_RAYLEIGH_95 * sd_m,
    )


def _scale(match: StreetMatch, tiles: TileMap) -> _Scale | None:
    """The scale by the tiles away from the best one; None where there are hardly any."""
    best = match.scores.max(axis=1)
    top = int(match.rows[int(best.argmax())])
    others = match.other_scores[~tiles.is_near(top, match.other_rows)].astype(np.float64)
    if len(others) < 2:
        return None
    middle = float(np.median(others))
    sd = max(_SMALLEST_SD, _MAD_SD * float(np.median(np.abs(others - middle))))
    return _Scale(middle, sd * math.sqrt((len(others) + _UNHEARD_TILES) / len(others)))


def _places(rows: NDArray[np.int64], scores: Floats, tiles: TileMap) -> list[NDArray[np.int64]]:
    """Which of the rows lie around the best, then around the best of the others, and so on."""
    left = np.argsort(-scores, kind="stable")
    places: list[NDArray[np.int64]] = []
    while len(left) and len(places) < _MOST_PLACES:
        near = tiles.is_near(int(rows[left[0]]), rows[left])
        places.append(left[near])
        left = left[~near]
    return places


def _shares(scores: Floats, *, chance: float) -> Floats:
    """The probability of each place; what is missing to one is that of *none of these*."""
    log_odds = _STEEPNESS * (scores - _EVEN_SCORE) - math.log(chance)
    odds = np.exp(np.minimum(50.0, log_odds))
    return np.asarray(odds / (1 + odds.sum()), np.float64)


def _margin(scores: Floats) -> float:
    """The best score against the next; infinite evidence is capped at 100."""
    if len(scores) < 2 or scores[1] <= 0:
        return 100.0
    return min(100.0, float(scores[0] / scores[1]))


def _heading(headings_deg: Floats, scores: Floats) -> Heading | None:
    """The headings' mean, weighted by how well each fits; None where all fit alike."""
    weights = np.exp(_HEADING_STEEPNESS * (scores - scores.max()))
    mean = complex(np.average(np.exp(1j * np.radians(headings_deg)), weights=weights))
    width_deg = math.degrees(math.sqrt(-2 * math.log(min(1.0, max(abs(mean), 1e-9)))))
    sd_deg = math.hypot(width_deg, _step_deg(headings_deg) / math.sqrt(12))
    if sd_deg > _VAGUE_HEADING_DEG:
        return None
    return Heading(math.degrees(math.atan2(mean.imag, mean.real)) % 360, sd_deg)


def _step_deg(headings_deg: Floats) -> float:
    """How far apart the headings are that were tried."""
    gaps = np.diff(np.sort(headings_deg))
    return float(np.median(gaps)) if len(gaps) else 0.0


def _centre(tiles: TileMap, row: int) -> tuple[float, float]:
    return float(tiles.lon[row]), float(tiles.lat[row])


def _spread_m(xy: Floats, weights: Floats) -> float:
    weights = weights + 1e-12
    middle = np.average(xy, axis=0, weights=weights)
    return float(math.sqrt(np.average(((xy - middle) ** 2).sum(axis=1), weights=weights)))
