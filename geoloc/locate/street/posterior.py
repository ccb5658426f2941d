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
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtri

from geoloc.arrays import Float32Array, Float64Array, Int64Array
from geoloc.locate.estimate import Estimate, Heading, count_modes, margin
from geoloc.locate.ground_posterior import GroundPlace, GroundPosterior
from geoloc.locate.radii import MAP_SD_M
from geoloc.locate.street.evidence import StreetEvidence, cluster_share
from geoloc.locate.street.judging import worth_keeping
from geoloc.locate.street.search import StreetMatch
from geoloc.locate.street.tile_map import TileMap

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
    # No answer of a network that takes photos whole is surer than this without a calibration: the
    # curve above was not fitted to such a network. It is the share of the photos of Massachusetts
    # whose best cell lay within 50 m, which is the best that is known of one.
    most_of_whole: float = 0.6
    # A black photo shows nothing, whose logarithm there is none of.
    smallest_horizon: float = 0.01
    # A lead counts up to here: beyond, it is as good as infinite, and a tail's scale is a guess.
    largest_lead: float = 20.0
    # Scale of a tail, in standard deviations, before any place is looked at (a normal
    # distribution's beyond the best of some hundreds), which counts as so many places.
    prior_tail_scale: float = 0.3
    prior_tail_places: int = 3
    tail_places: int = 8
    # Where the best place is wrong, so often at most is one of those behind it right. Of the photos
    # of Massachusetts whose best cell lay farther away than 50 m, one of the 100 best lay nearer in
    # this share, as the authors of that network say.
    behind_share: float = 0.6
    # How quickly a tile's weight falls with its score: for the support of a place, for the position
    # and for the heading.
    support_steepness: float = 2.0
    position_steepness: float = 2.0
    heading_steepness: float = 2.0
    # Beyond this score of the best tile, a tile's weight for the position depends on its share of
    # that score: however sure a place is, its tiles show where between them the camera stood.
    sharpest_score: float = 5.0
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
    map_sd_m: float = MAP_SD_M
    # Where the camera stands in its tile the network hardly says: of panoramas of a fabricated town
    # in the right place, 90 % lay within 35 m of the answer on tiles of 60 m.
    # Where crops are seen around a cell, a tile is the smallest of them: of the photos of
    # Massachusetts whose best cell lay within 50 m, its authors found three in four within 25 m,
    # which is 0.2 of its 76.8 m.
    tile_sd: float = 0.25
    # Tiles of the maps that the constants above were found on.
    fitted_tiles: int = 1400
    # Of so many best tiles it counts how many lie in the best place.
    cluster_tiles: int = 10
    # Beyond this standard deviation a heading says nothing.
    vague_heading_deg: float = 60.0


STREET_POSTERIOR = StreetPosteriorParameters()


@dataclass(frozen=True)
class _Scale:
    """How a photo's cosines become scores: robust standard deviations above any other tile.

    Attributes:
        middle: Median of the cosines away from the best tile.
        unit: Their standard deviation.
        best_other: The largest of them.
    """

    middle: float
    unit: float
    best_other: float

    def score(self, cosines: Float32Array) -> Float64Array:
        return np.asarray((cosines.astype(np.float64) - self.middle) / self.unit, np.float64)

    @property
    def rival(self) -> float:
        """Score of the best tile away from the best one, of those taken evenly from the map."""
        return (self.best_other - self.middle) / self.unit


def estimate_place(
    match: StreetMatch, tiles: TileMap, *, parameters: StreetPosteriorParameters = STREET_POSTERIOR
) -> Estimate | None:
    """The estimate that the posterior over places gives; None when there is nothing to compare.

    Its position is the mean of the best place's tiles, weighted by their scores; its score counts
    robust standard deviations of the best tile above this photo's other tiles; its probability
    speaks of half the diagonal of what the network sees most finely of that tile.
    """
    scale = _scale(match, tiles, parameters) if len(match.rows) else None
    if scale is None:
        return None
    match = _likeliest(match, parameters)
    table = scale.score(match.scores)
    scores = table.max(axis=1)
    support = _support(match.rows, table, tiles, parameters)
    places = _places(match.rows, support, tiles, parameters)
    best, strengths = places[0], support[[place[0] for place in places]]
    evidence = StreetEvidence(
        lead=_lead(strengths, scale.rival, parameters),
        score=float(scores[best].max()),
        horizon=math.log(max(match.horizon_share, parameters.smallest_horizon)),
        cluster=cluster_share(scores, best, parameters.cluster_tiles),
    )
    odds = _log_odds(evidence, match.searched, parameters)
    most = 1.0 if match.headings_deg is not None else parameters.most_of_whole
    right = min(most, 1 / (1 + math.exp(-odds)))
    ground = _on_the_ground(
        [(match.rows[place], scores[place]) for place in places],
        _shares(strengths, right, parameters),
        tiles,
        parameters,
    )
    first = ground.places[0]
    return Estimate(
        position=first.position,
        heading=_heading(match.headings_deg, table[best[0]], parameters),
        probability=first.probability,
        score=evidence.score,
        margin=margin([scores[place].max() for place in places]),
        n_modes=count_modes([place.probability for place in ground.places]),
        spread_m=ground.spread_m(),
        radius_m=float(tiles.side_m[match.rows[best[0]]]) / math.sqrt(2),
        ce90_m=ground.radius_m(0.90),
        acc95_m=ground.radius_m(0.95),
        candidates=worth_keeping(ground.places),
        evidence=evidence,
    )


def _on_the_ground(
    places: Sequence[tuple[Int64Array, Float64Array]],
    shares: Float64Array,
    tiles: TileMap,
    parameters: StreetPosteriorParameters,
) -> GroundPosterior:
    """The places in lon, lat, each as well known as its tiles' scores tell.

    Args:
        places: The tiles of each, the best first, with their scores.
        shares: Probability of each place.
        tiles: Where the tiles lie.
        parameters: How well a network knows where in a tile the camera stood.
    """
    found = []
    for (rows, scores), share in zip(places, shares.tolist(), strict=True):
        blunt = min(1.0, parameters.sharpest_score / max(float(scores[0]), _LITTLE))
        weights = np.exp(blunt * parameters.position_steepness * (scores - scores[0]))
        within_m = parameters.tile_sd * float(tiles.side_m[rows[0]])
        sd_m = math.hypot(parameters.map_sd_m, max(within_m, tiles.sd_m(rows, weights)))
        found.append(GroundPlace(tiles.mean_position(rows, weights), sd_m, share))
    return GroundPosterior(tuple(found))


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
    unit = sd * math.sqrt((len(others) + parameters.prior_tiles) / len(others))
    return _Scale(middle, unit, float(others.max()))


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


def _lead(strengths: Float64Array, rival: float, parameters: StreetPosteriorParameters) -> float:
    """How far the best place is ahead, in units of the tail of those behind it.

    Args:
        strengths: Support of each place, the best first.
        rival: Score of the best tile elsewhere on the map, where nothing else was searched.
        parameters: What is supposed of the tail.
    """
    second = float(strengths[1]) if len(strengths) > 1 else rival
    lead = (float(strengths[0]) - second) / tail_scale(strengths, parameters)
    return min(parameters.largest_lead, max(0.0, lead))


def _log_odds(
    evidence: StreetEvidence, searched: int, parameters: StreetPosteriorParameters
) -> float:
    """Log-odds that the best place is right.

    The best of more tiles scores higher by chance, by as much as the best of so many more from a
    normal distribution.
    """
    tiles = max(searched, parameters.fitted_tiles)
    by_chance = float(ndtri(1 - 1 / tiles) - ndtri(1 - 1 / parameters.fitted_tiles))
    return (
        parameters.lead_weight * evidence.lead
        + parameters.score_weight * (evidence.score - by_chance)
        + parameters.horizon_weight * evidence.horizon
        - parameters.log_odds_against
    )


def _shares(
    strengths: Float64Array, right: float, parameters: StreetPosteriorParameters
) -> Float64Array:
    """The probability of each place, the best first; what is missing to one is *none of these*.

    Args:
        strengths: Support of each place, the best first.
        right: Probability of the best one, were there no other near it in strength.
        parameters: How likely one of those behind it is right where it is wrong.
    """
    leads = (strengths[0] - strengths) / tail_scale(strengths, parameters)
    shares = np.exp(-leads) * right
    shares /= max(1.0, float(shares.sum()))
    room = right + (1 - right) * parameters.behind_share - shares[0]
    shares[1:] *= min(1.0, room / max(float(shares[1:].sum()), _LITTLE))
    return np.asarray(shares, np.float64)


def _heading(
    headings_deg: Float64Array | None, scores: Float64Array, parameters: StreetPosteriorParameters
) -> Heading | None:
    """The headings' mean, weighted by how well each fits; None where all fit alike, or none is."""
    if headings_deg is None:
        return None
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
