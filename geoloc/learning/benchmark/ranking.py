"""Ranks of right references, a block of queries at a time, without the whole similarity matrix.

VIGOR compares 52,605 queries with 90,618 references: 19 GB of similarities. A block of them is
computed, read by every count that wants it, and dropped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from geoloc.arrays import Float32Array, Int64Array, Mask
from geoloc.learning.datasets.crossview import Pair

# 64 MB of float32.
_BLOCK_VALUES = 16_000_000
NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Groups:
    """The references that belong to each query.

    Attributes:
        starts: (Q + 1,) where those of each query begin among `members`, and the end.
        members: (P,) numbers of references.
    """

    starts: Int64Array
    members: Int64Array

    @classmethod
    def of(cls, pairs: Sequence[Pair], queries: int) -> Groups:
        """Pairs in any order; those of one query keep theirs."""
        numbers = np.array([(pair.query, pair.reference) for pair in pairs], np.int64)
        numbers = numbers.reshape(-1, 2)
        order = np.argsort(numbers[:, 0], kind="stable")
        starts = np.searchsorted(numbers[order, 0], np.arange(queries + 1))
        return cls(starts.astype(np.int64), numbers[order, 1])

    def __getitem__(self, query: int) -> Int64Array:
        """The references of one query."""
        return self.members[self.starts[query] : self.starts[query + 1]]

    @property
    def sizes(self) -> Int64Array:
        """How many references each query has."""
        return np.diff(self.starts)


class Count(Protocol):
    """Something that is counted from the similarities of one query after the other."""

    def add(self, query: int, scores: Float32Array) -> None:
        """Take in the similarities (R,) of one query to all references; they stay unchanged."""


def count_all(
    queries: Float32Array,
    references: Float32Array,
    counts: Sequence[Count],
    *,
    block_values: int = _BLOCK_VALUES,
) -> Iterator[int]:
    """Feed `counts` with all similarities; yields how many queries are newly done.

    Args:
        queries: (Q, D) of unit length.
        references: (R, D) of unit length.
        counts: Counters that are given every query.
        block_values: Similarities held at a time.
    """
    rows = max(1, block_values // max(1, len(references)))
    for start in range(0, len(queries), rows):
        block = queries[start : start + rows] @ references.T
        for query, scores in enumerate(block, start):
            for count in counts:
                count.add(query, scores)
        yield len(block)


class OneRight:
    """The rank of the one right reference, ties in its favour.

    As the evaluators of SAFA, VIGOR and Sample4Geo count: what matters is how many references are
    strictly more similar than the right one. A network that gives everything the same vector is
    perfect by that count, so the ties are kept apart for a person to see.

    Attributes:
        higher: (Q,) references strictly more similar than the right one; `NEVER` without one.
        higher_far: (Q,) the same without near misses (VIGOR's semi-positives).
        is_tied: (Q,) whether another reference is exactly as similar as the right one.
    """

    def __init__(self, right: Groups, near: Groups) -> None:
        queries = len(right.sizes)
        self._right, self._near = right, near
        self.higher = np.full(queries, NEVER, np.int64)
        self.higher_far = self.higher.copy()
        self.is_tied = np.zeros(queries, np.bool_)

    def add(self, query: int, scores: Float32Array) -> None:
        """Count the references above the first right one."""
        right = self._right[query]
        if not len(right):
            return
        own = scores[right[0]]
        higher = np.count_nonzero(scores > own)
        self.higher[query] = higher
        near = np.count_nonzero(scores[self._near[query]] > own)
        self.higher_far[query] = higher - near
        self.is_tied[query] = np.count_nonzero(scores == own) > 1


@dataclass(frozen=True)
class RightRanks:
    """Where all right references of all queries stand, best first within a query.

    Attributes:
        queries: Number of queries, those without a right reference among them.
        query: (P,) which query.
        order: (P,) 1 for a query's best right reference, 2 for its second, ...
        wrong: (P,) wrong references that are at least as similar.
        right: (P,) right references that are at least as similar, itself included.
    """

    queries: int
    query: Int64Array
    order: Int64Array
    wrong: Int64Array
    right: Int64Array

    @property
    def rank(self) -> Int64Array:
        """(P,) rank from 0, ties against: what is wrong and as similar comes first."""
        return self.wrong + self.order - 1

    @property
    def best(self) -> Int64Array:
        """(Q,) rank from 0 of the best right reference; `NEVER` where there is none."""
        best = np.full(self.queries, NEVER, np.int64)
        first = self.order == 1
        best[self.query[first]] = self.wrong[first]
        return best


class AllRight:
    """The ranks of all right references.

    The official evaluators sort with numpy's quicksort, which leaves the order of equal
    similarities to chance. Here a tie counts against the right reference: it gives the same
    figure whatever the order of the files, and none to a network that cannot tell them apart.

    Args:
        right: The right references of each query.
        is_ranked: (R,) references that take part; the others (junk) are as if they were not
            there. None: all do. Right references must be among them.
    """

    def __init__(self, right: Groups, is_ranked: Mask | None = None) -> None:
        self._right = right
        self._ranked = None if is_ranked is None else np.flatnonzero(is_ranked)
        self._wrong: list[Int64Array] = [np.zeros(0, np.int64)] * len(right.sizes)
        self._as_good = self._wrong.copy()

    def add(self, query: int, scores: Float32Array) -> None:
        """Count, for each right reference, what is at least as similar."""
        right = self._right[query]
        ascending = np.sort(scores[right])
        others = scores.copy()
        others[right] = -np.inf
        if self._ranked is not None:
            others = others[self._ranked]
        # A reference that is as good as the k worst right ones counts for each of these.
        reached = np.bincount(
            np.searchsorted(ascending, others, side="right"), minlength=len(right) + 1
        )
        self._wrong[query] = reached[1:][::-1].cumsum()
        worse = np.searchsorted(ascending, ascending[::-1], side="left")
        self._as_good[query] = len(right) - worse

    def result(self) -> RightRanks:
        """The ranks, once all queries were counted."""
        sizes = self._right.sizes
        query = np.repeat(np.arange(len(sizes)), sizes)
        order = np.arange(len(query)) - np.repeat(self._right.starts[:-1], sizes) + 1
        joined = [
            np.concatenate([np.zeros(0, np.int64), *parts])
            for parts in (self._wrong, self._as_good)
        ]
        return RightRanks(len(sizes), query, order, joined[0], joined[1])


class Best:
    """The `k` most similar references of each query.

    Attributes:
        references: (Q, k) their numbers, the most similar first.
    """

    def __init__(self, queries: int, k: int) -> None:
        self.references = np.zeros((queries, k), np.int64)

    def add(self, query: int, scores: Float32Array) -> None:
        """Keep the best; of equals those of lower number are first."""
        k = self.references.shape[1]
        found = np.arange(len(scores))
        if k < len(scores):
            # All that are as good as the k-th: which of the equals a partition takes is chance.
            least = np.partition(scores, -k)[-k]
            found = np.flatnonzero(scores >= least)
        order = np.argsort(-scores[found], kind="stable")
        self.references[query] = found[order[:k]]
