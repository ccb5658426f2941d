"""Circular error: the radius that holds a share of a normal distribution over the plane."""

from __future__ import annotations

import math

import numpy as np
from scipy.optimize import brentq

from geoloc.arrays import Float64Array

_DIRECTIONS = 180


def circular_error_m(covariance: Float64Array, share: float) -> float:
    """The radius around the mean that holds a share of a normal distribution.

    For equal axes it is Rayleigh's (2.146 standard deviations for 90 %), for a line that of the
    normal distribution (1.645).

    Args:
        covariance: (2, 2), square metres, positive definite or nearly so.
        share: Share in (0, 1).
    """
    if not np.isfinite(covariance).all():
        return math.inf
    variances = np.maximum(np.linalg.eigvalsh(covariance), 0.0)
    longest = math.sqrt(variances[1])
    if longest == 0:
        return 0.0
    shortest = max(math.sqrt(variances[0]), 1e-3 * longest)
    # Of a round distribution all directions are equally likely, and the distance is Rayleigh's;
    # pressed into the ellipse, each direction stretches it by a factor of its own.
    angle = (np.arange(_DIRECTIONS) + 0.5) * (math.pi / 2 / _DIRECTIONS)
    stretch = np.cos(angle) ** 2 + (np.sin(angle) * shortest / longest) ** 2

    def missing(radius: float) -> float:
        return float(np.exp(-(radius**2) / 2 / stretch).mean()) - (1 - share)

    return longest * float(brentq(missing, 0.0, 10.0, xtol=1e-6))
