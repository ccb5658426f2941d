"""Claims about KMZ: what GDAL reads of it, its pictures, and where they lie on the ground."""

from __future__ import annotations

import zipfile
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pyogrio
import pytest
import shapely
from PIL import Image
from pyproj import Geod

from geoloc.export.kml import ground_corners, write_kmz
from geoloc.geometry.camera import Pose
from geoloc.progress import Silent
from geoloc.results.solved_camera import solved_camera
from tests.fixtures.located import POSITION, located
from tests.fixtures.photos import write_photo

_KML = "{http://www.opengis.net/kml/2.2}"
_GX = "{http://www.google.com/kml/ext/2.2}"


@pytest.fixture
def kmz(tmp_path: Path) -> Path:
    """A photo that looks down, one that looks ahead, and one whose file is gone."""
    rows = [
        located(str(write_photo(tmp_path / "a&b.jpg")), Pose(90, -90, 0, 100)),
        located(str(write_photo(tmp_path / "ahead.jpg")), Pose(40, -5, 0, 100), altitude_m=None),
        located(str(tmp_path / "gone.jpg"), ce90_m=None),
    ]
    report = write_kmz(rows, tmp_path / "out.kmz", progress=Silent())
    assert report.photos == 3
    assert report.notes == ["photos whose files cannot be read have no pictures"]
    return tmp_path / "out.kmz"


def test_gdal_reads_points_and_circles(kmz: Path) -> None:
    assert {"photos", "90 %"} <= {name for name, _ in pyogrio.list_layers(kmz)}
    photos = pyogrio.read_dataframe(kmz, layer="photos")
    assert list(photos["Name"]) == ["a&b.jpg", "ahead.jpg", "gone.jpg"]
    assert (photos.geometry[0].x, photos.geometry[0].y, photos.geometry[0].z) == (*POSITION, 340.0)
    assert photos.geometry[1].z == 100.0  # above the ground
    circles = pyogrio.read_dataframe(kmz, layer="90 %")
    assert len(circles) == 2
    away = Geod(ellps="WGS84").inv(
        *[np.full(73, value) for value in POSITION],
        *shapely.get_coordinates(circles.geometry[0])[:, :2].T,
    )[2]
    np.testing.assert_allclose(away, 4.291932, atol=1e-6)


def test_pictures_are_inside_and_lie_by_their_corners(kmz: Path) -> None:
    with zipfile.ZipFile(kmz) as archive:
        names = archive.namelist()
        root = ElementTree.fromstring(archive.read("doc.kml"))
        with archive.open("thumbnails/0.jpg") as stream, Image.open(stream) as image:
            assert image.size == (64, 48)
    assert "thumbnails/1.jpg" in names
    assert "thumbnails/2.jpg" not in names
    (overlay,) = root.iter(f"{_KML}GroundOverlay")  # one looks ahead, one has no file
    assert overlay.findtext(f"{_KML}Icon/{_KML}href") == "overlays/0.jpg"
    quad = overlay.findtext(f"{_GX}LatLonQuad/{_KML}coordinates")
    assert quad is not None
    lower_left, lower_right, *_ = [tuple(map(float, p.split(","))) for p in quad.split()]
    # Looking down with its upper edge to the east, the lower edge is west and runs to the south.
    assert lower_left[0] < POSITION.lon
    assert lower_right[0] == pytest.approx(lower_left[0], abs=1e-7)
    assert lower_left[1] > POSITION.lat > lower_right[1]


def test_a_photo_that_sees_the_horizon_has_no_corners() -> None:
    for pitch_deg, has_corners in ((-90.0, True), (-45.0, True), (-25.0, False), (0.0, False)):
        solved = solved_camera(located(pose=Pose(0, pitch_deg, 0, 50)))
        assert solved is not None
        assert (ground_corners(solved) is not None) == has_corners


def test_the_same_results_make_the_same_bytes(tmp_path: Path) -> None:
    rows = [located(str(write_photo(tmp_path / "a.jpg")))]
    for name in ("1.kmz", "2.kmz"):
        write_kmz(rows, tmp_path / name, progress=Silent())
    assert (tmp_path / "1.kmz").read_bytes() == (tmp_path / "2.kmz").read_bytes()
