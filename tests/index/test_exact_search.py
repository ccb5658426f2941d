"""Exact search, block by block."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoloc.index import exact_search
from geoloc.index.exact_search import rank, search_exact


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 80), st.integers(1, 12), st.integers(0, 99))
def test_blocks_find_what_one_sort_finds(count: int, k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(count, 4)).astype(np.float16)
    queries = rng.normal(size=(3, 4)).astype(np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exact_search, "_BLOCK_ROWS", 16)
        found = search_exact(vectors, queries, k)
    scores = queries @ vectors.astype(np.float32).T
    expected = -np.sort(-scores, axis=1)[:, :k]
    np.testing.assert_allclose(found.scores[:, : expected.shape[1]], expected, rtol=1e-5)
    assert (found.rows[:, expected.shape[1] :] == -1).all()


def test_rows_of_equal_score_are_found_once_each() -> None:
    found = search_exact(np.ones((40, 2), np.float16), np.ones((1, 2), np.float32), 3)
    assert len(set(found.rows[0])) == 3


def test_candidates_that_are_missing_rank_last() -> None:
    vectors = np.eye(3, dtype=np.float16)
    found = rank(vectors, np.array([[0.1, 0.9, 0]], np.float32), np.array([[0, -1, 1]]), 4)
    assert found.rows.tolist() == [[1, 0, -1, -1]]
