"""Claims about the reference for Metashape: one row a photo, in its columns."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from geoloc.export.metashape import write_reference_csv
from geoloc.geometry.camera import Pose
from tests.fixtures.located import POSITION, located


def test_a_row_has_place_angles_and_accuracies(tmp_path: Path) -> None:
    rows = [
        located("a,b.jpg", Pose(40, -60, 0, 100), pitch_sd_deg=0.7, roll_sd_deg=0.9),
        located("c.jpg", Pose(200, -90, 0, 100), ce90_m=None, acc95_m=None, heading_sd=None),
    ]
    report = write_reference_csv(rows, tmp_path / "reference.csv")
    crs, *lines = (tmp_path / "reference.csv").read_text().splitlines()
    assert "EPSG::4326" in crs
    a, c = csv.DictReader(lines)
    assert a["#Label"] == "a,b.jpg"
    assert (float(a["X/Longitude"]), float(a["Y/Latitude"])) == tuple(POSITION)
    assert float(a["Z/Altitude"]) == 340.0
    assert float(a["X_acc"]) == float(a["Y_acc"]) == pytest.approx(2.0, abs=1e-5)
    assert float(a["Z_acc"]) == 3.0
    assert [float(a[name]) for name in ("Yaw", "Pitch", "Roll")] == pytest.approx([40, 30, 0])
    assert [float(a[f"{name}_acc"]) for name in ("Yaw", "Pitch", "Roll")] == [0.5, 0.7, 0.9]
    assert [float(c[name]) for name in ("Yaw", "Pitch", "Roll")] == pytest.approx([200, 0, 0])
    assert (c["X_acc"], c["Yaw_acc"]) == ("", "")
    assert report.photos == 2
