"""Rings: every pixel of a picture that says its own direction comes back where it points."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoloc.geometry.camera import Camera, Pose, rotation
from geoloc.geometry.panorama import (
    Panorama,
    directions_grid,
    panorama_span_deg,
    panorama_to_perspective,
    ring_directions,
    ring_from_panorama,
    ring_from_photo,
    roll_ring,
)
from geoloc.image_size import ImageSize

SIZE = ImageSize(90, 360)  # of a ring: one degree a pixel with this span
SPAN = (-60.0, 30.0)


def painted(directions: np.ndarray) -> np.ndarray:
    """Each direction (H, W, 3) as a colour: its unit vector, smooth everywhere and never black."""
    unit = directions / np.linalg.norm(directions, axis=-1, keepdims=True)
    return np.rint(128 + 100 * unit).astype(np.uint8)


def sphere_image(panorama: Panorama, width: int, height: int) -> np.ndarray:
    """What a camera with that frame would have taken of the painted sphere."""
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    turn = ((x + panorama.left_px) / panorama.full_width_px - 0.5) * 2 * math.pi
    fall = ((y + panorama.top_px) / panorama.full_height_px - 0.5) * math.pi
    local = np.stack(
        [np.sin(turn) * np.cos(fall), np.sin(fall), np.cos(turn) * np.cos(fall)], axis=-1
    )
    pose = Pose(panorama.heading_deg, panorama.pitch_deg, panorama.roll_deg, 0.0)
    return painted(local @ rotation(pose).T)


def photo_image(camera: Camera, pose: Pose) -> np.ndarray:
    """What a pinhole would have taken of the painted sphere."""
    x, y = np.meshgrid(np.arange(camera.width_px) + 0.5, np.arange(camera.height_px) + 0.5)
    rays = np.stack(
        [
            (x - camera.width_px / 2) / camera.focal_px,
            (y - camera.height_px / 2) / camera.focal_px,
            np.ones_like(x),
        ],
        axis=-1,
    )
    return painted(rays @ rotation(pose).T)


def misses(ring: np.ndarray, *, among: np.ndarray | None = None) -> float:
    """The largest difference, in grey levels, from what the ring should show."""
    truth = painted(ring_directions(ImageSize(*ring.shape[:2]), SPAN)).astype(int)
    away = np.abs(ring.astype(int) - truth).max(axis=-1)
    return float((away if among is None else away[among]).max())


def seen(ring: np.ndarray) -> np.ndarray:
    return np.asarray(ring.max(axis=-1) > 0)


def test_north_is_in_the_middle_and_east_to_the_right():
    directions = ring_directions(SIZE, SPAN)
    assert directions.shape == (90, 360, 3)
    east, north, up = directions[30, 180]
    assert north > 0.99
    assert abs(up) < 0.02
    assert 0 < east < 0.02
    assert directions[30, 270, 0] > 0.99
    assert np.degrees(np.arcsin(directions[0, 0, 2])) == pytest.approx(29.5)
    assert np.degrees(np.arcsin(directions[-1, 0, 2])) == pytest.approx(-59.5)


@pytest.mark.parametrize("heading_deg", [0.0, 90.0, 213.4])
@pytest.mark.parametrize(("pitch_deg", "roll_deg"), [(0, 0), (20, 0), (0, -15), (-8, 170)])
def test_a_panorama_comes_back_with_every_direction_where_it_points(
    heading_deg, pitch_deg, roll_deg
):
    frame = Panorama(720, 360, heading_deg=heading_deg, pitch_deg=pitch_deg, roll_deg=roll_deg)
    ring = ring_from_panorama(sphere_image(frame, 720, 360), frame, size=SIZE, span_deg=SPAN)
    assert ring.dtype == np.uint8
    assert seen(ring).all()
    assert misses(ring) <= 3


def test_a_cropped_panorama_is_black_where_it_saw_nothing_and_right_elsewhere():
    frame = Panorama(720, 360, left_px=180, top_px=90, heading_deg=90.0)
    ring = ring_from_panorama(sphere_image(frame, 360, 180), frame, size=SIZE, span_deg=SPAN)
    is_seen = seen(ring)
    # It spans azimuths 0 to 180 and elevations -45 to 45; the ring ends at 30.
    assert is_seen[: 30 + 45, 180:].all()
    assert not is_seen[: 30 + 45, :180].any()
    assert not is_seen[30 + 45 :].any()
    assert misses(ring, among=is_seen) <= 3


def test_a_crop_that_crosses_the_seam_of_its_sphere_is_whole():
    frame = Panorama(720, 360, left_px=600, heading_deg=0.0)
    ring = ring_from_panorama(sphere_image(frame, 240, 360), frame, size=SIZE, span_deg=SPAN)
    is_seen = seen(ring)
    # From azimuth 120 by way of 180 to 240.
    assert is_seen[:, 300:].all()
    assert is_seen[:, :60].all()
    assert not is_seen[:, 60:300].any()
    assert misses(ring, among=is_seen) <= 3


def test_the_seam_of_a_whole_sphere_shows_no_edge():
    pixels = np.full((100, 200, 3), 200, np.uint8)
    ring = ring_from_panorama(
        pixels,
        Panorama.whole(200, 100, heading_deg=77.0),
        size=ImageSize(37, 301),
        span_deg=(-90, 90),
    )
    assert (ring == 200).all()


def test_fine_patterns_become_their_mean_instead_of_noise():
    stripes = np.zeros((800, 1600, 3), np.uint8)
    stripes[:, ::2] = 240
    ring = ring_from_panorama(
        stripes, Panorama.whole(1600, 800), size=ImageSize(20, 80), span_deg=SPAN
    )
    assert np.abs(ring.astype(int) - 120).max() <= 2


@pytest.mark.parametrize("azimuth_deg", [0.0, 135.0, 181.0])
@pytest.mark.parametrize(("pitch_deg", "roll_deg"), [(0, 0), (-20, 0), (5, 12)])
def test_a_photo_fills_its_part_of_the_ring(azimuth_deg, pitch_deg, roll_deg):
    camera = Camera.from_hfov(400, 300, 70.0)
    pose = Pose(azimuth_deg, pitch_deg, roll_deg, 0.0)
    ring = ring_from_photo(
        photo_image(camera, pose),
        camera,
        azimuth_deg=azimuth_deg,
        pitch_deg=pitch_deg,
        roll_deg=roll_deg,
        size=SIZE,
        span_deg=SPAN,
    )
    is_seen = seen(ring)
    assert misses(ring, among=is_seen) <= 3
    # Seen is what projects into the photo, so the area follows from the solid angle.
    x = ring_directions(SIZE, SPAN) @ rotation(pose)
    inside = (x[..., 2] > 0) & (np.abs(x[..., 0]) < x[..., 2] * math.tan(math.radians(35)))
    inside &= np.abs(x[..., 1]) < x[..., 2] * math.tan(math.radians(35)) * 0.75
    assert (inside == is_seen).mean() > 0.995


def test_a_photo_without_roll_spans_its_field_of_view_at_the_horizon():
    camera = Camera.from_hfov(300, 300, 90.0)
    pixels = np.full((300, 300, 3), 200, np.uint8)
    ring = ring_from_photo(
        pixels, camera, azimuth_deg=0, pitch_deg=0, roll_deg=0, size=SIZE, span_deg=SPAN
    )
    assert np.flatnonzero(seen(ring)[30]).tolist() == list(range(135, 225))


def test_a_panorama_and_the_photo_cut_from_it_agree():
    frame = Panorama.whole(1440, 720, heading_deg=40.0)
    whole = sphere_image(frame, 1440, 720)
    camera, pose = Camera.from_hfov(320, 240, 60.0), Pose(100.0, -10.0, 0.0, 0.0)
    photo = panorama_to_perspective(whole, frame, camera=camera, pose=pose)
    part = ring_from_photo(
        photo, camera, azimuth_deg=100, pitch_deg=-10, roll_deg=0, size=SIZE, span_deg=SPAN
    )
    ring = ring_from_panorama(whole, frame, size=SIZE, span_deg=SPAN)
    both = seen(part)
    assert both.sum() > 1500
    assert np.abs(part[both].astype(int) - ring[both]).max() <= 3


@settings(max_examples=25)
@given(st.floats(-720, 720))
def test_a_roll_is_a_turn_of_the_camera(turn_deg):
    frame = Panorama.whole(360, 180)
    pixels = sphere_image(frame, 360, 180)
    rolled = roll_ring(ring_from_panorama(pixels, frame, size=SIZE, span_deg=SPAN), turn_deg)
    turned = Panorama.whole(360, 180, heading_deg=round(turn_deg))
    again = ring_from_panorama(pixels, turned, size=SIZE, span_deg=SPAN)
    assert np.abs(rolled.astype(int) - again).max() <= 3


def test_a_quarter_turn_is_that_of_the_training_pairs():
    # A map turned by np.rot90 has its north in the west; a panorama rolled to the left by a
    # quarter too.
    ring = np.arange(8, dtype=np.uint8)[None, :, None].repeat(3, axis=2)
    assert (roll_ring(ring, -90) == np.roll(ring, -2, axis=1)).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 4000), (900, 1), (3, 2)])
def test_pictures_of_odd_shapes_make_a_ring(shape):
    pixels = np.full((*shape, 3), 90, np.uint8)
    frame = Panorama.whole(shape[1], shape[0])
    ring = ring_from_panorama(pixels, frame, size=ImageSize(16, 64), span_deg=SPAN)
    assert (ring == 90).all()
    camera = Camera.from_hfov(shape[1], shape[0], 60.0)
    part = ring_from_photo(
        pixels,
        camera,
        azimuth_deg=10,
        pitch_deg=0,
        roll_deg=0,
        size=ImageSize(16, 64),
        span_deg=SPAN,
    )
    assert set(np.unique(part)) <= {0, 90}


def test_the_span_of_an_image_is_that_of_the_rows_it_holds():
    assert panorama_span_deg(Panorama.whole(360, 180), 180) == (-90.0, 90.0)
    assert panorama_span_deg(Panorama(360, 180, top_px=60), 60) == (-30.0, 30.0)


def test_directions_and_views_share_one_geometry():
    frame = Panorama(720, 360, heading_deg=30.0)
    grid = directions_grid(frame, np.array([[[0.5, math.sqrt(0.75), 0.0]]]))
    assert grid.columns[0, 0] == pytest.approx(359.5, abs=1e-3)
    assert grid.rows[0, 0] == pytest.approx(179.5, abs=1e-3)
