"""A world with relief: photos, elevation models and truth agree on one ground."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import ExifTags, Image

from geoloc.geometry.camera import Camera, Pose, rotation
from geoloc.geometry.crs import LocalFrame, LonLat, distance_m
from geoloc.synthetic.world import polygon as pg
from geoloc.synthetic.world.elevation_file import write_dem, write_dsm
from geoloc.synthetic.world.files import write_photo
from geoloc.synthetic.world.flight import drone_camera, plan_flight
from geoloc.synthetic.world.moment import Moment
from geoloc.synthetic.world.photo import Station, render_photo
from geoloc.synthetic.world.relief import BASE_ALTITUDE_M, Relief
from geoloc.synthetic.world.shape import Finish, Layer, ShapeTable, Sketch, Surface
from geoloc.synthetic.world.truth import truth_of
from geoloc.synthetic.world.world import World, WorldPoint
from geoloc.terrain.terrain import open_terrain

NOON = Moment("summer", sun_azimuth_deg=180, sun_elevation_deg=45, overcast=0.0)
CAMERA = Camera(260, 200, 300.0)
STEEP = Relief(0.25, 400.0, seed=3)


def bright_spot(at: np.ndarray, height_m: float = 0.0) -> ShapeTable:
    """Black asphalt with one white disc of 2 m, on a box of asphalt if it is raised."""
    sketch, black = Sketch(), Finish("asphalt", 0.0, 0.15)
    if height_m:
        sketch.add(pg.rectangle(at, 14, 14, 0.0), Layer.BUILDING, black, Surface(height_m))
    sketch.add(pg.ellipse(at, 2, 2, 0.0), Layer.ROOF, Finish("mark", 0.0), Surface(height_m))
    return ShapeTable.from_sketch(sketch, black)


def centroid(picture: np.ndarray) -> np.ndarray:
    rows, cols = np.nonzero(picture.min(axis=2) > 170)
    assert len(rows), "nothing bright"
    return np.array([cols.mean() + 0.5, rows.mean() + 0.5])


def seen_at(pose: Pose, offset_m: np.ndarray) -> np.ndarray:
    """The pixel (x, y) of a point (3,) relative to the camera."""
    x, y, depth = rotation(pose).T @ offset_m
    return np.array([x, y]) * CAMERA.focal_px / depth + (CAMERA.width_px / 2, CAMERA.height_px / 2)


@pytest.mark.parametrize("slope", [0.1, 0.25])
def test_its_slopes_are_as_wanted_and_its_mean_is_none(slope: float) -> None:
    places = np.arange(0.0, 400, 2)
    heights = Relief(slope, 400.0, seed=5).heights_m(places[None], places[:, None])
    down, across = np.gradient(heights, 2.0)
    assert np.sqrt((down**2 + across**2).mean()) == pytest.approx(slope, rel=0.05)
    assert heights.mean() == pytest.approx(0, abs=0.3)
    assert np.ptp(heights) > 40 * slope
    other = Relief(2 * slope, 400.0, seed=5).heights_m(places[None], places[:, None])
    np.testing.assert_allclose(other, 2 * heights)


@pytest.mark.parametrize("height_m", [0.0, 9.0])
@pytest.mark.parametrize(
    "pose",
    [Pose(0, -90, 0, 90), Pose(215, -70, 0, 100), Pose(40, -45, 3, 80)],
    ids=["nadir", "tilted", "oblique"],
)
def test_a_target_is_seen_where_its_height_puts_it(pose: Pose, height_m: float) -> None:
    """On the ground and on a roof, on slopes on both sides of the camera."""
    shifts_px = []
    for away in ((0.0, 20.0), (15.0, -10.0)):
        at = np.array([210.0, 160.0])
        origin = np.array([*at, STEEP.height_m(*at) + pose.height_m])
        ahead = STEEP.meet(origin, rotation(pose)[:, 2], 1000)
        assert ahead is not None
        spot = at + ahead * rotation(pose)[:2, 2] + away
        point = np.array([*spot, STEEP.height_m(*spot) + height_m])
        station = Station(CAMERA, pose, at, np.eye(2))
        table = bright_spot(spot, height_m)
        photo = render_photo(table, station, NOON, seed=0, relief=STEEP)
        expected = seen_at(pose, point - origin)
        assert centroid(photo) == pytest.approx(expected, abs=0.8)
        flat = seen_at(pose, np.array([*(spot - at), height_m - pose.height_m]))
        shifts_px.append(np.abs(expected - flat).max())
    assert max(shifts_px) > 2, "or flat ground would do"


def test_a_hill_hides_what_lies_behind_it() -> None:
    """A wall of rock: what is right behind it is seen from above, and not from the side."""
    places = np.arange(100.0, 300, 2)
    rock = replace(STEEP, slope=0.6)
    heights = rock.heights_m(places[None], places[:, None])
    row, col = np.unravel_index(heights.argmax(), heights.shape)
    crest = np.array([places[col], places[row]])
    behind = crest + (50.0, 0)
    table, lift_m = bright_spot(behind), rock.height_m(*crest) + 12
    for east_m, pitch_deg, is_hidden in ((-70.0, -35.0, True), (50.0, -90.0, False)):
        at = crest + (east_m, 0)
        pose = Pose(90, pitch_deg, 0, lift_m - rock.height_m(*at))
        origin = np.array([*at, lift_m])
        way = np.array([*behind, rock.height_m(*behind)]) - origin
        met = rock.meet(origin, way, 1000)
        assert met is not None
        assert (met < 0.8) == is_hidden
        photo = render_photo(table, Station(CAMERA, pose, at, np.eye(2)), NOON, seed=0, relief=rock)
        col_px, row_px = np.rint(seen_at(pose, way)).astype(int)
        around = photo[row_px - 8 : row_px + 8, col_px - 8 : col_px + 8]
        assert (around.max() < 170) == is_hidden


@pytest.fixture(scope="module")
def hills() -> World:
    return World(size_m=300, seed=2, slope=0.25)


def test_the_elevation_model_is_the_ground_of_the_photos(hills: World, tmp_path: Path) -> None:
    write_dem(hills, tmp_path / "dem.tif", margin_m=50)
    with rasterio.open(tmp_path / "dem.tif") as dataset:
        assert dataset.units == ("metre",)
        assert dataset.bounds.left == hills.corner.x - 50
    at = WorldPoint(140.0, 170.0)
    ground = open_terrain(tmp_path / "dem.tif").ground(LocalFrame(hills.lonlat(at)), 80)
    assert ground is not None
    assert ground.base_m == pytest.approx(hills.altitude_m(at), abs=0.03)
    xy = np.random.default_rng(1).uniform(-75, 75, (40, 2))
    true = hills.ground_around(at, 100, cell_m=0.5)
    np.testing.assert_allclose(ground.heights_m(xy), true.heights_m(xy), atol=0.15)


def test_a_surface_model_has_roofs_on_the_ground(hills: World, tmp_path: Path) -> None:
    write_dem(hills, tmp_path / "dem.tif", gsd_m=1.0, margin_m=0)
    write_dsm(hills, tmp_path / "dsm.tif", gsd_m=1.0, margin_m=0)
    with rasterio.open(tmp_path / "dem.tif") as dem, rasterio.open(tmp_path / "dsm.tif") as dsm:
        above = dsm.read(1) - dem.read(1)
    assert above.min() == pytest.approx(0, abs=0.01)
    assert 4 < np.percentile(above, 99) < 35


def test_a_flat_world_has_a_flat_model(tmp_path: Path) -> None:
    write_dem(World(size_m=60, seed=1), tmp_path / "dem.tif", margin_m=0)
    with rasterio.open(tmp_path / "dem.tif") as dem:
        assert (dem.read(1) == BASE_ALTITUDE_M).all()


def test_the_truth_of_a_photo_lies_on_the_ground(hills: World) -> None:
    for shot in plan_flight(hills, 3, tilts_deg=(0, 60), camera=drone_camera(320)):
        truth = truth_of(hills, shot)
        assert 0 <= shot.pose.pitch_deg + 90 <= 60
        assert truth.scene is not None
        assert truth.scene_altitude_m is not None
        assert truth.altitude_m == hills.altitude_m(shot.at) + shot.pose.height_m
        # The line of sight to the scene is the axis of the camera.
        away_m = LocalFrame(truth.position).from_lonlat(*truth.scene)[0]
        sight = np.array([*away_m, truth.scene_altitude_m - truth.altitude_m])
        axis = rotation(shot.pose)[:, 2]
        np.testing.assert_allclose(sight / np.linalg.norm(sight), axis, atol=2e-3)
        assert truth.hfov_deg == pytest.approx(shot.camera.hfov_deg)
        assert len(truth.footprint) >= 48
        assert distance_m(LonLat(*truth.footprint.mean(0)), truth.scene) < 150


def test_photos_aim_at_their_scenes_over_hills(hills: World) -> None:
    flat = World(size_m=300, seed=2)
    steep, level = (plan_flight(each, 4, tilts_deg=(10, 50)) for each in (hills, flat))
    misses_m = []
    for one, other in zip(steep, level, strict=True):
        scene = hills.scene_of(one.camera, one.pose, one.at)
        aimed = flat.scene_of(other.camera, other.pose, other.at)
        assert scene is not None
        assert aimed is not None
        misses_m.append(np.hypot(scene.x_m - aimed.x_m, scene.y_m - aimed.y_m))
    assert np.median(misses_m) < 0.1
    assert max(misses_m) < 5, "a terrace may hide a scene"


def test_the_drone_took_off_at_the_mean_altitude(hills: World) -> None:
    for shot in plan_flight(hills, 5):
        above_m = hills.altitude_m(shot.at) - BASE_ALTITUDE_M + shot.pose.height_m
        assert shot.metadata.rel_alt_m == pytest.approx(above_m, rel=0.15)


@pytest.mark.parametrize("is_stated", [True, False])
def test_a_lens_is_stated_or_kept(tmp_path: Path, is_stated: bool) -> None:
    world = World(size_m=120, seed=1)
    (shot,) = plan_flight(world, 1, camera=drone_camera(64, focal_35mm=35))
    assert shot.metadata.focal_35mm == 35
    if not is_stated:
        shot = replace(shot, metadata=replace(shot.metadata, focal_35mm=None))
    write_photo(world, shot, tmp_path / "photo.jpg")
    with Image.open(tmp_path / "photo.jpg") as image:
        details = image.getexif().get_ifd(ExifTags.IFD.Exif)
        assert details.get(ExifTags.Base.FocalLengthIn35mmFilm) == (35 if is_stated else None)
        assert (image.getexif().get(ExifTags.Base.Model) is None) != is_stated
        assert (b"FC7303" in image.info["xmp"]) == is_stated
        assert b"GimbalYawDegree" in image.info["xmp"]
