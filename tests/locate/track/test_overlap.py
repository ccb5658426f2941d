"""Overlap: a camera is carried to a photo of the same ground, and to no other."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from geoloc.arrays import RgbImage
from geoloc.geometry.camera import Attitude, Camera, attitude, ground_homography, pose_at
from geoloc.geometry.crs import LonLat
from geoloc.index.features.keypoints import Keypoints, detect_keypoints
from geoloc.locate.track.overlap import find_overlap, solve_by_overlap
from geoloc.results.solved_camera import SolvedCamera

CAMERA = Camera.from_hfov(640, 480, 70.0)
PX_A_M = 4.0
SIDE_M = 700.0
HEIGHT_M = 100.0


def meadow(seed: int) -> RgbImage:
    """Ground of tufts of all sizes that no map knows: (H, W, 3), its middle at (0, 0)."""
    random = np.random.default_rng(seed)
    side = round(SIDE_M * PX_A_M)
    ground = np.zeros((side, side), np.float32)
    for cell in (4, 8, 16, 40):
        noise = random.normal(size=(side // cell + 1,) * 2).astype(np.float32)
        ground += cv2.resize(noise, (side, side), interpolation=cv2.INTER_CUBIC)
    grey = np.clip(128 + 35 * ground, 0, 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def photo(ground: RgbImage, east_m: float, north_m: float, angles: Attitude) -> RgbImage:
    """What a camera over a place of the ground sees of it."""
    to_ground = ground_homography(CAMERA, pose_at(angles, HEIGHT_M))
    middle = SIDE_M / 2
    to_px = np.array(
        [
            [PX_A_M, 0, (middle + east_m) * PX_A_M],
            [0, -PX_A_M, (middle - north_m) * PX_A_M],
            [0, 0, 1],
        ]
    )
    # OpenCV's pixel centres are whole numbers.
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    from_photo = np.linalg.inv(half) @ to_px @ to_ground @ half
    size = (CAMERA.width_px, CAMERA.height_px)
    flags = cv2.WARP_INVERSE_MAP | cv2.INTER_LINEAR
    return np.asarray(cv2.warpPerspective(ground, from_photo, size, flags=flags), np.uint8)


def keypoints(pixels: RgbImage) -> Keypoints:
    return detect_keypoints(pixels, limit=1500)


def known_at(angles: Attitude) -> SolvedCamera:
    return SolvedCamera(
        photo=Path("known.jpg"),
        camera=CAMERA,
        pose=pose_at(angles, HEIGHT_M),
        position=LonLat(13.4, 52.5),
        altitude_m=None,
        control_points=(),
    )


@pytest.mark.parametrize("pitch_deg", [-90.0, -60.0, -45.0])
def test_a_camera_is_carried_over_a_way_and_a_turn(pitch_deg: float) -> None:
    ground = meadow(1)
    before, after = Attitude(20.0, pitch_deg, 0.0), Attitude(50.0, pitch_deg + 3.0, 1.0)
    known, other = photo(ground, 0, 0, before), photo(ground, 30.0, 12.0, after)
    overlap = find_overlap(keypoints(known), keypoints(other))
    assert overlap is not None
    found = solve_by_overlap(known_at(before), overlap, CAMERA)
    assert found is not None
    assert np.hypot(*np.subtract(found.placed.position, (30.0, 12.0))) < 2.0
    assert found.placed.pose.height_m == pytest.approx(HEIGHT_M, abs=2.0)
    angles = attitude(found.placed.pose)
    assert angles.heading_deg == pytest.approx(50.0, abs=1.5)
    assert angles.pitch_deg == pytest.approx(after.pitch_deg, abs=1.5)


def test_what_two_photos_share_leads_back_from_the_other_camera() -> None:
    ground, straight_down = meadow(1), Attitude(0.0, -90.0, 0.0)
    known, other = (photo(ground, *at, straight_down) for at in ((0, 0), (30.0, 12.0)))
    overlap = find_overlap(keypoints(known), keypoints(other))
    assert overlap is not None
    found = solve_by_overlap(known_at(straight_down), overlap.reversed(), CAMERA)
    assert found is not None
    assert np.hypot(*np.subtract(found.placed.position, (-30.0, -12.0))) < 2.0


def test_a_pitch_may_be_as_far_off_as_the_known_one_is_unsure() -> None:
    ground, before, after = meadow(1), Attitude(0.0, -90.0, 0.0), Attitude(0.0, -74.0, 0.0)
    known, other = photo(ground, 0, 0, before), photo(ground, 10.0, 12.0, after)
    overlap = find_overlap(keypoints(known), keypoints(other))
    assert overlap is not None
    found = [
        solve_by_overlap(known_at(before), overlap, CAMERA, pitch_sd_deg=sd_deg)
        for sd_deg in (1.0, 8.0)
    ]
    assert [one is not None for one in found] == [False, True]


def test_photos_of_other_ground_do_not_overlap() -> None:
    straight_down = Attitude(0.0, -90.0, 0.0)
    one, other = (keypoints(photo(meadow(n), 0, 0, straight_down)) for n in (1, 2))
    assert find_overlap(one, other) is None


def test_a_photo_of_nothing_overlaps_with_none() -> None:
    grey = keypoints(np.full((480, 640, 3), 128, np.uint8))
    seen = keypoints(photo(meadow(1), 0, 0, Attitude(0.0, -90.0, 0.0)))
    assert find_overlap(seen, grey) is None
    assert find_overlap(grey, seen) is None
