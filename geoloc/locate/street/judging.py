"""Judge the answer of a street photo: its probability by a calibration, its radii by all places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from geoloc.locate.calibration import Calibration
from geoloc.locate.estimate import Estimate, count_modes
from geoloc.locate.ground_posterior import GroundPlace, GroundPosterior, with_best

# A walk puts weak answers together, so that a place far behind the best one is kept as well.
_LEAST_PROBABILITY = 0.0005


def judge(estimate: Estimate, calibration: Calibration | None) -> Estimate:
    """The estimate with the probability, places and radii that a calibration gives it.

    Args:
        estimate: As the posterior over places has it.
        calibration: What the evidence is worth; None leaves the estimate as it is.
    """
    if calibration is None or estimate.evidence is None:
        return estimate
    probability = calibration.probability(estimate.evidence)
    ground = with_best(GroundPosterior(estimate.candidates), probability)
    return replace(
        estimate,
        probability=probability,
        conf_kind=calibration.kind,
        radius_m=calibration.radius_m,
        ce90_m=ground.radius_m(0.90),
        acc95_m=ground.radius_m(0.95),
        n_modes=count_modes([place.probability for place in ground.places]),
        spread_m=ground.spread_m(),
        candidates=worth_keeping(ground.places),
    )


def worth_keeping(places: Sequence[GroundPlace]) -> tuple[GroundPlace, ...]:
    """The best place, and those after it that have any probability."""
    return (places[0], *(one for one in places[1:] if one.probability >= _LEAST_PROBABILITY))
