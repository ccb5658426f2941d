"""The arithmetic of tiles on a raster."""

from __future__ import annotations

import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from geoloc.errors import CrsError, RasterError
from geoloc.geometry.crs import as_crs
from geoloc.tiles.grid import (
    GridOptions,
    RasterFrame,
    TileWindow,
    check_resolution,
    grid_rows,
    pixel_size_m,
)


def utm(width_px: int = 1000, height_px: int = 800, gsd_m: float = 1.0) -> RasterFrame:
    transform = Affine(gsd_m, 0, 500_000, 0, -gsd_m, 5_800_000)
    return RasterFrame(as_crs(32633), transform, width_px, height_px)


def windows(frame: RasterFrame, options: GridOptions) -> list[TileWindow]:
    return [window for row in grid_rows(frame, options) for window in row]


def test_the_last_row_and_column_end_at_the_edge() -> None:
    tiles = windows(utm(), GridOptions(300, 256, 0.0))
    assert max(t.col_off + t.width for t in tiles) == 1000
    assert max(t.row_off + t.height for t in tiles) == 800
    assert min(t.col_off for t in tiles) == min(t.row_off for t in tiles) == 0
    assert (max(t.row for t in tiles), max(t.col for t in tiles)) == (2, 3)


def test_a_raster_smaller_than_a_tile_lies_in_the_middle_of_one() -> None:
    (tile,) = windows(utm(100, 60), GridOptions(160, 256, 0.5))
    assert tile.col_off + tile.width / 2 == pytest.approx(50, abs=0.5)
    assert tile.row_off + tile.height / 2 == pytest.approx(30, abs=0.5)


def test_a_raster_of_exactly_one_tile_gives_one() -> None:
    # 0.9996 is the scale of UTM on its central meridian.
    assert len(windows(utm(1000, 1000, 0.9996), GridOptions(1000, 256, 0.5))) == 1


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(
    st.integers(200, 3000),
    st.integers(200, 3000),
    st.sampled_from([0.0, 0.25, 0.5, 0.75]),
    st.sampled_from([32633, 3857, 3035]),
)
def test_every_pixel_is_covered_and_no_tile_leaves_the_raster(
    width_px: int, height_px: int, overlap: float, epsg: int
) -> None:
    origin = {32633: (5e5, 5.8e6), 3857: (1.1e6, 8.3e6), 3035: (4.3e6, 3.2e6)}[epsg]
    transform = Affine(0.5, 0, origin[0], 0, -0.5, origin[1])
    frame = RasterFrame(as_crs(epsg), transform, width_px, height_px)
    tiles = windows(frame, GridOptions(40.0, 128, overlap))
    for offset, length, limit in (("col_off", "width", width_px), ("row_off", "height", height_px)):
        spans = sorted({(getattr(t, offset), getattr(t, length)) for t in tiles})
        reached = 0.0
        for start, extent in spans:
            assert start <= reached + 1
            reached = max(reached, start + extent)
        assert reached == pytest.approx(limit, abs=0.5)
        assert spans[0][0] >= 0


def test_mercator_is_cut_by_metres_on_the_ground() -> None:
    frame = RasterFrame(as_crs(3857), Affine(1, 0, 1_113_195, 0, -1, 8_399_738), 2000, 2000)
    (first, *_) = windows(frame, GridOptions(160, 256, 0.5))
    assert first.width == pytest.approx(320, abs=2)  # at 60 degrees north


def test_overlap_sets_the_stride() -> None:
    row = next(grid_rows(utm(), GridOptions(200, 256, 0.75)))
    assert row[1].col_off - row[0].col_off == pytest.approx(50, abs=1)


def test_a_grid_does_not_depend_on_what_lies_beyond() -> None:
    narrow = next(grid_rows(utm(1000), GridOptions(200, 256, 0.5)))
    wide = next(grid_rows(utm(1400), GridOptions(200, 256, 0.5)))
    assert [t.col_off for t in narrow[:5]] == pytest.approx([t.col_off for t in wide[:5]], abs=1)


def test_coarse_rasters_are_refused_with_the_size_that_would_do() -> None:
    check_resolution(utm(gsd_m=10.0), 161)
    with pytest.raises(RasterError, match="--ground-size 48"):
        check_resolution(utm(gsd_m=30.0), 160)


def test_a_raster_off_the_earth_is_refused() -> None:
    frame = RasterFrame(as_crs(4326), Affine(1, 0, 0, 0, -1, 300), 10, 10)
    with pytest.raises(CrsError, match="no place on the Earth"):
        pixel_size_m(frame)


def test_pixel_sizes_are_true_metres() -> None:
    assert pixel_size_m(utm(gsd_m=0.25)) == pytest.approx(0.25, rel=5e-4)
