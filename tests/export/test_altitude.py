"""Claims about heights above the sea that an elevation model adds afterwards."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

from geoloc.errors import RasterError
from geoloc.export.altitude import ELLIPSOID, with_altitudes
from geoloc.export.camera_view import NO_TERRAIN
from geoloc.export.job import export_results
from geoloc.options import ExportOptions
from geoloc.results.solved_camera import control_points
from geoloc.terrain.terrain import open_terrain
from tests.fixtures.located import POSITION, located, with_points

PIXELS = np.array([[10.0, 20.0], [390.0, 30.0]])


@pytest.fixture
def dem(tmp_path: Path) -> Path:
    """A level of 250 m for a kilometre around the photo."""
    transform = Affine(0.001, 0, POSITION.lon - 0.005, 0, -0.001, POSITION.lat + 0.005)
    heights = np.full((1, 10, 10), 250, np.float32)
    with rasterio.open(
        tmp_path / "dem.tif",
        "w",
        driver="GTiff",
        width=10,
        height=10,
        count=1,
        dtype="float32",
        crs="EPSG:4326",
        transform=transform,
    ) as dataset:
        dataset.write(heights)
    return tmp_path / "dem.tif"


def test_a_camera_is_as_high_as_its_ground_and_its_height_above_it(dem: Path) -> None:
    terrain = open_terrain(dem)
    row = with_points(located(altitude_m=None), PIXELS, altitude_m=None)
    found = with_altitudes(row, terrain)
    assert found.altitude_m == pytest.approx(350.0)
    assert [point.altitude_m for point in control_points(found.control_points)] == [250.0, 250.0]
    stated = with_altitudes(with_points(located(), PIXELS, altitude_m=1.0), terrain)
    assert stated.altitude_m == 340.0
    assert [point.altitude_m for point in control_points(stated.control_points)] == [1.0, 1.0]


def test_what_no_model_knows_stays_unknown(dem: Path) -> None:
    terrain = open_terrain(dem)
    assert with_altitudes(located(altitude_m=None, longitude=0.0), terrain).altitude_m is None
    assert with_altitudes(located(longitude=None, latitude=None), terrain).altitude_m == 340.0


def test_an_export_takes_an_elevation_model(dem: Path, tmp_path: Path) -> None:
    row = located("a.jpg", altitude_m=None)
    without = export_results([row], "geo-txt", tmp_path / "without.txt")
    report = export_results([row], "geo-txt", tmp_path / "geo.txt", ExportOptions(dem=(str(dem),)))
    assert float((tmp_path / "geo.txt").read_text().splitlines()[1].split()[3]) == 350.0
    assert without.notes == [NO_TERRAIN]
    assert NO_TERRAIN not in report.notes
    assert ELLIPSOID not in report.notes
    with pytest.raises(RasterError):
        export_results(
            [row], "geo-txt", tmp_path / "no.txt", ExportOptions(dem=(str(tmp_path / "no.tif"),))
        )
