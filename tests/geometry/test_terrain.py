"""Claims about ground with relief, against planes and ridges whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from geoloc.geometry.ground import FLAT_GROUND, Ground
from geoloc.geometry.terrain import TerrainGround

HALF_M = 200.0


def terrain(height_of: object, *, cell_m: float = 5.0, half_m: float = HALF_M) -> TerrainGround:
    """The terrain of a function of metres east and north."""
    places = np.arange(-half_m, half_m + cell_m / 2, cell_m)
    east, north = np.meshgrid(places, places[::-1])
    assert callable(height_of)
    heights = np.asarray(height_of(east, north), np.float64) + np.zeros_like(east)
    return TerrainGround(heights, -half_m, half_m, cell_m, base_m=100.0)


def fan(count: int, seed: int) -> np.ndarray:
    """Directions (N, 3), most of them downwards."""
    return np.random.default_rng(seed).normal(size=(count, 3)) - np.array([0, 0, 1.5])


def test_a_level_grid_equals_flat_ground_as_far_as_it_reaches() -> None:
    ground: Ground = terrain(lambda x, y: 0.0)
    origin, rays = np.array([10.0, -20, 60]), fan(3000, 1)
    expected = FLAT_GROUND.meet(origin, rays)
    expected[~(np.abs(expected[:, :2]) <= HALF_M).all(1)] = np.nan
    np.testing.assert_allclose(ground.meet(origin, rays), expected, atol=1e-6)
    np.testing.assert_array_equal(ground.heights_m(rays[:, :2]), 0)


slopes = st.floats(-0.8, 0.8)


@settings(deadline=None, max_examples=60)
@given(slopes, slopes, st.floats(-30, 30), st.floats(1, 300), st.integers(0, 1000))
def test_an_inclined_plane_is_met_where_algebra_says(
    east_slope: float, north_slope: float, level_m: float, above_m: float, seed: int
) -> None:
    ground = terrain(lambda x, y: level_m + east_slope * x + north_slope * y)
    origin = np.array([3.0, -7.0, 0.0])
    origin[2] = level_m + east_slope * origin[0] + north_slope * origin[1] + above_m
    rays = fan(50, seed)
    points = ground.meet(origin, rays)
    falling = east_slope * rays[:, 0] + north_slope * rays[:, 1] - rays[:, 2]
    expected = origin + (above_m / np.where(falling > 0, falling, np.nan))[:, None] * rays
    reach = np.abs(expected[:, :2]).max(1)
    inside, outside = reach < HALF_M - 1e-6, ~(reach <= HALF_M + 1e-6)
    np.testing.assert_allclose(points[inside], expected[inside], atol=1e-5)
    assert np.isnan(points[outside]).all()


def test_between_nodes_the_ground_is_bilinear() -> None:
    ground = TerrainGround(np.array([[0.0, 10], [20, 50]]), 100, 40, 10)
    xy = np.array([[100, 40], [110, 40], [100, 30], [110, 30], [105, 35], [102.5, 40], [99, 35]])
    np.testing.assert_allclose(ground.heights_m(xy), [0, 10, 20, 50, 20, 2.5, np.nan])
    np.testing.assert_allclose(ground.altitudes_m(xy[:1]), [0.0])


def test_a_ridge_hides_what_lies_behind_it() -> None:
    ground = terrain(lambda x, y: np.maximum(0, 40 - 2 * np.abs(x - 50)))
    origin = np.array([-100.0, 0, 60])
    # Towards the level ground beyond: the line of sight would be at 10 m where the crest is.
    hidden, free = np.array([[80.0, 0, 0]]) - origin, np.array([[-50.0, 0, 0]]) - origin
    over = np.array([[100.0, 0, 41.0]]) - origin  # above the crest, and off the grid
    points = ground.meet(origin, np.vstack([hidden, free, over]))
    assert 30 < points[0, 0] < 50, "the near side of the ridge"
    np.testing.assert_allclose(points[0, 2], 40 - 2 * (50 - points[0, 0]))
    np.testing.assert_allclose(points[1], [-50, 0, 0], atol=1e-6)
    np.testing.assert_allclose(np.cross(points[0] - origin, hidden[0]), 0, atol=1e-4)
    assert np.isnan(points[2]).all()


def test_the_first_of_several_hills_is_met() -> None:
    ground = terrain(lambda x, y: 15 * np.sin(x / 12) * np.cos(y / 17), cell_m=2.0)
    origin, rays = np.array([0.0, 0, 25]), fan(400, 3)
    points = ground.meet(origin, rays)
    known = np.isfinite(points).all(1)
    assert known.sum() > 250
    np.testing.assert_allclose(ground.heights_m(points[known, :2]), points[known, 2], atol=1e-6)
    # No point of the line of sight before it lies under the ground.
    for share in np.linspace(0.01, 0.99, 25):
        before = origin + share * (points[known] - origin)
        assert (before[:, 2] >= ground.heights_m(before[:, :2]) - 1e-3).all()


def test_of_a_surface_with_walls_not_even_a_corner_is_missed() -> None:
    """Against steps of five centimetres: a ray may clip a corner and leave it again."""
    rng = np.random.default_rng(4)
    grid = np.zeros((61, 61))
    for row, col, high_m in rng.integers((2, 2, 3), (58, 58, 20), (60, 3)):
        grid[row : row + rng.integers(1, 5), col : col + rng.integers(1, 5)] = high_m
    ground = TerrainGround(grid, -30.0, 30.0, 1.0)
    origin, rays = np.array([3.3, 4.1, 25]), rng.normal(size=(400, 3))
    rays[:, 2] = -0.5 * np.abs(rays[:, 2]) - 0.4
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    steps = np.arange(0, 45, 0.05)
    walked = origin + steps[:, None, None] * rays
    under = walked[..., 2] <= ground.heights_m(walked[..., :2].reshape(-1, 2)).reshape(-1, 400)
    expected_m = np.where(under.any(0), steps[under.argmax(0)], np.nan)
    found_m = np.linalg.norm(ground.meet(origin, rays) - origin, axis=1)
    both = np.isfinite(expected_m)
    assert both.sum() > 150
    np.testing.assert_allclose(found_m[both], expected_m[both], atol=0.051)
    assert (np.isnan(found_m[~both]) | (found_m[~both] > 44.9)).all()


def test_rays_that_end_in_a_gap_meet_nothing_and_pass_over_it_where_they_can() -> None:
    def with_gap(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.where((x > 20) & (x < 80), np.nan, 0.0 * x)

    ground, origin = terrain(with_gap), np.array([0.0, 0, 50])
    ends = np.array([[10.0, 0, 0], [50.0, 0, 0], [100.0, 0, 0], [18.0, 0, 0]])
    points = ground.meet(origin, ends - origin)
    np.testing.assert_allclose(points[[0, 2, 3]], ends[[0, 2, 3]], atol=1e-6)
    assert np.isnan(points[1]).all()


def test_straight_down_works_and_so_does_up() -> None:
    ground = terrain(lambda x, y: 0.25 * x)
    points = ground.meet(np.array([40.0, 3, 100]), np.array([[0.0, 0, -1], [0, 0, 1], [0, 0, 0]]))
    np.testing.assert_allclose(points[0], [40, 3, 10])
    assert np.isnan(points[1:]).all()


def test_from_under_the_ground_nothing_is_met() -> None:
    ground = terrain(lambda x, y: 10.0)
    assert np.isnan(ground.meet(np.array([0.0, 0, 5]), fan(20, 1))).all()


def test_from_beside_the_grid_it_is_met_inside_it() -> None:
    ground = terrain(lambda x, y: 0.0)
    origin = np.array([-300.0, 0, 100])
    ends = np.array([[-150.0, 10, 0], [-250.0, 0, 0]])
    points = ground.meet(origin, ends - origin)
    np.testing.assert_allclose(points[0], ends[0], atol=1e-6)
    assert np.isnan(points[1]).all()


def test_a_terrain_of_gaps_alone_is_met_nowhere() -> None:
    ground = terrain(lambda x, y: np.nan)
    assert np.isnan(ground.meet(np.array([0.0, 0, 50]), fan(20, 1))).all()


@pytest.mark.parametrize("cell_m", [0.5, 5.0])
def test_the_direction_has_any_length(cell_m: float) -> None:
    ground, rays = terrain(lambda x, y: 0.1 * x, cell_m=cell_m, half_m=50), fan(30, 5)
    origin = np.array([0.0, 0, 30])
    one, other = ground.meet(origin, rays), ground.meet(origin, 1000 * rays)
    np.testing.assert_allclose(one, other, atol=1e-6)


def test_rays_meet_hills_where_weitsicht_says() -> None:
    """Its patches are bilinear too, and its way through them another: solved cell by cell."""
    georef_array = pytest.importorskip("weitsicht.mapping.georef_array", exc_type=ImportError)
    ground = terrain(lambda x, y: 15 * np.sin(x / 12) * np.cos(y / 17), cell_m=2.0)
    corner = Affine(2.0, 0, -HALF_M - 1.0, 0, -2.0, HALF_M + 1.0)
    oracle = georef_array.MappingGeorefArray(ground.grid_m, corner, None)
    origin, rays = np.array([4.0, -7, 45]), fan(200, 7)
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    expected = oracle.map_coordinates_from_rays(rays, np.tile(origin, (len(rays), 1)))
    points = ground.meet(origin, rays)
    known = np.isfinite(points).all(1)
    assert known.sum() > 100
    np.testing.assert_array_equal(np.asarray(expected.mask), known)
    np.testing.assert_allclose(points[known], expected.coordinates[known], atol=1e-6)
