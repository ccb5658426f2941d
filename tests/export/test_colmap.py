"""Claims about COLMAP's text model, by its own rules and, where it is there, by pycolmap."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from geoloc.arrays import Float64Array
from geoloc.export.camera_view import camera_views
from geoloc.export.colmap import OTHER_LENS, write_colmap
from geoloc.export.lens import distortion
from geoloc.export.report import ExportReport
from geoloc.geometry.camera import Pose
from geoloc.geometry.crs import LocalFrame, LonLat
from geoloc.results.solved_camera import control_points
from tests.fixtures.located import HEIGHT_PX, POSITION, WIDTH_PX, located, with_points

PIXELS = np.array([[10.0, 20.0], [390.0, 30.0], [200.0, 280.0]])


def _rows(path: Path) -> list[list[str]]:
    """The lines of a text model that are no comments; empty ones count."""
    lines = path.read_text().splitlines()
    return [line.split() for line in lines if not line.startswith("#")]


def _turn(w: float, x: float, y: float, z: float) -> Float64Array:
    """The rotation (3, 3) of a quaternion."""
    v = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.asarray(np.eye(3) + 2 * w * v + 2 * v @ v)


def test_a_ground_point_is_seen_where_the_photo_shows_it(tmp_path: Path) -> None:
    """Two photos, so that the frame's origin lies under neither."""
    row = with_points(located("a.jpg"), PIXELS, altitude_m=240.0)
    far = located("b.jpg", Pose(0, -90, 0, 80), longitude=POSITION.lon + 0.01)
    report = write_colmap([row, far], tmp_path / "sparse")
    assert [path.name for path in report.written] == ["cameras.txt", "images.txt", "points3D.txt"]
    number, model, width, height, *params = _rows(tmp_path / "sparse" / "cameras.txt")[0]
    assert (number, model, width, height) == ("1", "PINHOLE", str(WIDTH_PX), str(HEIGHT_PX))
    fx, fy, cx, cy = map(float, params)
    pose, points, *_ = _rows(tmp_path / "sparse" / "images.txt")
    assert (pose[0], pose[8:], points) == ("1", ["1", "a.jpg"], [])
    rotation, translation = _turn(*map(float, pose[1:5])), np.array(list(map(float, pose[5:8])))
    origin = LonLat(POSITION.lon + 0.005, POSITION.lat)
    known = control_points(row.control_points)
    ground = LocalFrame(origin).from_lonlat([p.lon for p in known], [p.lat for p in known])
    seen = np.column_stack([ground, np.full(3, 240.0)]) @ rotation.T + translation
    pixels = seen[:, :2] / seen[:, 2:] * [fx, fy] + [cx, cy]
    np.testing.assert_allclose(pixels, PIXELS, atol=0.01)


@pytest.mark.parametrize("rotation_deg", [90, 180, 270])
def test_a_photo_on_its_side_has_the_camera_of_its_file(tmp_path: Path, rotation_deg: int) -> None:
    row = with_points(located("a.jpg", rotation=rotation_deg), PIXELS, altitude_m=240.0)
    write_colmap([row], tmp_path / "sparse")
    _, _, width, height, fx, fy, cx, cy = _rows(tmp_path / "sparse" / "cameras.txt")[0]
    (view,) = camera_views([row], ExportReport())
    assert (int(width), int(height)) == (view.camera.width_px, view.camera.height_px)
    pose = list(map(float, _rows(tmp_path / "sparse" / "images.txt")[0][1:8]))
    known = control_points(row.control_points)
    ground = LocalFrame(POSITION).from_lonlat([p.lon for p in known], [p.lat for p in known])
    seen = np.column_stack([ground, np.full(3, 240.0)]) @ _turn(*pose[:4]).T + pose[4:]
    pixels = seen[:, :2] / seen[:, 2:] * [float(fx), float(fy)] + [float(cx), float(cy)]
    np.testing.assert_allclose(pixels, view.pixels(PIXELS), atol=0.01)


def test_photos_share_a_camera_where_it_is_the_same(tmp_path: Path) -> None:
    rows = [located("a.jpg"), located("b.jpg"), located("c.jpg", hfov_deg=50.0)]
    write_colmap(rows, tmp_path / "sparse")
    assert len(_rows(tmp_path / "sparse" / "cameras.txt")) == 2
    used = [row[8] for row in _rows(tmp_path / "sparse" / "images.txt") if row]
    assert used == ["1", "1", "2"]


def test_distortion_goes_into_the_model(tmp_path: Path) -> None:
    simple = '{"model":"brown","k1":-0.1,"k2":0.02,"p1":0.001,"p2":0.002}'
    rows = [
        located("a.jpg", distortion=simple),
        located("b.jpg", distortion=simple.replace("k2", "k3")),
        located("c.jpg", distortion='{"model":"fisheye","k1":1}'),
        located("d.jpg", distortion="{"),
    ]
    report = write_colmap(rows, tmp_path / "sparse")
    a, b, c = _rows(tmp_path / "sparse" / "cameras.txt")
    assert (a[1], a[8:]) == ("OPENCV", ["-0.1", "0.02", "0.001", "0.002"])
    assert (b[1], b[8:]) == (
        "FULL_OPENCV",
        ["-0.1", "0.0", "0.001", "0.002", "0.02", "0.0", "0.0", "0.0"],
    )
    assert c[1] == "PINHOLE"
    assert report.notes == [OTHER_LENS]


@pytest.mark.parametrize("rotation_deg", [0, 90, 180, 270])
def test_tangential_distortion_turns_with_the_picture(rotation_deg: int) -> None:
    stated = '{"model":"brown","k1":-0.1,"p1":0.01,"p2":0.03}'
    row = located(distortion=stated, rotation=rotation_deg)
    (view,) = camera_views([row], ExportReport())
    lens = distortion(view)
    assert lens is not None
    middle = view.pixels(np.array([[WIDTH_PX / 2, HEIGHT_PX / 2]]))

    def bent(x: float, y: float, p1: float, p2: float) -> Float64Array:
        r2 = x * x + y * y
        radial = 1 - 0.1 * r2
        return np.array(
            [
                x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x),
                y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y,
            ]
        )

    upright = np.array([0.3, -0.2])
    centre = np.array([WIDTH_PX / 2, HEIGHT_PX / 2])
    stored = (view.pixels((upright * 100 + centre)[None]) - middle)[0] / 100
    expected = (view.pixels((bent(*upright, 0.01, 0.03) * 100 + centre)[None]) - middle)[0] / 100
    np.testing.assert_allclose(bent(*stored, lens.p1, lens.p2), expected, atol=1e-12)


def test_pycolmap_reads_the_model(tmp_path: Path) -> None:
    pycolmap = pytest.importorskip("pycolmap")
    row = with_points(located("a.jpg"), PIXELS, altitude_m=240.0)
    write_colmap([row], tmp_path / "sparse")
    model = pycolmap.Reconstruction(str(tmp_path / "sparse"))
    (image,) = model.images.values()
    assert image.name == "a.jpg"
    np.testing.assert_allclose(image.projection_center(), [0, 0, 340.0], atol=1e-9)
    for pixel, point in zip(PIXELS, control_points(row.control_points), strict=True):
        x, y = LocalFrame(POSITION).from_lonlat(point.lon, point.lat)[0]
        seen = image.cam_from_world() * np.array([x, y, 240.0])
        camera = model.cameras[image.camera_id]
        np.testing.assert_allclose(camera.img_from_cam(seen), pixel, atol=0.01)
