"""Tables of neighbours against the plain haversine and the plain dot product."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from geoloc.errors import OptionError
from geoloc.geometry.crs import LonLat
from geoloc.learning.datasets.crossview import Pair
from geoloc.learning.training.data.neighbours import (
    has_positions,
    neighbours_by_position,
    neighbours_by_similarity,
)
from tests.fixtures.splits import line, many_to_one, one_to_one, scattered


def haversine(positions: Sequence[LonLat], *, degrees_quirk: bool) -> NDArray[np.float64]:
    """Distances (N, N) by the textbook formula, the diagonal infinite."""
    angles = np.array(positions) if degrees_quirk else np.radians(np.array(positions))
    lon, lat = angles[:, 0], angles[:, 1]
    a = (
        np.sin((lat[:, None] - lat) / 2) ** 2
        + np.cos(lat)[:, None] * np.cos(lat) * np.sin((lon[:, None] - lon) / 2) ** 2
    )
    return np.asarray(2 * np.arcsin(np.sqrt(np.clip(a, 0, 1))) + np.diag([np.inf] * len(lon)))


@pytest.mark.parametrize("degrees_quirk", [False, True])
def test_the_order_is_the_haversines(degrees_quirk: bool) -> None:
    positions = scattered(150)
    table = neighbours_by_position(one_to_one(positions), 20, degrees_quirk=degrees_quirk)
    expected = np.argsort(haversine(positions, degrees_quirk=degrees_quirk), axis=1)[:, :20]
    np.testing.assert_array_equal(table, expected)


def test_the_quirk_changes_the_order() -> None:
    split = one_to_one(scattered(150))
    right = neighbours_by_position(split, 20)
    assert (right != neighbours_by_position(split, 20, degrees_quirk=True)).any()


def test_neighbours_are_found_across_the_antimeridian() -> None:
    split = one_to_one([LonLat(179.999, -17), LonLat(-179.999, -17), LonLat(179.9, -17)])
    assert neighbours_by_position(split, 2)[0].tolist() == [1, 2]


def test_own_and_near_references_are_no_neighbours() -> None:
    split = replace(one_to_one(line(6)), near_misses=(Pair(2, 3), Pair(2, 1)))
    table = neighbours_by_position(split, 5)
    assert set(table[2].tolist()) == {0, 4, 5, -1}
    assert table[2, -1] == -1


def test_references_of_the_same_place_are_no_neighbours() -> None:
    split = one_to_one(line(4))
    twins = tuple(replace(p, place="twin") if i < 2 else p for i, p in enumerate(split.references))
    table = neighbours_by_position(replace(split, queries=twins, references=twins), 3)
    assert table[0].tolist() == [2, 3, -1]


def test_a_query_s_position_stands_in_for_its_reference_s() -> None:
    split = one_to_one(line(5))
    blind = tuple(replace(r, position=None) for r in split.references)
    expected = neighbours_by_position(split, 3)
    got = neighbours_by_position(replace(split, references=blind), 3)
    np.testing.assert_array_equal(got, expected)


def test_without_positions_there_are_no_nearest() -> None:
    split = many_to_one(4, 2)
    assert not has_positions(split)
    with pytest.raises(OptionError, match="no positions"):
        neighbours_by_position(split, 2)


def test_a_query_without_an_answer_has_no_neighbours() -> None:
    split = one_to_one(line(4))
    table = neighbours_by_position(replace(split, pairs=split.pairs[1:]), 2)
    assert table[0].tolist() == [-1, -1]
    assert 0 not in table


def test_the_most_similar_come_first_and_own_ones_never() -> None:
    rng = np.random.default_rng(1)
    split = many_to_one(25, 3)
    queries, references = (
        v / np.linalg.norm(v, axis=1, keepdims=True)
        for v in (rng.normal(size=(n, 6)).astype(np.float32) for n in (75, 25))
    )
    table = neighbours_by_similarity(queries, references, split, 24)
    scores = queries @ references.T
    for query, row in enumerate(table):
        expected = [r for r in np.argsort(-scores[query]).tolist() if r != query // 3]
        assert row.tolist() == expected[:24]


def test_references_without_a_pair_are_no_neighbours() -> None:
    split = one_to_one(line(4))
    vectors = np.eye(4, dtype=np.float32)
    table = neighbours_by_similarity(vectors, vectors, replace(split, pairs=split.pairs[:3]), 4)
    assert 3 not in table


def test_vectors_of_other_pictures_are_refused() -> None:
    vectors = np.eye(3, dtype=np.float32)
    with pytest.raises(OptionError, match="4 queries"):
        neighbours_by_similarity(vectors, vectors, one_to_one(line(4)), 2)
