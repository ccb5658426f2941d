"""Fit a calibration: a logistic curve of the evidence, by scikit-learn, with few parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from geoloc.arrays import Float64Array, Mask
from geoloc.errors import DependencyError, OptionError
from geoloc.locate.calibration import Calibration, CalibrationSource, Outcome, evidence_matrix

# Which way each feature may count: a lead never speaks against a place, an odd pose never for it.
_DIRECTIONS = {"implausible": -1.0}
# Weak: a few dozen photos must be able to say something, and separable ones nothing infinite.
_REGULARISATION = 1.0
_FOLDS = 5
# What was learned from other maps counts as much as so many photos of this one.
PRIOR_PHOTOS = 20.0
# A curve that was set by hand on real photos counts as much as so many times the simulated ones:
# these know less of oblique views than it does (tests/benchmarks/README.md).
ASSUMED_WEIGHT = 2.0
# A curve through fewer photos than this is no calibration.
LEAST_PHOTOS = 10


def fit_calibration(
    outcomes: Sequence[tuple[Sequence[float], bool]],
    *,
    features: Sequence[str],
    source: CalibrationSource,
    descriptor: str,
    radius_m: float,
    made_of: str,
    tiles: tuple[str, ...] = (),
    prior: Calibration | None = None,
    assumed: Sequence[float] | None = None,
) -> Calibration:
    """The calibration of photos whose place is known.

    Args:
        outcomes: Evidence of each photo's answer, and whether it was right.
        features: Names of the evidence.
        source: What photos these are.
        descriptor: Checksum of the descriptor that the evidence is of.
        radius_m: An answer is right within so many metres.
        made_of: The photos in words.
        tiles: Checksums of the tiles of their ground, of which the calibration is to speak.
        prior: A calibration of other maps, whose photos count as twenty of these.
        assumed: For each photo the probability that a curve set by hand gives its answer; the fit
            is drawn towards that curve.

    Raises:
        DependencyError: scikit-learn is not installed.
        OptionError: These are too few photos, or without a prior all right or all wrong.
    """
    evidence = np.array([values for values, _ in outcomes], np.float64).reshape(-1, len(features))
    right = np.array([is_right for _, is_right in outcomes], bool)
    if len(right) < LEAST_PHOTOS:
        raise OptionError(
            f"{len(right)} photos of known place have an answer; a calibration takes "
            f"{LEAST_PHOTOS} or more"
        )
    earlier = () if prior is None or prior.features != tuple(features) else prior.outcomes
    if not earlier and (right.all() or not right.any()):
        raise OptionError(
            f"all {len(right)} answers are {'right' if right.all() else 'wrong'}: a calibration "
            "takes both kinds"
        )
    data = _Data.of(evidence, right, earlier, assumed)
    curve = data.curve(np.arange(len(right)), features)
    rows = zip(evidence.tolist(), right, _unseen_confidences(data, features), strict=True)
    return replace(
        curve,
        source=source,
        descriptor=descriptor,
        radius_m=radius_m,
        made_of=made_of,
        tiles=tiles,
        outcomes=tuple(Outcome(tuple(values), bool(fine), said) for values, fine, said in rows),
    )


def _unseen_confidences(data: _Data, features: Sequence[str]) -> list[float]:
    """What curves that have not seen a photo say of it, each photo in turn by folds."""
    count = data.count
    found = np.zeros(count)
    # The same folds whatever the order of the photos: by their evidence, not by their place.
    order = np.lexsort((*data.evidence[:count].T, data.right[:count]))
    for fold in range(_FOLDS):
        held = order[fold::_FOLDS]
        curve = data.curve(np.setdiff1d(np.arange(count), held), features)
        found[held] = [curve.probability(row) for row in data.evidence[held]]
    return [float(value) for value in found]


class _Data:
    """Photos of a fit, and those of an earlier one after them.

    Attributes:
        evidence: (N + M, F) of the photos, then of the earlier ones.
        right: (N + M,) whether each answer was right.
        count: N.
        assumed: (N,) what a curve set by hand says of the photos; None where it does not count.
    """

    def __init__(
        self, evidence: Float64Array, right: Mask, count: int, assumed: Float64Array | None
    ) -> None:
        self.evidence, self.right, self.count, self.assumed = evidence, right, count, assumed

    @classmethod
    def of(
        cls,
        evidence: Float64Array,
        right: Mask,
        earlier: Sequence[Outcome],
        assumed: Sequence[float] | None,
    ) -> _Data:
        """The photos of now and of an earlier fit."""
        hand = None if assumed is None else np.array(assumed, np.float64)
        if not earlier:
            return cls(evidence, right, len(right), hand)
        before = np.array([one.is_right for one in earlier], bool)
        both = np.vstack([evidence, evidence_matrix(earlier)])
        return cls(both, np.concatenate([right, before]), len(right), hand)

    def curve(self, chosen: Any, features: Sequence[str]) -> Calibration:
        """The curve through some of the photos, and all of the earlier ones."""
        earlier = np.arange(self.count, len(self.right))
        rows = np.concatenate([chosen, earlier])
        weight = np.ones(len(rows))
        if len(earlier):
            weight[len(chosen) :] = PRIOR_PHOTOS / len(earlier)
        evidence, right = self.evidence[rows], self.right[rows]
        if self.assumed is not None:
            # Each photo twice more, right and wrong, as likely as the curve set by hand says.
            hand = self.assumed[chosen]
            evidence = np.vstack([evidence, *[self.evidence[chosen]] * 2])
            right = np.concatenate([right, np.ones(len(hand), bool), np.zeros(len(hand), bool)])
            weight = np.concatenate([weight, ASSUMED_WEIGHT * hand, ASSUMED_WEIGHT * (1 - hand)])
        mean, scale = evidence.mean(axis=0), np.maximum(evidence.std(axis=0), 1e-3)
        weights, intercept = _fit((evidence - mean) / scale, right, weight, features)
        return Calibration(
            source="model",
            descriptor="",
            radius_m=0.0,
            features=tuple(features),
            mean=tuple(mean.tolist()),
            scale=tuple(scale.tolist()),
            low=tuple(evidence.min(axis=0).tolist()),
            high=tuple(evidence.max(axis=0).tolist()),
            weights=tuple(weights.tolist()),
            intercept=intercept,
        )


def _fit(
    unit: Float64Array, right: Mask, weight: Float64Array, features: Sequence[str]
) -> tuple[Float64Array, float]:
    """Weights (F,) and intercept; a feature that would count the wrong way does not count."""
    directions = np.array([_DIRECTIONS.get(name, 1.0) for name in features])
    used = np.ones(len(features), bool)
    while True:
        weights = np.zeros(len(features))
        model = _logistic_regression()
        if not used.any() or right.all() or not right.any():
            share = np.average(right, weights=weight)
            return weights, float(np.log((share + 0.01) / (1.01 - share)))
        model.fit(unit[:, used], right, sample_weight=weight)
        weights[used] = model.coef_[0]
        wrong_way = weights * directions < 0
        if not wrong_way.any():
            return weights, float(model.intercept_[0])
        used &= ~wrong_way


def _logistic_regression() -> Any:
    """scikit-learn's, which is an extra: only who calibrates needs it."""
    try:
        from sklearn.linear_model import LogisticRegression
    except ImportError as error:
        raise DependencyError(
            'calibrating needs scikit-learn; install it with pip install "geoloc-cli[calibrate]"'
        ) from error
    return LogisticRegression(C=_REGULARISATION, max_iter=1000)
