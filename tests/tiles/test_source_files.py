from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from geoloc.errors import RasterError
from geoloc.tiles.raster import PixelWindow, open_map_raster, open_raster
from geoloc.tiles.source_files import find_files
from tests.fixtures.mosaics import MOSAICS, vrt

_EAST = "parts/east.tif"


@pytest.fixture(params=MOSAICS)
def mosaic(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return MOSAICS[request.param](tmp_path)


def test_a_whole_mosaic_opens_and_shows_both_sources(mosaic: Path) -> None:
    with open_raster(mosaic) as raster:
        width = raster.frame.width_px
        west = raster.read_rgb(PixelWindow(8, 20, 32, 32), 32).pixels
        east = raster.read_rgb(PixelWindow(width - 40, 20, 32, 32), 32).pixels
    assert (west == 60).all()
    assert (east == 180).all()


def test_the_sources_of_a_mosaic_are_among_its_files(mosaic: Path, tmp_path: Path) -> None:
    found = find_files(str(mosaic))
    names = {Path(name).resolve() for name in found.files}
    assert {mosaic, tmp_path / "parts" / "west.tif", tmp_path / _EAST} <= names
    assert found.problems == ()


def test_a_missing_source_is_named_at_opening(mosaic: Path, tmp_path: Path) -> None:
    (tmp_path / _EAST).unlink()
    for _ in range(2):  # GDAL reports it once a process at most
        with (
            pytest.raises(RasterError, match=r"east\.tif is missing") as caught,
            open_raster(mosaic),
        ):
            pass
        assert caught.value.path == mosaic


def test_an_unreadable_source_is_named_with_the_reason(mosaic: Path, tmp_path: Path) -> None:
    (tmp_path / _EAST).write_bytes(b"II*\0" + bytes(100))
    with pytest.raises(RasterError, match=r"east\.tif cannot be read, which .*"):
        open_map_raster(mosaic)


def test_a_source_that_has_shrunk_is_named(tmp_path: Path) -> None:
    mosaic = vrt(tmp_path)
    small = vrt(tmp_path / "x", name="y.vrt").parent / _EAST
    import rasterio

    with rasterio.open(small) as old:
        profile = old.profile | {"width": 32, "height": 32, "blockxsize": 32, "blockysize": 32}
        pixels = old.read()[:, :32, :32]
    with rasterio.open(tmp_path / _EAST, "w", **profile) as new:
        new.write(pixels)
    with pytest.raises(RasterError, match=r"east\.tif has 32x32 pixels where 64x64 are expected"):
        open_map_raster(mosaic)


def test_a_source_missing_in_a_zip_is_named(tmp_path: Path) -> None:
    mosaic = vrt(tmp_path)
    archive = tmp_path / "map.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.write(mosaic, "mosaic.vrt")
        packed.write(tmp_path / "parts" / "west.tif", "parts/west.tif")
    with pytest.raises(RasterError, match=r"parts/east\.tif is missing"):
        open_map_raster(f"/vsizip/{archive}/mosaic.vrt")


def test_bare_pixels_that_end_early_are_named(tmp_path: Path) -> None:
    (tmp_path / "pixels.raw").write_bytes(bytes(40))
    path = tmp_path / "raw.vrt"
    path.write_text(
        '<VRTDataset rasterXSize="8" rasterYSize="8"><SRS>EPSG:32633</SRS>'
        "<GeoTransform>390000,2,0,5820000,0,-2</GeoTransform>"
        '<VRTRasterBand dataType="Byte" band="1" subClass="VRTRawRasterBand">'
        '<SourceFilename relativetoVRT="1">pixels.raw</SourceFilename>'
        "<ImageOffset>0</ImageOffset><PixelOffset>1</PixelOffset><LineOffset>8</LineOffset>"
        "</VRTRasterBand></VRTDataset>"
    )
    with pytest.raises(RasterError, match=r"pixels\.raw has 40 bytes where 64 are expected"):
        open_map_raster(path)


def test_many_missing_sources_are_counted(tmp_path: Path) -> None:
    mosaic = vrt(tmp_path)
    text = mosaic.read_text()
    for band in range(1, 4):
        text = text.replace("parts/east.tif", f"parts/{band}.tif", 1)
    mosaic.write_text(text)
    (tmp_path / "parts" / "west.tif").unlink()
    with pytest.raises(RasterError, match=r"missing.*; and 1 more; put them back"):
        open_map_raster(mosaic)


def test_a_vrt_in_words_that_only_gdal_reads_is_checked_too(tmp_path: Path) -> None:
    mosaic = vrt(tmp_path)
    mosaic.write_text(mosaic.read_text().replace('band="1"', "band=1"))
    (tmp_path / _EAST).unlink()
    with pytest.raises(RasterError, match=r"east\.tif is missing"):
        open_map_raster(mosaic)
