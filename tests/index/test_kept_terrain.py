"""An index keeps the heights of its ground, apart from all else that it holds."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from click.testing import CliRunner

from geoloc.cli import cli
from geoloc.errors import RasterError
from geoloc.index import job, kept_terrain
from geoloc.index.job import build_index
from geoloc.index.map_index import MapIndex
from geoloc.locate.map_terrain import terrain_of
from geoloc.options import IndexOptions, LocateOptions
from geoloc.storage.atomic import draft_name
from tests.fixtures.full_disk import enlarge, mount_small_disk, unmount
from tests.fixtures.indexes import BatchTeller, folder_bytes, options_for, write_map, write_tiles
from tests.fixtures.rasters import write_raster


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "Embedder", BatchTeller)


def write_dem(path: Path, height_m: float, *, crs: str = "EPSG:32633+5773") -> str:
    """Level ground around the map."""
    heights = np.full((1, 300, 300), height_m, np.float32)
    transform = Affine(10, 0, 498_500, 0, -10, 5_801_500)
    return str(write_raster(path, heights, crs=crs, transform=transform, GEOTIFF_VERSION="1.1"))


@pytest.fixture
def dem(tmp_path: Path) -> str:
    return write_dem(tmp_path / "dem.tif", 81.5)


def height_m(folder: Path) -> float | None:
    index = MapIndex.open(folder)
    terrain = index.open_terrain()
    middle = np.array([[float(np.mean(index.tiles.lon)), float(np.mean(index.tiles.lat))]])
    return None if terrain is None else float(terrain.altitudes_m(middle)[0])


def options(model: Path, *dem: str, **changes: object) -> IndexOptions:
    return options_for(model, dem=dem, **changes)


def test_heights_are_kept_with_what_they_are_above(
    tiles: Path, tmp_path: Path, model: Path, dem: str
) -> None:
    index = tmp_path / "index"
    build_index(tiles, index, options(model, dem))
    assert height_m(index) == 81.5
    terrain = MapIndex.open(index).open_terrain()
    assert terrain is not None
    assert (terrain.reference, terrain.vertical) == ("egm96", "EGM96 height")
    entry = json.loads((index / "index.json").read_text())["terrain"]
    assert entry["file"] == "terrain.tif"
    assert entry["sources"][0].startswith("dem.tif (")
    # The models may go.
    Path(dem).unlink()
    assert height_m(index) == 81.5


def test_without_models_an_index_says_nothing_of_heights(
    tiles: Path, tmp_path: Path, model: Path
) -> None:
    build_index(tiles, tmp_path / "index", options(model))
    assert height_m(tmp_path / "index") is None
    assert "terrain" not in json.loads((tmp_path / "index" / "index.json").read_text())


def test_they_are_added_later_and_nothing_is_done_twice(
    tiles: Path, tmp_path: Path, model: Path, dem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = tmp_path / "index"
    build_index(tiles, index, options(model))
    before = folder_bytes(index)
    assert build_index(tiles, index, options(model, dem)).added == 0
    after = folder_bytes(index)
    assert height_m(index) == 81.5
    assert after.keys() - before.keys() == {"terrain.tif"}
    assert {name for name in before if before[name] != after[name]} == {"index.json"}
    monkeypatch.setattr(kept_terrain, "save_terrain", None)
    build_index(tiles, index, options(model, dem))
    build_index(tiles, index, options(model))
    assert folder_bytes(index) == after


def test_another_model_takes_their_place(
    tiles: Path, tmp_path: Path, model: Path, dem: str
) -> None:
    index, other = tmp_path / "index", write_dem(tmp_path / "other.tif", 90.0)
    build_index(tiles, index, options(model, dem))
    was = MapIndex.open(index)
    build_index(tiles, index, options(model, other))
    assert height_m(index) == 90.0
    assert MapIndex.open(index).index_id != was.index_id
    assert [path.name for path in index.glob("terrain*")] == ["terrain.2.tif"]


def test_what_is_added_keeps_them_or_brings_its_own(
    tiles: Path, tmp_path: Path, model: Path, dem: str
) -> None:
    index = tmp_path / "index"
    more = write_map(tmp_path / "more.tif", columns=1, rows=1, east_m=800)
    build_index(tiles, index, options(model, dem))
    small = (index / "terrain.tif").stat().st_size
    build_index(write_tiles(tmp_path / "more", more), index, options(model, append=True))
    assert height_m(index) == 81.5
    assert (index / "terrain.tif").stat().st_size == small
    build_index(tmp_path / "more", index, options(model, dem, append=True))
    terrain = MapIndex.open(index).open_terrain()
    assert terrain is not None
    tiles_there = MapIndex.open(index).tiles
    assert terrain.reaches(np.column_stack([tiles_there.lon, tiles_there.lat])).all()


def test_an_index_that_is_replaced_forgets_them(
    tiles: Path, tmp_path: Path, model: Path, dem: str
) -> None:
    index = tmp_path / "index"
    build_index(tiles, index, options(model, dem))
    build_index(tiles, index, options(model, overwrite=True))
    assert height_m(index) is None
    assert not list(index.glob("terrain*"))


def test_a_run_that_was_killed_while_cutting_goes_on(
    tiles: Path, tmp_path: Path, model: Path, dem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = tmp_path / "index"
    build_index(tiles, tmp_path / "whole", options(model, dem))

    def killed(*_: object, **__: object) -> None:
        draft_name(index / "terrain.2.tif").touch()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(kept_terrain, "save_terrain", killed)
        with pytest.raises(KeyboardInterrupt):
            build_index(tiles, index, options(model, dem))
    assert height_m(index) is None, "it serves over level ground meanwhile"
    assert build_index(tiles, index, options(model, dem)).added == 0
    assert folder_bytes(index) == folder_bytes(tmp_path / "whole")
    assert not list(index.glob(".terrain*"))


def test_a_model_that_is_none_is_refused_before_the_work(
    tiles: Path, tmp_path: Path, model: Path
) -> None:
    with pytest.raises(RasterError, match=r"none\.tif"):
        build_index(tiles, tmp_path / "index", options(model, str(tmp_path / "none.tif")))
    assert not (tmp_path / "index").exists()


def test_the_command_takes_models_and_locating_asks_the_index_last(
    tiles: Path, tmp_path: Path, model: Path, dem: str
) -> None:
    index = tmp_path / "index"
    typed = ["index", str(tiles), "-o", str(index), "--model", str(model), "--no-features"]
    done = CliRunner().invoke(cli, [*typed, "--descriptor", "rootsift", "--dem", dem])
    assert done.exit_code == 0, done.output
    other = write_dem(tmp_path / "other.tif", 90.0)
    opened = MapIndex.open(index)
    middle = np.array([[float(opened.tiles.lon[0]), float(opened.tiles.lat[0])]])
    for given, expected_m in (((), 81.5), ((other,), 90.0)):
        terrain = terrain_of(LocateOptions(dem=given), opened)
        assert terrain is not None
        assert terrain.altitudes_m(middle)[0] == expected_m
    assert terrain_of(LocateOptions()) is None


@pytest.mark.parametrize("room_kb", [20, pytest.param(1200, marks=pytest.mark.slow)])
def test_a_full_disk_ends_in_one_line_and_the_command_goes_on(
    tiles: Path, tmp_path: Path, model: Path, room_kb: int
) -> None:
    rough = np.random.default_rng(1).uniform(50, 90, (1, 1500, 1500)).astype(np.float32)
    place = {"crs": "EPSG:32633", "transform": Affine(2, 0, 498_500, 0, -2, 5_801_500)}
    dem = str(write_raster(tmp_path / "rough.tif", rough, **place))
    disk = tmp_path / "disk"
    build_index(tiles, tmp_path / "index", options(model))
    disk.mkdir()
    used = sum(-(-p.stat().st_size // 4096) * 4 for p in (tmp_path / "index").rglob("*"))
    if not mount_small_disk(disk, (used + 8 + room_kb) << 10):
        pytest.skip("only root may mount a small disk")
    try:
        shutil.copytree(tmp_path / "index", disk / "index")
        typed = ["index", str(tiles), "-o", str(disk / "index"), "--model", str(model), "--quiet"]
        typed += ["--no-features", "--descriptor", "rootsift", "--dem", dem]
        done = CliRunner().invoke(cli, typed)
        assert (done.exit_code, done.output.count("\n")) == (2, 1), done.output
        assert "No space left on device" in done.output or "no room for" in done.output
        assert height_m(disk / "index") is None
        enlarge(disk)
        again = CliRunner().invoke(cli, typed)
        assert (again.exit_code, again.output) == (0, "")
        assert height_m(disk / "index") is not None
        assert not list((disk / "index").glob(".geoloc-*"))
    finally:
        unmount(disk)
