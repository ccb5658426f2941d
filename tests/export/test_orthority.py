"""Claims about Orthority's parameters, by its own rules and, where it is there, by itself."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from pyproj import Transformer

from geoloc.arrays import Float64Array
from geoloc.export.orthority import write_orthority
from geoloc.results.solved_camera import control_points
from tests.fixtures.located import HEIGHT_PX, POSITION, WIDTH_PX, located, with_points

PIXELS = np.array([[10.0, 20.0], [390.0, 30.0], [200.0, 280.0]])


def _rotation(omega: float, phi: float, kappa: float) -> Float64Array:
    """Camera (x right, y up, z backwards) to world."""
    co, so, cp, sp = math.cos(omega), math.sin(omega), math.cos(phi), math.sin(phi)
    ck, sk = math.cos(kappa), math.sin(kappa)
    rx = np.array([[1, 0, 0], [0, co, -so], [0, so, co]])
    ry = np.array([[cp, 0, sp], [0, 1, 0], [-sp, 0, cp]])
    rz = np.array([[ck, -sk, 0], [sk, ck, 0], [0, 0, 1]])
    return np.asarray(rx @ ry @ rz)


def test_a_ground_point_in_utm_is_seen_where_the_photo_shows_it(tmp_path: Path) -> None:
    row = with_points(located("a.jpg"), PIXELS, altitude_m=240.0)
    report = write_orthority([row, located("b.jpg", hfov_deg=None)], tmp_path / "cameras.geojson")
    assert [path.name for path in report.written] == ["cameras.geojson", "cameras-interior.yaml"]
    document = json.loads((tmp_path / "cameras.geojson").read_text())
    assert document["world_crs"] == "EPSG:32651"
    (feature,) = document["features"]
    assert feature["geometry"]["coordinates"] == [*POSITION, 340.0]
    facts = feature["properties"]
    assert (facts["filename"], facts["camera"]) == ("a.jpg", "camera 1")
    known = control_points(row.control_points)
    to_utm = Transformer.from_crs(4326, 32651, always_xy=True)
    x, y = to_utm.transform([p.lon for p in known], [p.lat for p in known])
    away = np.column_stack([x, y, np.full(3, 240.0)]) - facts["xyz"]
    seen = away @ _rotation(*facts["opk"]) * [1, -1, -1]
    focal_px = WIDTH_PX / 2 / math.tan(math.radians(35))
    pixels = seen[:, :2] / seen[:, 2:] * focal_px + [WIDTH_PX / 2, HEIGHT_PX / 2]
    np.testing.assert_allclose(pixels, PIXELS, atol=0.3)  # UTM is a grid of another scale


def test_orthority_itself_reads_both_files(tmp_path: Path) -> None:
    param_io = pytest.importorskip("orthority.param_io")
    row = with_points(located("a.jpg"), PIXELS, altitude_m=240.0)
    bent = located("b.jpg", distortion='{"model":"brown","k1":-0.1,"k3":0.01}')
    write_orthority([row, bent], tmp_path / "cameras.geojson")
    interior = param_io.read_oty_int_param(tmp_path / "cameras-interior.yaml")
    exterior = param_io.OtyReader(tmp_path / "cameras.geojson").read_ext_param()
    assert exterior["b.jpg"]["camera"] == "camera 2"
    assert (interior["camera 2"]["k1"], interior["camera 2"]["k3"]) == (-0.1, 0.01)
    cameras = pytest.importorskip("orthority.camera")
    lens, pose = interior["camera 1"], exterior["a.jpg"]
    camera = cameras.PinholeCamera(
        lens["im_size"],
        lens["focal_len"],
        sensor_size=lens["sensor_size"],
        xyz=pose["xyz"],
        opk=pose["opk"],
    )
    known = control_points(row.control_points)
    to_utm = Transformer.from_crs(4326, 32651, always_xy=True)
    x, y = to_utm.transform([p.lon for p in known], [p.lat for p in known])
    seen = camera.world_to_pixel(np.array([x, y, [240.0] * 3])).T
    np.testing.assert_allclose(seen, PIXELS - 0.5, atol=0.3)  # its pixels count from a centre


def test_a_lens_that_bends_is_stated_with_its_coefficients(tmp_path: Path) -> None:
    bent = located("b.jpg", distortion='{"model":"brown","k1":-0.1,"k3":0.01}')
    write_orthority([bent], tmp_path / "cameras.geojson")
    stated = (tmp_path / "cameras-interior.yaml").read_text().split("\n")
    assert {"  type: brown", "  k1: -0.1", "  k3: 0.01", "  p2: 0.0"} <= set(stated)
