"""Claims about the pictures of all warped photos."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

from geoloc.geometry.crs import as_crs
from geoloc.ortho.geotiff import WarpFile, creation_options, read_warp, write_warp
from geoloc.ortho.grid import WarpGrid
from geoloc.ortho.mosaic import write_mosaics, write_tile_index
from geoloc.ortho.resampling import Block

SIDE_PX = 80


def _warp(
    folder: Path, name: str, *, grey: int, at: float = 0.0, tilt_deg: float = 0.0, crs: int = 32633
) -> WarpFile:
    """A square of one grey whose outer ring of four pixels is transparent."""
    corner = Affine(1, 0, 400_000 + at, 0, -1, 5_500_000)
    grid = WarpGrid(as_crs(f"EPSG:{crs}"), corner, SIDE_PX, SIDE_PX, 1.0)
    alpha = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
    alpha[4:-4, 4:-4] = 255
    rgb = np.where(alpha[..., None] > 0, np.uint8(grey), np.uint8(0)).repeat(3, axis=2)
    tags = {"tilt_deg": str(tilt_deg), "gsd_m": "1.0", "photo": f"/p/{name}.jpg", "ce90_m": "2.5"}
    path = folder / f"{name}.tif"
    write_warp(path, grid, [Block(0, 0, rgb, alpha)], tags, creation_options(()))
    found = read_warp(path)
    assert found is not None
    return found


def _row(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Red and alpha along the middle row."""
    with rasterio.open(path) as dataset:
        pixels = dataset.read()
    return pixels[0, SIDE_PX // 2], pixels[3, SIDE_PX // 2]


def test_the_more_nearly_nadir_photo_lies_on_top_and_centres_above_edges(tmp_path: Path) -> None:
    nadir = _warp(tmp_path, "b", grey=200, tilt_deg=1)
    tilted = _warp(tmp_path, "a", grey=100, at=40, tilt_deg=30)
    (path,) = write_mosaics(tmp_path, [nadir, tilted])
    assert path.name == "mosaic.vrt"
    red, alpha = _row(path)
    assert len(red) == 120
    assert (alpha[:4] == 0).all()
    assert (alpha[4:-4] == 255).all()
    assert (red[4:60] == 200).all()  # up to the end of its central half
    assert (red[60:100] == 100).all()  # the central half of the other, above the edge of this one
    assert (red[100:116] == 100).all()


def test_a_transparent_edge_leaves_what_lies_below(tmp_path: Path) -> None:
    below = _warp(tmp_path, "a", grey=100, tilt_deg=30)
    above = _warp(tmp_path, "b", grey=200, tilt_deg=1)
    (path,) = write_mosaics(tmp_path, [above, below])
    red, alpha = _row(path)
    assert (alpha[4:-4] == 255).all()
    assert (red[4:-4] == 200).all()


def test_each_crs_has_its_mosaic(tmp_path: Path) -> None:
    warps = [_warp(tmp_path, name, grey=9) for name in "ab"]
    warps.append(_warp(tmp_path, "c", grey=9, crs=32634))
    written = write_mosaics(tmp_path, warps)
    assert [path.name for path in written] == ["mosaic.vrt", "mosaic-epsg-32634.vrt"]
    with rasterio.open(written[1]) as dataset:
        assert dataset.crs.to_epsg() == 32634


def test_a_mosaic_moves_with_its_folder(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    write_mosaics(tmp_path / "old", [_warp(tmp_path / "old", "a", grey=100)])
    (tmp_path / "old").rename(tmp_path / "new")
    red, _ = _row(tmp_path / "new" / "mosaic.vrt")
    assert red[40] == 100


def test_the_tile_index_is_one_raster_with_the_best_on_top(tmp_path: Path) -> None:
    warps = [
        _warp(tmp_path, "a", grey=200, tilt_deg=1),
        _warp(tmp_path, "b", grey=100, at=20, tilt_deg=30),
    ]
    path = write_tile_index(tmp_path, warps)
    with rasterio.open(path) as dataset:
        assert dataset.driver == "GTI"
        assert dataset.crs.to_epsg() == 32633
        assert dataset.res == pytest.approx((1.0, 1.0), rel=1e-3)
    red, _ = _row(path)
    assert red[40] == 200
    assert red[-10] == 100


def test_the_tile_index_of_several_crs_is_in_degrees(tmp_path: Path) -> None:
    warps = [_warp(tmp_path, "a", grey=200), _warp(tmp_path, "b", grey=200, crs=32634)]
    with rasterio.open(write_tile_index(tmp_path, warps)) as dataset:
        assert dataset.crs.to_epsg() == 4326
