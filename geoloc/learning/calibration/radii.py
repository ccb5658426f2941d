"""Fit radii: how far off right answers are, beside what their photos said of it beforehand."""

from __future__ import annotations

import math

import numpy as np
from scipy.optimize import minimize

from geoloc.arrays import Float64Array
from geoloc.locate.estimate import RAYLEIGH_90
from geoloc.locate.radii import MAP_SD_M, Radii

# Radii of fewer photos than this are chance.
LEAST_PHOTOS = 10
_SHARE = 0.9
_FOLDS = 5
# What is known beforehand, as log-normal distributions: the factor is about one; the map lies
# within metres. Few photos that say otherwise suffice.
_CAMERA_LOG_SD, _MAP_LOG_SD = 1.0, 1.5
# Errors have heavier tails than a normal distribution: those of a bivariate t of so many degrees.
_FREEDOM = 5.0
_LEAST_SD_M = 0.1


def fit_radii(errors_m: Float64Array, camera_sd_m: Float64Array) -> Radii | None:
    """Radii that nine in ten of some answers kept; None where there are too few to tell.

    The two parts (what the photo says of its camera, what the map adds) are told apart by the
    likelihood of the errors, where photos differ in what they say. Then both are scaled together,
    so that nine in ten of the next answers lie within ``ce90_m`` if they are drawn like these: by
    the conformal quantile (Vovk et al. 2005, section 2.2; a little more than 90 % of so few) of
    errors, each beside what the others had let expect.

    Args:
        errors_m: (N,) distances of right answers from the truth, metres.
        camera_sd_m: (N,) the standard deviation along each axis that their photos' own points gave
            them.
    """
    n = len(errors_m)
    if n < LEAST_PHOTOS:
        return None
    # The same folds whatever the order of the photos.
    order = np.lexsort((camera_sd_m, errors_m))
    ratios = np.empty(n)
    for fold in range(_FOLDS):
        held = order[fold::_FOLDS]
        others = np.setdiff1d(order, held)
        parts = _fit(errors_m[others], camera_sd_m[others])
        ratios[held] = errors_m[held] / (RAYLEIGH_90 * _sd_m(*parts, camera_sd_m[held]))
    wider = float(np.sort(ratios)[min(n, math.ceil(_SHARE * (n + 1))) - 1])
    camera, map_sd_m = _fit(errors_m, camera_sd_m)
    return Radii(camera * wider, map_sd_m * wider, n)


def _fit(errors_m: Float64Array, camera_sd_m: Float64Array) -> tuple[float, float]:
    """The likeliest factor, and the likeliest standard deviation of the map."""
    given = (errors_m, camera_sd_m)
    return _parts(minimize(_unlikelihood, np.zeros(2), args=given, method="Nelder-Mead").x)


def _parts(unknowns: Float64Array) -> tuple[float, float]:
    """The factor and the map's standard deviation, from their logarithms about what is usual."""
    return math.exp(unknowns[0]), MAP_SD_M * math.exp(unknowns[1])


def _sd_m(camera: float, map_sd_m: float, camera_sd_m: Float64Array) -> Float64Array:
    return np.maximum(np.hypot(camera * camera_sd_m, map_sd_m), _LEAST_SD_M)


def _unlikelihood(
    unknowns: Float64Array, errors_m: Float64Array, camera_sd_m: Float64Array
) -> float:
    """Minus the logarithm of likelihood and prior, but for constants."""
    sd_m = _sd_m(*_parts(unknowns), camera_sd_m)
    tails = (_FREEDOM + 2) / 2 * np.log1p((errors_m / sd_m) ** 2 / _FREEDOM)
    prior = np.sum((unknowns / [_CAMERA_LOG_SD, _MAP_LOG_SD]) ** 2) / 2
    return float((2 * np.log(sd_m) + tails).sum() + prior)
