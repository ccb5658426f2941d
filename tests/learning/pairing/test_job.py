"""From photos and a map to pairs: where tiles are cut, what photos become, what is said of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

from geoloc.errors import InputError, OptionError, OutputExistsError
from geoloc.geometry.crs import LonLat, distance_m
from geoloc.learning.datasets.registry import open_dataset
from geoloc.learning.options import PairingOptions
from geoloc.learning.pairing.job import PairingSummary, make_pairs
from geoloc.photos.photo import read_photo
from geoloc.photos.photo_files import find_photos
from tests.fixtures.photos import write_photo
from tests.fixtures.rasters import PLACED, CodedRaster
from tests.fixtures.surveys import ground_position, write_panorama, write_photo_at, write_survey

# Tiles of 80 m are 40 pixels of the map, here 1:1.
OPTIONS = PairingOptions(ground_size_m=80.0, size_px=40, test_share=0.0)
ROW = [(30 + 12 * k, 120) for k in range(16)]


def pair_up(folder: Path, options: PairingOptions = OPTIONS) -> PairingSummary:
    found = find_photos([folder / "photos"], recursive=False)
    metadata = folder / "metadata.csv"
    told = replace(options, metadata=str(metadata)) if metadata.exists() else options
    return make_pairs(found, [str(folder / "region.tif")], folder / "pairs", told)


def tile_of(folder: Path, name: str) -> np.ndarray:
    with rasterio.open(folder / "pairs/tiles" / f"{name}.tif") as tile:
        return np.moveaxis(tile.read(), 0, -1)


def test_a_tile_is_cut_around_its_photo(tmp_path: Path) -> None:
    write_survey(tmp_path, [(100, 60)])
    pair_up(tmp_path)
    pixels = tile_of(tmp_path, "shot00")
    assert pixels.shape == (40, 40, 3)
    # Red is the column and green the row of the map; the middle is the seam between two pixels.
    assert pixels[20, 20, 0] == pytest.approx(100, abs=1)
    assert pixels[20, 20, 1] == pytest.approx(60, abs=1)
    steps = np.diff(pixels[0, :, 0].astype(int))
    assert steps.min() >= 0
    assert steps.mean() == pytest.approx(1, abs=0.05)


def test_a_tile_is_georeferenced(tmp_path: Path) -> None:
    raster = write_survey(tmp_path, [(100, 60)])
    pair_up(tmp_path)
    with rasterio.open(tmp_path / "pairs/tiles/shot00.tif") as tile:
        middle = LonLat(*(tile.transform @ (20, 20)))
        assert tile.crs.to_epsg() == 4326
    assert distance_m(middle, ground_position(raster, 100, 60)) < 2.1


@pytest.mark.parametrize("yaw_deg", [0.0, 90.0, 270.0])
def test_a_drone_photo_is_brought_to_its_tile(tmp_path: Path, yaw_deg: float) -> None:
    write_survey(tmp_path, [(100, 60)], yaw_deg=yaw_deg)
    pair_up(tmp_path)
    photo = read_photo(tmp_path / "pairs/photos/shot00.png").pixels.astype(int)
    tile = tile_of(tmp_path, "shot00").astype(int)
    assert photo.shape == tile.shape
    inner = np.abs(photo - tile)[2:-2, 2:-2]
    assert np.median(inner) <= 2


def test_an_oblique_photo_belongs_to_the_ground_that_it_shows(tmp_path: Path) -> None:
    raster = write_survey(tmp_path, [(100, 120)])
    # 45 degrees down to the east: 40 m further, which are 20 pixels.
    (tmp_path / "metadata.csv").write_text(
        "photo,rel_alt_m,yaw_deg,pitch_deg,hfov_deg\nshot00.jpg,40,90,-45,60\n"
    )
    pair_up(tmp_path)
    train = open_dataset("pairs", tmp_path / "pairs").train
    assert train is not None
    position = train.queries[0].position
    assert position is not None
    assert distance_m(position, ground_position(raster, 120, 120)) < 1.0


def test_an_oblique_photo_without_a_heading_is_no_pair(tmp_path: Path) -> None:
    write_survey(tmp_path, [(100, 120), (60, 60)])
    (tmp_path / "metadata.csv").write_text(
        "photo,rel_alt_m,yaw_deg,pitch_deg\nshot00.jpg,40,,-45\nshot01.jpg,40,,-90\n"
    )
    summary = pair_up(tmp_path)
    assert (summary.train, summary.unturned) == (1, 1)
    assert "45 degrees aslant and says no heading" in summary.failures[0].reason


def test_photos_of_unknown_height_are_taken_as_they_are(tmp_path: Path) -> None:
    write_survey(tmp_path, [(100, 60)])
    (tmp_path / "metadata.csv").unlink()
    summary = pair_up(tmp_path, replace(OPTIONS, view="drone"))
    assert summary.unscaled == 1
    assert read_photo(tmp_path / "pairs/photos/shot00.png").pixels.shape == (40, 40, 3)
    told = replace(OPTIONS, view="drone", height_m=40.0, overwrite=True)
    assert pair_up(tmp_path, told).unscaled == 0


@pytest.mark.parametrize("make", PLACED.values(), ids=PLACED.keys())
def test_maps_in_any_frame_are_cut_in_metres(tmp_path: Path, make: object) -> None:
    assert callable(make)
    raster: CodedRaster = make(tmp_path / "map.tif")
    write_survey(tmp_path, [(100, 60)])
    where = ground_position(raster, 120, 120)
    (tmp_path / "metadata.csv").write_text(
        f"photo,lon,lat,rel_alt_m\nshot00.jpg,{where.lon:.8f},{where.lat:.8f},40\n"
    )
    options = replace(OPTIONS, metadata=str(tmp_path / "metadata.csv"))
    photos = find_photos([tmp_path / "photos"], recursive=False)
    make_pairs(photos, [str(tmp_path / "map.tif")], tmp_path / "pairs", options)
    middle = tile_of(tmp_path, "shot00")[20, 20].astype(int)
    assert np.abs(middle[:2] - 120).max() <= 2
    with rasterio.open(tmp_path / "pairs/tiles/shot00.tif") as tile:
        corners = [tile.transform @ corner for corner in ((0, 0), (40, 0), (0, 40))]
        ends = [
            ground_position(CodedRaster(tmp_path, tile.crs.to_wkt(), Affine(1, 0, 0, 0, 1, 0)), *c)
            for c in corners
        ]
    assert distance_m(ends[0], ends[1]) == pytest.approx(80, abs=3)
    assert distance_m(ends[0], ends[2]) == pytest.approx(80, abs=3)


def test_photos_that_become_no_pair_are_named_and_stop_nothing(tmp_path: Path) -> None:
    raster = write_survey(tmp_path, [(100, 60), (60, 60)])
    far = ground_position(raster, 900, 900)
    write_photo(tmp_path / "photos/silent.jpg")
    (tmp_path / "photos/torn.jpg").write_bytes(b"\xff\xd8no photo")
    with (tmp_path / "metadata.csv").open("a") as file:
        file.write("far.jpg,40,0,-90,90\n")
    write_panorama(tmp_path / "photos/ring.jpg", far, heading_deg=0)
    write_photo_at(tmp_path / "photos/far.jpg", far)
    summary = pair_up(tmp_path)
    assert summary.train == 2
    reasons = {failure.photo.name: failure.reason for failure in summary.failures}
    assert set(reasons) == {"silent.jpg", "torn.jpg", "far.jpg", "ring.jpg"}
    assert "says no position" in reasons["silent.jpg"]
    assert "outside the map" in reasons["far.jpg"]
    assert "ground photo among drone photos" in reasons["ring.jpg"]


def test_no_pair_at_all_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    write_survey(tmp_path, [(100, 60)])
    write_photo(tmp_path / "photos/shot00.jpg")
    (tmp_path / "metadata.csv").unlink()
    with pytest.raises(InputError, match=r"none of 1 photos .*says no position"):
        pair_up(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photos", "region.tif"]


def test_an_area_is_held_out_and_read_back(tmp_path: Path) -> None:
    write_survey(tmp_path, ROW)
    summary = pair_up(tmp_path, replace(OPTIONS, test_share=0.25))
    dataset = open_dataset("pairs", tmp_path / "pairs")
    assert dataset.train is not None
    (test,) = dataset.tests
    assert (len(dataset.train.queries), len(test.queries)) == (summary.train, summary.test)
    assert summary.train + summary.test + summary.gap == len(ROW)
    assert summary.test / (summary.train + summary.test) == pytest.approx(0.25, abs=0.1)
    own = {pair.reference for pair in test.pairs}
    for one in dataset.train.references:
        for other in (test.references[number] for number in own):
            assert one.position is not None
            assert other.position is not None
            assert distance_m(one.position, other.position) >= 79
    distractors = {each.path for n, each in enumerate(test.references) if n not in own}
    assert distractors == {reference.path for reference in dataset.train.references}
    kept = {path.stem for path in (tmp_path / "pairs/tiles").iterdir()}
    assert kept == {path.stem for path in (tmp_path / "pairs/photos").iterdir()}
    assert len(kept) == summary.train + summary.test


def test_neighbours_are_near_misses_and_share_places(tmp_path: Path) -> None:
    write_survey(tmp_path, ROW)
    summary = pair_up(tmp_path)
    train = open_dataset("pairs", tmp_path / "pairs").train
    assert train is not None
    # Every 24 m a photo, within 40 m of the first: two photos a place.
    assert summary.places == 8
    near = {pair[:2] for pair in train.near_misses}
    assert (3, 4) in near
    assert (4, 3) in near
    assert (3, 6) not in near


def test_photos_too_close_together_are_refused_with_what_to_do(tmp_path: Path) -> None:
    write_survey(tmp_path, [(100, 60), (105, 60)])
    with pytest.raises(InputError, match=r"smaller --ground-size, or --test-share 0"):
        pair_up(tmp_path, replace(OPTIONS, test_share=0.2))


def test_offsets_move_tiles_and_tell_the_overlap(tmp_path: Path) -> None:
    write_survey(tmp_path, ROW)
    pair_up(tmp_path, replace(OPTIONS, offset=0.25))
    train = open_dataset("pairs", tmp_path / "pairs").train
    assert train is not None
    away = []
    for query, reference, overlap in train.pairs:
        here, there = train.queries[query].position, train.references[reference].position
        assert here is not None
        assert there is not None
        away.append(distance_m(here, there))
        assert 0.39 <= overlap < 1.0
    assert 5 < np.mean(away) < 20
    assert max(away) <= 29


def test_no_ground_is_on_both_sides_though_tiles_are_shifted(tmp_path: Path) -> None:
    write_survey(tmp_path, ROW)
    pair_up(tmp_path, replace(OPTIONS, offset=0.25, test_share=0.25))
    dataset = open_dataset("pairs", tmp_path / "pairs")
    assert dataset.train is not None
    lons = [
        sorted(
            position.lon
            for pair in split.pairs
            if (position := split.references[pair.reference].position)
        )
        for split in (dataset.train, dataset.tests[0])
    ]
    west, east = sorted(lons)
    gap_m = distance_m(LonLat(west[-1], 52.5), LonLat(east[0], 52.5))
    assert gap_m >= 79


def test_panoramas_become_rings_with_north_in_the_middle(tmp_path: Path) -> None:
    raster = write_survey(tmp_path, [])
    (tmp_path / "metadata.csv").unlink()
    for heading_deg in (0.0, 135.0):
        path = tmp_path / f"photos/p{heading_deg:.0f}.jpg"
        write_panorama(path, ground_position(raster, 100, 100), heading_deg=heading_deg)
    summary = pair_up(tmp_path)
    assert (summary.view, summary.train, summary.unturned) == ("ground", 2, 0)
    for path in (tmp_path / "pairs/photos").iterdir():
        ring = read_photo(path).pixels
        assert ring.shape == (20, 80, 3)
        assert ring[:, 39:41].mean() > 200
        assert ring[:, :20].mean() < 60
    train = open_dataset("pairs", tmp_path / "pairs").train
    assert train is not None
    assert train.query_view == "ground"
    assert json.loads((tmp_path / "pairs/pairs.json").read_text())["ground_span_deg"] == [-60, 30]


def test_photos_of_one_name_in_two_folders_stay_apart(tmp_path: Path) -> None:
    write_survey(tmp_path, [(60, 60), (160, 160)])
    (tmp_path / "photos/more").mkdir()
    (tmp_path / "photos/shot01.jpg").rename(tmp_path / "photos/more/shot00.jpg")
    (tmp_path / "metadata.csv").unlink()
    photos = find_photos([tmp_path / "photos"], recursive=True)
    options = replace(OPTIONS, view="drone", height_m=40.0)
    make_pairs(photos, [str(tmp_path / "region.tif")], tmp_path / "pairs", options)
    train = open_dataset("pairs", tmp_path / "pairs").train
    assert train is not None
    assert {query.path.name for query in train.queries} == {"shot00.png", "shot00~2.png"}


def test_only_a_folder_of_pairs_is_replaced_and_only_when_asked(tmp_path: Path) -> None:
    write_survey(tmp_path, [(100, 60)])
    pair_up(tmp_path)
    with pytest.raises(OutputExistsError, match="--overwrite"):
        pair_up(tmp_path)
    again = replace(OPTIONS, overwrite=True)
    assert pair_up(tmp_path, again).train == 1
    (tmp_path / "pairs/pairs.json").unlink()
    with pytest.raises(OutputExistsError):
        pair_up(tmp_path, again)


@pytest.mark.parametrize(
    ("fault", "named"),
    [
        ({"test_share": 1.5}, "--test-share"),
        ({"offset": 0.7}, "--offset"),
        ({"span_deg": (30.0, -60.0)}, "--span"),
        ({"ground_size_m": 0.0}, "--ground-size"),
        ({"size_px": 3}, "--size"),
        ({"height_m": -1.0}, "--height"),
    ],
)
def test_options_out_of_range_are_refused(
    tmp_path: Path, fault: dict[str, object], named: str
) -> None:
    with pytest.raises(OptionError, match=named):
        make_pairs([], [], tmp_path / "pairs", replace(OPTIONS, **fault))  # type: ignore[arg-type]


def test_too_coarse_a_map_is_refused(tmp_path: Path) -> None:
    write_survey(tmp_path, [(100, 60)])
    with pytest.raises(InputError, match="too coarse"):
        pair_up(tmp_path, replace(OPTIONS, ground_size_m=20.0))
