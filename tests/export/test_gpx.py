"""Claims about GPX, read by GDAL: photos with a time, in UTC and in its order."""

from __future__ import annotations

from pathlib import Path

import pyogrio
import pytest

from geoloc.errors import InputError
from geoloc.export.gpx import write_gpx
from tests.fixtures.located import POSITION, located


def test_photos_with_a_time_become_waypoints_and_a_track(tmp_path: Path) -> None:
    rows = [
        located("late.jpg", timestamp="2024-06-01T12:00:00.250+02:00"),
        located("a&<b>.jpg", timestamp="2024-06-01T09:30:00Z", altitude_m=None),
        located("none.jpg"),
    ]
    report = write_gpx(rows, tmp_path / "out.gpx")
    assert report.left_out == {"/photos/none.jpg": "it has no time"}
    assert (report.photos, report.notes) == (2, [])
    points = pyogrio.read_dataframe(tmp_path / "out.gpx", layer="waypoints")
    assert list(points["name"]) == ["a&<b>.jpg", "late.jpg"]
    assert [time.isoformat() for time in points["time"]] == [
        "2024-06-01T09:30:00+00:00",
        "2024-06-01T10:00:00.250000+00:00",
    ]
    assert (points.geometry.iloc[1].x, points.geometry.iloc[1].y) == tuple(POSITION)
    assert points["ele"].iloc[1] == 340.0
    assert "within 4.9 m (95 %)" in points["desc"].iloc[1]
    assert len(pyogrio.read_dataframe(tmp_path / "out.gpx", layer="track_points")) == 2


def test_times_without_a_zone_are_said_to_have_none(tmp_path: Path) -> None:
    report = write_gpx([located(timestamp="2024-06-01T12:00:00")], tmp_path / "out.gpx")
    assert "without a zone" in report.notes[0]
    assert "<time>2024-06-01T12:00:00.000Z</time>" in (tmp_path / "out.gpx").read_text()


def test_no_time_at_all_is_an_error_and_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no photo has a time"):
        write_gpx([located(timestamp="yesterday")], tmp_path / "out.gpx")
    assert not list(tmp_path.iterdir())


def test_gpxpy_reads_it(tmp_path: Path) -> None:
    gpxpy = pytest.importorskip("gpxpy")
    write_gpx([located(timestamp="2024-06-01T12:00:00Z")], tmp_path / "out.gpx")
    document = gpxpy.parse((tmp_path / "out.gpx").read_text())
    assert len(document.waypoints) == len(document.tracks[0].segments[0].points) == 1
