"""Simulated photos of the tiny world's map: what they show, state, and that they never change."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from geoloc.errors import OptionError
from geoloc.geometry.camera import Camera, Pose, ground_homography, project
from geoloc.geometry.crs import LocalFrame
from geoloc.index.map_index import MapIndex
from geoloc.index.map_pixels import MapPixels
from geoloc.learning.calibration.degradation import DegradationParameters
from geoloc.learning.calibration.simulation import (
    PhotoSimulator,
    SimulatedPhoto,
    SimulationParameters,
)
from tests.fixtures.search import SearchWorld

UNCHANGED = DegradationParameters(
    least_detail=0.0,
    most_detail=0.0,
    most_changed=0.0,
    most_shifted=0.0,
    least_disturbed=0.0,
    most_disturbed=0.0,
)
# Level ground, nothing degraded, and metadata that state exactly what is so.
EXACT = SimulationParameters(
    width_px=320,
    heights_m=(40.0, 60.0),
    heights_px=(40.0, 60.0),
    things=0,
    height_sd=0.0,
    yaw_sd_deg=0.0,
    pitch_sd_deg=0.0,
    hfov_sd=0.0,
    nadir_sd_deg=0.0,
    roll_sd_deg=0.0,
    degradation=UNCHANGED,
)


def simulator(world: SearchWorld, parameters: SimulationParameters = EXACT) -> PhotoSimulator:
    return PhotoSimulator(MapIndex.open(world.index), seed=3, parameters=parameters)


def whole_pose(taken: SimulatedPhoto) -> tuple[Camera, Pose] | None:
    """The camera that the photo's metadata state; None where they leave something out."""
    stated, (height_px, width_px) = taken.photo.metadata, taken.photo.pixels.shape[:2]
    if stated.hfov_deg is None or stated.yaw_deg is None or stated.pitch_deg is None:
        return None
    assert stated.rel_alt_m is not None
    pose = Pose(stated.yaw_deg, stated.pitch_deg, 0.0, stated.rel_alt_m)
    return Camera.from_hfov(width_px, height_px, stated.hfov_deg), pose


def test_a_photo_shows_the_map_where_its_camera_looks(search_world: SearchWorld) -> None:
    pixels, simulate = MapPixels(MapIndex.open(search_world.index)), simulator(search_world)
    at = np.array([[x, y] for x in (60.5, 160.5, 260.5) for y in (60.5, 120.5)])
    tones = []
    for number in range(16):
        taken = simulate.photo(number)
        if (found := whole_pose(taken)) is None:
            continue
        ground_m = project(ground_homography(*found), at)
        for (column, row), point_m in zip(at.astype(int), ground_m, strict=True):
            # Five pixels of the photo are about a metre.
            window = pixels.around(
                LocalFrame(taken.camera), point_m - 0.5, point_m + 0.5, gsd_m=1 / 16
            )
            if window.valid.all():
                photo = taken.photo.pixels[row - 2 : row + 3, column - 2 : column + 3]
                tones.append((photo.mean(), window.pixels.mean()))
    assert len(tones) >= 10
    assert np.corrcoef(np.array(tones).T)[0, 1] > 0.9


def test_a_photo_is_the_same_in_whatever_order_it_is_asked_for(search_world: SearchWorld) -> None:
    one, other = simulator(search_world), simulator(search_world)
    one.photo(0)
    ours, theirs = one.photo(1), other.photo(1)
    assert (ours.photo.pixels == theirs.photo.pixels).all()
    assert (ours.camera, ours.photo.metadata) == (theirs.camera, theirs.photo.metadata)
    assert ours.camera != one.photo(0).camera


def test_a_mirrored_photo_shows_other_ground_that_is_like_it(search_world: SearchWorld) -> None:
    simulate = simulator(search_world, replace(EXACT, least_shown=1.0, heights_m=(25.0, 30.0)))
    usual, mirrored = (simulate.photo(2, mirrored=which).photo.pixels for which in (False, True))
    again = simulate.photo(2, mirrored=True).photo.pixels
    assert (mirrored == again).all()
    assert abs(usual.mean() - mirrored.mean()) < 30
    for turned in (mirrored, mirrored[:, ::-1]):
        assert usual.shape != turned.shape or np.abs(usual.astype(int) - turned).mean() > 8


def test_what_stands_on_the_ground_leans_away_from_the_camera(search_world: SearchWorld) -> None:
    flat = simulator(search_world).photo(4).photo.pixels
    built = simulator(search_world, replace(EXACT, things=60)).photo(4).photo.pixels
    differs = (np.abs(flat.astype(int) - built).max(axis=2) > 20).mean()
    assert 0.05 < differs < 0.9


def test_photos_state_all_or_no_lens_or_nothing(search_world: SearchWorld) -> None:
    simulate = simulator(search_world)
    stated = [simulate.photo(number).photo.metadata for number in range(12)]
    told = {(one.rel_alt_m is not None, one.hfov_deg is not None) for one in stated}
    assert told == {(False, False), (True, False), (True, True)}


def test_a_map_that_fills_no_photo_is_refused(search_world: SearchWorld) -> None:
    high = replace(EXACT, heights_m=(900.0, 950.0), tries=3)
    with pytest.raises(OptionError, match="too small"):
        simulator(search_world, high).photo(0)
