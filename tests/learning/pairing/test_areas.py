"""Held out by area: no ground of a test tile is learnt from, and little is dropped for that."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoloc.learning.pairing.areas import group_places, split_by_area


def scattered(seed: int, count: int = 80) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, [2000, 900], (count, 2))


@settings(max_examples=25)
@given(seed=st.integers(0, 1000), share=st.floats(0.05, 0.6))
def test_the_two_sides_keep_their_distance(seed: int, share: float) -> None:
    xy_m = scattered(seed)
    sides = split_by_area(xy_m, 200.0, share)
    assert sides is not None
    learnt, tested = (xy_m[[s == side for s in sides]] for side in ("train", "test"))
    assert len(learnt) > 0
    assert len(tested) > 0
    apart = np.abs(learnt[:, None, 0] - tested[None, :, 0]).min()
    assert apart >= 200.0
    assert abs(len(tested) / (len(tested) + len(learnt)) - share) < 0.06


def test_the_cut_lies_across_the_longer_axis() -> None:
    xy_m = scattered(1)[:, ::-1]
    sides = np.array(split_by_area(xy_m, 200.0, 0.2))
    tested, learnt = xy_m[sides == "test", 1], xy_m[sides == "train", 1]
    assert tested.min() > learnt.max() or tested.max() < learnt.min()


def test_the_end_is_taken_that_drops_fewer_photos() -> None:
    # A crowd in the west, and a lonely row in the east: the gap is cut through the row.
    west = np.column_stack([np.linspace(0, 400, 40), np.zeros(40)])
    east = np.column_stack([np.linspace(900, 1200, 10), np.zeros(10)])
    sides = split_by_area(np.concatenate([west, east]), 200.0, 0.2)
    assert sides == ["train"] * 40 + ["test"] * 10


def test_photos_too_close_together_cannot_be_held_out() -> None:
    assert split_by_area(scattered(2) / 10, 250.0, 0.2) is None


@pytest.mark.parametrize(("share", "side"), [(0.0, "train"), (1.0, "test")])
def test_all_or_nothing_needs_no_gap(share: float, side: str) -> None:
    sides = split_by_area(scattered(3), 100.0, share)
    assert Counter(sides) == {side: 80}


@settings(max_examples=25)
@given(seed=st.integers(0, 1000))
def test_photos_of_a_place_are_near_its_first_one(seed: int) -> None:
    xy_m = scattered(seed)
    places = group_places(xy_m, 80.0)
    for place in range(places.max() + 1):
        members = xy_m[places == place]
        assert np.hypot(*(members - members[0]).T).max() <= 80.0


def test_a_flight_line_is_many_places() -> None:
    line = np.column_stack([np.arange(0, 1000, 20.0), np.zeros(50)])
    assert 10 <= group_places(line, 80.0).max() + 1 <= 13
