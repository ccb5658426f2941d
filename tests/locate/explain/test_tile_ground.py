"""Where places lie in the picture of a tile."""

from __future__ import annotations

import pytest

from geoloc.geometry.crs import LocalFrame, LonLat
from geoloc.locate.explain.tile_ground import TileGround
from geoloc.models.card import TileCrops

CENTRE = LonLat(15.0, 52.0)
CROPS = TileCrops((40.0, 80.0), 64, bearing_deg=180.0)


def at(east_m: float, north_m: float) -> LonLat:
    ((lon, lat),) = LocalFrame(CENTRE).to_lonlat([[east_m, north_m]]).tolist()
    return LonLat(lon, lat)


def test_a_tile_has_north_up() -> None:
    ground = TileGround(CENTRE, 40.0, None)
    assert ground.place_of(at(10, 10)) == pytest.approx((0.75, 0.25), abs=1e-4)
    assert ground.place_of(at(30, 0)) == pytest.approx((1.25, 0.5), abs=1e-4)
    assert ground.shown == "40 m wide, north up"


def test_a_place_is_marked_in_the_smallest_crop_that_shows_it() -> None:
    """With south up, west is to the right."""
    ground = TileGround(CENTRE, 30.0, CROPS)
    assert ground.place_of(at(-10, 10)) == pytest.approx((0.75 / 2, 0.75), abs=1e-4)
    assert ground.place_of(at(-30, 0)) == pytest.approx((1.875 / 2, 0.5), abs=1e-4)
    assert max(ground.place_of(at(50, 0))) < 0
    assert ground.shown == "squares of 40, 80 m around its middle, bearing 180° up"
