"""Estimate of where a photo was taken: position, heading, probability and radii.

Each kind of photo has its own evidence and its own posterior over places; every posterior ends in
an `Estimate`, of which `geoloc.locate.result_row` makes the row of the output. What the posteriors
share stands here as well.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from geoloc.arrays import Float64Array
from geoloc.geometry.camera import Attitude
from geoloc.geometry.crs import LonLat
from geoloc.image_size import ImageSize
from geoloc.locate.ground_posterior import GroundPlace
from geoloc.results.schema import LensKind
from geoloc.results.solved_camera import ControlPoint

# Radii of a circular normal distribution in standard deviations (Rayleigh), 90 % and 95 %.
RAYLEIGH_90 = 2.146
RAYLEIGH_95 = 2.448
# A place with so much of the probability or more is a mode: it competes with the best one.
COMPETES = 0.05
# An estimate this probable ends the search: later stages of hypotheses are not tried.
SURE = 0.97
# A best score against none elsewhere, or against one of nothing, counts as so many times as good.
_LARGEST_MARGIN = 100.0


@dataclass(frozen=True)
class Heading:
    """A direction and its standard deviation, in degrees; clockwise from true north."""

    deg: float
    sd_deg: float


@dataclass(frozen=True, kw_only=True)
class CameraEstimate:
    """The camera of a photo, and how sure it is.

    Attributes:
        attitude: Heading from true north, pitch and roll.
        attitude_sd_deg: Their standard deviations.
        height_m: Height above the ground below it.
        height_sd_m: Its standard deviation.
        altitude_m: Height above the sea; None without a terrain.
        hfov_deg: Angle from the left to the right edge of the upright photo.
        hfov_sd_deg: Its standard deviation.
        lens_kind: How the lens is known.
        distortion: Its distortion, as the column states it; None for a pinhole.
        photo_size: Size of the upright photo in its file.
        control_points: Points of the photo that agree best with the map, spread over it, in pixels
            of that size.
    """

    attitude: Attitude
    attitude_sd_deg: Attitude
    height_m: float
    height_sd_m: float
    altitude_m: float | None
    hfov_deg: float
    hfov_sd_deg: float
    lens_kind: LensKind
    photo_size: ImageSize
    distortion: str | None = None
    control_points: tuple[ControlPoint, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Where a photo was taken, and how sure that is.

    Attributes:
        position: Position of the camera.
        heading: Direction of the photo's middle; None when all headings look alike.
        probability: Probability that the truth lies within `radius_m` of the position, in [0, 1].
        radius_m: Radius that `probability` speaks of, metres.
        ce90_m: Radius that holds the truth 90 % of the time if the place is right, metres.
        acc95_m: The radius for 95 %.
        score: Strength of the evidence for the best place; comparable within one kind of photo.
        margin: That score against the best one elsewhere, at most 100.
        n_modes: Places with a probability of 0.05 or more.
        spread_m: Spread of the places around their mean, weighted by probability, metres.
        n_inliers: Spots of the photo that agree with the place; None where no features are matched.
        scene: Ground point in the photo's middle; None where the photo does not tell.
        footprint: Outline of the photo on the ground, WKT in lon, lat; None where there is none.
        camera: The whole camera; None where the network alone decides.
        conf_kind: How `probability` was calibrated, as the column of that name says.
        candidates: The places that compete, the likeliest first; empty where there is but a tile.
        evidence: What a calibration judges; None where there is none for such photos.
    """

    position: LonLat
    heading: Heading | None = None
    probability: float
    radius_m: float
    ce90_m: float
    acc95_m: float
    score: float
    margin: float
    n_modes: int
    spread_m: float
    n_inliers: int | None = None
    scene: LonLat | None = None
    footprint: str | None = None
    camera: CameraEstimate | None = None
    conf_kind: str = "uncalibrated"
    candidates: tuple[GroundPlace, ...] = ()
    evidence: tuple[float, ...] | None = None


def margin(scores: Sequence[float]) -> float:
    """The best score against the next, best first; infinite evidence is capped at 100."""
    if len(scores) < 2 or scores[1] <= 0:
        return _LARGEST_MARGIN
    return min(_LARGEST_MARGIN, float(scores[0] / scores[1]))


def count_modes(probabilities: ArrayLike) -> int:
    """How many places compete for being the right one."""
    return int((np.asarray(probabilities) >= COMPETES).sum())


def spread_m(positions_m: Float64Array, probabilities: ArrayLike) -> float:
    """Spread of places around their mean, weighted by probability.

    Args:
        positions_m: (N, 2) or (N, 3) places, metres.
        probabilities: (N,) probability of each.
    """
    weights = np.asarray(probabilities, np.float64) + 1e-12
    middle = np.average(positions_m, axis=0, weights=weights)
    squares = ((positions_m - middle) ** 2).sum(axis=1)
    return float(math.sqrt(np.average(squares, weights=weights)))
