"""Claims about control points for QGIS's georeferencer, read by the rules of its own loader."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pyproj import CRS

from geoloc.errors import InputError
from geoloc.export.qgis_points import write_qgis_points
from geoloc.results.solved_camera import control_points
from tests.fixtures.located import located, with_points


def test_each_photo_gets_the_file_that_qgis_opens_with_it(tmp_path: Path) -> None:
    row = with_points(located("a.jpg"), np.array([[10.0, 20.0], [390.0, 30.0]]), altitude_m=None)
    report = write_qgis_points([row, located("b.jpg")], tmp_path / "points")
    assert report.written == [tmp_path / "points" / "a.jpg.points"]
    assert report.left_out == {"/photos/b.jpg": "it has no control points"}
    crs, head, *lines = report.written[0].read_text().splitlines()
    assert CRS.from_wkt(crs.removeprefix("#CRS: ")).to_epsg() == 4326
    assert head.split(",")[:5] == ["mapX", "mapY", "sourceX", "sourceY", "enable"]
    rows = [[float(part) for part in line.split(",")] for line in lines]
    expected = control_points(row.control_points)
    assert [each[:2] for each in rows] == [[point.lon, point.lat] for point in expected]
    assert [each[2:5] for each in rows] == [[10, -20, 1], [390, -30, 1]]


def test_no_points_at_all_is_an_error_and_no_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no photo has control points"):
        write_qgis_points([located()], tmp_path / "points")
    assert not (tmp_path / "points").exists()
