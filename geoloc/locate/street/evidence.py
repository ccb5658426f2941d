"""Evidence for the answer of a street photo, as the few numbers that a calibration judges."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from geoloc.arrays import Float64Array, Int64Array


class StreetEvidence(NamedTuple):
    """What speaks for the best place; each number the more, the better.

    Attributes:
        lead: Lead over the next place, in units of the tail of those behind it.
        score: Robust standard deviations of the best tile above this photo's other tiles.
        horizon: Logarithm of the share of what the network wants to see that the photo shows.
        cluster: Share of the very best tiles that lie in the best place.
    """

    lead: float
    score: float
    horizon: float
    cluster: float


FEATURES = StreetEvidence._fields


def cluster_share(scores: Float64Array, place: Int64Array, count: int) -> float:
    """Share of the `count` best tiles that lie in a place.

    Args:
        scores: (M,) scores of the tiles.
        place: Which of them lie in the place.
        count: How many of the best are looked at; fewer where there are fewer.
    """
    best = np.argsort(-scores, kind="stable")[:count]
    return float(np.isin(best, place).mean())
