"""Patch pairs show the same ground, whatever turned, scaled and tilted it in between."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from geoloc.learning.training.data.keypoint_pairs import MIN_KEYPOINTS, PatchPairs, draw_pairs
from geoloc.learning.training.data.places import Place
from geoloc.learning.training.recipe import KeypointChoice
from tests.fixtures.keypoint_data import ground, place

MILD = KeypointChoice(per_view=60, side_px=224, photo_change=0.1, tile_change=0.1)


def draw(where: Place, choice: KeypointChoice = MILD, *, seed: int = 0) -> PatchPairs:
    pairs = draw_pairs(where, choice, np.random.default_rng(seed))
    assert pairs is not None
    return pairs


def likeness(photo: np.ndarray, tile: np.ndarray) -> np.ndarray:
    """Correlation (N,) of the middle channel."""
    flat = [p[..., 1].reshape(len(p), -1).astype(float) for p in (photo, tile)]
    a, b = (p - p.mean(axis=1, keepdims=True) for p in flat)
    return np.asarray((a * b).sum(axis=1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)))


@pytest.fixture(scope="module")
def town() -> Place:
    return place(ground(1))


@pytest.mark.parametrize("seed", range(4))
def test_partners_show_the_same_ground_and_others_do_not(town: Place, seed: int) -> None:
    pairs = draw(town, seed=seed)
    assert pairs.photo.shape == pairs.tile.shape == (len(pairs), 32, 32, 3)
    alike = likeness(pairs.photo, pairs.tile)
    assert np.median(alike[pairs.is_found]) > 0.7
    assert np.median(alike[~pairs.is_found]) > 0.5  # made up, slightly off
    shuffled = likeness(pairs.photo, np.roll(pairs.tile, 5, axis=0))
    assert np.median(shuffled) < 0.3


def test_the_photo_is_of_the_other_date_as_often_as_is_asked() -> None:
    both = place(ground(1), ground(2))  # nothing is left of it at the other date
    same, other = (draw(both, replace(MILD, other_date=share), seed=3) for share in (0.0, 1.0))
    assert np.median(likeness(same.photo, same.tile)) > 0.5
    assert np.median(likeness(other.photo, other.tile)) < 0.3


def test_a_view_gives_as_many_as_is_asked_and_most_of_them_found(town: Place) -> None:
    pairs = draw(town)
    assert MIN_KEYPOINTS <= len(pairs) <= MILD.per_view
    assert 0 < pairs.is_found.sum() <= 0.75 * MILD.per_view
    assert (np.diff(pairs.is_found.astype(int)) <= 0).all()  # found ones come first


def test_stronger_changes_make_less_alike_pairs(town: Place) -> None:
    strong = replace(MILD, photo_change=1.0, tile_change=1.0)
    alike = {
        choice: np.mean(
            [
                np.median(likeness(p.photo, p.tile))
                for p in (draw(town, choice, seed=s) for s in range(4))
            ]
        )
        for choice in (MILD, strong)
    }
    assert alike[strong] < alike[MILD]


def test_the_same_chances_make_the_same_pairs(town: Place) -> None:
    one, two, other = draw(town, seed=7), draw(town, seed=7), draw(town, seed=8)
    np.testing.assert_array_equal(one.photo, two.photo)
    np.testing.assert_array_equal(one.tile, two.tile)
    assert not np.array_equal(one.photo[:20], other.photo[:20])


def test_bare_ground_gives_no_pairs() -> None:
    bare = place(np.full((400, 400, 3), 120, np.uint8))
    assert draw_pairs(bare, MILD, np.random.default_rng(0)) is None


def test_no_patch_has_its_middle_beyond_the_ground() -> None:
    # Black is where nothing is known: a keypoint of its edge is none of the ground.
    half = ground(1)
    half[:, 260:] = 0
    for seed in range(6):
        pairs = draw_pairs(place(half), MILD, np.random.default_rng(seed))
        if pairs is not None:
            assert (pairs.photo[:, 14:18, 14:18, 0].max(axis=(1, 2)) > 0).all()
            assert (pairs.tile[:, 14:18, 14:18, 0].max(axis=(1, 2)) > 0).all()
