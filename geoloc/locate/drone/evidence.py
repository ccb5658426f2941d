"""Evidence for the answer of a drone photo, as the few numbers that a calibration judges.

How strong the best place is, how far ahead of the next, how much of the photo bears it out, and
whether a drone would hold its camera so: wrong places are often seen from poses that none holds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from geoloc.arrays import Float64Array
from geoloc.geometry.camera import Attitude, attitude
from geoloc.locate.drone.camera_fit import CAMERA_FIT
from geoloc.locate.drone.posterior import POSTERIOR, Posterior
from geoloc.locate.drone.verification import VerifiedPose
from geoloc.locate.estimate import margin
from geoloc.photos.metadata import PhotoMetadata, assumed_height_m

FEATURES = ("score", "margin", "inliers", "extent", "implausible")
# Distance on the ground up to which a point agrees with a place.
_INLIER_M = CAMERA_FIT.inlier_m
# A lead over the next place beyond this says nothing more.
_LARGEST_MARGIN = 10.0
# Points that lie this close together, in diagonals of the photo, are one spot.
_LEAST_EXTENT = 0.005
# Standard deviations from what is stated or usual: gimbals hold the roll, and state the pitch, to a
# few degrees; heights are stated above the take-off point.
_ROLL_SD_DEG, _PITCH_SD_DEG, _HEIGHT_SD = 8.0, 10.0, 0.35
_USUAL_PITCH_DEG = (-95.0, -15.0)
_USUAL_HEIGHT_M = (20.0, 400.0)
# What is stated may be wrong altogether; evidence beyond this changes nothing.
_MOST_IMPLAUSIBLE = 3.0
# Right answers of 103 real photos were 0.72 and less: up to here a pose costs no confidence.
_PLAUSIBLE = 1.5


def evidence_of(
    posterior: Posterior, metadata: PhotoMetadata, *, size_px: tuple[int, int]
) -> tuple[float, ...]:
    """The values of `FEATURES`.

    Args:
        posterior: The places that compete.
        metadata: What is known of the photo.
        size_px: Width and height of the photo that was searched, pixels.
    """
    best = posterior.best
    lead = margin([one.score for one in posterior.places])
    pose = best.resection.camera.pose
    return (
        math.log(max(best.score, 1.0)),
        math.log(min(max(lead, 1.0), _LARGEST_MARGIN)),
        math.log1p(best.n_inliers),
        math.log(max(_LEAST_EXTENT, shorter_axis(inliers_px(best), size_px))),
        implausibility(attitude(pose), pose.height_m, metadata),
    )


def uncalibrated(evidence: tuple[float, ...]) -> float:
    """What the posterior's own curve says of evidence: of the best place and the next alone."""
    log_score, log_lead = (evidence[FEATURES.index(name)] for name in ("score", "margin"))
    even, steepness = math.log(POSTERIOR.even_score), POSTERIOR.steepness
    best = math.exp(steepness * (log_score - even))
    next_best = best * math.exp(-steepness * log_lead)
    return best / (1 + best + next_best)


def despite_pose(probability: float, evidence: tuple[float, ...]) -> float:
    """The probability of an answer, lowered where no drone would hold its camera so.

    What the pose says against it is the log-likelihood of a normal distribution. It is known
    beforehand, and not left to a fit: hardly any photo of a calibration shows it.
    """
    odd = evidence[FEATURES.index("implausible")]
    against = max(0.0, odd**2 - _PLAUSIBLE**2) / 2
    return probability / (probability + (1 - probability) * math.exp(against))


def inliers_px(place: VerifiedPose) -> Float64Array:
    """The points (N, 2) of the photo that agree with a place."""
    away_m = np.nan_to_num(place.pairs.misfit_m(place.resection), nan=np.inf)
    return np.asarray(place.pairs.photo_px[away_m < _INLIER_M])


def shorter_axis(points_px: Float64Array, size_px: Sequence[int]) -> float:
    """Standard deviation of points (N, 2) along their shorter axis, in diagonals of the photo."""
    if len(points_px) < 3:
        return 0.0
    spread = np.linalg.eigvalsh(np.cov(points_px.T / math.hypot(*size_px)))
    return math.sqrt(max(0.0, float(spread[0])))


def implausibility(angles: Attitude, height_m: float, metadata: PhotoMetadata) -> float:
    """How far a pose is from what is stated, or else from what is usual.

    The root of the sum of squares of roll, pitch and height in standard deviations, at most 3.
    """
    roll = angles.roll_deg / _ROLL_SD_DEG
    if metadata.pitch_deg is not None:
        pitch = (angles.pitch_deg - metadata.pitch_deg) / _PITCH_SD_DEG
    else:
        pitch = _beyond(angles.pitch_deg, *_USUAL_PITCH_DEG) / _PITCH_SD_DEG
    stated_m = assumed_height_m(metadata)
    low, high = _USUAL_HEIGHT_M if stated_m is None else (stated_m, stated_m)
    height = _beyond(math.log(height_m), math.log(low), math.log(high)) / _HEIGHT_SD
    return min(_MOST_IMPLAUSIBLE, math.hypot(roll, pitch, height))


def _beyond(value: float, low: float, high: float) -> float:
    """How far a value lies outside of a range."""
    return max(low - value, 0.0, value - high)
