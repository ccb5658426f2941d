"""Claims about elevation models of every kind as the ground under a photo."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.shutil import copy

from geoloc.errors import CrsError, RasterError
from geoloc.geometry.crs import LocalFrame, LonLat, from_lonlat
from geoloc.terrain import elevation_raster
from geoloc.terrain.elevation_raster import ElevationRaster
from geoloc.terrain.terrain import Terrain, open_terrain
from tests.fixtures.elevations import FRAME, HEIGHT_M, ORIGIN, plane_m, write_elevation

US_FOOT_M = 1200 / 3937
IN_FEET = "+proj=tmerc +lon_0=13 +units=us-ft +datum=WGS84"


def nodes(half_m: float = 280.0) -> np.ndarray:
    """Places (N, 2) in the frame, off the lattice of any raster."""
    places = np.linspace(-half_m, half_m, 13)
    return np.stack(np.meshgrid(places, places), -1).reshape(-1, 2)


def write_level(path: Path, *, pixel: float, side_px: int) -> Path:
    """A large tiled model of level ground, 240 m high."""
    x, y = (
        from_lonlat("EPSG:32633", np.array([ORIGIN]))[0] + np.array([-1, 1]) * pixel * side_px / 2
    )
    profile = {"driver": "GTiff", "count": 1, "width": side_px, "height": side_px, "tiled": True}
    place = {"crs": "EPSG:32633", "transform": rasterio.Affine(pixel, 0, x, 0, -pixel, y)}
    with rasterio.open(path, "w", dtype="int16", **profile, **place) as out:
        out.write(np.full((1, side_px, side_px), 240, "int16"))
    return path


def assert_shows_plane(terrain: Terrain, *, atol: float = 0.01) -> None:
    """The ground around `ORIGIN` is the fabricated plane."""
    ground = terrain.ground(FRAME, 300.0)
    assert ground is not None
    assert ground.base_m == pytest.approx(HEIGHT_M, abs=atol)
    np.testing.assert_allclose(ground.altitudes_m(nodes()), plane_m(nodes()), atol=atol)
    lonlat = FRAME.to_lonlat(nodes())
    np.testing.assert_allclose(terrain.altitudes_m(lonlat), plane_m(nodes()), atol=atol)


@pytest.mark.parametrize(
    ("crs", "pixel"),
    [
        ("EPSG:32633", 10.0),
        ("EPSG:32632", 10.0),  # turned by 6 degrees against north
        ("EPSG:4326", 1e-4),
        ("EPSG:3857", 15.0),
        (IN_FEET, 30.0),
        ("EPSG:32633+5773", 10.0),
    ],
)
def test_a_model_of_any_crs_is_sampled_where_it_lies(
    tmp_path: Path, crs: str, pixel: float
) -> None:
    if crs == "EPSG:2263":
        crs = "+proj=tmerc +lon_0=13 +units=us-ft +datum=WGS84"
    assert_shows_plane(open_terrain(write_elevation(tmp_path / "dem.tif", crs=crs, pixel=pixel)))


@pytest.mark.parametrize(("south_up", "turned_deg"), [(True, 0.0), (False, 30.0), (True, -100.0)])
def test_its_rows_may_lie_anyhow(tmp_path: Path, south_up: bool, turned_deg: float) -> None:
    path = write_elevation(tmp_path / "dem.tif", south_up=south_up, turned_deg=turned_deg)
    assert_shows_plane(open_terrain(path))


@pytest.mark.parametrize(
    ("unit", "metres"),
    [
        ("metre", 1.0),
        ("ft", 0.3048),
        ("US survey foot", US_FOOT_M),
        ("us-ft", US_FOOT_M),
        ("cm", 0.01),
    ],
)
def test_the_unit_of_the_band_counts(tmp_path: Path, unit: str, metres: float) -> None:
    path = write_elevation(tmp_path / "dem.tif", unit=unit, change=lambda h: h / metres)
    assert_shows_plane(open_terrain(path))


@pytest.mark.parametrize(("vertical", "metres"), [(6360, US_FOOT_M), (8228, 0.3048), (5703, 1.0)])
def test_so_does_that_of_the_vertical_crs(tmp_path: Path, vertical: int, metres: float) -> None:
    path = write_elevation(
        tmp_path / "dem.tif",
        crs=f"EPSG:32633+{vertical}",
        change=lambda h: h / metres,
        GEOTIFF_VERSION="1.1",
    )
    terrain = open_terrain(path)
    assert_shows_plane(terrain)
    assert terrain.reference == "sea"
    assert "NAVD88" in terrain.vertical


def test_the_unit_of_the_band_wins_over_that_of_the_crs(tmp_path: Path) -> None:
    path = write_elevation(tmp_path / "dem.tif", crs="EPSG:32633+6360", unit="metre")
    assert_shows_plane(open_terrain(path))


def test_an_unknown_unit_is_refused(tmp_path: Path) -> None:
    path = write_elevation(tmp_path / "dem.tif", unit="furlong")
    with pytest.raises(CrsError, match=r"dem\.tif: its band is in 'furlong'.*metre"):
        open_terrain(path)


def test_feet_on_the_ground_and_no_unit_of_heights_are_told(tmp_path: Path) -> None:
    path = write_elevation(tmp_path / "dem.tif", crs=IN_FEET, pixel=30)
    (note,) = open_terrain(path).notes
    assert "does not say in which unit its heights are" in note
    assert open_terrain(write_elevation(tmp_path / "other.tif")).notes == ()


def test_scale_and_offset_count(tmp_path: Path) -> None:
    path = write_elevation(
        tmp_path / "dem.tif",
        change=lambda h: (h - 100) / 0.01,
        dtype="int32",
        scale=0.01,
        offset=100.0,
    )
    assert_shows_plane(open_terrain(path), atol=0.02)


@pytest.mark.parametrize(
    ("crs", "reference"),
    [
        ("EPSG:32633", "sea"),
        ("EPSG:32633+5773", "egm96"),
        ("EPSG:32633+3855", "egm2008"),
        ("EPSG:25832+7837", "sea"),
        ("EPSG:4979", "ellipsoid"),
    ],
)
def test_what_heights_are_above_is_told_apart(tmp_path: Path, crs: str, reference: str) -> None:
    pixel = 1e-4 if crs == "EPSG:4979" else 10.0
    path = write_elevation(tmp_path / "dem.tif", crs=crs, pixel=pixel, GEOTIFF_VERSION="1.1")
    terrain = open_terrain(path)
    assert terrain.reference == reference
    assert_shows_plane(terrain)


def test_ellipsoid_and_sea_do_not_mix(tmp_path: Path) -> None:
    one = write_elevation(tmp_path / "one.tif", crs="EPSG:4979", pixel=1e-4, GEOTIFF_VERSION="1.1")
    other = write_elevation(tmp_path / "other.tif", crs="EPSG:32633+5773")
    with pytest.raises(
        CrsError, match=r"one\.tif are above the ellipsoid.*other\.tif above the sea"
    ):
        open_terrain([one, other])


def test_the_first_file_that_knows_a_place_wins(tmp_path: Path) -> None:
    def with_hole(heights: np.ndarray) -> np.ndarray:
        heights[:, 60:] = -9999
        return heights

    near = write_elevation(tmp_path / "near.tif", change=with_hole, nodata=-9999)
    far = write_elevation(
        tmp_path / "far.tif", crs="EPSG:4326", pixel=1e-4, change=lambda h: h + 50
    )
    ground = open_terrain([near, far]).ground(FRAME, 300)
    assert ground is not None
    expected = plane_m(nodes()) + np.where(nodes()[:, 0] > 5, 50, 0)
    clear = np.abs(nodes()[:, 0] - 5) > 20
    np.testing.assert_allclose(ground.altitudes_m(nodes())[clear], expected[clear], atol=0.01)


def test_tiles_that_abut_leave_no_gap(tmp_path: Path) -> None:
    west = write_elevation(tmp_path / "west.tif", shift=(-600, 0))
    east = write_elevation(tmp_path / "east.tif", shift=(600, 0))
    ground = open_terrain([west, east]).ground(FRAME, 300)
    assert ground is not None
    np.testing.assert_allclose(ground.altitudes_m(nodes()), plane_m(nodes()), atol=1.0)


@pytest.mark.parametrize("fill", [-9999.0, -32768.0, 3.4e38, np.nan])
@pytest.mark.parametrize("declared", [True, False])
def test_gaps_are_unknown_where_large_and_filled_where_small(
    tmp_path: Path, fill: float, declared: bool
) -> None:
    def with_gaps(heights: np.ndarray) -> np.ndarray:
        heights[50, :] = fill  # ten metres wide
        heights[80:, 80:] = fill
        return heights

    nodata = {"nodata": fill} if declared else {}
    path = write_elevation(tmp_path / "dem.tif", change=with_gaps, **nodata)
    ground = open_terrain(path).ground(FRAME, 400)
    assert ground is not None
    found = ground.altitudes_m(nodes())
    in_gap = (nodes()[:, 0] > 220) & (nodes()[:, 1] < -220)
    assert np.isnan(found[in_gap]).all()
    clear = (nodes()[:, 0] < 180) | (nodes()[:, 1] > -180)
    np.testing.assert_allclose(found[clear], plane_m(nodes())[clear], atol=0.5)


def test_where_nothing_is_known_there_is_no_ground(tmp_path: Path) -> None:
    terrain = open_terrain(write_elevation(tmp_path / "dem.tif"))
    elsewhere = LocalFrame(LonLat(14.4, 52.5))
    assert terrain.ground(elsewhere, 300) is None
    assert np.isnan(terrain.altitudes_m(np.array([[14.4, 52.5], [100, -30]]))).all()


def test_off_the_model_heights_are_unknown(tmp_path: Path) -> None:
    terrain = open_terrain(write_elevation(tmp_path / "dem.tif", shift=(600, 0)))
    ground = terrain.ground(FRAME, 300)
    assert ground is not None
    known = np.isfinite(ground.heights_m(nodes()))
    np.testing.assert_array_equal(known[nodes()[:, 0] > 10], True)
    np.testing.assert_array_equal(known[nodes()[:, 0] < -40], False)
    # The origin lies at its edge: z = 0 is there all the same.
    assert ground.base_m == pytest.approx(HEIGHT_M, abs=1.5)


def test_a_stated_base_is_kept(tmp_path: Path) -> None:
    ground = open_terrain(write_elevation(tmp_path / "dem.tif")).ground(FRAME, 100, 230.0)
    assert ground is not None
    assert ground.base_m == 230.0
    np.testing.assert_allclose(ground.heights_m(np.zeros((1, 2))), HEIGHT_M - 230, atol=0.01)


def test_a_fine_model_is_read_by_its_overviews(tmp_path: Path) -> None:
    """Those are spoilt on purpose: who reads them shows it."""
    path = write_level(tmp_path / "dem.tif", pixel=0.25, side_px=1024)
    with rasterio.open(path, "r+") as dataset:
        dataset.build_overviews([2, 4, 8])
    with rasterio.open(path, "r+", OVERVIEW_LEVEL=1) as overview:
        overview.write(overview.read() + 1000)
    terrain = open_terrain(path)
    for cell_m, expected_m in ((1.0, 1240.0), (0.25, 240.0)):
        ground = terrain.ground(FRAME, 100, cell_m=cell_m)
        assert ground is not None
        np.testing.assert_allclose(ground.altitudes_m(nodes(90)), expected_m)


def test_windows_are_read_once_for_neighbours_and_a_few_are_kept(tmp_path: Path) -> None:
    path = write_level(tmp_path / "dem.tif", pixel=1, side_px=2400)
    terrain = open_terrain(path)
    kept = terrain.rasters[0]._kept
    for shift_m in (0.0, 20.0, 40.0):
        frame = LocalFrame(LonLat(*FRAME.to_lonlat([[shift_m, 0]])[0]))
        assert terrain.ground(frame, 60) is not None
    assert len(kept) <= 2
    for shift_m in np.linspace(-1100, 1100, 60):
        terrain.altitudes_m(FRAME.to_lonlat([[shift_m, 0]]))
    assert len(kept) <= 8
    assert all(patch.heights_m.size <= 512 * 512 for patch in kept.values())


def test_places_far_apart_are_read_as_finely_as_near_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(elevation_raster, "_MOST_PX", 5000)
    monkeypatch.setattr(elevation_raster, "_LATTICE_PX", 16)
    path = write_elevation(tmp_path / "dem.tif", side_px=400)
    terrain = open_terrain(path)
    places = np.random.default_rng(2).uniform(-1900, 1900, (300, 2))
    found = terrain.altitudes_m(FRAME.to_lonlat(places))
    np.testing.assert_allclose(found, plane_m(places), atol=0.01)
    kept = terrain.rasters[0]._kept
    assert max(patch.heights_m.size for patch in kept.values()) < 15_000
    np.testing.assert_allclose(
        terrain.altitudes_m(FRAME.to_lonlat(places[:1])), plane_m(places[:1]), atol=0.01
    )


def test_several_threads_see_the_same_ground(tmp_path: Path) -> None:
    path = write_elevation(tmp_path / "dem.tif", side_px=120)
    terrain = open_terrain(path)
    frames = [LocalFrame(LonLat(*FRAME.to_lonlat([[x, x]])[0])) for x in np.linspace(-300, 300, 24)]

    def base_m(frame: LocalFrame) -> float:
        ground = terrain.ground(frame, 50)
        assert ground is not None
        return ground.base_m

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(base_m, frames))
    assert found == [base_m(frame) for frame in frames]


def test_a_vrt_works_and_one_with_a_hole_is_refused(tmp_path: Path) -> None:
    path = write_elevation(tmp_path / "dem.tif")
    copy(path, tmp_path / "dem.vrt", driver="VRT")
    assert_shows_plane(open_terrain(tmp_path / "dem.vrt"))
    path.unlink()
    with pytest.raises(RasterError, match=r"dem\.tif is missing"):
        open_terrain(tmp_path / "dem.vrt")


def test_a_model_across_the_antimeridian(tmp_path: Path) -> None:
    """Of the whole Earth: what lies west of 180 degrees is at its other end."""
    frame, path = LocalFrame(LonLat(180.0, -17.0)), tmp_path / "earth.tif"
    heights = np.tile(np.arange(3600) % 3600, (10, 1)).astype("float32")
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=1,
        width=3600,
        height=10,
        dtype="float32",
        crs="EPSG:4326",
        transform=rasterio.Affine(0.1, 0, -180, 0, -0.1, -16.5),
    ) as out:
        out.write(heights, 1)
    ground = open_terrain(path).ground(frame, 20_000, 0.0)
    assert ground is not None
    east, west = ground.heights_m(np.array([[12_000.0, 0], [-12_000.0, 0]]))
    assert 0 <= east <= 1
    assert 3598 <= west <= 3599


def test_degrees_may_count_from_0_to_360(tmp_path: Path) -> None:
    path = write_elevation(tmp_path / "dem.tif", crs="EPSG:4326", pixel=1e-4, shift=(360, 0))
    assert_shows_plane(open_terrain(path))


def picture(path: Path, count: int, dtype: str = "uint8", **more: object) -> Path:
    with rasterio.open(
        path, "w", driver="GTiff", count=count, width=8, height=8, dtype=dtype, **more
    ) as out:
        out.write(np.zeros((count, 8, 8), dtype))
    return path


PLACE = {"crs": "EPSG:32633", "transform": rasterio.Affine(1, 0, 390000, 0, -1, 5820000)}


def test_what_is_no_elevation_model_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(RasterError, match=r"rgb\.tif shows a picture, 3 bands of uint8; expected"):
        open_terrain(picture(tmp_path / "rgb.tif", 3, **PLACE))
    with pytest.raises(RasterError, match=r"deep\.tif shows a picture, 3 bands of uint16"):
        open_terrain(picture(tmp_path / "deep.tif", 3, "uint16", photometric="RGB", **PLACE))
    text = tmp_path / "notes.txt"
    text.write_text("no raster")
    with pytest.raises(RasterError, match=r"cannot open .*notes\.txt as an elevation model"):
        open_terrain(text)
    with pytest.raises(RasterError, match=r"cannot open .*none\.tif.*"):
        open_terrain(tmp_path / "none.tif")


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_without_place_or_crs_it_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(RasterError, match=r"bare\.tif has no place on the ground"):
        open_terrain(picture(tmp_path / "bare.tif", 1))
    path = picture(tmp_path / "dem.tif", 1, transform=PLACE["transform"])
    with pytest.raises(CrsError, match=r"dem\.tif: it has no CRS; expected one"):
        open_terrain(path)


def test_whether_it_is_of_a_surface_is_kept(tmp_path: Path) -> None:
    path = write_elevation(tmp_path / "dem.tif")
    assert open_terrain(path, surface=True).is_surface
    assert not open_terrain(path).is_surface
    assert FRAME.origin == ORIGIN


def test_heights_above_the_ellipsoid_become_heights_above_the_sea(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here the sea lies 40 m above the ellipsoid, and rises to the north."""

    def sea_m(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
        return 40 + 100 * (lat - ORIGIN.lat) + 0 * np.asarray(lon)

    monkeypatch.setattr("geoloc.terrain.terrain.geoid_heights_m", sea_m)
    wgs84 = {"crs": "EPSG:4979", "pixel": 1e-4, "GEOTIFF_VERSION": "1.1"}
    one = open_terrain(write_elevation(tmp_path / "one.tif", **wgs84))
    lowered = one.above_sea()
    lonlat = FRAME.to_lonlat(nodes())
    expected = plane_m(nodes()) - sea_m(*lonlat.T)
    assert (one.reference, lowered.reference) == ("ellipsoid", "egm96")
    np.testing.assert_allclose(lowered.altitudes_m(lonlat), expected, atol=0.02)
    ground = lowered.ground(FRAME, 300)
    assert ground is not None
    assert ground.base_m == pytest.approx(HEIGHT_M - 40, abs=0.02)
    np.testing.assert_allclose(ground.altitudes_m(nodes()), expected, atol=0.02)
    # Now it goes with what is above the sea, whose heights stay.
    other = open_terrain(write_elevation(tmp_path / "other.tif", change=lambda h: h + 500))
    assert other.above_sea() is other
    both = other.before(lowered)
    np.testing.assert_allclose(both.altitudes_m(lonlat), plane_m(nodes()) + 500, atol=0.02)
    np.testing.assert_allclose(lowered.before(other).altitudes_m(lonlat), expected, atol=0.02)


def test_of_many_files_only_those_that_may_show_a_place_are_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shifts = [(x, y) for x in (-1200, 0, 1200) for y in (-1200, 0, 1200)]
    paths = [
        write_elevation(tmp_path / f"{number}.tif", shift=shift, side_px=120)
        for number, shift in enumerate(shifts)
    ]
    asked: list[str] = []
    sample = ElevationRaster.sample

    def noted(raster: ElevationRaster, *args: object) -> np.ndarray:
        asked.append(Path(raster.name).stem)
        return sample(raster, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(ElevationRaster, "sample", noted)
    terrain = open_terrain(paths)
    corner = LocalFrame(LonLat(*FRAME.to_lonlat([[1150.0, 1150.0]])[0]))
    ground = terrain.ground(corner, 100)
    assert ground is not None
    np.testing.assert_allclose(
        ground.altitudes_m(np.array([[0.0, 0], [40, -30]])),
        plane_m(np.array([[1150.0, 1150], [1190, 1120]])),
        atol=0.1,
    )
    assert "8" in asked
    assert "0" not in asked
    # A fine model of elsewhere makes no ground finer than its own.
    fine = write_elevation(tmp_path / "fine.tif", shift=(3000, 0), pixel=1.0, side_px=60)
    assert open_terrain([paths[4], fine]).ground(FRAME, 300).cell_m > 3  # type: ignore[union-attr]


def test_a_folder_of_files_is_refused_with_advice(tmp_path: Path) -> None:
    with pytest.raises(RasterError, match=r"is a folder; expected a raster.*gdalbuildvrt"):
        open_terrain(tmp_path)
