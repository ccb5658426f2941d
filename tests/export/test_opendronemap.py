"""Claims about ``geo.txt`` and ``gcp_list.txt``, read by the rules of OpenDroneMap's own parser."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from pyproj import CRS, Transformer

from geoloc.errors import InputError
from geoloc.export.attitude import body_angles
from geoloc.export.camera_view import NO_TERRAIN
from geoloc.export.opendronemap import MAP_ACCURACY, write_gcp_list, write_geo_txt
from geoloc.geometry.camera import Pose, rotation
from tests.fixtures.located import HEIGHT_PX, POSITION, WIDTH_PX, located, with_points

PIXELS = np.array([[10.0, 20.0], [390.0, 30.0], [200.0, 280.0]])


class GeoEntry(NamedTuple):
    """A line of ``geo.txt`` as OpenDroneMap takes it: angles in degrees, accuracies in metres."""

    x: float
    y: float
    z: float | None
    angles: tuple[float, ...] | None
    accuracies: tuple[float, ...] | None


class GcpEntry(NamedTuple):
    """A line of ``gcp_list.txt`` as OpenDroneMap takes it."""

    lonlat: tuple[float, float]
    z: float
    pixel: tuple[float, float]
    name: str


def _lines(path: Path) -> tuple[CRS, list[list[str]]]:
    """The CRS of the first line, and the parts of all others that are no comments."""
    first, *rest = (line.strip() for line in path.read_text().strip().split("\n"))
    words = first.split(" ")
    if words[:2] == ["WGS84", "UTM"]:
        south = " +south" if words[2][-1].upper() == "S" else ""
        crs = CRS.from_proj4(f"+proj=utm +zone={int(words[2][:-1])} +datum=WGS84{south}")
    else:
        assert first.lower().startswith("epsg:")
        crs = CRS.from_epsg(first.lower()[5:])
    return crs, [line.split() for line in rest if line and line[0] != "#"]


def _read_geo(path: Path) -> dict[str, GeoEntry]:
    crs, rows = _lines(path)
    assert crs.to_epsg() == 4326
    entries = {}
    for name, *parts in rows:
        numbers = [float(part) for part in parts]
        assert len(numbers) >= 2
        entries[name] = GeoEntry(
            numbers[0],
            numbers[1],
            numbers[2] if len(numbers) >= 3 else None,
            tuple(numbers[3:6]) if len(numbers) >= 6 else None,
            tuple(numbers[6:8]) if len(numbers) >= 8 else None,
        )
    return entries


def _read_gcp(path: Path) -> list[GcpEntry]:
    crs, rows = _lines(path)
    to_lonlat = Transformer.from_crs(crs, 4326, always_xy=True)
    entries = []
    for row in rows:
        x, y, z, px, py = (float(part) for part in row[:5])
        entries.append(GcpEntry(to_lonlat.transform(x, y), z, (px, py), row[5]))
    return entries


def test_geo_txt_holds_position_angles_and_accuracies_in_full(tmp_path: Path) -> None:
    report = write_geo_txt(
        [located("a.jpg"), located("b.jpg", Pose(0, -90, 0, 80))], tmp_path / "g"
    )
    entries = _read_geo(tmp_path / "g")
    a, b = entries["a.jpg"], entries["b.jpg"]
    assert (a.x, a.y, a.z) == (*POSITION, 340.0)
    assert a.angles == pytest.approx(body_angles(rotation(Pose(40, -70, 3, 100))), abs=1e-9)
    assert b.angles is not None
    assert b.angles[1:] == pytest.approx((0, 0), abs=1e-6)
    assert a.accuracies == pytest.approx((2.0, 3.0), abs=1e-5)  # standard deviations
    assert (report.photos, report.left_out, report.notes) == (2, {}, [])


def test_what_the_format_cannot_hold_is_left_out_with_the_reason(tmp_path: Path) -> None:
    rows = [
        located("a.jpg"),
        located("my photo.jpg"),
        located("street.jpg", pitch_deg=None),
        replace(located(), photo="/other/a.jpg"),
    ]
    report = write_geo_txt(rows, tmp_path / "geo.txt")
    assert list(_read_geo(tmp_path / "geo.txt")) == ["a.jpg"]
    assert "blank" in report.left_out["/photos/my photo.jpg"]
    assert "no camera" in report.left_out["/photos/street.jpg"]
    assert "same name" in report.left_out["/other/a.jpg"]


def test_heights_have_one_datum_and_say_which(tmp_path: Path) -> None:
    rows = [located("a.jpg"), located("b.jpg", altitude_m=None)]
    report = write_geo_txt(rows, tmp_path / "geo.txt")
    assert [entry.z for entry in _read_geo(tmp_path / "geo.txt").values()] == [100.0, 100.0]
    assert report.notes == [NO_TERRAIN]


def test_a_position_without_a_radius_has_no_accuracies(tmp_path: Path) -> None:
    write_geo_txt([located(ce90_m=None, acc95_m=None)], tmp_path / "geo.txt")
    assert _read_geo(tmp_path / "geo.txt")["a.jpg"].accuracies is None


def test_a_photo_on_its_side_has_the_angles_of_its_file(tmp_path: Path) -> None:
    """The file's upper edge is the upright photo's right edge, if it is turned clockwise."""
    nadir = Pose(100, -90, 0, 80)
    write_geo_txt([located("a.jpg", nadir, rotation=90)], tmp_path / "geo.txt")
    angles = _read_geo(tmp_path / "geo.txt")["a.jpg"].angles
    assert angles == pytest.approx((190, 0, 0), abs=1e-6)


def test_gcp_list_is_in_utm_with_pixels_from_the_first_centre(tmp_path: Path) -> None:
    row = with_points(located("a.jpg"), PIXELS, altitude_m=240.25)
    report = write_gcp_list([row], tmp_path / "gcp_list.txt")
    assert (tmp_path / "gcp_list.txt").read_text().startswith("WGS84 UTM 51N\n")
    entries = _read_gcp(tmp_path / "gcp_list.txt")
    assert [entry.pixel for entry in entries] == [tuple(pixel - 0.5) for pixel in PIXELS]
    assert {entry.name for entry in entries} == {"a.jpg"}
    assert {entry.z for entry in entries} == {240.25}
    for entry in entries:
        assert math.dist(entry.lonlat, POSITION) < 0.003
    assert MAP_ACCURACY in report.notes
    assert "3 control points, 0 of them in 3 photos or more" in report.notes[-1]


@pytest.mark.parametrize(
    ("rotation_deg", "expected"),
    [
        (90, (20, WIDTH_PX - 10)),
        (180, (WIDTH_PX - 10, HEIGHT_PX - 20)),
        (270, (HEIGHT_PX - 20, 10)),
    ],
)
def test_pixels_are_those_of_the_file(
    tmp_path: Path, rotation_deg: int, expected: tuple[float, float]
) -> None:
    row = with_points(located(rotation=rotation_deg), PIXELS[:1], altitude_m=1.0)
    write_gcp_list([row], tmp_path / "gcp_list.txt")
    assert _read_gcp(tmp_path / "gcp_list.txt")[0].pixel == (expected[0] - 0.5, expected[1] - 0.5)


def test_a_point_in_several_photos_is_one_point(tmp_path: Path) -> None:
    rows = [
        replace(with_points(located(), PIXELS, altitude_m=240.0), photo=f"/photos/{name}.jpg")
        for name in "abc"
    ]
    report = write_gcp_list(rows, tmp_path / "gcp_list.txt")
    assert len({entry.lonlat for entry in _read_gcp(tmp_path / "gcp_list.txt")}) == 3
    assert "3 control points, 3 of them in 3 photos" in report.notes[-1]


def test_without_a_terrain_all_points_are_level(tmp_path: Path) -> None:
    rows = [
        with_points(located("a.jpg"), PIXELS, altitude_m=240.0),
        with_points(located("b.jpg"), PIXELS, altitude_m=None),
    ]
    report = write_gcp_list(rows, tmp_path / "gcp_list.txt")
    assert {entry.z for entry in _read_gcp(tmp_path / "gcp_list.txt")} == {0.0}
    assert any("height 0" in note for note in report.notes)


def test_no_points_at_all_is_an_error_and_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no photo has control points"):
        write_gcp_list([located()], tmp_path / "gcp_list.txt")
    assert not list(tmp_path.iterdir())
