from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoloc.learning.training.recall import ranks_of, recall_from, recall_of_partners

AXES = np.eye(3, dtype=np.float32)


def test_recall_counts_the_right_references_rank() -> None:
    recall = recall_of_partners(AXES[[0, 1, 1]], AXES)  # the third query looks like the second
    assert recall.at_1 == pytest.approx(2 / 3)
    assert recall.at_5 == 1.0
    assert (recall.queries, recall.references) == (3, 3)


def test_a_tie_counts_against_the_right_one() -> None:
    same = np.ones((4, 2), np.float32)
    assert recall_of_partners(same, same).at_1 == 0.0


def test_the_best_of_several_right_ones_counts_and_they_do_not_stand_in_each_others_way() -> None:
    references = np.array([[1, 0], [0.9, 0.1], [0.5, 0.5], [0, 1]], np.float32)
    query = np.array([[1, 0]], np.float32)
    ranks = [ranks_of(query, references, [np.array(right)]) for right in ([1, 2], [0, 1], [1, 3])]
    assert np.concatenate(ranks).tolist() == [2, 1, 2]
    tied = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
    assert ranks_of(query, tied, [np.array([0, 1])]).tolist() == [1]


def test_a_query_without_a_right_reference_is_never_found() -> None:
    ranks = ranks_of(AXES[:1], AXES, [np.array([], np.int64)])
    assert ranks.tolist() == [4]
    assert recall_from(ranks, references=3).at_1 == 0.0


@settings(max_examples=30)
@given(seed=st.integers(0, 999))
def test_ranks_do_not_depend_on_the_order_of_the_references(seed: int) -> None:
    rng = np.random.default_rng(seed)
    queries, references = (rng.normal(size=(n, 4)).astype(np.float32) for n in (5, 9))
    right = [rng.choice(9, 2, replace=False) for _ in queries]
    order = rng.permutation(9)
    moved = [np.argsort(order)[each] for each in right]
    before = ranks_of(queries, references, right)
    assert before.tolist() == ranks_of(queries, references[order], moved).tolist()
