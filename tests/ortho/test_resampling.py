"""Claims about the pixels of a warped photo; their values are coordinates."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from geoloc.geometry.camera import Pose
from geoloc.geometry.crs import as_crs
from geoloc.geometry.terrain import TerrainGround
from geoloc.ortho.grid import WarpGrid, warp_grid
from geoloc.ortho.resampling import Resampler
from geoloc.ortho.view import PhotoView, photo_view
from geoloc.results.schema import PhotoResult
from geoloc.terrain.terrain import open_terrain
from tests.fixtures.coordinate_photos import METRES_A_LEVEL, coordinate_photo
from tests.fixtures.elevations import EAST, NORTH, ORIGIN, write_elevation
from tests.fixtures.located import located

UTM = as_crs("EPSG:32651")
PIXEL_M = 100 / (200 / np.tan(np.radians(35)))


def _warped(view: PhotoView, grid: WarpGrid, photo: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Colours and alpha of a whole grid."""
    rgb = np.zeros((grid.height_px, grid.width_px, 3), np.uint8)
    alpha = np.zeros(rgb.shape[:2], np.uint8)
    for block in Resampler(view, grid, photo).blocks():
        if block is not None:
            height, width = block.alpha.shape
            here = np.s_[block.row : block.row + height, block.column : block.column + width]
            rgb[here], alpha[here] = block.rgb, block.alpha
    return rgb, alpha


def _errors_m(view: PhotoView, grid: WarpGrid, rgb: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """By how many metres (N, 2) the values of pixels differ from where they lie."""
    xy = grid.centres(np.arange(grid.width_px), np.arange(grid.height_px))
    metres = view.solved.frame.from_crs(grid.crs, xy[:, 0], xy[:, 1])
    told = (rgb[..., :2].reshape(-1, 2).astype(float) - 128) * METRES_A_LEVEL
    return np.asarray((told - metres)[(alpha > 0).ravel()])


def _check(view: PhotoView, row: PhotoResult, crs: str, slope: tuple[float, float]) -> None:
    grid = warp_grid(view, as_crs(crs))
    rgb, alpha = _warped(view, grid, coordinate_photo(row, slope))
    errors = _errors_m(view, grid, rgb, alpha)
    assert len(errors) > 20_000
    # Levels are a metre apart, and the photo has pixels of a third of one.
    assert np.abs(errors).max() < 0.5 * METRES_A_LEVEL + PIXEL_M
    assert np.abs(errors.mean(axis=0)).max() < 0.1 * PIXEL_M
    assert set(np.unique(alpha)) == {0, 255}
    assert (rgb[alpha == 0] == 0).all()


@pytest.mark.parametrize("crs", ["EPSG:32651", "EPSG:4326", "EPSG:3857"])
@pytest.mark.parametrize("pose", [Pose(7, -90, 0, 100), Pose(40, -70, 3, 100)])
def test_each_pixel_shows_its_own_place(pose: Pose, crs: str) -> None:
    row = located(pose=pose)
    _check(photo_view(row, reach=1.2), row, crs, (0.0, 0.0))


def test_each_pixel_shows_its_own_place_on_a_slope(tmp_path: Path) -> None:
    terrain = open_terrain(write_elevation(tmp_path / "dem.tif"))
    row = located(pose=Pose(40, -70, 3, 100), longitude=ORIGIN.lon, latitude=ORIGIN.lat)
    _check(photo_view(row, reach=1.2, terrain=terrain), row, "EPSG:32633", (EAST, NORTH))


def test_blocks_do_not_show() -> None:
    row = located(pose=Pose(40, -75, 3, 100))
    view = photo_view(row, reach=4)
    grid = warp_grid(view, UTM, 0.2)
    assert grid.width_px > 512
    photo = coordinate_photo(row)
    rgb, alpha = _warped(view, grid, photo)
    errors = _errors_m(view, grid, rgb, alpha)
    assert np.abs(errors).max() < 0.5 * METRES_A_LEVEL + PIXEL_M
    assert len(errors) == pytest.approx((alpha > 0).sum())


def test_a_photo_that_was_read_smaller_lies_in_the_same_place() -> None:
    row = located(pose=Pose(40, -75, 3, 100))
    view = photo_view(row, reach=4)
    grid = warp_grid(view, UTM, 1.0)
    small = coordinate_photo(replace(row, photo_width=200, photo_height=150))
    rgb, alpha = _warped(view, grid, small)
    errors = _errors_m(view, grid, rgb, alpha)
    assert np.abs(errors.mean(axis=0)).max() < 0.1 * PIXEL_M


def test_a_coarse_grid_takes_the_mean_of_what_it_covers() -> None:
    row = located(pose=Pose(0, -90, 0, 100))
    view = photo_view(row, reach=4)
    checks = np.indices((300, 400)).sum(axis=0) % 2 * 255
    photo = np.repeat(checks[..., None], 3, axis=2).astype(np.uint8)
    rgb, alpha = _warped(view, warp_grid(view, UTM, 4 * PIXEL_M), photo)
    inner = rgb[3:-3, 3:-3][alpha[3:-3, 3:-3] > 0]
    assert np.abs(inner.astype(int) - 128).max() < 25


def test_ground_behind_a_wall_is_transparent() -> None:
    row = located(pose=Pose(0, -45, 0, 100))
    flat = photo_view(row, reach=4)
    heights = np.zeros((401, 401))
    north_m = 200 - np.arange(401)
    heights[(north_m > 99) & (north_m < 103)] = 40.0  # hides the ground from 103 to 165 m
    view = PhotoView(flat.solved, TerrainGround(heights, -200, 200, 1.0), flat.lens, 400)
    grid = warp_grid(flat, UTM, 0.5)
    _, alpha = _warped(view, grid, coordinate_photo(row))
    xy = grid.centres(np.arange(grid.width_px), np.arange(grid.height_px))
    metres = flat.solved.frame.from_crs(UTM, xy[:, 0], xy[:, 1])
    ahead, seen = metres[:, 1], (alpha > 0).ravel()
    middle = np.abs(metres[:, 0]) < 20
    assert not seen[middle & (ahead > 112) & (ahead < 158)].any()
    assert seen[middle & (ahead > 50) & (ahead < 95)].all()
    assert seen[middle & (ahead > 175) & (ahead < 190)].all()
