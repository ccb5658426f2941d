"""Opening rasters: placed, warped or refused."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.enums import ColorInterp

from geoloc.errors import CrsError, RasterError
from geoloc.tiles.raster import PixelWindow, open_map_raster, open_raster
from geoloc.tiles.sources.files import expand_rasters
from tests.fixtures import rasters

HERE = Affine(2, 0, 390000, 0, -2, 5820000)
UTM = {"crs": "EPSG:32633", "transform": HERE}


def grey(value: float, dtype: str, side_px: int = 20) -> np.ndarray:
    return np.full((1, side_px, side_px), value, dtype=dtype)


def read_all(path: Path, side_px: int = 20) -> tuple[np.ndarray, np.ndarray]:
    with open_raster(path) as raster:
        tile = raster.read_rgb(PixelWindow(0, 0, side_px, side_px), side_px)
    return tile.pixels, tile.valid


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_a_raster_without_a_place_is_refused(tmp_path: Path) -> None:
    path = rasters.write_raster(tmp_path / "a.tif", grey(1, "uint8"))
    with pytest.raises(RasterError, match="geotransform"), open_raster(path):
        pass


def test_a_raster_without_a_crs_is_refused(tmp_path: Path) -> None:
    path = rasters.write_raster(tmp_path / "a.tif", grey(1, "uint8"), transform=HERE)
    with pytest.raises(CrsError, match=r"a\.tif has no CRS"), open_raster(path):
        pass


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_rpcs_alone_are_refused(tmp_path: Path) -> None:
    path = rasters.write_raster(tmp_path / "a.tif", grey(1, "uint8"))
    names = ("LINE_OFF", "SAMP_OFF", "LAT_OFF", "LONG_OFF", "HEIGHT_OFF", "LINE_SCALE",
             "SAMP_SCALE", "LAT_SCALE", "LONG_SCALE", "HEIGHT_SCALE")  # fmt: skip
    tags = dict.fromkeys(names, "1")
    for name in ("LINE_NUM", "LINE_DEN", "SAMP_NUM", "SAMP_DEN"):
        tags[f"{name}_COEFF"] = " ".join(["1"] * 20)
    with rasterio.open(path, "r+") as dataset:
        dataset.update_tags(ns="RPC", **tags)
    with pytest.raises(RasterError, match="orthorectify"), open_raster(path):
        pass


def test_what_is_no_raster_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_text("hello")
    with pytest.raises(RasterError, match="cannot open") as caught, open_raster(tmp_path / "a.tif"):
        pass
    assert "\n" not in str(caught.value)


def test_a_warped_raster_is_invalid_in_its_corners(tmp_path: Path) -> None:
    with open_raster(rasters.rotated_utm(tmp_path / "r.tif").path) as raster:
        assert raster.warped
        assert raster.transform.e < 0 < raster.transform.a
        side = raster.frame.width_px
        tile = raster.read_rgb(PixelWindow(0, 0, side, side), 64)
    assert not tile.valid[0, 0]
    assert tile.valid[32, 32]
    assert tile.valid.mean() == pytest.approx(0.535, abs=0.02)


def test_south_up_is_turned_exactly(tmp_path: Path) -> None:
    pixels, valid = read_all(rasters.south_up(tmp_path / "s.tif").path, rasters.SIDE_PX)
    assert valid.all()
    expected = np.moveaxis(rasters.coded_bands()[:, ::-1], 0, -1)
    assert np.array_equal(pixels, expected)


@pytest.mark.parametrize("trait", ["utm", "rotated_utm"])
def test_an_internal_mask_survives(tmp_path: Path, trait: str) -> None:
    path = rasters.PLACED[trait](tmp_path / "m.tif").path
    mask = np.ones((rasters.SIDE_PX, rasters.SIDE_PX), dtype=bool)
    mask[:, :120] = False
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "r+") as dataset:
        dataset.write_mask(mask)
    with open_raster(path) as raster:
        side = raster.frame.width_px
        tile = raster.read_rgb(PixelWindow(0, 0, side, side), side)
    assert (tile.pixels[tile.valid][:, 0] >= 119).all()
    assert tile.valid.sum() * abs(raster.transform.a) ** 2 == pytest.approx(120 * 240 * 4, rel=0.02)


def test_nodata_is_black_and_invalid(tmp_path: Path) -> None:
    bands = grey(200, "uint8")
    bands[0, :, :5] = 9
    pixels, valid = read_all(rasters.write_raster(tmp_path / "n.tif", bands, nodata=9, **UTM))
    assert valid.mean() == 0.75
    assert pixels[0, 0].tolist() == [0, 0, 0]
    assert pixels[0, 6].tolist() == [200, 200, 200]


def test_nodata_does_not_bleed_into_reduced_tiles(tmp_path: Path) -> None:
    bands = grey(200, "uint8")
    bands[0, :, :5] = 9
    path = rasters.write_raster(tmp_path / "n.tif", bands, nodata=9, **UTM)
    with open_raster(path) as raster:
        tile = raster.read_rgb(PixelWindow(0, 0, 20, 20), 8)
    assert set(tile.pixels[tile.valid].ravel()) == {200}


def test_an_alpha_of_zero_is_invalid(tmp_path: Path) -> None:
    bands = np.concatenate([rasters.coded_bands(20), grey(255, "uint8")])
    bands[3, :10] = 0
    path = rasters.write_raster(tmp_path / "a.tif", bands, photometric="RGB", alpha="YES", **UTM)
    _, valid = read_all(path)
    assert not valid[:10].any()
    assert valid[10:].all()


def test_grey_with_alpha_is_grey(tmp_path: Path) -> None:
    bands = np.concatenate([grey(90, "uint8"), grey(255, "uint8")])
    path = rasters.write_raster(tmp_path / "g.tif", bands, alpha="YES", **UTM)
    pixels, valid = read_all(path)
    assert valid.all()
    assert set(pixels.ravel()) == {90}


@pytest.mark.parametrize("dtype", ["uint16", "int16", "int32", "float32", "float64"])
def test_other_types_are_stretched_alike_wherever_they_are_read(tmp_path: Path, dtype: str) -> None:
    ramp = np.arange(400).reshape(1, 20, 20).astype(dtype)
    path = rasters.write_raster(tmp_path / "r.tif", ramp, **UTM)
    pixels, valid = read_all(path)
    with open_raster(path) as raster:
        part = raster.read_rgb(PixelWindow(5, 5, 10, 10), 10)
        assert raster.recipe.stretch is not None
        assert raster.recipe.stretch.low[0] == pytest.approx(7.98)
    assert valid.all()
    assert np.array_equal(part.pixels, pixels[5:15, 5:15])


def test_a_palette_is_looked_up(tmp_path: Path) -> None:
    path = tmp_path / "p.tif"
    profile = {"driver": "GTiff", "width": 20, "height": 20, "count": 1, "dtype": "uint8"}
    with rasterio.open(path, "w", **profile, **UTM) as out:
        out.write(grey(3, "uint8"))
        out.write_colormap(1, {3: (10, 20, 30, 255)})
    pixels, _ = read_all(path)
    assert pixels[4, 4].tolist() == [10, 20, 30]


def test_unusual_band_orders_are_read_by_name(tmp_path: Path) -> None:
    path = rasters.write_raster(tmp_path / "b.tif", rasters.coded_bands(20), **UTM)
    with rasterio.open(path, "r+") as dataset:
        dataset.colorinterp = [ColorInterp.blue, ColorInterp.green, ColorInterp.red]
    pixels, _ = read_all(path)
    assert pixels[2, 7].tolist() == [rasters.BLUE, 2, 7]


def test_what_lies_beyond_the_raster_is_invalid(tmp_path: Path) -> None:
    with open_raster(rasters.utm(tmp_path / "u.tif").path) as raster:
        tile = raster.read_rgb(PixelWindow(-60, -120, 240, 240), 120)
        outside = raster.read_rgb(PixelWindow(500, 0, 100, 100), 10)
    assert not tile.valid[:60].any()
    assert not tile.valid[:, :30].any()
    assert tile.valid[60:, 30:].all()
    assert not outside.valid.any()


def test_folders_globs_and_archives_give_their_rasters(tmp_path: Path) -> None:
    for name in ("b.tif", "a.TIFF", "notes.txt"):
        (tmp_path / name).write_bytes(b"x")
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.writestr("deep/c.tif", b"x")
    both = [str(tmp_path / "a.TIFF"), str(tmp_path / "b.tif")]
    inside = expand_rasters([str(tmp_path / "z.zip")])
    assert expand_rasters([str(tmp_path)]) == both + inside
    assert expand_rasters([str(tmp_path / "*.tif"), str(tmp_path / "b.tif")]) == both[1:]
    assert inside == [f"/vsizip/{tmp_path / 'z.zip'}/deep/c.tif"]
    assert expand_rasters([str(tmp_path / "*.ZIP")]) == inside
    assert expand_rasters([str(tmp_path / "*.TIF*")]) == both
    for address in ("/vsicurl/https://example.org/a.tif", "https://example.org/a.tif"):
        assert expand_rasters([address]) == [address]


def test_a_raster_in_an_archive_is_read(tmp_path: Path) -> None:
    path = rasters.utm(tmp_path / "u.tif").path
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.write(path, "u.tif")
    (inside,) = expand_rasters([str(tmp_path / "z.zip")])
    with open_raster(inside) as raster:
        assert raster.frame.width_px == rasters.SIDE_PX


@pytest.mark.parametrize("name", ["gone.tif", "none*.tif", "empty"])
def test_inputs_without_rasters_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(RasterError):
        expand_rasters([str(tmp_path / name)])


@pytest.mark.parametrize("name", ["pic.prj", "pic.png.prj"])
def test_a_prj_beside_a_picture_without_crs_is_mentioned(tmp_path: Path, name: str) -> None:
    picture = rasters.picture(tmp_path)
    (tmp_path / "pic.png.aux.xml").unlink()
    with pytest.raises(CrsError, match=r"has no CRS.*-a_srs EPSG:32633"):
        open_map_raster(picture)
    (tmp_path / name).write_text("PROJCS[]")
    with pytest.raises(CrsError, match=rf"{name} lies beside it, but .*-a_srs .*{name} .*pic\.png"):
        open_map_raster(picture)
