"""The file of a tile: its place, pixels, mask and overview, whole or not at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

from geoloc.errors import OptionError
from geoloc.geometry.crs import as_crs
from geoloc.tiles.bands import RgbTile
from geoloc.tiles.tile_file import TileWriter
from tests.fixtures.full_disk import SMALL_DISK_BYTES

UTM = as_crs("EPSG:32633")
PLACE = Affine(2.0, 0, 390_000, 0, -2.0, 5_820_000)


def write_tile(path: Path, tile: RgbTile, options: tuple[str, ...] = ()) -> None:
    with TileWriter(UTM, len(tile.pixels), options) as writer:
        writer.write(path, tile, PLACE)


def _tile(side_px: int = 64) -> RgbTile:
    pixels = np.random.default_rng(0).integers(1, 255, (side_px, side_px, 3), dtype=np.uint8)
    return RgbTile(pixels, np.ones((side_px, side_px), bool))


def test_a_tile_is_written_with_its_place_and_pixels(tmp_path: Path) -> None:
    tile = _tile()
    write_tile(tmp_path / "new" / "a.tif", tile)
    with rasterio.open(tmp_path / "new" / "a.tif") as dataset:
        assert dataset.crs.to_epsg() == 32633
        assert dataset.transform == PLACE
        assert dataset.overviews(1) == [4]
        assert np.array_equal(dataset.read().transpose(1, 2, 0), tile.pixels)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.tif"]


def test_creation_options_reach_the_file_and_its_size(tmp_path: Path) -> None:
    tile, options = _tile(), ("COMPRESS=JPEG", "JPEG_QUALITY=50")
    write_tile(tmp_path / "a.tif", tile, options=options)
    with rasterio.open(tmp_path / "a.tif") as dataset:
        assert dataset.compression.name.upper() == "JPEG"
    size = (tmp_path / "a.tif").stat().st_size
    with TileWriter(UTM, 64, options) as writer:
        assert len(writer.encode(tile, PLACE)) == size


def test_the_overview_takes_no_more_room_than_its_pixels(tmp_path: Path) -> None:
    tile = _tile(256)
    sizes = []
    for name, side_px in (("with", 256), ("without", 257)):
        pixels = np.resize(tile.pixels, (side_px, side_px, 3))
        whole = RgbTile(pixels, np.ones((side_px, side_px), bool))
        path = tmp_path / f"{name}.tif"
        write_tile(path, whole, options=("COMPRESS=NONE",))
        sizes.append(path.stat().st_size)
    assert sizes[0] - sizes[1] < 1.1 * 64 * 64 * 3


def test_a_tile_with_holes_has_a_mask_and_an_overview_of_what_is_there(tmp_path: Path) -> None:
    tile = _tile()
    valid = np.arange(64) % 4 != 0
    holes = RgbTile(tile.pixels * valid[:, None], np.broadcast_to(valid, (64, 64)))
    write_tile(tmp_path / "a.tif", holes)
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
        write_tile(tmp_path / name, RgbTile(pixels, tile.valid))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("left", [0, 4096, 8192])
def test_a_tile_on_a_full_disk_is_no_success(small_disk: Path, left: int) -> None:
    (small_disk / "filler").write_bytes(bytes(SMALL_DISK_BYTES - left))
    path = small_disk / "a.tif"
    with pytest.raises(OSError, match=r"No space left.*a\.tif"):
        write_tile(path, _tile())
    assert [each.name for each in small_disk.iterdir()] == ["filler"]


def test_a_refused_option_leaves_no_file(tmp_path: Path) -> None:
    options = ("TILED=YES", "BLOCKXSIZE=17", "BLOCKYSIZE=17")
    with pytest.raises(OptionError, match="--co"):
        write_tile(tmp_path / "a.tif", _tile(), options=options)
    assert not list(tmp_path.iterdir())


def test_a_writer_keeps_nothing_of_the_tile_before(tmp_path: Path) -> None:
    tiles = [_tile(), _tile(), _tile()]
    tiles[1] = RgbTile(tiles[1].pixels // 2, np.tri(64, dtype=bool))
    tiles[2] = RgbTile(255 - tiles[2].pixels, tiles[2].valid)
    with TileWriter(UTM, 64) as writer:
        for number in (0, 1, 2, 0):
            place = Affine.translation(100 * number, 0) @ PLACE
            writer.write(tmp_path / f"{number}.tif", tiles[number], place)
    for number, tile in enumerate(tiles):
        with TileWriter(UTM, 64) as writer:
            alone = writer.encode(tile, Affine.translation(100 * number, 0) @ PLACE)
        assert (tmp_path / f"{number}.tif").read_bytes() == alone
