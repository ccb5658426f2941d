"""The features of a map: each once, at its place, on fabricated sheets with known content."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.warp import Resampling, reproject
from scipy.spatial import cKDTree

from geoloc.errors import IndexFolderError
from geoloc.index.features import block_grid, building, feature_map
from geoloc.index.features.block_file import CELL_M, write_block
from geoloc.index.features.building import build_features
from geoloc.index.features.feature_map import FeatureMap
from geoloc.index.features.keypoints import Keypoints, detect_keypoints
from geoloc.locate.drone.voting import cast_votes
from geoloc.options import TileOptions
from geoloc.tiles.job import cut_tiles
from geoloc.tiles.tile_set import TileSet
from tests.fixtures.indexes import folder_bytes
from tests.fixtures.progress import RecordedProgress
from tests.fixtures.rasters import write_raster
from tests.fixtures.search import speckled

GSD_M = 0.5
TILE_M = 96.0
# A cell, which may be a little turned.
NEAR_M = 1.1 * CELL_M
TILE_PX = 192
SIDE_PX = 480

# Far off its central meridian, so that grid north is 2.6 degrees off true north.
TURNED_UTM = ("EPSG:32633", Affine(GSD_M, 0, 667_000, 0, -GSD_M, 6_655_000))
# At 60 degrees north a degree of longitude is half one of latitude.
DEGREES = ("EPSG:4326", Affine(9e-6, 0, 18.0, 0, -4.5e-6, 60.0))


def write_sheet(
    path: Path, crs: str, transform: Affine, *, seed: int = 0, side_px: int = SIDE_PX
) -> Path:
    bands = speckled(side_px, seed=seed, count=side_px * side_px // 250).transpose(2, 0, 1)
    return write_raster(path, bands, crs=crs, transform=transform)


def utm_sheet(path: Path, *, east_m: float = 0.0, seed: int = 0, side_px: int = 320) -> Path:
    where = Affine(GSD_M, 0, 500_000 + east_m, 0, -GSD_M, 5_800_000)
    return write_sheet(path, "EPSG:32633", where, seed=seed, side_px=side_px)


def cut(folder: Path, *sheets: Path, overlap: float = 0.5) -> TileSet:
    options = TileOptions(
        ground_sizes_m=(TILE_M,), size_px=TILE_PX, overlap=overlap, virtual=True, workers=1
    )
    cut_tiles([str(sheet) for sheet in sheets], folder, options)
    return TileSet.open(folder)


def build(folder: Path, *sheets: Path, overlap: float = 0.5) -> FeatureMap:
    build_features(cut(folder / "tiles", *sheets, overlap=overlap), folder / "features", workers=1)
    return FeatureMap.open(folder / "features")


def whole_sheet(sheet: Path, features: FeatureMap) -> tuple[Keypoints, np.ndarray]:
    """Keypoints of the sheet warped as one to true metres, north up, and their places (N, 2)."""
    reach = features.regions[0].reach_m
    side = round(2 * reach / GSD_M)
    target = Affine(GSD_M, 0, -reach, 0, -GSD_M, reach)
    with rasterio.open(sheet) as source:
        warped = np.zeros((3, side, side), np.uint8)
        reproject(
            rasterio.band(source, [1, 2, 3]),
            warped,
            dst_transform=target,
            dst_crs=features.regions[0].frame.crs.to_wkt(),
            resampling=Resampling.bilinear,
        )
    pixels = np.ascontiguousarray(warped.transpose(1, 2, 0))
    found = detect_keypoints(pixels, valid=pixels.any(axis=2))
    x, y = found.xy_px.T
    return found, np.stack([-reach + x * GSD_M, reach - y * GSD_M], axis=1)


@pytest.fixture(scope="module", params=[TURNED_UTM, DEGREES], ids=["turned_utm", "degrees"])
def sheet_and_features(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, FeatureMap]:
    folder = tmp_path_factory.mktemp("sheet")
    sheet = write_sheet(folder / "sheet.tif", *request.param)
    return sheet, build(folder, sheet)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> FeatureMap:
    """Nearly north-up, its tiles exact crops."""
    folder = tmp_path_factory.mktemp("small")
    features = build(folder, utm_sheet(folder / "sheet.tif"))
    # Where its blocks lie is kept from now on, before `small_blocks` makes others.
    features.in_box(0, np.array([-1.0, -1.0]), np.array([1.0, 1.0]))
    return features


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of about 50 m, so that a small sheet has many."""
    monkeypatch.setattr(block_grid, "_ROWS_PER_DEG", 2200)
    monkeypatch.setattr(block_grid, "_ROWS", 180 * 2200)


@pytest.fixture(scope="module")
def kept_tiles(tmp_path_factory: pytest.TempPathFactory) -> TileSet:
    folder = tmp_path_factory.mktemp("kept")
    return cut(folder / "tiles", utm_sheet(folder / "sheet.tif"))


def test_features_are_the_keypoints_of_the_whole_sheet(
    sheet_and_features: tuple[Path, FeatureMap],
) -> None:
    sheet, features = sheet_and_features
    keypoints, places = whole_sheet(sheet, features)
    away, nearest = cKDTree(features.read().xy_m).query(places)
    # Those of some size: the least ones come and go with the resampling.
    firm = (keypoints.size_px > 6) & (keypoints.size_px < 30)
    assert firm.sum() > 300
    # A tile sees no keypoint as large as its margin, and resampling loses some.
    assert (away[firm] < 0.5).mean() > 0.75
    assert np.median(away[firm]) < 0.1
    shift = features.read().xy_m[nearest[firm & (away < 0.5)]] - places[firm & (away < 0.5)]
    assert np.abs(np.median(shift, axis=0)).max() < 0.05  # no common shift


def test_angles_are_from_true_east_and_sizes_in_true_metres(
    sheet_and_features: tuple[Path, FeatureMap],
) -> None:
    sheet, features = sheet_and_features
    keypoints, places = whole_sheet(sheet, features)
    away, nearest = cKDTree(features.read().xy_m).query(places)
    same = (away < 0.3) & (keypoints.size_px > 6) & (keypoints.size_px < 30)
    turn = features.read().angle_deg[nearest[same]] - keypoints.angle_deg[same]
    turn = (turn + 180) % 360 - 180
    ratio = features.read().size_m[nearest[same]] / (keypoints.size_px[same] * GSD_M)
    # Keypoints with two angles may pair the wrong way round: medians see past them.
    assert abs(np.median(turn[np.abs(turn) < 20])) < 0.4
    assert (np.abs(turn) < 20).mean() > 0.6
    assert abs(np.median(ratio) - 1) < 0.02


@pytest.mark.parametrize("overlap", [0.0, 0.5, 0.7])
def test_no_ground_gives_its_features_twice(tmp_path: Path, overlap: float) -> None:
    features = build(tmp_path, utm_sheet(tmp_path / "sheet.tif"), overlap=overlap)
    # A spot may have several keypoints, of other sizes or angles; a copy shares all of it.
    found = features.read()
    angle = np.radians(found.angle_deg)
    likeness = np.column_stack([found.xy_m, found.size_m, 3 * np.cos(angle), 3 * np.sin(angle)])
    copies = cKDTree(likeness).query_pairs(0.15)
    assert len(features) > 500
    assert len(copies) <= 0.002 * len(features)


def test_the_overlap_does_not_change_what_is_found(small: FeatureMap, tmp_path: Path) -> None:
    other = build(tmp_path, utm_sheet(tmp_path / "sheet.tif"), overlap=0.25)
    away, _ = cKDTree(other.read().xy_m).query(small.read().xy_m)
    assert (away < 0.2).mean() > 0.9
    assert abs(len(other) - len(small)) < 0.05 * len(small)


def test_an_interrupted_run_goes_on_to_the_same_bytes(
    kept_tiles: TileSet, tmp_path: Path, small_blocks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_features(kept_tiles, tmp_path / "once", workers=1)
    with pytest.raises(KeyboardInterrupt):
        build_features(kept_tiles, tmp_path / "twice", progress=RecordedProgress(stop_after=3))
    assert not (tmp_path / "twice").exists()
    read: list[int] = []
    whole = building.describe_tile
    monkeypatch.setattr(
        building, "describe_tile", lambda t, p, d, i: read.append(i) or whole(t, p, d, i)
    )
    build_features(kept_tiles, tmp_path / "twice", workers=3)
    assert len(kept_tiles) / 2 < len(read) < len(kept_tiles)
    assert folder_bytes(tmp_path / "twice") == folder_bytes(tmp_path / "once")
    assert not (tmp_path / "twice.parts").exists()


@pytest.mark.parametrize("place", ["homes", "blocks", "entries", "vocabulary.safetensors"])
@pytest.mark.parametrize("filled", [False, True])
def test_what_a_full_disk_spoilt_is_made_again(
    kept_tiles: TileSet, tmp_path: Path, small_blocks: None, place: str, filled: bool
) -> None:
    build_features(kept_tiles, tmp_path / "once", workers=1)
    with pytest.raises(KeyboardInterrupt):
        build_features(kept_tiles, tmp_path / "twice", progress=RecordedProgress(stop_after=9))
    found = tmp_path / "twice.parts" / place
    for path in [found] if found.is_file() else list(found.iterdir()):
        data = path.read_bytes()
        half = data[: len(data) // 2]
        path.write_bytes(half + bytes(len(data) - len(half)) * filled)
    build_features(kept_tiles, tmp_path / "twice", workers=1)
    assert folder_bytes(tmp_path / "twice") == folder_bytes(tmp_path / "once")


def test_what_an_earlier_run_made_of_other_tiles_is_not_taken_up(
    kept_tiles: TileSet, tmp_path: Path, small_blocks: None
) -> None:
    other = cut(tmp_path / "tiles", utm_sheet(tmp_path / "other.tif", seed=5))
    with pytest.raises(KeyboardInterrupt):
        build_features(other, tmp_path / "features", progress=RecordedProgress(stop_after=3))
    build_features(kept_tiles, tmp_path / "features")
    build_features(kept_tiles, tmp_path / "clean")
    assert folder_bytes(tmp_path / "features") == folder_bytes(tmp_path / "clean")


def test_many_blocks_hold_what_one_does(
    small: FeatureMap, kept_tiles: TileSet, tmp_path: Path, small_blocks: None
) -> None:
    build_features(kept_tiles, tmp_path / "features", workers=1)
    many = FeatureMap.open(tmp_path / "features")
    assert len(many.manifest.blocks) >= 9 > len(small.manifest.blocks)
    assert many.regions == small.regions
    one, all_of_many = small.read(), many.read()
    away, partner = cKDTree(all_of_many.xy_m).query(one.xy_m, k=8, distance_upper_bound=0.03)
    partner = np.where(np.isfinite(away), partner, 0)
    same = (all_of_many.descriptors[partner] == one.descriptors[:, None]).all(axis=2)
    turn_deg = all_of_many.angle_deg[partner] - one.angle_deg[:, None]
    same &= np.abs((turn_deg + 180) % 360 - 180) < 0.02
    assert same.any(axis=1).all()
    assert len(one) == len(all_of_many)
    np.testing.assert_array_equal(many.counts, small.counts)


def test_a_box_over_many_blocks_gives_what_lies_in_it(
    kept_tiles: TileSet, tmp_path: Path, small_blocks: None
) -> None:
    build_features(kept_tiles, tmp_path / "features", workers=1)
    many = FeatureMap.open(tmp_path / "features")
    xy = many.read().xy_m
    low, high = np.array([-60.0, -45.0]), np.array([30.0, 50.0])
    inside = np.flatnonzero(((xy >= low) & (xy <= high)).all(axis=1))
    found = many.in_box(0, low, high)
    assert len(inside) > 100
    assert set(inside) <= set(found.tolist())
    assert (np.diff(found) > 0).all()
    lon, lat = many.regions[0].frame.to_lonlat((low + high) / 2)[0]
    square = many.in_squares(np.array([lon]), np.array([lat]), np.array([47.5]))
    assert set(inside) <= set(square.tolist())
    areas = many.areas_m2(found)
    assert areas[0] == pytest.approx(many.regions[0].area_m2 * len(found) / len(many))


def test_a_box_gives_what_lies_in_it_and_little_more(small: FeatureMap) -> None:
    xy = small.read().xy_m.astype(float)
    rng = np.random.default_rng(1)
    for _ in range(50):
        low, high = np.sort(rng.uniform(-120, 120, (2, 2)), axis=0)
        ids = small.in_box(0, low, high)
        inside = np.flatnonzero(((xy >= low) & (xy <= high)).all(axis=1))
        near = ((xy >= low - NEAR_M) & (xy <= high + NEAR_M)).all(axis=1)
        assert set(inside) <= set(ids.tolist()) <= set(np.flatnonzero(near).tolist())


def test_a_box_beside_the_map_is_empty(small: FeatureMap) -> None:
    assert len(small.in_box(0, np.array([9e3, 9e3]), np.array([9.1e3, 9.1e3]))) == 0
    assert len(small.in_box(1, np.array([-100.0, -100.0]), np.array([100.0, 100.0]))) == 0


def test_a_feature_is_its_own_nearest(small: FeatureMap) -> None:
    ids = np.arange(0, len(small), 37)
    found = small.nearest(small.descriptors(ids), 4)
    assert found.ids.shape == (len(ids), 4)
    np.testing.assert_allclose(found.distances[:, 0], 0, atol=1e-3)
    assert (np.diff(found.distances, axis=1) >= 0).all()
    brute = np.linalg.norm(
        small.descriptors(ids)[:, None].astype(np.float32) - small.read().descriptors[None], axis=2
    )
    np.testing.assert_allclose(found.distances, np.sort(brute, axis=1)[:, :4], atol=0.01)


@pytest.mark.parametrize("inverted_lists", [False, True])
def test_nearest_among_some_gives_only_those(
    kept_tiles: TileSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inverted_lists: bool
) -> None:
    if inverted_lists:
        monkeypatch.setattr(feature_map, "_EXACT_LIMIT", 100)
    build_features(kept_tiles, tmp_path / "features", workers=1)
    features = FeatureMap.open(tmp_path / "features")
    among = np.sort(np.random.default_rng(0).permutation(len(features))[:60]).astype(np.int64)
    queries = features.read().descriptors[::5]
    found = features.nearest(queries, 5, among=among)
    brute = np.linalg.norm(
        queries[:, None].astype(np.float32) - features.descriptors(among)[None], axis=2
    )
    assert np.isin(found.ids[found.ids >= 0], among).all()
    exact = np.isclose(found.distances, np.sort(brute, axis=1)[:, :5], atol=0.01)
    # Inverted lists are probed in part: nearly all of the nearest, not all.
    assert exact[:, 0].mean() > (0.4 if inverted_lists else 0.999)
    assert inverted_lists or exact.all()


def test_fewer_than_asked_for_are_marked(small: FeatureMap) -> None:
    found = small.nearest(small.descriptors(np.arange(3)), 5, among=np.array([7, 9], np.int64))
    assert (np.sort(found.ids[:, :2], axis=1) == [7, 9]).all()
    assert (found.ids[:, 2:] == -1).all()


def test_sheets_far_apart_are_two_regions(tmp_path: Path) -> None:
    a = utm_sheet(tmp_path / "a.tif", side_px=256)
    b = utm_sheet(tmp_path / "b.tif", side_px=256, east_m=50_000, seed=1)
    features = build(tmp_path, b, a)
    assert len(features.regions) == 2
    assert [len(region.rasters) for region in features.regions] == [1, 1]
    assert set(np.unique(features.read().region)) == {0, 1}
    # Each lies about its own origin, not 25 km from a common one.
    assert np.abs(features.read().xy_m).max() < 200
    for region in features.regions:
        assert 100 * 100 < region.area_m2 < 170 * 170


def test_sheets_that_touch_are_one_region(tmp_path: Path) -> None:
    a = utm_sheet(tmp_path / "a.tif", side_px=256)
    b = utm_sheet(tmp_path / "b.tif", side_px=256, east_m=128, seed=1)
    features = build(tmp_path, a, b)
    assert len(features.regions) == 1
    assert len(features.regions[0].rasters) == 2
    assert np.ptp(features.read().xy_m[:, 0]) > 200


def test_a_map_of_nothing_can_be_opened_and_asked(tmp_path: Path) -> None:
    blank = write_raster(
        tmp_path / "blank.tif",
        np.full((3, 256, 256), 90, np.uint8),
        crs="EPSG:32633",
        transform=Affine(GSD_M, 0, 500_000, 0, -GSD_M, 5_800_000),
    )
    features = build(tmp_path, blank)
    assert len(features) == 0
    assert len(features.in_box(0, np.array([-50.0, -50.0]), np.array([50.0, 50.0]))) == 0
    keypoints = detect_keypoints(speckled(64)).select(np.arange(3))
    found = features.nearest(keypoints.descriptors, 8)
    assert (found.ids == -1).all()
    assert len(cast_votes(keypoints, features, found)) == 0


def test_another_version_is_refused(small: FeatureMap, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(small.folder, tmp_path / "features"))
    manifest = json.loads((folder / "features.json").read_text())
    (folder / "features.json").write_text(json.dumps({**manifest, "version": 99}))
    with pytest.raises(IndexFolderError, match=r"format 99.*--overwrite"):
        FeatureMap.open(folder)


@pytest.mark.parametrize("name", ["features.json", "vocabulary.safetensors"])
def test_a_damaged_folder_is_refused(small: FeatureMap, tmp_path: Path, name: str) -> None:
    folder = Path(shutil.copytree(small.folder, tmp_path / "features"))
    (folder / name).write_bytes((folder / name).read_bytes()[:150])
    with pytest.raises(IndexFolderError, match=r"--overwrite"):
        FeatureMap.open(folder)


def test_another_vocabulary_is_refused(small: FeatureMap, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(small.folder, tmp_path / "features"))
    words = -small.vocabulary.words
    replace(small.vocabulary, words=words).write(folder / "vocabulary.safetensors")
    with pytest.raises(IndexFolderError, match=r"vocabulary.*--overwrite"):
        FeatureMap.open(folder)


@pytest.mark.parametrize("harm", ["missing", "short", "another", "spoilt"])
def test_a_damaged_block_is_named_when_it_is_asked_for(
    small: FeatureMap, tmp_path: Path, harm: str
) -> None:
    folder = Path(shutil.copytree(small.folder, tmp_path / "features"))
    (entry,) = small.manifest.blocks
    path = entry.path(folder)
    data = path.read_bytes()
    if harm == "missing":
        path.unlink()
    elif harm == "another":
        write_block(path, small.records_of(entry)[1:], np.zeros(len(small) - 1, np.int64))
    else:
        path.write_bytes(data[:-200] + bytes(200 if harm == "spoilt" else 0))
    features = FeatureMap.open(folder)
    with pytest.raises(IndexFolderError, match=rf"{path.name} is damaged .*geoloc index"):
        features.read()
    assert features.damaged() == [entry]
    assert small.damaged() == []


def test_an_unfinished_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IndexFolderError, match="geoloc index"):
        FeatureMap.open(tmp_path)


def test_squares_give_each_feature_once(small: FeatureMap) -> None:
    offsets_m = np.array([[-20.0, 10.0], [-10.0, 10.0], [30.0, -40.0]])
    lon, lat = small.regions[0].frame.to_lonlat(offsets_m).T
    half_m = np.full(3, 20.0)
    found = small.in_squares(lon, lat, half_m)
    boxes = [small.in_box(0, middle - 20, middle + 20) for middle in offsets_m]
    assert found.tolist() == sorted(set(np.concatenate(boxes).tolist()))
    assert 0 < len(found) < sum(map(len, boxes))
    nothing = small.in_squares(lon[:0], lat[:0], half_m[:0])
    assert (nothing.shape, nothing.dtype) == ((0,), np.int64)


def test_finished_features_are_not_found_again_unless_of_other_tiles(
    kept_tiles: TileSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = build_features(kept_tiles, tmp_path / "features")
    before = folder_bytes(tmp_path / "features")
    with monkeypatch.context() as patch:
        patch.setattr(building, "describe_tile", None)
        assert build_features(kept_tiles, tmp_path / "features") == count
    assert folder_bytes(tmp_path / "features") == before
    other = cut(tmp_path / "tiles", utm_sheet(tmp_path / "other.tif", seed=5))
    build_features(other, tmp_path / "features")
    assert folder_bytes(tmp_path / "features") != before


def test_ids_of_overlapping_groups_come_once_and_ascend() -> None:
    groups = [np.array(ids, np.int64) for ids in ([3, 4, 9], [], [1, 3], [9, 10])]
    assert FeatureMap.each_once(groups).tolist() == [1, 3, 4, 9, 10]
    assert FeatureMap.each_once([]).tolist() == []
