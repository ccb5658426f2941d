"""Panoramas of the fabricated world: what stands somewhere is seen in that direction."""

from __future__ import annotations

import math

import numpy as np
import pytest

from geoloc.synthetic.world import polygon as pg
from geoloc.synthetic.world.moment import Moment
from geoloc.synthetic.world.noise import Window
from geoloc.synthetic.world.panorama import Eye, RingFrame, look_around
from geoloc.synthetic.world.sensor import Sensor
from geoloc.synthetic.world.shape import Finish, Layer, ShapeTable, Sketch, Surface
from geoloc.synthetic.world.survey import survey_window
from geoloc.synthetic.world.walk import plan_walk
from geoloc.synthetic.world.world import World, WorldPoint

NOON = Moment("summer", sun_azimuth_deg=180, sun_elevation_deg=45, overcast=0.0)
HALF_M, GSD_M = 34.0, 0.2
RING = RingFrame(180, 360)  # a degree a pixel
EYE = Eye(np.zeros(2), 2.0, np.eye(2))
ASPHALT = Finish("asphalt", 0.0, 0.15)


def look(sketch: Sketch, ring: RingFrame = RING, eye: Eye = EYE) -> np.ndarray:
    """A panorama from the middle of a black plain with a few things on it."""
    side_px = int(2 * HALF_M / GSD_M)
    window = Window(-HALF_M, HALF_M, GSD_M, side_px, side_px)
    table = ShapeTable.from_sketch(sketch, ASPHALT)
    return look_around(survey_window(table, window, NOON, seed=0), eye, ring)


def tower(azimuth_deg: float, distance_m: float, height_m: float) -> Sketch:
    """A tower of two metres' width."""
    azimuth_rad = math.radians(azimuth_deg)
    at = distance_m * np.array([math.sin(azimuth_rad), math.cos(azimuth_rad)])
    sketch = Sketch()
    outline = pg.ellipse(at, 2, 2, 0.0)
    sketch.add(outline, Layer.BUILDING, Finish("concrete"), Surface(height_m))
    return sketch


def spot(x_m: float, y_m: float) -> Sketch:
    """A white disc of two metres on the ground."""
    sketch = Sketch()
    disc = pg.ellipse(np.array([x_m, y_m]), 2, 2, 0.0)
    sketch.add(disc, Layer.MARK, Finish("mark", 0.0, 1.2))
    return sketch


def above_horizon(photo: np.ndarray, empty: np.ndarray) -> np.ndarray:
    """Where (rows, columns) something hides the sky."""
    difference = np.abs(photo.astype(int) - empty).max(axis=2) > 12
    difference[photo.shape[0] // 2 :] = False
    return difference


@pytest.mark.parametrize(
    ("azimuth_deg", "heading_deg"), [(0, 0), (40, 0), (135, 90), (250, 200), (182, 0)]
)
def test_a_tower_stands_in_the_column_of_its_azimuth(
    azimuth_deg: float, heading_deg: float
) -> None:
    ring = RingFrame(180, 360, heading_deg=heading_deg)
    seen = above_horizon(look(tower(azimuth_deg, 30, 20), ring), look(Sketch(), ring))
    angle = np.radians((np.nonzero(seen)[1] + 0.5) - 180 + heading_deg)
    middle = np.degrees(np.angle(np.exp(1j * angle).mean()))
    assert (middle - azimuth_deg + 180) % 360 - 180 == pytest.approx(0, abs=0.6)


def test_a_tower_is_as_high_as_its_distance_and_height_make_it() -> None:
    seen = above_horizon(look(tower(0, 30, 20)), look(Sketch()))
    top_row = np.nonzero(seen[:, 180])[0].min()
    elevation_deg = math.degrees(math.atan2(20 - 2, 30 - 1))
    assert 90 - top_row == pytest.approx(elevation_deg, abs=1.5)


def test_the_horizon_lies_in_the_row_of_elevation_zero() -> None:
    ring = RingFrame(90, 360, bottom_deg=-60, top_deg=30)
    column = look(Sketch(), ring).mean(axis=(1, 2))
    steepest = int(np.abs(np.diff(column)).argmax())
    assert steepest + 1 == pytest.approx(30, abs=1.5)


@pytest.mark.parametrize(("x_m", "y_m"), [(0.0, 4.0), (5.0, 5.0), (-6.0, 1.5), (2.0, -12.0)])
def test_a_mark_on_the_ground_is_seen_at_its_azimuth_and_distance(x_m: float, y_m: float) -> None:
    photo = look(spot(x_m, y_m))
    rows, cols = np.nonzero((photo.min(axis=2) > 150) & (np.arange(180) > 91)[:, None])
    azimuth_deg = cols.mean() + 0.5 - 180
    elevation_deg = 90 - (rows.mean() + 0.5)
    assert azimuth_deg == pytest.approx(math.degrees(math.atan2(x_m, y_m)), abs=1)
    expected_deg = math.degrees(math.atan2(-EYE.height_m, math.hypot(x_m, y_m)))
    assert elevation_deg == pytest.approx(expected_deg, abs=1.5)


def test_a_turned_camera_sees_the_same_rolled() -> None:
    sketch = tower(70, 20, 15)
    still, turned = look(sketch), look(sketch, RingFrame(180, 360, heading_deg=90))
    assert np.abs(np.roll(still, -90, axis=1).astype(int) - turned).mean() < 0.5


def test_one_sees_below_a_tree_but_not_through_it() -> None:
    sketch = Sketch()
    at = np.array([0.0, 14.0])
    surface = Surface(10.0, (0.0, 14.0), dome_m=3.0 * 1.12)
    sketch.add(pg.blob(at, 3.0, 0.0, np.random.default_rng(0)), Layer.CROWN,
               Finish("broadleaf", 0.5), surface)  # fmt: skip
    photo, empty = look(sketch), look(Sketch())
    change = np.abs(photo.astype(int) - empty).max(axis=2) > 12
    crown_row = 90 - round(math.degrees(math.atan2(6.5 - 2, 14)))
    assert change[crown_row - 3 : crown_row + 3, 175:186].mean() > 0.9
    beside_trunk = np.r_[173:177, 184:188]
    assert change[89, beside_trunk].mean() < 0.3
    assert change[89, 179:181].all(), "the trunk"


def test_panoramas_see_true_north() -> None:
    """The grid's north is 0.68 degrees off here."""
    world = World(size_m=300, seed=1)
    at = WorldPoint(150, 150)
    survey = world.survey("summer", gsd_m=0.5)
    clean = Sensor(blur_px=0, noise=0)
    photo = world.take_panorama(at, when=survey, ring=RingFrame(64, 360), sensor=clean)
    eye = Eye(np.array(at), 2.3, world._to_world(at))
    grid = look_around(survey, Eye(eye.at, 2.3, np.eye(2)), RingFrame(64, 360))
    true = look_around(survey, eye, RingFrame(64, 360))
    assert np.array_equal(photo, true)
    assert not np.array_equal(photo, grid)


@pytest.mark.slow
def test_a_seed_takes_the_same_panorama_again_and_seasons_differ() -> None:
    ring, at = RingFrame(32, 128, -45, 35), WorldPoint(60, 60)
    one, again = (World(size_m=120, seed=3).take_panorama(at, ring=ring) for _ in range(2))
    winter = World(size_m=120, seed=3).take_panorama(at, ring=ring, when="winter")
    assert one.shape == (32, 128, 3)
    assert np.array_equal(one, again)
    assert np.abs(one.astype(int) - winter).mean() > 8


@pytest.mark.slow
def test_a_walk_keeps_its_distance_and_stays_in_the_open() -> None:
    world = World(size_m=240, seed=2)
    places = plan_walk(world, 25, spacing_m=20, inset_m=30, when=("summer", "winter"))
    xy = np.array(places)
    assert len(places) == 25
    gaps = np.linalg.norm(xy[:, None] - xy[None], axis=2) + 1e9 * np.eye(len(xy))
    assert gaps.min() >= 20
    assert xy.min() >= 30
    assert xy.max() <= 210
    for season in ("summer", "winter"):
        survey = world.survey(season, gsd_m=0.8)
        cols, rows = survey.column_row(*xy.T.astype(np.float32))
        heights_m = survey.heights_m[np.rint(rows).astype(int), np.rint(cols).astype(int)]
        assert heights_m.max() < 0.3, "cars are parked elsewhere in another season"
    assert plan_walk(world, 25, seed=1, spacing_m=20) != places


def test_a_walk_in_a_small_town_is_short() -> None:
    places = plan_walk(World(size_m=120, seed=2), 1000, spacing_m=30)
    assert 0 < len(places) < 25
