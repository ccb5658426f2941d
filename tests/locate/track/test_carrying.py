"""A camera that was carried from a neighbour's is no surer than that one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from geoloc.geometry.camera import Camera, GroundCamera, GroundPoint, Pose
from geoloc.geometry.camera_solution import CameraSolution
from geoloc.geometry.crs import LonLat
from geoloc.locate.drone.final_camera import FINAL_CAMERA
from geoloc.locate.estimate import RAYLEIGH_90
from geoloc.locate.track.carrying import as_unsure_as
from geoloc.results.schema import PhotoResult
from geoloc.results.solved_camera import SolvedCamera

LENS = Camera.from_hfov(640, 480, 70.0)


def known_at(height_m: float) -> SolvedCamera:
    pose = Pose(20.0, -90.0, 0.0, height_m)
    return SolvedCamera(
        photo=Path("known.jpg"),
        camera=LENS,
        pose=pose,
        position=LonLat(13.4, 52.5),
        altitude_m=None,
        control_points=(),
    )


def solved(east_m: float, north_m: float, height_m: float) -> CameraSolution:
    placed = GroundCamera(Pose(20.0, -90.0, 0.0, height_m), GroundPoint(east_m, north_m))
    return CameraSolution(LENS, placed, np.empty(0), np.eye(7))


def test_every_doubt_of_the_neighbour_is_one_of_the_camera_by_it() -> None:
    neighbour = PhotoResult(
        "known.jpg",
        "located",
        ce90_m=10.0 * RAYLEIGH_90,
        heading_sd=2.0,
        pitch_sd_deg=3.0,
        roll_sd_deg=4.0,
        height_sd_m=10.0,
        hfov_sd_deg=5.0,
    )
    found = as_unsure_as(neighbour, solved(30.0, 40.0, 90.0), known_at(100.0))
    place = 1 + (FINAL_CAMERA.level_sd * 90.0) ** 2 + 10.0**2
    expected = [place, place, 1 + 9.0**2, 1 + 2.0**2, 1 + 3.0**2, 1 + 4.0**2]
    np.testing.assert_allclose(np.diag(found.covariance)[:6], expected)
    of_the_lens_alone = replace(found, covariance=found.covariance - np.eye(7))
    assert of_the_lens_alone.hfov_sd_deg == pytest.approx(5.0)


@pytest.mark.parametrize("way_m", [0.0, 60.0])
def test_what_a_row_does_not_say_adds_nothing_but_the_ground(way_m: float) -> None:
    found = as_unsure_as(PhotoResult("a", "located"), solved(way_m, 0.0, 100.0), known_at(100.0))
    ground = (FINAL_CAMERA.level_sd * 100.0) ** 2
    np.testing.assert_allclose(np.diag(found.covariance), [1 + ground] * 2 + [1.0] * 5)
