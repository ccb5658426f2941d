"""Which stage of a search for a street photo is kept."""

from __future__ import annotations

import pytest

from geoloc.geometry.crs import LonLat
from geoloc.locate.estimate import Estimate
from geoloc.locate.street.locator import outweighs


def estimate(probability: float) -> Estimate:
    return Estimate(
        position=LonLat(13.4, 52.5),
        heading=None,
        probability=probability,
        score=4.0,
        margin=1.5,
        n_modes=1,
        spread_m=0.0,
        radius_m=42.4,
        ce90_m=30.0,
        acc95_m=40.0,
    )


@pytest.mark.parametrize(
    ("later", "stated", "is_given_up"),
    [
        (0.35, 0.3, False),  # a little surer: what chance gives when more is tried
        (0.9, 0.6, False),
        (0.9, 0.3, True),  # a compass that was wrong
        (0.99, 0.8, True),
        (0.2, 0.9, False),
        (1.0, 1.0, False),
        (0.0, 0.0, False),
    ],
)
def test_a_stated_heading_is_given_up_only_for_much_better_odds(
    later: float, stated: float, is_given_up: bool
) -> None:
    assert outweighs(estimate(later), estimate(stated)) is is_given_up
