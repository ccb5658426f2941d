"""The world as files: what is written is what was true, or what a drone would claim."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image

from geoloc.errors import OutputExistsError
from geoloc.geometry.crs import LonLat, distance_m
from geoloc.photos.photo_metadata import read_metadata
from geoloc.synthetic.world.files import TRUTH_COLUMNS, write_map, write_truth
from geoloc.synthetic.world.flight import plan_flight
from geoloc.synthetic.world.world import World
from tests.fixtures.worlds import GSD_M, SIZE_M, TinyWorld


def _truth(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_map_is_a_tiled_geotiff_in_utm(tiny_world: TinyWorld) -> None:
    with rasterio.open(tiny_world.region) as dataset:
        assert dataset.crs.to_epsg() == 32633
        assert dataset.res == (GSD_M, GSD_M)
        assert dataset.count == 3
        assert dataset.profile["tiled"]
        width_m = dataset.bounds.right - dataset.bounds.left
        assert width_m == pytest.approx(SIZE_M)
        corner = tiny_world.world.corner
        assert dataset.bounds[:2] == pytest.approx(tuple(corner))
        assert dataset.read().std() > 20


def test_photos_claim_what_is_nearly_true(tiny_world: TinyWorld) -> None:
    for shot in tiny_world.shots:
        said = read_metadata(tiny_world.photos / shot.name)
        assert said.make == "DJI"
        assert said.orientation == 1
        assert said.timestamp is not None
        assert said.timestamp.startswith("2023-")
        assert said.hfov_deg == pytest.approx(shot.camera.hfov_deg, abs=0.05)
        assert said.rel_alt_m == pytest.approx(shot.pose.height_m, rel=0.12)
        assert said.rel_alt_m != pytest.approx(shot.pose.height_m, abs=0.01)
        assert said.yaw_deg is not None
        turn = (said.yaw_deg - shot.pose.heading_deg + 180) % 360 - 180
        assert abs(turn) < 12
        assert said.pitch_deg == pytest.approx(shot.pose.pitch_deg, abs=5)
        assert said.lon is not None
        assert said.lat is not None
        place = tiny_world.world.lonlat(shot.at)
        assert distance_m(LonLat(said.lon, said.lat), place) < 10


def test_photos_decode_at_their_size_and_show_something(tiny_world: TinyWorld) -> None:
    for shot in tiny_world.shots:
        with Image.open(tiny_world.photos / shot.name) as image:
            assert image.size == (shot.camera.width_px, shot.camera.height_px)
            assert np.asarray(image).std() > 15


def test_the_truth_has_a_row_a_photo_in_order(tiny_world: TinyWorld) -> None:
    rows = _truth(tiny_world.truth)
    assert tuple(rows[0]) == TRUTH_COLUMNS
    assert [row["photo"] for row in rows] == [shot.name for shot in tiny_world.shots]
    for row, shot in zip(rows, tiny_world.shots, strict=True):
        camera = LonLat(float(row["camera_lon"]), float(row["camera_lat"]))
        assert distance_m(camera, tiny_world.world.lonlat(shot.at)) < 0.01
        scene = LonLat(float(row["scene_lon"]), float(row["scene_lat"]))
        tilt = np.radians(90 + shot.pose.pitch_deg)
        ahead_m = shot.pose.height_m * np.tan(tilt)
        assert distance_m(camera, scene) == pytest.approx(abs(ahead_m), abs=0.05)


def test_scenes_lie_on_the_map(tiny_world: TinyWorld) -> None:
    world = tiny_world.world
    for shot in plan_flight(world, 12, seed=3):
        scene = world.scene_of(shot.camera, shot.pose, shot.at)
        assert scene is not None
        assert 0 < scene.x_m < SIZE_M
        assert 0 < scene.y_m < SIZE_M


def test_the_same_seed_flies_the_same_flight() -> None:
    world = World(size_m=200, seed=1)
    assert plan_flight(world, 4, seed=7) == plan_flight(world, 4, seed=7)
    assert plan_flight(world, 4, seed=7) != plan_flight(world, 4, seed=8)


def test_about_the_wanted_share_of_photos_is_tilted() -> None:
    shots = plan_flight(World(size_m=200, seed=1), 20, tilted_share=0.3)
    assert sum(shot.pose.pitch_deg > -82 for shot in shots) == 6


def test_nothing_is_overwritten_unasked(tmp_path: Path) -> None:
    world = World(size_m=60, seed=1)
    target = tmp_path / "region.tif"
    target.write_text("precious")
    with pytest.raises(OutputExistsError, match=r"region\.tif exists"):
        write_map(world, target, gsd_m=1.0)
    with pytest.raises(OutputExistsError):
        write_truth(world, [], target)
    assert target.read_text() == "precious"
    write_map(world, target, gsd_m=1.0, overwrite=True)
    with rasterio.open(target) as dataset:
        assert dataset.width == 60


def test_a_full_disk_is_told_in_one_error_and_no_line_of_a_library(
    small_disk: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    filled = small_disk / "filler"
    filled.write_bytes(bytes(1000 << 10))
    with pytest.raises(OSError, match="No space left on device") as caught:
        write_map(World(size_m=60, seed=1), small_disk / "map.tif")
    assert caught.value.filename == str(small_disk / "map.tif")
    assert capfd.readouterr() == ("", "")
    assert list(small_disk.iterdir()) == [filled]
