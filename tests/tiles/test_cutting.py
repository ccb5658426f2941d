"""Cutting: one tile as a file, and what the threads report."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.crs import CRS

from geoloc.errors import OptionError, RasterError
from geoloc.tiles import cutting
from geoloc.tiles.bands import RgbTile
from geoloc.tiles.cutting import (
    Outcome,
    RasterJob,
    TileSpec,
    cut_raster,
    encoded_bytes,
    make_chunks,
    write_tile,
)
from geoloc.tiles.gdal import gdal_environment
from geoloc.tiles.grid import GridOptions, grid_rows
from geoloc.tiles.manifest import TileScheme
from geoloc.tiles.raster import open_raster
from tests.fixtures import rasters
from tests.fixtures.full_disk import SMALL_DISK_BYTES

UTM = CRS.from_epsg(32633)
PLACE = Affine(2.0, 0, 390_000, 0, -2.0, 5_820_000)


def _tile(side_px: int = 64) -> RgbTile:
    pixels = np.random.default_rng(0).integers(1, 255, (side_px, side_px, 3), dtype=np.uint8)
    return RgbTile(pixels, np.ones((side_px, side_px), bool))


def test_a_tile_is_written_with_its_place_and_pixels(tmp_path: Path) -> None:
    tile = _tile()
    write_tile(tmp_path / "new" / "a.tif", tile, crs=UTM, transform=PLACE)
    with rasterio.open(tmp_path / "new" / "a.tif") as dataset:
        assert dataset.crs.to_epsg() == 32633
        assert dataset.transform == PLACE
        assert dataset.overviews(1) == [4]
        assert np.array_equal(dataset.read().transpose(1, 2, 0), tile.pixels)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.tif"]


def test_creation_options_reach_the_file_and_its_size(tmp_path: Path) -> None:
    tile, options = _tile(), ("COMPRESS=JPEG", "JPEG_QUALITY=50")
    write_tile(tmp_path / "a.tif", tile, crs=UTM, transform=PLACE, options=options)
    with rasterio.open(tmp_path / "a.tif") as dataset:
        assert dataset.compression.name.upper() == "JPEG"
    size = (tmp_path / "a.tif").stat().st_size
    assert encoded_bytes(tile, crs=UTM, transform=PLACE, options=options) == size


def test_the_overview_takes_no_more_room_than_its_pixels(tmp_path: Path) -> None:
    tile = _tile(256)
    sizes = []
    for name, side_px in (("with", 256), ("without", 257)):
        pixels = np.resize(tile.pixels, (side_px, side_px, 3))
        whole = RgbTile(pixels, np.ones((side_px, side_px), bool))
        path = tmp_path / f"{name}.tif"
        write_tile(path, whole, crs=UTM, transform=PLACE, options=("COMPRESS=NONE",))
        sizes.append(path.stat().st_size)
    assert sizes[0] - sizes[1] < 1.1 * 64 * 64 * 3


def test_a_tile_with_holes_has_a_mask_and_an_overview_of_what_is_there(tmp_path: Path) -> None:
    tile = _tile()
    valid = np.arange(64) % 4 != 0
    holes = RgbTile(tile.pixels * valid[:, None], np.broadcast_to(valid, (64, 64)))
    with gdal_environment(GDAL_TIFF_INTERNAL_MASK=True):
        write_tile(tmp_path / "a.tif", holes, crs=UTM, transform=PLACE)
    with rasterio.open(tmp_path / "a.tif") as dataset:
        assert np.array_equal(dataset.dataset_mask() > 0, holes.valid)
        assert np.array_equal(dataset.read().transpose(1, 2, 0), holes.pixels)
    with rasterio.open(tmp_path / "a.tif", overview_level=0) as overview:
        small = overview.read().transpose(1, 2, 0)
    seen = tile.pixels.reshape(16, 4, 16, 4, 3)[:, :, :, 1:].mean(axis=(1, 3))
    assert np.abs(small - seen).max() <= 0.51
    assert [path.name for path in tmp_path.iterdir()] == ["a.tif"]


def test_pixels_that_lie_band_by_band_are_written_alike(tmp_path: Path) -> None:
    tile = _tile()
    bands = np.ascontiguousarray(np.moveaxis(tile.pixels, -1, 0))
    for name, pixels in (("a", tile.pixels), ("b", np.moveaxis(bands, 0, -1))):
        write_tile(tmp_path / name, RgbTile(pixels, tile.valid), crs=UTM, transform=PLACE)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("left", [0, 4096, 8192])
def test_a_tile_on_a_full_disk_is_no_success(small_disk: Path, left: int) -> None:
    (small_disk / "filler").write_bytes(bytes(SMALL_DISK_BYTES - left))
    path = small_disk / "a.tif"
    with pytest.raises(OSError, match=r"No space left.*a\.tif"):
        write_tile(path, _tile(), crs=UTM, transform=PLACE)
    assert [each.name for each in small_disk.iterdir()] == ["filler"]


def test_a_refused_option_leaves_no_file(tmp_path: Path) -> None:
    options = ("TILED=YES", "BLOCKXSIZE=17", "BLOCKYSIZE=17")
    with pytest.raises(OptionError, match="--co"):
        write_tile(tmp_path / "a.tif", _tile(), crs=UTM, transform=PLACE, options=options)
    assert not list(tmp_path.iterdir())


def _job(tmp_path: Path) -> tuple[RasterJob, list[TileSpec]]:
    path = str(rasters.utm(tmp_path / "region.tif").path)
    scheme = TileScheme((160.0,), 0.0, 64, 0.5)
    with open_raster(path) as raster:
        job = RasterJob(path, tmp_path, tmp_path, "region", scheme, raster.frame, "EPSG:32633")
    windows = [w for row in grid_rows(job.frame, GridOptions(160.0, 64, 0.0)) for w in row]
    return job, [TileSpec(f"{w.row}_{w.col}", 160.0, w) for w in windows]


@pytest.mark.parametrize("trait", ["utm", "striped"])
@pytest.mark.parametrize("cache_columns", [1, 3, 100])
def test_threads_get_chunks_of_one_size_that_the_cache_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trait: str, cache_columns: int
) -> None:
    monkeypatch.setattr(cutting, "_columns_in_cache", lambda *_, **__: cache_columns)
    _, specs = _job(tmp_path)
    with open_raster(str(tmp_path / "region.tif")) as raster:
        columns = 1 + max(spec.window.col for spec in specs)
        rows = 1 + max(spec.window.row for spec in specs)
        assert columns * rows == len(specs) > 6
        if trait == "striped":
            assert raster.has_stripes
        else:
            monkeypatch.setattr(type(raster), "has_stripes", False)
        chunks = make_chunks(raster, specs[::-1], workers=3)
    assert sorted(spec.tile_id for chunk in chunks for spec in chunk) == sorted(
        spec.tile_id for spec in specs
    )
    assert max(map(len, chunks)) - min(map(len, chunks)) <= 1
    for chunk in chunks:
        places = [(spec.window.row, spec.window.col) for spec in chunk]
        assert places == sorted(places)
        if trait == "utm":
            assert len({col for _, col in places}) <= max(2, cache_columns)


def test_no_tiles_are_no_chunks(tmp_path: Path) -> None:
    _job(tmp_path)
    with open_raster(str(tmp_path / "region.tif")) as raster:
        assert make_chunks(raster, [], workers=2) == []


@pytest.mark.parametrize("workers", [1, 4])
def test_every_tile_is_reported_once(tmp_path: Path, workers: int) -> None:
    job, specs = _job(tmp_path)
    batches = list(cut_raster(job, [[spec] for spec in specs], workers=workers))
    found = sorted(outcome.tile_id for batch in batches for outcome in batch)
    assert found == sorted(spec.tile_id for spec in specs)
    assert len(found) > 4


def test_nothing_to_cut_is_nothing_reported(tmp_path: Path) -> None:
    assert list(cut_raster(_job(tmp_path)[0], [], workers=2)) == []


def test_an_error_is_raised_after_what_was_done_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, specs = _job(tmp_path)

    def fail_at_the_third(job: RasterJob, raster: object, spec: TileSpec) -> Outcome:
        if spec is specs[2]:
            raise RasterError("the disk is full")
        return Outcome(spec.tile_id)

    monkeypatch.setattr(cutting, "_cut_tile", fail_at_the_third)
    done: list[str] = []
    outcomes = (each for batch in cut_raster(job, [specs], workers=1) for each in batch)
    with pytest.raises(RasterError, match="the disk is full"):
        done.extend(outcome.tile_id for outcome in outcomes)
    assert done == [spec.tile_id for spec in specs[:2]]


def test_threads_stop_when_nobody_listens_any_more(tmp_path: Path) -> None:
    job, specs = _job(tmp_path)
    batches = cut_raster(job, [[spec] for spec in specs], workers=1)
    next(batches)
    batches.close()
    assert job.stop.is_set()
