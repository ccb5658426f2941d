"""Claims about the radius that holds a share of a normal distribution."""

from __future__ import annotations

import math

import numpy as np
import pytest

from geoloc.geometry.circular_error import circular_error_m


def test_a_round_distribution_is_rayleighs() -> None:
    assert circular_error_m(np.eye(2) * 9, 0.9) == pytest.approx(3 * 2.146, abs=1e-2)
    assert circular_error_m(np.eye(2), 0.95) == pytest.approx(2.448, abs=1e-2)


def test_a_line_is_the_normal_distribution() -> None:
    assert circular_error_m(np.diag([1.0, 0.0]), 0.9) == pytest.approx(1.645, abs=1e-2)


@pytest.mark.parametrize("ratio", [0.1, 0.5])
def test_an_ellipse_holds_the_share_that_it_states_whichever_way_it_lies(ratio: float) -> None:
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    points = np.random.default_rng(0).normal(size=(200_000, 2)) * [5.0, 5 * ratio] @ turn.T
    radius_m = circular_error_m(turn @ np.diag([25.0, (5 * ratio) ** 2]) @ turn.T, 0.9)
    assert (np.hypot(*points.T) <= radius_m).mean() == pytest.approx(0.9, abs=0.003)


def test_what_is_not_known_has_no_radius() -> None:
    assert math.isinf(circular_error_m(np.diag([math.inf, math.inf]), 0.9))
    assert circular_error_m(np.zeros((2, 2)), 0.9) == 0
