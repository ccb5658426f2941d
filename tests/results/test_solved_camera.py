"""Claims about the camera that is read from a row."""

from __future__ import annotations

from dataclasses import replace

import pytest

from geoloc.geometry.camera import attitude
from geoloc.results.schema import PhotoResult
from geoloc.results.solved_camera import (
    ControlPoint,
    control_points,
    control_points_text,
    solved_camera,
)

ROW = PhotoResult(
    "a.jpg",
    "located",
    longitude=13.0,
    latitude=52.0,
    heading=30.0,
    pitch_deg=-60.0,
    roll_deg=5.0,
    height_m=100.0,
    altitude_m=340.0,
    hfov_deg=70.0,
    photo_width=4000,
    photo_height=3000,
)


def test_a_row_states_its_camera() -> None:
    found = solved_camera(ROW)
    assert found is not None
    assert attitude(found.pose) == pytest.approx((30.0, -60.0, 5.0))
    assert found.camera.hfov_deg == pytest.approx(70.0)
    assert found.ground_altitude_m == pytest.approx(240.0)
    assert tuple(found.frame.origin) == (13.0, 52.0)


@pytest.mark.parametrize("name", ["longitude", "heading", "pitch_deg", "hfov_deg", "photo_width"])
def test_a_row_without_all_of_it_states_none(name: str) -> None:
    assert solved_camera(replace(ROW, **{name: None})) is None


def test_control_points_come_back() -> None:
    points = (
        ControlPoint(10.25, 20.5, 13.00000012, 52.0, 241.5, 0.4),
        ControlPoint(3.0, 4.0, 13.1, 52.1, None, 1.0),
    )
    assert control_points(control_points_text(points)) == points
    assert control_points_text(()) is None


@pytest.mark.parametrize("text", [None, "", "[[1,2]]", "{", "7"])
def test_damaged_control_points_are_none(text: str | None) -> None:
    assert control_points(text) == ()
