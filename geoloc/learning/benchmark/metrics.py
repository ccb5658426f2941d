"""The figures of cross-view retrieval, each exactly as the evaluators of its field compute it.

Ranks count from 0 here. Shares are in [0, 1], distances in metres.
"""

from __future__ import annotations

import numpy as np

from geoloc.arrays import Float64Array, Int64Array
from geoloc.learning.benchmark.ranking import RightRanks

# Mean radii of the Earth in the scripts of VIGOR and of DenseUAV; geodesics differ by up to 0.5 %.
VIGOR_RADIUS_M = 6_371_004.0
DENSEUAV_RADIUS_M = 6_378_137.0
DENSEUAV_DECAY_PER_DEGREE = 5e3
GAME4LOC_DECAY_PER_METRE = 1e-3
_PDM_STEEPNESS, _PDM_MIDDLE = 6.0, 0.9


# --- recall ----------------------------------------------------------------------------------


def recall_at(rank: Int64Array, k: int) -> float:
    """The share of queries (Q,) whose right reference has a rank below `k`."""
    return float(np.mean(rank < k)) if len(rank) else 0.0


def one_percent_sample4geo(references: int) -> int:
    """K of "R@1 %" in Sample4Geo's evaluators: floor(R / 100), 88 for CVUSA's 8884."""
    return references // 100


def one_percent_safa(references: int) -> int:
    """K of "R@1 %" in the evaluators of SAFA and VIGOR: floor(0.01 R) + 1, 89 for 8884."""
    return references // 100 + 1


def top_one_percent(gallery: int) -> int:
    """K of "R@top1" in University-1652's evaluator: round(0.01 R) + 1 (index from 0 there).

    Its gallery counts the distractors even where a protocol drops them from the ranking.
    """
    return round(0.01 * gallery) + 1


# --- average precision -----------------------------------------------------------------------


def trapezoid_precision(ranks: RightRanks) -> Float64Array:
    """Average precision (Q,) by trapezoids, as University-1652's `evaluate_gpu`; 0 without any.

    The right reference number i of n at rank r adds half of (i - 1) / r + i / (r + 1), over n;
    the first of these is 1 at rank 0.
    """
    rank, order = ranks.rank, ranks.order
    before = np.where(rank > 0, (order - 1) / np.maximum(rank, 1), 1.0)
    return _mean_by_query(ranks, (before + order / (rank + 1)) / 2, empty=0.0)


def step_precision(ranks: RightRanks) -> Float64Array:
    """Average precision (Q,) as scikit-learn and so Game4Loc compute it; NaN without any.

    The precision at the threshold of each right reference, all of equal similarity being above
    it together.
    """
    return _mean_by_query(ranks, ranks.right / (ranks.right + ranks.wrong), empty=np.nan)


def _mean_by_query(ranks: RightRanks, values: Float64Array, *, empty: float) -> Float64Array:
    """The mean (Q,) of the values (P,) of each query."""
    count = np.bincount(ranks.query, minlength=ranks.queries)
    total = np.bincount(ranks.query, weights=values, minlength=ranks.queries)
    return np.where(count > 0, total / np.maximum(count, 1), empty)


# --- distances -------------------------------------------------------------------------------


def distance_score(distances: Float64Array, k: int, *, decay: float) -> float:
    """SDM@K: how near the K best are, in [0, 1].

    Place i of K weighs K - i + 1; a distance d counts exp(-decay d). DenseUAV's d is Euclidean in
    degrees with a decay of 5000, Game4Loc's in metres with 0.001.

    Args:
        distances: (Q, >= K) of the best references, the most similar first.
        k: Number of first references that count.
        decay: Per unit of `distances`.
    """
    return _weighted(np.exp(-decay * distances[:, :k]))


def window_score(distances_m: Float64Array, k: int, *, tile_width_m: float) -> float:
    """PDM@K of AnyVisLoc: 1 / (1 + exp(6 (d / width - 0.9))), weighted like SDM@K.

    Args:
        distances_m: (Q, >= K) between the view's true centre and those of the best tiles.
        k: Number of first references that count.
        tile_width_m: Side of a tile on the ground.
    """
    ratio = distances_m[:, :k] / tile_width_m
    # As a tanh, since exp overflows for tiles that are far away.
    return _weighted(0.5 - 0.5 * np.tanh(_PDM_STEEPNESS * (ratio - _PDM_MIDDLE) / 2))


def _weighted(scores: Float64Array) -> float:
    """Mean of (Q, K) with the weights K, K - 1, ..., 1."""
    weights = np.arange(scores.shape[1], 0, -1)
    return float(np.mean(scores @ weights / weights.sum()))


def mean_distance_m(distances_m: Float64Array, k: int) -> float:
    """Dis@K of Game4Loc: the mean distance of the K best, over all queries."""
    return float(np.mean(distances_m[:, :k]))


def share_within(distances_m: Float64Array, radius_m: float) -> float:
    """L@K m (VIGOR, AnyVisLoc): the share of queries whose first answer is that near, or nearer.

    Args:
        distances_m: (Q, >= 1).
        radius_m: The limit itself counts as near.
    """
    return float(np.mean(distances_m[:, 0] <= radius_m))


def share_below(distances_m: Float64Array, radius_m: float) -> float:
    """MA@m of DenseUAV: as `share_within`, but the limit itself is too far."""
    return float(np.mean(distances_m[:, 0] < radius_m))


def great_circle_m(a: Float64Array, b: Float64Array, *, radius_m: float) -> Float64Array:
    """Distances on a sphere between positions (..., 2) of lon, lat in degrees (haversine)."""
    lon1, lat1 = np.moveaxis(np.radians(a), -1, 0)
    lon2, lat2 = np.moveaxis(np.radians(b), -1, 0)
    across = np.cos(lat1) * np.cos(lat2) * np.sin((lon2 - lon1) / 2) ** 2
    half = np.sqrt(np.sin((lat2 - lat1) / 2) ** 2 + across)
    return np.asarray(2 * radius_m * np.arcsin(np.minimum(half, 1.0)), np.float64)
