"""Posterior over the places of a street photo: one match among all tiles that may win by chance.

A cosine means little by itself: one photo looks a bit like every tile, the next like none. So the
score of a tile is how far it stands out of this photo's own scores over the rest of the map, in
their robust standard deviations. Tiles that overlap show the same ground, so what they and all the
headings say is added up: a place is likely when a tile and its neighbours say so.

The best of many wrong places scores high as well, the higher the more there are. But where the
tail of a distribution is exponential, as those of most are far out, the *lead* of the best over the
second is exponential too, with the tail's own scale, however many there are (Renyi 1953, on order
statistics); and that scale shows in the leads of the places behind. So the lead, in units of that
scale, is what tells a right place from the best of the wrong ones, and the score adds a little.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from geoloc.arrays import Float32Array, Float64Array, Int64Array, Mask
from geoloc.geometry.crs import LonLat, geocentric_m
from geoloc.locate.estimate import (
    RAYLEIGH_90,
    RAYLEIGH_95,
    Estimate,
    Heading,
    count_modes,
    margin,
    spread_m,
)
from geoloc.locate.street.search import StreetMatch

# What is farther behind than numbers can tell has a logarithm all the same.
_LITTLE = 1e-300
# Standard deviation of a normal distribution for each unit of its median absolute deviation.
_MAD_SD = 1.4826


@dataclass(frozen=True)
class StreetPosteriorParameters:
    """How a street photo's scores become places, probabilities, a position and a heading."""

    # Log-odds that the best place is right, where four photos in five are of this map at all: by
    # its lead, by its score, and by the logarithm of the share of the horizon that the photo shows.
    # A logistic regression on a network that the recipe clnet-town made (R@1 0.82 of 100): 220
    # panoramas and 160 photos of 90 degrees of two fabricated towns, each with and without its
    # heading, on their own town's 1400 tiles (60 m wide, 15 m apart) and on the other's. The
    # constants of either town alone, tried in the other one: of those given 0.2 to 0.5 a share of
    # 0.34 was expected and 0.33 right, of those given 0.5 to 0.8 a share of 0.62 and 0.66; 0.8 or
    # more came to 5 of 760 searches, 4 of them right, and to 2 of 760 for photos of the other town.
    # One kind of world and one network, so a confidence is still called uncalibrated.
    lead_weight: float = 0.6
    score_weight: float = 0.55
    horizon_weight: float = 1.3
    log_odds_against: float = 2.7
    # A black photo shows nothing, whose logarithm there is none of.
    smallest_horizon: float = 0.01
    # A lead counts up to here: beyond, it is as good as infinite, and a tail's scale is a guess.
    largest_lead: float = 20.0
    # Scale of a tail, in standard deviations, before any place is looked at (a normal
    # distribution's beyond the best of some hundreds), which counts as so many places.
    prior_tail_scale: float = 0.3
    prior_tail_places: int = 3
    tail_places: int = 8
    # How quickly a tile's weight falls with its score: for the support of a place, for the position
    # and for the heading.
    support_steepness: float = 2.0
    position_steepness: float = 2.0
    heading_steepness: float = 2.0
    # Neighbours count less the farther they are, and not at all from so many sides of a tile on.
    # With them 0.54 of panoramas with a heading and 0.285 of those without came within 25 m, by the
    # best tile alone 0.49 and 0.25 (means of two networks in two fabricated towns).
    neighbour_reach: float = 0.5
    most_tiles: int = 1500
    most_places: int = 20
    # The standard deviation of a handful of tiles is hardly known: scores shrink as if so many more
    # tiles of no score had been looked at.
    prior_tiles: float = 20.0
    smallest_sd: float = 1e-5
    map_sd_m: float = 8.0  # as `LocateOptions.map_sd_m`
    # Where the camera stands in its tile the network hardly says: of panoramas of a fabricated town
    # in the right place, 90 % lay within 35 m of the answer on tiles of 60 m.
    tile_sd: float = 0.25
    # Beyond this standard deviation a heading says nothing.
    vague_heading_deg: float = 60.0


STREET_POSTERIOR = StreetPosteriorParameters()


@dataclass(frozen=True)
class TileMap:
    """Where the tiles of an index lie.

    Attributes:
        lon: (N,) longitudes of their centres, degrees.
        lat: (N,) latitudes of their centres, degrees.
        side_m: (N,) sides on the ground, metres.
    """

    lon: Float64Array
    lat: Float64Array
    side_m: Float64Array

    def xyz_m(self, rows: Int64Array) -> Float64Array:
        """Centres (M, 3) of some, geocentric: distances are quick there, wherever they lie."""
        return geocentric_m(self.lon[rows], self.lat[rows])

    def is_near(self, row: int, rows: Int64Array) -> Mask:
        """Whether the centres of `rows` lie within a side of that of `row`."""
        away = np.linalg.norm(self.xyz_m(rows) - self.xyz_m(np.array([row])), axis=1)
        return np.asarray((away < self.side_m[row]) | (rows == row), np.bool_)

    def mean_position(self, rows: Int64Array, weights: Float64Array) -> LonLat:
        """The weighted mean of centres that lie side by side."""
        first = rows[0]
        # Near the antimeridian the next tile may lie almost 360 degrees away.
        east = (self.lon[rows] - self.lon[first] + 180) % 360 - 180
        lon = self.lon[first] + np.average(east, weights=weights)
        return LonLat(
            float((lon + 180) % 360 - 180), float(np.average(self.lat[rows], weights=weights))
        )


@dataclass(frozen=True)
class _Scale:
    """How a photo's cosines become scores: robust standard deviations above any other tile."""

    middle: float
    unit: float

    def score(self, cosines: Float32Array) -> Float64Array:
        return np.asarray((cosines.astype(np.float64) - self.middle) / self.unit, np.float64)


def estimate_place(
    match: StreetMatch, tiles: TileMap, *, parameters: StreetPosteriorParameters = STREET_POSTERIOR
) -> Estimate | None:
    """The estimate that the posterior over places gives; None when there is nothing to compare.

    Its position is the mean of the best place's tiles, weighted by their scores; its score counts
    robust standard deviations of the best tile above this photo's other tiles; its probability
    speaks of half the diagonal of that tile.
    """
    scale = _scale(match, tiles, parameters) if len(match.rows) else None
    if scale is None:
        return None
    match = _likeliest(match, parameters)
    scores = scale.score(match.scores.max(axis=1))
    support = _support(match.rows, scale.score(match.scores), tiles, parameters)
    places = _places(match.rows, support, tiles, parameters)
    firsts = np.array([place[0] for place in places])
    best = places[0]
    score = float(scores[best].max())
    shares = _shares(
        support[firsts], score=score, horizon_share=match.horizon_share, parameters=parameters
    )
    weights = np.exp(parameters.position_steepness * (scores[best] - scores[best[0]]))
    side_m = float(tiles.side_m[match.rows[best[0]]])
    sd_m = math.hypot(parameters.map_sd_m, parameters.tile_sd * side_m)
    return Estimate(
        position=tiles.mean_position(match.rows[best], weights),
        heading=_heading(match.headings_deg, scale.score(match.scores[best[0]]), parameters),
        probability=float(shares[0]),
        score=score,
        margin=margin([scores[place].max() for place in places]),
        n_modes=count_modes(shares),
        spread_m=spread_m(tiles.xyz_m(match.rows[firsts]), shares),
        radius_m=side_m / math.sqrt(2),
        ce90_m=RAYLEIGH_90 * sd_m,
        acc95_m=RAYLEIGH_95 * sd_m,
    )


def _scale(
    match: StreetMatch, tiles: TileMap, parameters: StreetPosteriorParameters
) -> _Scale | None:
    """The scale by the tiles away from the best one; None where there are hardly any."""
    best = match.scores.max(axis=1)
    top = int(match.rows[int(best.argmax())])
    others = match.other_scores[~tiles.is_near(top, match.other_rows)].astype(np.float64)
    if len(others) < 2:
        return None
    middle = float(np.median(others))
    sd = max(parameters.smallest_sd, _MAD_SD * float(np.median(np.abs(others - middle))))
    return _Scale(middle, sd * math.sqrt((len(others) + parameters.prior_tiles) / len(others)))


def _likeliest(match: StreetMatch, parameters: StreetPosteriorParameters) -> StreetMatch:
    """The match without the tiles that cannot win, which bounds the pairs of neighbours."""
    kept = np.argsort(-match.scores.max(axis=1), kind="stable")[: parameters.most_tiles]
    return replace(match, rows=match.rows[kept], scores=match.scores[kept])


def _support(
    rows: Int64Array,
    scores: Float64Array,
    tiles: TileMap,
    parameters: StreetPosteriorParameters,
) -> Float64Array:
    """Evidence of a tile and its neighbours, under all headings, in standard deviations.

    Args:
        rows: (M,) tiles.
        scores: (M, N) scores of these tiles under each heading.
        tiles: Where the tiles lie.
        parameters: How much neighbours count.
    """
    steepness = parameters.support_steepness
    weights = np.exp(steepness * (scores - scores.max())).mean(axis=1)
    xyz_m = tiles.xyz_m(rows)
    away = np.linalg.norm(xyz_m[:, None] - xyz_m[None], axis=2) / tiles.side_m[rows][:, None]
    total = np.maximum(0, 1 - (away / parameters.neighbour_reach) ** 2) ** 2 @ weights
    return np.asarray(scores.max() + np.log(total + _LITTLE) / steepness, np.float64)


def _places(
    rows: Int64Array,
    scores: Float64Array,
    tiles: TileMap,
    parameters: StreetPosteriorParameters,
) -> list[Int64Array]:
    """Which of the rows lie around the best, then around the best of the others, and so on."""
    left = np.argsort(-scores, kind="stable")
    places: list[Int64Array] = []
    while len(left) and len(places) < parameters.most_places:
        near = tiles.is_near(int(rows[left[0]]), rows[left])
        places.append(left[near])
        left = left[~near]
    return places


def tail_scale(
    scores: Float64Array, parameters: StreetPosteriorParameters = STREET_POSTERIOR
) -> float:
    """Scale of the exponential tail that the places behind the best are drawn from.

    The lead of rank i over rank i + 1 has the mean scale / i (Renyi 1953). Those of all ranks from
    the second on over the last add up to a mean of scale * (n - (1 / 1 + 1 / 2 + ... + 1 / n)).

    Args:
        scores: Scores of places, the best first.
        parameters: How many places count, and what is supposed before any is looked at.
    """
    behind = scores[1 : 2 + parameters.tail_places]
    n = len(behind)
    count = n - float((1 / np.arange(1, n + 1)).sum())
    total = float((behind - behind[-1:]).sum())
    prior = parameters.prior_tail_places
    return (total + prior * parameters.prior_tail_scale) / (count + prior)


def _shares(
    support: Float64Array,
    *,
    score: float,
    horizon_share: float,
    parameters: StreetPosteriorParameters,
) -> Float64Array:
    """The probability of each place, the best first; what is missing to one is *none of these*."""
    leads = (support[0] - support) / tail_scale(support, parameters)
    lead = min(parameters.largest_lead, float(leads[1])) if len(leads) > 1 else 0.0
    log_odds = (
        parameters.lead_weight * lead
        + parameters.score_weight * score
        + parameters.horizon_weight * math.log(max(horizon_share, parameters.smallest_horizon))
        - parameters.log_odds_against
    )
    shares = np.exp(-leads) / (1 + math.exp(-log_odds))
    return np.asarray(shares / max(1.0, float(shares.sum())), np.float64)


def _heading(
    headings_deg: Float64Array, scores: Float64Array, parameters: StreetPosteriorParameters
) -> Heading | None:
    """The headings' mean, weighted by how well each fits; None where all fit alike."""
    weights = np.exp(parameters.heading_steepness * (scores - scores.max()))
    mean = complex(np.average(np.exp(1j * np.radians(headings_deg)), weights=weights))
    width_deg = math.degrees(math.sqrt(-2 * math.log(min(1.0, max(abs(mean), 1e-9)))))
    sd_deg = math.hypot(width_deg, _step_deg(headings_deg) / math.sqrt(12))
    if sd_deg > parameters.vague_heading_deg:
        return None
    # Rounded before the modulo: a hair less than zero would become 360.
    return Heading(round(math.degrees(math.atan2(mean.imag, mean.real)), 9) % 360, sd_deg)


def _step_deg(headings_deg: Float64Array) -> float:
    """How far apart the headings are that were tried."""
    gaps = np.diff(np.sort(headings_deg))
    return float(np.median(gaps)) if len(gaps) else 0.0
