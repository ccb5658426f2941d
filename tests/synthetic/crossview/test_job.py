"""Fabricated cross-view data: what is on disk fits together and is true."""

from __future__ import annotations

import csv
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio.windows import Window

from geoloc.errors import OptionError, OutputExistsError
from geoloc.geometry.camera import Camera, Pose
from geoloc.geometry.crs import LonLat, distance_m, transformer
from geoloc.geometry.panorama import Panorama, panorama_to_perspective
from geoloc.photos.photo_metadata import read_metadata
from geoloc.synthetic.crossview.job import fabricate_crossview
from geoloc.synthetic.crossview.towns import plan_test_town, plan_training_town
from geoloc.synthetic.options import CrossViewOptions
from geoloc.synthetic.world.panorama import RingFrame

OPTIONS = CrossViewOptions(
    places=4,
    test_places=3,
    towns=1,
    street=2,
    gsd_m=0.6,
    width_px=256,
    any_heading=True,
    map_seasons=2,
)
DRONE = CrossViewOptions(
    kind="drone", places=2, test_places=2, towns=1, gsd_m=0.6, width_px=128, photos=2, tiles=2
)

STREET = CrossViewOptions(
    kind="street", places=2, test_places=1, towns=1, gsd_m=1.0, width_px=96, photos=3, tile_m=30.0
)


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training town and one to test, by panorama and by street photo."""
    return fabricate_crossview(tmp_path_factory.mktemp("ground"), OPTIONS).folder


@pytest.fixture(scope="module")
def drone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training town and one to test, by drone."""
    return fabricate_crossview(tmp_path_factory.mktemp("drone"), DRONE).folder


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def position(row: dict[str, str]) -> LonLat:
    return LonLat(float(row["lon"]), float(row["lat"]))


@pytest.mark.slow
def test_every_pair_is_on_disk_and_every_file_in_a_pair(ground: Path) -> None:
    rows = table(ground / "pairs.csv")
    assert len(rows) == 4 * 2 + 3, "training places have a tile of each season"
    named = {row[column] for row in rows for column in ("query", "reference")}
    there = {
        path.relative_to(ground).as_posix()
        for folder in ("photos/train", "photos/test", "tiles")
        for path in (ground / folder).rglob("*.*")
    }
    assert named == there
    assert {row["view"] for row in rows} == {"ground"}
    assert len({row["place"] for row in rows}) == 7


@pytest.mark.slow
def test_a_tile_shows_the_map_around_its_place(ground: Path) -> None:
    row = next(row for row in table(ground / "pairs.csv") if row["split"] == "test")
    tile = pixels(ground / row["reference"])
    assert tile.shape == (100, 100, 3)
    with rasterio.open(ground / "map_test.tif") as dataset:
        x, y = transformer("EPSG:4326", dataset.crs).transform(*position(row))
        to_map = dataset.transform
        at_col, at_row = (x - to_map.c) / to_map.a, (y - to_map.f) / to_map.e
        window = Window(round(at_col - 50), round(at_row - 50), 100, 100)
        cut = dataset.read(window=window).transpose(1, 2, 0)
    assert np.array_equal(tile, cut)


@pytest.mark.slow
def test_further_tiles_lie_off_their_place_and_say_how_far(drone: Path) -> None:
    rows = [row for row in table(drone / "pairs.csv") if row["split"] == "train"]
    centred = [row for row in rows if row["overlap"] == "1.000"]
    assert len(rows) == 2 * len(centred), "two photos of two places, each with two tiles"
    for row in rows:
        middle = LonLat(float(row["reference_lon"]), float(row["reference_lat"]))
        off_m = distance_m(position(row), middle)
        assert float(row["ground_size_m"]) == 100
        assert off_m < 0.1 if row in centred else 0.1 < off_m < 25 * math.sqrt(2)
        assert (float(row["overlap"]) < 1) == (off_m > 0.1)


@pytest.mark.slow
def test_test_places_are_far_from_training_places(ground: Path) -> None:
    rows = table(ground / "pairs.csv")
    trained = [position(row) for row in rows if row["split"] == "train"]
    tested = [position(row) for row in rows if row["split"] == "test"]
    assert min(distance_m(one, other) for one in trained for other in tested) > 1000


@pytest.mark.slow
def test_a_panorama_tells_where_it_stood_and_where_it_looked(ground: Path) -> None:
    truth = {row["photo"]: row for row in table(ground / "truth.csv")}
    for row in table(ground / "pairs.csv"):
        said = read_metadata(ground / row["query"])
        assert said.lon is not None
        assert said.lat is not None
        assert distance_m(LonLat(said.lon, said.lat), position(row)) < 0.05
        assert said.projection == "equirectangular"
        assert said.panorama is not None
        assert (said.panorama.full_width_px, said.panorama.full_height_px) == (256, 128)
        if row["split"] == "test":
            true = truth[Path(row["query"]).name]
            assert said.yaw_deg == pytest.approx(float(true["yaw_deg"]), abs=0.01)
            true_place = LonLat(float(true["camera_lon"]), float(true["camera_lat"]))
            assert distance_m(true_place, position(row)) < 0.01


@pytest.mark.slow
def test_a_street_photo_is_the_part_of_the_panorama_that_its_truth_says(ground: Path) -> None:
    rows = table(ground / "truth_street.csv")
    assert len(rows) == 2
    for number, row in enumerate(rows, start=1):
        said = read_metadata(ground / "photos" / "street" / row["photo"])
        assert said.hfov_deg is not None
        assert 58 < said.hfov_deg < 100
        assert said.yaw_deg is None
        photo = pixels(ground / "photos" / "street" / row["photo"])
        sphere_path = ground / "photos" / "test" / f"test_{number:04d}.jpg"
        sphere = pixels(sphere_path)
        frame = Panorama.whole(256, 128, heading_deg=read_metadata(sphere_path).yaw_deg or 0.0)
        likeness = []
        for turn_deg in (0, 120, 240):
            pose = Pose(float(row["yaw_deg"]) + turn_deg, float(row["pitch_deg"]), 0, 0)
            camera = Camera.from_hfov(80, 60, said.hfov_deg)
            part = panorama_to_perspective(sphere, frame, camera=camera, pose=pose)
            small = np.asarray(Image.fromarray(photo).resize((80, 60)))
            likeness.append(float(np.corrcoef(part.ravel(), small.ravel())[0, 1]))
        assert likeness[0] > 0.9
        assert likeness[0] == max(likeness)


@pytest.mark.slow
def test_street_photos_look_where_their_truth_says_and_record_no_heading(tmp_path: Path) -> None:
    made = fabricate_crossview(tmp_path / "streets", STREET)
    rows = table(made.folder / "pairs.csv")
    assert (len(rows), made.training_photos, made.test_photos) == (9, 6, 3)
    assert {row["view"] for row in rows} == {"ground"}
    town = plan_test_town(STREET)
    sphere = town.world.take_panorama(
        town.places[0], ring=RingFrame(128, 256), when=town.photo_seasons[0]
    )
    for row in table(made.folder / "truth.csv"):
        path = made.folder / "photos" / "test" / row["photo"]
        photo, said = pixels(path), read_metadata(path)
        assert photo.shape == (72, 96, 3)
        assert said.hfov_deg is not None
        assert 70 < said.hfov_deg < 90
        assert said.yaw_deg is None
        assert photo.any(axis=2).mean() > 0.99  # none of it lies beyond what was rendered
        likeness = []
        for turn_deg in (0, 120, 240):
            pose = Pose(float(row["yaw_deg"]) + turn_deg, float(row["pitch_deg"]), 0, 0)
            camera = Camera.from_hfov(48, 36, said.hfov_deg)
            frame = Panorama.whole(256, 128)
            part = panorama_to_perspective(sphere, frame, camera=camera, pose=pose)
            small = np.asarray(Image.fromarray(photo).resize((48, 36)))
            likeness.append(float(np.corrcoef(part.ravel(), small.ravel())[0, 1]))
        assert likeness[0] > 0.8
        assert likeness[0] == max(likeness)


@pytest.mark.slow
def test_drone_photos_look_at_their_place_straight_down_and_tilted(drone: Path) -> None:
    rows = table(drone / "pairs.csv")
    assert len(rows) == 12
    assert {row["view"] for row in rows} == {"drone"}
    truth = {row["photo"]: row for row in table(drone / "truth.csv")}
    for row in rows:
        if row["split"] == "train":
            continue
        true = truth[Path(row["query"]).name]
        scene = LonLat(float(true["scene_lon"]), float(true["scene_lat"]))
        assert distance_m(scene, position(row)) < 0.1
        is_tilted = row["query"].endswith("_2.jpg")
        assert (float(true["pitch_deg"]) > -72) == is_tilted
        assert float(row["altitude_m"]) == pytest.approx(float(true["rel_alt_m"]))
        assert read_metadata(drone / row["query"]).make == "DJI"


@pytest.mark.slow
def test_a_folder_that_is_not_empty_is_refused_unless_asked_for(drone: Path) -> None:
    with pytest.raises(OutputExistsError, match="--overwrite"):
        fabricate_crossview(drone, DRONE)


@pytest.mark.slow
def test_photos_and_maps_are_of_other_seasons_and_towns_share_no_ground() -> None:
    order = CrossViewOptions(places=2, test_places=1, towns=2, spacing_m=20)
    towns = [plan_test_town(order), *(plan_training_town(order, n) for n in (1, 2))]
    for town in towns:
        assert not set(town.map_seasons) & set(town.photo_seasons)
    assert len({town.map_seasons for town in towns[1:]}) > 1
    corners = [town.world.corner for town in towns]
    for i, one in enumerate(corners):
        for other in corners[i + 1 :]:
            assert math.hypot(one.x - other.x, one.y - other.y) > 3000


@pytest.mark.slow
def test_drone_photos_over_relief_come_with_the_elevation_models(tmp_path: Path) -> None:
    tiny = replace(DRONE, test_places=1, photos=1, tiles=1, places=1, tile_m=30.0, width_px=32)
    made = fabricate_crossview(tmp_path / "hills", replace(tiny, gsd_m=1.0, relief_percent=20))
    assert sorted(path.name for path in made.folder.glob("dem_*")) == [
        "dem_test.tif",
        "dem_train1.tif",
    ]
    with rasterio.open(made.folder / "dem_test.tif") as dem:
        assert np.ptp(dem.read(1)) > 10
    with rasterio.open(made.maps[-1]) as region:
        assert region.bounds.left > dem.bounds.left


@pytest.mark.slow
def test_an_order_for_more_places_makes_a_larger_town() -> None:
    few = plan_test_town(CrossViewOptions(test_places=5))
    many = plan_test_town(CrossViewOptions(test_places=30))
    assert len(few.places) == 5
    assert len(many.places) == 30
    assert many.world.size_m > few.world.size_m


@pytest.mark.parametrize(
    "wrong",
    [
        {"span_deg": (30.0, -30.0)},
        {"map_seasons": 4},
        {"places": 1, "towns": 2},
        {"kind": "drone", "street": 3},
        {"kind": "street", "street": 3},
        {"kind": "panorama", "relief_percent": 10},
    ],
)
def test_an_order_that_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(OptionError, match="expected"):
        CrossViewOptions(**wrong)  # type: ignore[arg-type]
