"""Posterior over the places of a drone photo: they share one unit with *none of these*.

The score of a place (`verification.VerifiedPose.score`) becomes log-odds through a logistic curve.
The curve was set by eye on 31 real photos, the same mirrored (these lie nowhere) and photos of
other maps, so that until an index is calibrated every answer says ``uncalibrated``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from geoloc.locate.drone.verification import VerifiedPose

CONFIDENCE_RADIUS_M = 50.0
# Odds beyond what numbers can tell from certainty.
_LARGEST_LOG_ODDS = 50.0


@dataclass(frozen=True)
class PosteriorParameters:
    """How the score of a place becomes a probability, and when two places are one."""

    # Even odds at a score of 90, nine to one at 152. With the learned descriptor nadir photos that
    # are right scored 336 and more, oblique frames 70 to 2600 (half of them over 268). The best
    # wrong places of 16 mirrored photos under all turns and heights scored 142, 117 and 87, half of
    # them less than 55; those of 30 photos on the other set's map 80 and less.
    even_score: float = 90.0
    steepness: float = 4.2
    # A place that a learned matcher is asked about has at least these log-odds before: one that
    # only votes speak for is never beyond doubt for what the matcher says alone.
    least_log_odds: float = -5.0
    # Places nearer to each other than this are one.
    same_place_m: float = 40.0


POSTERIOR = PosteriorParameters()


@dataclass(frozen=True)
class Posterior:
    """Posterior over the places of one drone photo.

    Attributes:
        places: The places, the likeliest first; at least one.
        probabilities: Probability that the truth lies near each of them; what is missing to one
            is that of *none of these*.
    """

    places: tuple[VerifiedPose, ...]
    probabilities: tuple[float, ...]

    @property
    def best(self) -> VerifiedPose:
        """The likeliest place."""
        return self.places[0]

    @property
    def probability(self) -> float:
        """Probability of the likeliest place."""
        return self.probabilities[0]


def posterior(
    candidates: Sequence[VerifiedPose], parameters: PosteriorParameters = POSTERIOR
) -> Posterior | None:
    """The posterior that the evidence gives; None when there is no candidate."""
    places = distinct_places(candidates, parameters)
    if not places:
        return None
    odds = [math.exp(log_odds(place, parameters)) for place in places]
    probabilities = tuple(odd / (1 + sum(odds)) for odd in odds)
    return Posterior(tuple(places), probabilities)


def distinct_places(
    candidates: Sequence[VerifiedPose], parameters: PosteriorParameters = POSTERIOR
) -> list[VerifiedPose]:
    """The candidates, best first, without those at the place of a better one."""
    kept: list[VerifiedPose] = []
    best_first = sorted(
        candidates, key=lambda one: (log_odds(one, parameters), one.score), reverse=True
    )
    for candidate in best_first:
        if not any(is_same_place(candidate, other, parameters) for other in kept):
            kept.append(candidate)
    return kept


def is_same_place(
    a: VerifiedPose, b: VerifiedPose, parameters: PosteriorParameters = POSTERIOR
) -> bool:
    """Whether two places agree on the camera, or on what it looks at."""
    cameras = math.dist(a.resection.camera.position, b.resection.camera.position)
    scenes = math.dist((a.peak.x_m, a.peak.y_m), (b.peak.x_m, b.peak.y_m))
    return a.region == b.region and min(cameras, scenes) < parameters.same_place_m


def log_odds(place: VerifiedPose, parameters: PosteriorParameters = POSTERIOR) -> float:
    """Log-odds of a place alone: what its keypoints say, and a learned matcher that was asked."""
    p = parameters
    found = p.steepness * math.log(max(place.score, 1e-3) / p.even_score)
    if place.matcher_llr is not None:
        found = max(found, p.least_log_odds) + place.matcher_llr
    return min(_LARGEST_LOG_ODDS, found)
