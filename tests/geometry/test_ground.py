"""Claims about level ground."""

from __future__ import annotations

import numpy as np

from geoloc.geometry.ground import FLAT_GROUND


def test_rays_end_on_the_plane_and_those_that_rise_never_do() -> None:
    rays = np.array([[0, 0, -2.0], [1, 0, -1], [0, 1, 0], [0, 0, 1]])
    points = FLAT_GROUND.meet(np.array([10.0, 20, 50]), rays)
    np.testing.assert_allclose(points[:2], [[10, 20, 0], [60, 20, 0]])
    assert np.isnan(points[2:]).all()


def test_level_ground_is_at_zero() -> None:
    np.testing.assert_array_equal(FLAT_GROUND.heights_m(np.ones((3, 2))), np.zeros(3))
