"""Claims about the file of a warped photo."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.enums import ColorInterp

from geoloc.errors import OptionError
from geoloc.geometry.crs import as_crs
from geoloc.ortho.geotiff import (
    KEY_TAG,
    check_creation,
    creation_options,
    read_warp,
    tags_text,
    write_warp,
)
from geoloc.ortho.grid import WarpGrid
from geoloc.ortho.resampling import Block

GRID = WarpGrid(as_crs("EPSG:32633"), Affine(0.5, 0, 400_000, 0, -0.5, 5_500_000), 1100, 600, 0.5)


def _block(column: int, row: int) -> Block:
    rgb = np.full((88, 512, 3), (10, 20, 30), np.uint8)
    return Block(column, row, rgb, np.full((88, 512), 255, np.uint8))


def _written(path: Path, *given: str) -> Path:
    blocks = [None, _block(0, 512), _block(512, 512)]
    facts = {KEY_TAG: "k", "ce90_m": 2.5, "gsd_m": 0.5, "tilt_deg": 3.0, "timestamp": None}
    write_warp(path, GRID, blocks, tags_text(facts), creation_options(given))
    return path


def test_it_is_a_cloud_optimized_geotiff_with_alpha(tmp_path: Path) -> None:
    with rasterio.open(_written(tmp_path / "a.tif")) as dataset:
        assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert dataset.overviews(1) == [2, 4]
        assert dataset.crs.to_epsg() == 32633
        assert dataset.transform == GRID.transform
        assert dataset.colorinterp[3] == ColorInterp.alpha
        pixels = dataset.read()
    assert pixels[:, 511, 0].tolist() == [0, 0, 0, 0]
    assert pixels[:, 512, 0].tolist() == [10, 20, 30, 255]
    assert pixels[:, 599, 1023].tolist() == [10, 20, 30, 255]
    assert pixels[:, 599, 1024].tolist() == [0, 0, 0, 0]


def test_its_header_is_read_back(tmp_path: Path) -> None:
    found = read_warp(_written(tmp_path / "a.tif"))
    assert found is not None
    assert (found.key, found.gsd_m, found.tilt_deg) == ("k", 0.5, 3.0)
    assert found.bounds == (400_000, 5_499_700, 400_550, 5_500_000)
    assert "timestamp" not in found.tags
    assert [each.name for each in tmp_path.iterdir()] == ["a.tif"]


def test_what_is_no_geotiff_has_no_header(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_text("no")
    assert read_warp(tmp_path / "a.tif") is None


def test_what_fails_halfway_leaves_nothing(tmp_path: Path) -> None:
    def broken() -> object:
        yield _block(0, 512)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_warp(tmp_path / "a.tif", GRID, broken(), {}, creation_options(()))  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_another_compression_may_be_chosen(tmp_path: Path) -> None:
    with rasterio.open(_written(tmp_path / "a.tif", "COMPRESS=LZW")) as dataset:
        assert dataset.profile["compress"] == "lzw"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("COMPRESS", "is not KEY=VALUE"),
        ("TILING_SCHEME=GoogleMapsCompatible", "choose"),
        ("COMPRESS=NONSENSE", "gdalinfo --format COG"),
        ("NONSENSE=1", "gdalinfo --format COG"),
    ],
)
def test_unknown_creation_options_are_refused(given: str, reason: str) -> None:
    with pytest.raises(OptionError, match=reason):
        check_creation([given])
