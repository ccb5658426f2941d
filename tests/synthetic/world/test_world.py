"""The fabricated world: its geometry is exact, its light plausible, its dates agree."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from geoloc.geometry.camera import Camera, Pose, ground_homography, project, scene_point
from geoloc.geometry.crs import distance_m
from geoloc.synthetic.world import polygon as pg
from geoloc.synthetic.world.flight import drone_camera
from geoloc.synthetic.world.moment import Moment, typical_moment
from geoloc.synthetic.world.noise import Window, smooth_noise
from geoloc.synthetic.world.palette import MATERIALS, SEASONS
from geoloc.synthetic.world.photo import Station, render_photo
from geoloc.synthetic.world.render import render_window
from geoloc.synthetic.world.sensor import Sensor
from geoloc.synthetic.world.shape import Finish, Layer, ShapeTable, Sketch, Surface
from geoloc.synthetic.world.town import build_town
from geoloc.synthetic.world.world import World, WorldPoint

NOON = Moment("summer", sun_azimuth_deg=180, sun_elevation_deg=45, overcast=0.0)
CLEAN = Sensor(blur_px=0.0, noise=0.0)
CAMERA = Camera(400, 300, 300.0)


def bright_spot(height_m: float, at: tuple[float, float] = (50.0, 60.0)) -> ShapeTable:
    """Black asphalt with one white disc of 2 m at a height, on a box of asphalt if it is raised."""
    sketch = Sketch()
    black = Finish("asphalt", 0.0, 0.15)
    if height_m:
        box = pg.rectangle(np.array(at), 14, 14, 0.0)
        sketch.add(box, Layer.BUILDING, black, Surface(height_m))
    disc = pg.ellipse(np.array(at), 2, 2, 0.0)
    sketch.add(disc, Layer.ROOF, Finish("mark", 0.0), Surface(height_m))
    return ShapeTable.from_sketch(sketch, black)


def centroid(picture: np.ndarray) -> np.ndarray:
    """Mean pixel (x, y) of what is bright, in corner coordinates."""
    rows, cols = np.nonzero(picture.min(axis=2) > 170)
    assert len(rows), "nothing bright"
    return np.array([cols.mean() + 0.5, rows.mean() + 0.5])


# --- geometry --------------------------------------------------------------------------------


def test_a_target_lies_on_the_map_where_it_was_put() -> None:
    window = Window(left_m=10.0, top_m=90.0, gsd_m=0.25, width_px=320, height_px=320)
    picture, _, _ = render_window(bright_spot(0.0), window, NOON, seed=0)
    x_px, y_px = centroid(picture)
    assert (10 + 0.25 * x_px, 90 - 0.25 * y_px) == pytest.approx((50, 60), abs=0.1)


@pytest.mark.parametrize(
    "pose",
    [Pose(0, -90, 0, 80), Pose(215, -90, 0, 80), Pose(40, -60, 0, 60), Pose(300, -75, 4, 90)],
    ids=["nadir", "turned", "tilted", "rolled"],
)
def test_a_target_is_seen_where_the_homography_says(pose: Pose) -> None:
    homography = ground_homography(CAMERA, pose)
    pixel = np.array([[250.0, 120.0]])
    below = np.array([50.0, 60.0]) - project(homography, pixel)[0]
    station = Station(CAMERA, pose, below, np.eye(2))
    photo = render_photo(bright_spot(0.0), station, NOON, seed=0)
    assert centroid(photo) == pytest.approx(pixel[0], abs=0.5)  # a pixel is 0.2 to 0.3 m


def test_a_roof_leans_away_from_the_camera_by_its_height() -> None:
    pose, height_m = Pose(0, -90, 0, 80), 12.0
    below = np.array([50.0 - 15.0, 60.0 - 8.0])
    photo = render_photo(
        bright_spot(height_m), Station(CAMERA, pose, below, np.eye(2)), NOON, seed=0
    )
    raised = np.array([15.0, 8.0]) * 80 / (80 - height_m)
    expected = project(np.linalg.inv(ground_homography(CAMERA, pose)), raised)[0]
    assert centroid(photo) == pytest.approx(expected, abs=0.7)


def test_photos_of_the_world_see_true_metres_and_true_north() -> None:
    world = World(size_m=200, seed=1)
    pose, at = Pose(70, -55, 0, 70), WorldPoint(100, 100)
    camera = drone_camera(320)
    scene = world.scene_of(camera, pose, at)
    middle = scene_point(camera, pose)
    assert scene is not None
    assert middle is not None
    true_m = distance_m(world.lonlat(at), world.lonlat(scene))
    assert true_m == pytest.approx(np.hypot(*middle), abs=0.02)
    grid_deg = np.degrees(np.arctan2(scene.x_m - at.x_m, scene.y_m - at.y_m))
    assert 0.2 < abs(grid_deg - 70) < 2, "grid north is not true north here"


def test_a_place_in_degrees_comes_back() -> None:
    world = World(size_m=200, seed=1)
    there = WorldPoint(12.5, 180.25)
    assert world.point_at(world.lonlat(there)) == pytest.approx(there, abs=1e-4)


def test_a_photo_that_looks_up_shows_sky() -> None:
    world = World(size_m=120, seed=1)
    photo = world.take_photo(drone_camera(64), Pose(0, 50, 0, 30), at=WorldPoint(60, 60))
    assert np.ptp(photo.reshape(-1, 3).mean(1)) < 30


# --- light -----------------------------------------------------------------------------------


def test_shadows_fall_away_from_the_sun() -> None:
    sketch = Sketch()
    box = pg.rectangle(np.array([50.0, 50.0]), 10, 10, 0.0)
    sketch.add(box, Layer.BUILDING, Finish("concrete"), Surface(10.0))
    table = ShapeTable.from_sketch(sketch, Finish("concrete"))
    window = Window(20.0, 80.0, 0.5, 120, 120)
    picture, _, _ = render_window(table, window, NOON, seed=0)

    def brightness(x_m: float, y_m: float) -> float:
        row, col = int((80 - y_m) / 0.5), int((x_m - 20) / 0.5)
        return float(picture[row - 3 : row + 3, col - 3 : col + 3].mean())

    assert brightness(50, 60) < 0.6 * brightness(50, 40)  # the sun stands in the south
    assert brightness(50, 68) > 0.85 * brightness(50, 40)  # 10 m long at 45 degrees
    assert brightness(40, 50) > 0.85 * brightness(50, 40)


def test_a_roof_face_towards_the_sun_is_brighter() -> None:
    sketch = Sketch()
    for sign in (-1, 1):
        face = pg.rectangle(np.array([50.0, 50.0 + sign * 4]), 16, 8, 0.0)
        surface = Surface(9.0, (50.0, 50.0), (0.0, -sign * 0.6))
        sketch.add(face, Layer.BUILDING, Finish("tile_red"), surface)
    table = ShapeTable.from_sketch(sketch, Finish("concrete"))
    picture, heights_m, _ = render_window(table, Window(40, 60, 0.25, 80, 80), NOON, seed=0)
    assert picture[48:64, 20:60].mean() > 1.4 * picture[16:32, 20:60].mean()
    assert heights_m.max() == pytest.approx(9.0, abs=0.2)
    assert heights_m[20, 40] == pytest.approx(9 - 0.6 * 4.875, abs=0.05)


# --- one world -------------------------------------------------------------------------------


def test_a_seed_always_makes_the_same_map() -> None:
    first, again = (World(size_m=120, seed=5).render_map(gsd_m=0.5).pixels for _ in range(2))
    other = World(size_m=120, seed=6).render_map(gsd_m=0.5).pixels
    assert np.array_equal(first, again)
    assert np.abs(first.astype(int) - other).mean() > 10


def test_a_window_shows_what_the_whole_shows() -> None:
    table = build_town(160, 3, 0)
    moment = typical_moment("summer")
    whole, _, _ = render_window(table, Window(0, 160, 0.5, 320, 320), moment, seed=3)
    part, _, _ = render_window(table, Window(40, 130, 0.5, 100, 80), moment, seed=3)
    difference = np.abs(whole[60:140, 80:180].astype(int) - part).max(axis=2)
    assert (difference > 10).mean() < 0.02, "only thin marks may round to another pixel"


def test_blocks_leave_no_seams(monkeypatch: pytest.MonkeyPatch) -> None:
    table = build_town(160, 3, 0)
    window, moment = Window(0, 160, 0.5, 320, 320), typical_moment("autumn")
    whole, _, _ = render_window(table, window, moment, seed=3)
    monkeypatch.setattr("geoloc.synthetic.world.render._BLOCK_PX", 90)
    blocks, _, _ = render_window(table, window, moment, seed=3)
    difference = np.abs(whole.astype(int) - blocks).max(axis=2)
    assert (difference > 10).mean() < 0.02
    assert difference[:, 89:92].mean() < 2 * difference.mean() + 0.5


def _outlines(table: ShapeTable, *materials: str) -> set[bytes]:
    names = list(MATERIALS)
    return {
        outline.tobytes()
        for outline, number in zip(table.outlines, table.material, strict=True)
        if names[number] in materials
    }


def test_another_date_changes_cars_but_neither_streets_nor_most_roofs() -> None:
    before, after = (build_town(400, 0, date) for date in (0, 2))
    streets = ("asphalt", "patch", "gravel")
    assert _outlines(before, *streets) <= _outlines(after, *streets)
    roofs = ("tile_red", "tile_brown", "tile_dark")
    old, new = _outlines(before, *roofs), _outlines(after, *roofs)
    assert old < new, "some buildings are new"
    assert len(old) > 0.85 * len(new)
    cars = ("car_pale", "car_red", "car_blue")
    assert len(_outlines(before, *cars) & _outlines(after, *cars)) == 0


def test_noise_depends_on_the_place_alone() -> None:
    whole = smooth_noise(Window(-7.3, 22.1, 0.5, 80, 60), 3.0, seed=4)
    part = smooth_noise(Window(-7.3, 22.1, 0.5, 80, 60).part(20, 10, 30, 30), 3.0, seed=4)
    assert np.abs(whole[10:40, 20:50] - part).max() < 0.2
    assert whole.std() == pytest.approx(1.0, abs=0.35)
    assert abs(whole.mean()) < 0.4


# --- seasons ---------------------------------------------------------------------------------


def _grey(picture: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)


@pytest.mark.slow
def test_seasons_look_alike_but_not_the_same() -> None:
    world = World(size_m=240, seed=2)
    maps = {s: _grey(world.render_map(s, gsd_m=0.5).pixels) for s in SEASONS}
    for season in ("spring", "autumn", "winter"):
        likeness = np.corrcoef(maps["summer"].ravel(), maps[season].ravel())[0, 1]
        assert 0.15 < likeness < 0.93, season


def test_snow_whitens_the_ground() -> None:
    world = World(size_m=160, seed=2)
    bare = typical_moment("winter")
    snowy = replace(bare, snow=0.7)
    clean = {"gsd_m": 0.5, "sensor": CLEAN}
    without, under = (world.render_map(m, **clean).pixels.mean() for m in (bare, snowy))
    assert under > without + 15


@pytest.mark.slow
def test_a_photo_of_another_season_matches_the_map_at_its_place() -> None:
    world = World(size_m=300, seed=0)
    gsd_m = 0.4
    chart = world.render_map("summer", gsd_m=gsd_m)
    camera, pose, at = drone_camera(640), Pose(30, -88, 0, 90), WorldPoint(160, 150)
    photo = world.take_photo(camera, pose, at=at, when="autumn")
    to_map = np.array([[1 / gsd_m, 0, at.x_m / gsd_m], [0, -1 / gsd_m, (300 - at.y_m) / gsd_m]])
    turn = np.vstack([to_map, [0, 0, 1]]) @ ground_homography(camera, pose)
    side_px = chart.pixels.shape[0]
    upright = cv2.warpPerspective(photo, turn, (side_px, side_px))
    sift = cv2.SIFT_create(contrastThreshold=0.02)
    seen = cv2.warpPerspective(np.full(photo.shape[:2], 255, np.uint8), turn, (side_px, side_px))
    points, words = sift.detectAndCompute(upright, cv2.erode(seen, np.ones((9, 9), np.uint8)))
    map_points, map_words = sift.detectAndCompute(chart.pixels, None)
    pairs = cv2.BFMatcher().knnMatch(words, map_words, k=2)
    good = [first for first, second in pairs if first.distance < 0.85 * second.distance]
    moved_m = gsd_m * np.array(
        [np.subtract(points[m.queryIdx].pt, map_points[m.trainIdx].pt) for m in good]
    )
    right = (np.hypot(*moved_m.T) < 3).sum()
    assert len(points) > 150
    assert 8 <= right <= 0.7 * len(points), "alike, but not the same"
    assert right > 0.25 * len(good)
