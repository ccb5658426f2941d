"""What several pictures of one photo say together of a map."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from geoloc.locate.street.search import together


def unit(vectors: NDArray[np.float64]) -> NDArray[np.float32]:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def tiles() -> NDArray[np.float32]:
    return unit(np.random.default_rng(1).normal(size=(500, 32)))


def test_one_picture_speaks_for_itself(tiles: NDArray[np.float32]) -> None:
    (alone,) = together(tiles[:1], tiles)
    np.testing.assert_array_equal(alone, tiles[0])


def test_tiles_rank_by_the_sum_of_what_each_picture_says(tiles: NDArray[np.float32]) -> None:
    rng = np.random.default_rng(2)
    pictures = unit(tiles[7] + 0.3 * rng.normal(size=(8, 32)))
    cosines = tiles @ pictures.T
    said = ((cosines - cosines.mean(axis=0)) / cosines.std(axis=0)).sum(axis=1)
    combined = tiles @ together(pictures, tiles).T
    assert combined.shape == (500, 1)
    np.testing.assert_array_equal(np.argsort(-combined[:, 0]), np.argsort(-said))
    assert np.linalg.norm(together(pictures, tiles)) == pytest.approx(1, abs=1e-6)


def test_the_same_picture_eight_times_says_no_more_than_once(tiles: NDArray[np.float32]) -> None:
    np.testing.assert_allclose(together(tiles[:1].repeat(8, axis=0), tiles), tiles[:1], atol=1e-6)


def test_pictures_that_cancel_each_other_or_meet_one_vector_only_end_in_numbers(
    tiles: NDArray[np.float32],
) -> None:
    opposite = np.stack([tiles[0], -tiles[0]])
    for others in (tiles, tiles[:1], tiles[:0]):
        assert np.isfinite(together(opposite, others)).all()
