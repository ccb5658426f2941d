"""How sure an answer is: competing places share one unit of belief with *none of these*.

The score of a place (`verify.VerifiedPose.score`) becomes log-odds through a logistic curve. The
curve was set by eye on 31 real photos, the same mirrored (these lie nowhere) and photos of other
maps, so that until an index is calibrated every answer says ``uncalibrated``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from geoloc.locate.drone.verification import VerifiedPose
from geoloc.locate.estimate import COMPETES, MAP_SD_M, RAYLEIGH_90, RAYLEIGH_95

# Even odds at a score of 90, nine to one at 152. With the learned descriptor nadir photos that are
# right scored 336 and more, oblique frames 70 to 2600 (half of them over 268). The best wrong
# places of 16 mirrored photos under all turns and heights scored 142, 117 and 87, half of them less
# than 55; those of 30 photos on the other set's map 80 and less.
_EVEN_SCORE = 90.0
_STEEPNESS = 4.2
# Answers nearer to each other than this are one place.
_SAME_PLACE_M = 40.0
CONFIDENCE_RADIUS_M = 50.0
# Lenses are known to a tenth (EXIF says more than the photo shows, after lens correction), and so
# is how far ahead of a tilted camera the ground that it shows lies.
_LENS_SD = 0.1
_FARTHEST_HEIGHTS = 5.0


@dataclass(frozen=True)
class Belief:
    """What is believed of one photo.

    Attributes:
        best: The likeliest place.
        probability: That the truth lies near it, in [0, 1].
        rival: The next likely place; None when there is none.
        n_modes: Places with a probability of 0.05 or more.
        spread_m: Spread of the places of the best place's region around their mean, weighted by
            probability.
        ce90_m: Radius around the best place that holds the truth 90 % of the time, if the place
            is right.
        acc95_m: The same for 95 %.
    """

    best: VerifiedPose
    probability: float
    rival: VerifiedPose | None
    n_modes: int
    spread_m: float
    ce90_m: float
    acc95_m: float

    @property
    def margin(self) -> float:
        """The best score against the rival's; infinite evidence is capped at 100."""
        if self.rival is None or self.rival.score <= 0:
            return 100.0
        return min(100.0, self.best.score / self.rival.score)


def believe(candidates: Sequence[VerifiedPose]) -> Belief | None:
    """The belief that the evidence gives; None when there is no candidate."""
    places = distinct_places(candidates)
    if not places:
        return None
    odds = [math.exp(min(50.0, _log_odds(place.score))) for place in places]
    shares = [odd / (1 + sum(odds)) for odd in odds]
    sd_m = _position_sd_m(places[0])
    return Belief(
        best=places[0],
        probability=shares[0],
        rival=places[1] if len(places) > 1 else None,
        n_modes=sum(share >= COMPETES for share in shares),
        spread_m=_spread_m(places, shares),
        ce90_m=RAYLEIGH_90 * sd_m,
        acc95_m=RAYLEIGH_95 * sd_m,
    )


def distinct_places(candidates: Sequence[VerifiedPose]) -> list[VerifiedPose]:
    """The candidates, best first, without those at the place of a better one."""
    kept: list[VerifiedPose] = []
    for candidate in sorted(candidates, key=lambda one: -one.score):
        if not any(_is_same_place(candidate, other) for other in kept):
            kept.append(candidate)
    return kept


def _position_sd_m(place: VerifiedPose) -> float:
    """Standard deviation of the camera's position, what the photo cannot tell included."""
    pose = place.resection.camera.pose
    steepness = abs(math.tan(math.radians(pose.pitch_deg)))
    ahead_m = min(_FARTHEST_HEIGHTS, 1 / max(steepness, 1e-3)) * pose.height_m
    return math.hypot(place.resection.position_sd_m, MAP_SD_M, _LENS_SD * ahead_m)


def _is_same_place(a: VerifiedPose, b: VerifiedPose) -> bool:
    """Whether two answers agree on the camera, or on what it looks at."""
    cameras = math.dist(a.resection.camera.position, b.resection.camera.position)
    scenes = math.dist((a.peak.x_m, a.peak.y_m), (b.peak.x_m, b.peak.y_m))
    return a.region == b.region and min(cameras, scenes) < _SAME_PLACE_M


def _log_odds(score: float) -> float:
    return _STEEPNESS * math.log(max(score, 1e-3) / _EVEN_SCORE)


def _spread_m(places: Sequence[VerifiedPose], shares: Sequence[float]) -> float:
    region = places[0].region
    mine = [i for i, place in enumerate(places) if place.region == region]
    xy = np.array([places[i].resection.camera.position for i in mine])
    weights = np.array([shares[i] for i in mine]) + 1e-12
    middle = np.average(xy, axis=0, weights=weights)
    return float(math.sqrt(np.average(((xy - middle) ** 2).sum(axis=1), weights=weights)))
