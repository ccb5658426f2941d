"""The grid of blocks: the same for every map, each about a kilometre, wherever it lies."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geoloc.index.features.block_grid import (
    FARTHEST_M,
    BlockId,
    blocks_around,
    blocks_at,
    blocks_touching,
)

LONGITUDES = st.floats(-180, 180, exclude_max=True)
LATITUDES = st.floats(-84, 84)


def block_at(lon: float, lat: float) -> BlockId:
    return BlockId(*blocks_at(np.array([lon]), np.array([lat]))[0].tolist())


@given(LONGITUDES, LATITUDES)
def test_a_position_lies_in_its_block(lon: float, lat: float) -> None:
    east_m, north_m = block_at(lon, lat).frame.from_lonlat(lon, lat)[0]
    assert abs(north_m) < 515
    assert abs(east_m) < 530
    assert np.hypot(east_m, north_m) < FARTHEST_M


@given(LONGITUDES, LATITUDES)
def test_the_middle_of_a_block_lies_in_it(lon: float, lat: float) -> None:
    block = block_at(lon, lat)
    assert block_at(*block.frame.origin) == block
    assert BlockId.of_name(block.name) == block


@given(LONGITUDES, LATITUDES, st.floats(1, 3000))
def test_the_blocks_around_a_square_hold_its_corners(lon: float, lat: float, half_m: float) -> None:
    frame = block_at(lon, lat).frame
    middle = frame.from_lonlat(lon, lat)[0]
    corners = middle + half_m * np.array([[1, 1], [1, -1], [-1, 1], [-1, -1], [0, 0]])
    found = blocks_around(lon, lat, half_m)
    for corner in frame.to_lonlat(corners):
        assert block_at(*corner) in found
    assert len(found) <= (2 * half_m / 900 + 2) ** 2


def test_a_shape_that_is_counted_on_beyond_the_antimeridian_touches_both_sides() -> None:
    (found,) = blocks_touching(np.array([shapely.box(179.999, 10.0, 180.001, 10.001)]))
    assert found == {block_at(179.999, 10.0), block_at(-179.999, 10.0)}


def test_what_is_no_name_of_a_block_is_none() -> None:
    assert BlockId.of_name("notes") is None


@pytest.mark.parametrize("lat", [-90.0, 90.0])
def test_poles_have_a_block(lat: float) -> None:
    assert block_at(12.0, lat) == block_at(12.0, lat)
    assert np.abs(block_at(12.0, lat).frame.from_lonlat(12.0, lat)[0]).max() < 700
