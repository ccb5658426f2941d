"""Claims about the places of detections."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from geoloc.geometry.camera import Pose
from geoloc.image_size import ImageSize
from geoloc.options import ProjectOptions
from geoloc.ortho.detections.detection import NORMALISED, Detection, box_corners
from geoloc.ortho.placing import PlacedObject, place_detections
from geoloc.results.schema import PhotoResult
from geoloc.results.solved_camera import solved_camera
from geoloc.terrain.terrain import open_terrain
from tests.fixtures.coordinate_photos import ground_of
from tests.fixtures.elevations import EAST, NORTH, ORIGIN, write_elevation
from tests.fixtures.located import HEIGHT_PX, WIDTH_PX, located

ROW = located(pose=Pose(40, -70, 3, 100))
BOX = box_corners(100, 50, 80, 60)


def _box(corners: np.ndarray = BOX, **columns: Any) -> Detection:
    return Detection("1", "a.jpg", "box", (corners,), "car", 0.9, **columns)


def _point(x: float, y: float, **columns: Any) -> Detection:
    return Detection("1", "a.jpg", "point", (np.array([[x, y]]),), **columns)


def _place(
    detection: Detection, row: PhotoResult = ROW, options: ProjectOptions | None = None, **more: Any
) -> PlacedObject:
    (placed,) = place_detections(row, [detection], options or ProjectOptions(), **more)
    return placed


def _expected(
    pixels: np.ndarray, row: PhotoResult = ROW, slope: tuple[float, float] = (0.0, 0.0)
) -> np.ndarray:
    solved = solved_camera(row)
    assert solved is not None
    return np.asarray(solved.frame.to_lonlat(ground_of(solved, np.asarray(pixels), slope)))


def test_a_box_is_the_ground_that_it_covers() -> None:
    placed = _place(_box())
    assert placed.error is None
    wanted = shapely.Polygon(_expected(BOX))
    assert placed.geometry is not None
    assert placed.geometry.symmetric_difference(wanted).area < 1e-6 * wanted.area
    solved = solved_camera(ROW)
    assert solved is not None
    assert placed.area_m2 == pytest.approx(shapely.Polygon(ground_of(solved, BOX)).area, rel=1e-6)
    middle = _expected(np.array([[140.0, 80.0]]))[0]
    assert (placed.longitude, placed.latitude) == pytest.approx(tuple(middle), abs=1e-9)


@pytest.mark.parametrize(("boxes", "pixel"), [("middle", (140, 80)), ("foot", (140, 110))])
def test_a_box_may_stand_for_a_point(boxes: Any, pixel: tuple[float, float]) -> None:
    placed = _place(_box(), options=ProjectOptions(boxes=boxes))
    assert placed.geometry is not None
    wanted = _expected(np.array([pixel]))[0]
    np.testing.assert_allclose(shapely.get_coordinates(placed.geometry)[0], wanted, atol=1e-9)


def test_shares_are_of_the_photos_sides() -> None:
    shares = BOX / [WIDTH_PX, HEIGHT_PX]
    placed, wanted = _place(_box(shares, size_px=NORMALISED)), _place(_box())
    assert placed.longitude == pytest.approx(wanted.longitude, abs=1e-9)


def test_pixels_of_a_smaller_photo_are_scaled() -> None:
    placed = _place(_box(BOX / 2, size_px=ImageSize(HEIGHT_PX // 2, WIDTH_PX // 2)))
    assert placed.longitude == pytest.approx(_place(_box()).longitude, abs=1e-9)


@pytest.mark.parametrize(
    ("rotation", "stored"), [(0, (30, 10)), (90, (10, 370)), (180, (370, 290)), (270, (290, 30))]
)
def test_pixels_of_a_stored_photo_are_turned(rotation: int, stored: tuple[float, float]) -> None:
    turned = replace(ROW, rotation=rotation)
    placed = _place(_point(*stored), turned, ProjectOptions(pixels="stored"))
    wanted = _expected(np.array([[30.0, 10.0]]))[0]
    assert (placed.longitude, placed.latitude) == pytest.approx(tuple(wanted), abs=1e-9)


def test_a_size_of_other_proportions_is_refused_with_advice() -> None:
    turned = replace(ROW, rotation=90)
    placed = _place(_box(size_px=ImageSize(WIDTH_PX, HEIGHT_PX)), turned)
    assert placed.geometry is None
    assert (
        placed.error
        == "its pixels are of 300 x 400, the photo is 400 x 300; --pixels stored may help"
    )


def test_relief_counts(tmp_path: Path) -> None:
    terrain = open_terrain(write_elevation(tmp_path / "dem.tif"))
    row = replace(ROW, longitude=ORIGIN.lon, latitude=ORIGIN.lat)
    placed = _place(_point(30, 10), row, terrain=terrain)
    wanted = _expected(np.array([[30.0, 10.0]]), row, (EAST, NORTH))[0]
    assert (placed.longitude, placed.latitude) == pytest.approx(tuple(wanted), abs=1e-6)


@pytest.mark.parametrize(
    ("pitch", "pixel", "reason"),
    [
        (-10, (200, 20), "above the horizon"),
        (-30, (200, 10), "past the reach of 200 m"),
        (-90, (200, 900), "outside of the photo, which is 400 x 300 px"),
    ],
)
def test_what_has_no_ground_is_refused(
    pitch: float, pixel: tuple[float, float], reason: str
) -> None:
    row = located(pose=Pose(0, pitch, 0, 100))
    placed = _place(_point(*pixel), row, ProjectOptions(reach=2))
    assert placed.geometry is None
    assert reason in str(placed.error)


def test_a_box_that_reaches_above_the_horizon_is_refused() -> None:
    placed = _place(_box(box_corners(10, 10, 50, 250)), located(pose=Pose(0, -20, 0, 100)))
    assert "reaches there" in str(placed.error)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (replace(ROW, status="rejected"), "its photo is rejected"),
        (replace(ROW, pitch_deg=None), "states no whole camera"),
        (replace(ROW, distortion="{"), "lens distortion"),
    ],
)
def test_a_photo_without_a_camera_places_nothing(row: PhotoResult, reason: str) -> None:
    assert reason in str(_place(_box(), row).error)


def test_what_was_damaged_stays_so() -> None:
    placed = _place(Detection("1", "a.jpg", "box", (), error="its line is none"))
    assert placed.error == "its line is none"


@pytest.mark.parametrize("corners", [BOX[:2], np.array([[5.0, 5.0], [9.0, 9.0], [7.0, 7.0]])])
def test_a_polygon_without_area_is_refused(corners: np.ndarray) -> None:
    placed = _place(Detection("1", "a.jpg", "polygon", (corners,)))
    assert "polygon has" in str(placed.error)


def test_an_object_across_the_antimeridian_is_cut_there() -> None:
    row = located(pose=Pose(0, -90, 0, 100), longitude=180.0 - 1e-7, latitude=-17.0)
    placed = _place(_box(box_corners(150, 100, 100, 100)), row)
    assert isinstance(placed.geometry, shapely.MultiPolygon)
    west, _, east, _ = placed.geometry.bounds
    assert (west, east) == (-180, 180)
    assert placed.area_m2 == pytest.approx(35 * 35, rel=0.01)
    assert placed.longitude is not None
    assert -180 <= placed.longitude < 180


def test_radii_hold_what_the_row_states() -> None:
    # 100 m above ground: a degree of tilt is 1.75 m in the middle, one way; so is a pixel 0.35 m.
    row = located(pose=Pose(0, -90, 0, 100), ce90_m=4.0, heading_sd=None, height_sd_m=None)
    alone = _place(_point(200, 150), row).ce90_m
    assert alone == pytest.approx(4.0 * np.hypot(1, 0.35 / (4.0 / 2.146)), rel=0.01)
    tilted = _place(_point(200, 150), replace(row, pitch_sd_deg=4.0)).ce90_m
    assert tilted == pytest.approx(12.0, rel=0.1)  # 1.645 x 7 m, and the rest


def test_errors_of_height_and_heading_grow_outwards() -> None:
    row = located(pose=Pose(0, -90, 0, 100), ce90_m=2.0, heading_sd=3.0, height_sd_m=5.0)
    middle, corner = (_place(_point(*at), row).ce90_m for at in ((200, 150), (0, 0)))
    assert middle is not None
    assert corner is not None
    # 87 m from the middle: 3 degrees are 4.6 m, 5 % are 4.4 m.
    assert corner == pytest.approx(np.hypot(middle, 4.5 * 2.146), rel=0.05)


def test_a_longer_lens_from_higher_up_is_in_the_radius() -> None:
    row = located(pose=Pose(0, -60, 0, 100), ce90_m=2.0)
    without = _place(_point(10, 10), row).ce90_m
    with_it = _place(_point(10, 10), replace(row, hfov_sd_deg=3.0)).ce90_m
    assert without is not None
    assert with_it is not None
    assert with_it > without + 1


def test_monte_carlo_agrees_with_the_radius() -> None:
    row = located(
        pose=Pose(30, -65, 2, 100), ce90_m=3.0, heading_sd=1.0, pitch_sd_deg=1.0, roll_sd_deg=0.7,
        height_sd_m=2.0, hfov_sd_deg=0.5,
    )  # fmt: skip
    detection = _point(100, 60)
    stated = _place(detection, row)
    solved = solved_camera(row)
    assert solved is not None
    rng = np.random.default_rng(3)
    away = []
    for _ in range(400):
        drawn = replace(
            row, **{name: getattr(row, name) + rng.normal(0, sd) for name, sd in (
                ("heading", 1.0), ("pitch_deg", 1.0), ("roll_deg", 0.7), ("height_m", 2.0),
                ("hfov_deg", 0.5))},
        )  # fmt: skip
        other = solved_camera(drawn)
        assert other is not None
        pixel = np.array([[100.0, 60.0]]) + rng.normal(0, 1, 2)
        shift = rng.normal(0, 3.0 / 2.146, 2)
        away.append(np.hypot(*(ground_of(other, pixel)[0] + shift - _metres(stated, row))))
    assert stated.ce90_m == pytest.approx(np.quantile(away, 0.9), rel=0.12)


def _metres(placed: PlacedObject, row: PhotoResult) -> np.ndarray:
    solved = solved_camera(row)
    assert solved is not None
    assert placed.longitude is not None
    assert placed.latitude is not None
    return solved.frame.from_lonlat(placed.longitude, placed.latitude)[0]


def test_without_an_accuracy_there_is_no_radius() -> None:
    placed = _place(_box(), replace(ROW, ce90_m=None, acc95_m=None))
    assert placed.error is None
    assert placed.ce90_m is None
