"""Which file of a raster has changed: sidecars, sources and members of archives too."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from PIL import Image

from geoloc.tiles import fingerprint
from geoloc.tiles.fingerprint import changed_file, marks_of
from tests.fixtures import rasters
from tests.fixtures.mosaics import MOSAICS
from tests.fixtures.rasters import write_raster

_STATISTICS = (
    "<PAMDataset><PAMRasterBand band='1'><Histograms><HistItem/></Histograms><Metadata>"
    "<MDI key='STATISTICS_MEAN'>3</MDI></Metadata></PAMRasterBand>{}</PAMDataset>"
)


def plain_map(folder: Path) -> Path:
    """A GeoTIFF that needs no sidecar."""
    place = Affine(2, 0, 390000, 0, -2, 5820000)
    bands = np.full((3, 64, 64), 90, np.uint8)
    return write_raster(folder / "map.tif", bands, crs="EPSG:32633", transform=place)


def change_after(path: Path, change: Callable[[], object]) -> str | None:
    """What is said of a raster after a change."""
    before = marks_of(str(path), path.parent)
    change()
    return changed_file(before, marks_of(str(path), path.parent), location=path.name)


@pytest.mark.parametrize(
    ("name", "sidecar"),
    [
        ("pic.png", "pic.pgw"),
        ("pic.png", "pic.png.aux.xml"),
        ("pic.jpg", "pic.jgw"),
        ("pic.tif", "pic.tfw"),
        ("pic.tif", "pic.tif.aux.xml"),
    ],
)
def test_a_changed_sidecar_is_named(tmp_path: Path, name: str, sidecar: str) -> None:
    path, file = rasters.picture(tmp_path, name), tmp_path / sidecar
    text = file.read_text().replace("390001", "390101").replace("33N", "33n")
    assert change_after(path, lambda: file.write_text(text)) == f"{sidecar} of {name} has changed"
    assert change_after(path, file.unlink) == f"{sidecar} of {name} is gone"


def test_overviews_and_masks_belong_to_a_raster(tmp_path: Path) -> None:
    path = plain_map(tmp_path)

    def add_overviews() -> None:
        half = np.full((32, 32, 3), 90, np.uint8)
        Image.fromarray(half).save(tmp_path / "map.tif.ovr", format="TIFF")

    assert change_after(path, add_overviews) == "map.tif.ovr of map.tif is new"
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open(path, "r+") as opened:
        opened.write_mask(np.ones((64, 64), bool))
    mask = tmp_path / "map.tif.msk"
    data = mask.read_bytes()
    assert change_after(path, lambda: mask.write_bytes(data[:-1] + b"\1")) == (
        "map.tif.msk of map.tif has changed"
    )


@pytest.mark.parametrize("make", MOSAICS.values(), ids=MOSAICS)
def test_a_changed_source_of_a_mosaic_is_named(
    make: Callable[[Path], Path], tmp_path: Path
) -> None:
    mosaic = make(tmp_path)
    source = tmp_path / "parts" / "east.tif"
    data = source.read_bytes()
    changed = data[:-9] + b"\1" + data[-8:]
    assert change_after(mosaic, lambda: source.write_bytes(changed)) == (
        f"east.tif of {mosaic.name} has changed"
    )
    assert change_after(mosaic, source.unlink) == f"east.tif of {mosaic.name} is gone"


def test_another_time_alone_changes_nothing(tmp_path: Path) -> None:
    path = rasters.picture(tmp_path)
    assert change_after(path, lambda: os.utime(path, (1, 1))) is None


def test_a_large_file_that_was_written_again_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fingerprint, "_WHOLE_BYTES", 10)
    path = rasters.picture(tmp_path)
    assert change_after(path, lambda: None) is None
    assert change_after(path, lambda: os.utime(path, (1, 1))) == "pic.png has been written again"


def test_a_look_in_qgis_changes_nothing(tmp_path: Path) -> None:
    path = plain_map(tmp_path)
    beside = tmp_path / "map.tif.aux.xml"
    assert change_after(path, lambda: beside.write_text(_STATISTICS.format(""))) is None
    nodata = "<PAMRasterBand band='2'><NoDataValue>9</NoDataValue></PAMRasterBand>"
    assert change_after(path, lambda: beside.write_text(_STATISTICS.format(nodata))) == (
        "map.tif.aux.xml of map.tif is new"
    )


def test_members_of_a_zip_are_compared_by_their_content(tmp_path: Path) -> None:
    rasters.picture(tmp_path)
    archive = tmp_path / "map.zip"

    def pack(place: str) -> None:
        (tmp_path / "pic.pgw").write_text(place)
        with zipfile.ZipFile(archive, "w") as packed:
            for name in ("pic.png", "pic.pgw", "pic.png.aux.xml"):
                packed.write(tmp_path / name, name)

    def marks() -> tuple[fingerprint.FileMark, ...]:
        return marks_of(f"/vsizip/{archive}/pic.png", tmp_path)

    pack(rasters.WORLD_FILE)
    before = marks()
    pack(rasters.WORLD_FILE)
    assert changed_file(before, marks(), location="pic.png") is None
    pack(rasters.WORLD_FILE.replace("390001", "390101"))
    assert changed_file(before, marks(), location="pic.png") == "pic.pgw of pic.png has changed"


def test_what_lies_on_a_server_has_no_marks(tmp_path: Path) -> None:
    assert marks_of("https://example.org/map.tif", tmp_path) == ()
    assert marks_of("/vsizip//vsicurl/https://example.org/map.zip/map.tif", tmp_path) == ()
