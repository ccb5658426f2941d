"""How honest answers are: whether confidences and radii hold, and which way the answers are off.

A pure function of answers whose errors are known. An answer is *right* when it lies within its own
``conf_radius_m`` of the truth, which is what its confidence speaks of.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from geoloc.arrays import Float64Array, Mask

BINS = 10
# Shares of the answers, the surest first, of which the share of wrong ones is told.
COVERAGES = (0.25, 0.5, 0.75, 1.0)
_WILSON_Z = 1.96  # 95 %


class Answer(NamedTuple):
    """One answer, and how far it is off.

    Attributes:
        confidence: Stated probability to be right; None when nothing is stated.
        radius_m: Radius that the confidence speaks of, metres.
        ce90_m: Stated radius for 90 %, metres.
        acc95_m: Stated radius for 95 %, metres.
        east_m: Answer minus truth, metres to the east.
        north_m: The same to the north.
    """

    confidence: float | None
    radius_m: float | None
    ce90_m: float | None
    acc95_m: float | None
    east_m: float
    north_m: float

    @property
    def error_m(self) -> float:
        """Distance from the truth, metres."""
        return math.hypot(self.east_m, self.north_m)


@dataclass(frozen=True)
class ReliabilityBin:
    """Answers of about the same confidence.

    Attributes:
        low: Least confidence of the bin, and `high` the largest.
        n: Answers in it; at least one.
        confidence: Their mean confidence.
        right: Share of them that is right.
        right_low: Lower end of the 95 % interval of that share (Wilson); `right_high` is its upper.
    """

    low: float
    high: float
    n: int
    confidence: float
    right: float
    right_low: float
    right_high: float


@dataclass(frozen=True)
class RiskPoint:
    """What is wrong among the surest answers.

    Attributes:
        coverage: Share of the answers that is kept.
        least_confidence: Confidence of the last that is kept.
        wrong: Share of the kept that is wrong.
    """

    coverage: float
    least_confidence: float
    wrong: float


@dataclass(frozen=True)
class Offset:
    """Mean of answer minus truth over the right answers, metres, each with its standard error.

    An error of the map, or of the truth, shows here: chance pulls answers every way.
    """

    n: int
    east_m: float
    north_m: float
    east_se_m: float
    north_se_m: float


@dataclass(frozen=True)
class Reliability:
    """How well what answers state of themselves holds.

    Attributes:
        n: Answers that state a confidence.
        calibration_error: Expected calibration error: mean distance of confidence and share of
            right answers over ten bins of equal width, weighted by their answers.
        auroc: Probability that a right answer has a higher confidence than a wrong one; None when
            all are right or all are wrong.
        bins: The bins that hold an answer, by confidence.
        risk: Share of wrong answers among the surest ones.
        ce90_coverage: Share of the answers whose ``ce90_m`` holds the truth.
        acc95_coverage: The same of ``acc95_m``.
        ce90_coverage_right: The same of ``ce90_m`` among the right answers.
        offset: Which way the right answers are off; None for fewer than two.
    """

    n: int
    calibration_error: float | None
    auroc: float | None
    bins: tuple[ReliabilityBin, ...]
    risk: tuple[RiskPoint, ...]
    ce90_coverage: float | None
    acc95_coverage: float | None
    ce90_coverage_right: float | None
    offset: Offset | None


def reliability(answers: Sequence[Answer]) -> Reliability:
    """How well confidences and radii of answers hold, whatever their order."""
    sure = [one for one in answers if one.confidence is not None and one.radius_m is not None]
    confidence = np.array([one.confidence for one in sure], np.float64)
    right = np.array([one.error_m <= (one.radius_m or 0) for one in sure], bool)
    kept = [one for one, is_right in zip(sure, right, strict=True) if is_right]
    bins = reliability_bins(confidence, right)
    return Reliability(
        n=len(sure),
        calibration_error=calibration_error(bins),
        auroc=auroc(confidence, right),
        bins=bins,
        risk=risk_coverage(confidence, right),
        ce90_coverage=_held([(one.error_m, one.ce90_m) for one in answers]),
        acc95_coverage=_held([(one.error_m, one.acc95_m) for one in answers]),
        ce90_coverage_right=_held([(one.error_m, one.ce90_m) for one in kept]),
        offset=mean_offset(np.array([(one.east_m, one.north_m) for one in kept]).reshape(-1, 2)),
    )


def reliability_bins(confidence: Float64Array, right: Mask) -> tuple[ReliabilityBin, ...]:
    """Answers (N,) in bins of equal width by their confidence."""
    number = np.clip((confidence * BINS).astype(int), 0, BINS - 1)
    bins = []
    for which in np.unique(number):
        inside = number == which
        n, share = int(inside.sum()), float(right[inside].mean())
        low, high = wilson_interval(share, n)
        mean = float(confidence[inside].mean())
        bins.append(ReliabilityBin(which / BINS, (which + 1) / BINS, n, mean, share, low, high))
    return tuple(bins)


def calibration_error(bins: Sequence[ReliabilityBin]) -> float | None:
    """Expected calibration error of bins; None without an answer."""
    count = sum(one.n for one in bins)
    if count == 0:
        return None
    return sum(one.n * abs(one.confidence - one.right) for one in bins) / count


def auroc(confidence: Float64Array, right: Mask) -> float | None:
    """Probability that a right answer is surer than a wrong one; a tie counts half."""
    of_right, of_wrong = confidence[right], np.sort(confidence[~right])
    if len(of_right) == 0 or len(of_wrong) == 0:
        return None
    below = np.searchsorted(of_wrong, of_right, "left")
    up_to = np.searchsorted(of_wrong, of_right, "right")
    return float((below + up_to).mean() / 2 / len(of_wrong))


def risk_coverage(confidence: Float64Array, right: Mask) -> tuple[RiskPoint, ...]:
    """Share of wrong answers among the surest; answers of one confidence stay together."""
    if len(confidence) == 0:
        return ()
    levels = -np.unique(-confidence)  # the surest first
    kept = np.array([(confidence >= level).sum() for level in levels])
    wrong = np.array([(~right[confidence >= level]).sum() for level in levels])
    points = []
    for coverage in COVERAGES:
        at = int(np.searchsorted(kept, math.ceil(coverage * len(confidence))))
        share = float(kept[at] / len(confidence))
        points.append(RiskPoint(share, float(levels[at]), float(wrong[at] / kept[at])))
    return tuple(points)


def mean_offset(offsets_m: Float64Array) -> Offset | None:
    """Mean of offsets (N, 2) to the east and north, with its standard error."""
    n = len(offsets_m)
    if n < 2:
        return None
    east, north = (float(value) for value in offsets_m.mean(axis=0))
    east_se, north_se = (float(v) for v in offsets_m.std(axis=0, ddof=1) / math.sqrt(n))
    return Offset(n, east, north, east_se, north_se)


def wilson_interval(share: float, n: int) -> tuple[float, float]:
    """The 95 % interval of a share of `n` (Wilson 1927), which stays within 0 and 1."""
    z2 = _WILSON_Z**2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _WILSON_Z / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def _held(pairs: Sequence[tuple[float, float | None]]) -> float | None:
    """Share of stated radii that hold the truth; None when none is stated."""
    held = [error <= radius for error, radius in pairs if radius is not None]
    return sum(held) / len(held) if held else None
