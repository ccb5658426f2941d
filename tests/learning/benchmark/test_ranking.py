"""Ranks against slow textbook versions; integers as vectors, so that ties are exact."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoloc.learning.benchmark.ranking import NEVER, AllRight, Best, Groups, OneRight, count_all
from geoloc.learning.datasets.crossview import Pair

Vectors = np.ndarray


@st.composite
def _cases(draw: st.DrawFn) -> tuple[Vectors, Vectors, list[Pair], list[Pair]]:
    """Few queries and references with small whole numbers, right answers and near misses."""
    queries, references = draw(st.integers(1, 6)), draw(st.integers(1, 12))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    numbers = [rng.integers(-1, 2, (n, 3)).astype(np.float32) for n in (queries, references)]
    kinds = rng.integers(0, 4, (queries, references))
    right = [Pair(int(q), int(r)) for q, r in np.argwhere(kinds == 1)]
    near = [Pair(int(q), int(r)) for q, r in np.argwhere(kinds == 2)]
    return numbers[0], numbers[1], right, near


def _count(queries: Vectors, references: Vectors, *counts: object, block: int = 16_000_000) -> None:
    done = count_all(queries, references, counts, block_values=block)  # type: ignore[arg-type]
    assert sum(done) == len(queries)


@given(_cases())
def test_the_rank_of_one_right_answer_is_what_is_strictly_more_similar(
    case: tuple[Vectors, Vectors, list[Pair], list[Pair]],
) -> None:
    queries, references, right, near = case
    count = OneRight(Groups.of(right, len(queries)), Groups.of(near, len(queries)))
    _count(queries, references, count)
    for query, scores in enumerate((queries @ references.T).tolist()):
        mine = [pair.reference for pair in right if pair.query == query]
        if not mine:
            assert count.higher[query] == count.higher_far[query] == NEVER
            continue
        semi = [pair.reference for pair in near if pair.query == query]
        above = [r for r, score in enumerate(scores) if score > scores[mine[0]]]
        assert count.higher[query] == len(above)
        assert count.higher_far[query] == len([r for r in above if r not in semi])
        assert count.is_tied[query] == (scores.count(scores[mine[0]]) > 1)


@given(_cases(), st.booleans())
def test_ranks_of_all_right_answers_are_those_of_a_sorted_list_with_wrong_ones_first_in_ties(
    case: tuple[Vectors, Vectors, list[Pair], list[Pair]], has_junk: bool
) -> None:
    queries, references, right, _ = case
    groups = Groups.of(right, len(queries))
    is_ranked = np.arange(len(references)) % 2 == 0 if has_junk else None
    if is_ranked is not None:
        is_ranked[groups.members] = True
    count = AllRight(groups, is_ranked)
    _count(queries, references, count)
    ranks = count.result()
    for query, scores in enumerate((queries @ references.T).tolist()):
        mine = set(groups[query].tolist())
        ranked = [r for r in range(len(scores)) if is_ranked is None or is_ranked[r]]
        ordered = sorted(ranked, key=lambda r: (-scores[r], r in mine))
        expected = [rank for rank, r in enumerate(ordered) if r in mine]
        assert ranks.rank[ranks.query == query].tolist() == expected
        assert ranks.best[query] == (expected[0] if expected else NEVER)
        own = sorted((scores[r] for r in mine), reverse=True)
        as_good = [sum(other >= score for other in own) for score in own]
        assert ranks.right[ranks.query == query].tolist() == as_good


@given(_cases(), st.integers(1, 12))
def test_the_best_references_are_the_first_of_a_stable_sort(
    case: tuple[Vectors, Vectors, list[Pair], list[Pair]], k: int
) -> None:
    queries, references, *_ = case
    k = min(k, len(references))
    best = Best(len(queries), k)
    _count(queries, references, best)
    expected = np.argsort(-(queries @ references.T), axis=1, kind="stable")[:, :k]
    np.testing.assert_array_equal(best.references, expected)


@given(_cases(), st.integers(1, 30))
def test_the_size_of_a_block_changes_nothing(
    case: tuple[Vectors, Vectors, list[Pair], list[Pair]], block: int
) -> None:
    queries, references, right, near = case
    groups, misses = Groups.of(right, len(queries)), Groups.of(near, len(queries))
    whole, parts = OneRight(groups, misses), OneRight(groups, misses)
    _count(queries, references, whole)
    _count(queries, references, parts, block=block)
    np.testing.assert_array_equal(whole.higher, parts.higher)
    np.testing.assert_array_equal(whole.higher_far, parts.higher_far)


@given(_cases(), st.randoms(use_true_random=False))
def test_the_order_of_the_references_changes_no_rank(
    case: tuple[Vectors, Vectors, list[Pair], list[Pair]], random: object
) -> None:
    queries, references, right, _ = case
    order = list(range(len(references)))
    random.shuffle(order)  # type: ignore[attr-defined]
    moved = [Pair(pair.query, order.index(pair.reference)) for pair in right]
    ranks = []
    for pairs, vectors in ((right, references), (moved, references[order])):
        count = AllRight(Groups.of(pairs, len(queries)))
        _count(queries, vectors, count)
        ranks.append(count.result().rank)
    np.testing.assert_array_equal(*ranks)


def test_a_network_that_has_collapsed_is_perfect_with_ties_in_favour_and_nothing_against() -> None:
    queries, references = np.ones((3, 2), np.float32), np.ones((5, 2), np.float32)
    groups = Groups.of([Pair(0, 0), Pair(1, 1), Pair(2, 4)], 3)
    favour, against = OneRight(groups, Groups.of([], 3)), AllRight(groups)
    _count(queries, references, favour, against)
    assert (favour.higher == 0).all()
    assert favour.is_tied.all()
    assert (against.result().best == 4).all()


def test_no_more_than_a_block_of_similarities_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    class Spy:
        def add(self, query: int, scores: Vectors) -> None:
            seen.append(scores.base.size)  # the block that the row is a view of

    _count(np.ones((50, 2), np.float32), np.ones((20, 2), np.float32), Spy(), block=100)
    assert len(seen) == 50
    assert max(seen) == 100


def test_groups_take_pairs_in_any_order_and_queries_without_any() -> None:
    groups = Groups.of([Pair(3, 1), Pair(0, 5), Pair(3, 0)], 5)
    assert [groups[query].tolist() for query in range(5)] == [[5], [], [], [1, 0], []]
    assert groups.sizes.tolist() == [1, 0, 0, 2, 0]
    assert Groups.of([], 2)[1].tolist() == []
