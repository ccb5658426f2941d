"""Recall at 1, 5 and 10: how often a right reference is among the first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from geoloc.arrays import Float32Array, Int64Array

_CHUNK = 1024


@dataclass(frozen=True)
class Recall:
    """Shares of queries with a right one among the first 1, 5 and 10 of `references`."""

    at_1: float
    at_5: float
    at_10: float
    queries: int
    references: int

    @property
    def order(self) -> tuple[float, float]:
        """The greater, the better the weights."""
        return self.at_1, self.at_5


def recall_of_partners(queries: Float32Array, references: Float32Array) -> Recall:
    """Recall where partners stand in the same row; a tie counts against the right one."""
    own = [np.array([row]) for row in range(len(queries))]
    return recall_from(ranks_of(queries, references, own), references=len(references))


def ranks_of(
    queries: Float32Array, references: Float32Array, positives: Sequence[Int64Array]
) -> Int64Array:
    """The rank (Q,) of each query's best right reference, from 1; a tie counts against it.

    A network that has collapsed gives the same vector to everything. Were ties in favour, as
    some published evaluations count them, its recall would be perfect.

    Args:
        queries: (Q, D) of unit length.
        references: (R, D) of unit length.
        positives: The right references of each query; a query without any gets the rank R + 1.
    """
    ranks = np.full(len(queries), len(references) + 1, np.int64)
    for start in range(0, len(queries), _CHUNK):
        scores = queries[start : start + _CHUNK] @ references.T
        for row, score in enumerate(scores, start):
            right = positives[row]
            if len(right):
                best = score[right].max()
                as_good = int(np.count_nonzero(score >= best))
                ranks[row] = 1 + as_good - int(np.count_nonzero(score[right] >= best))
    return ranks


def recall_from(ranks: Int64Array, *, references: int) -> Recall:
    """The shares of ranks among the first 1, 5 and 10."""
    at_1, at_5, at_10 = (float(np.mean(ranks <= k)) for k in (1, 5, 10))
    return Recall(at_1, at_5, at_10, queries=len(ranks), references=references)
