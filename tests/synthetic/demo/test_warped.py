"""The banner of the demo's picture: a photo on its own, and laid over the map in its place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from affine import Affine

from geoloc.geometry.camera import Pose
from geoloc.geometry.crs import as_crs, from_lonlat
from geoloc.synthetic.demo.warped import HEIGHT_PX, draw_banner
from geoloc.synthetic.world.world import MapPicture
from tests.fixtures.coordinate_photos import located_photo
from tests.fixtures.located import POSITION

UTM = as_crs("EPSG:32651")


def _chart() -> MapPicture:
    """A grey map of 300 m around the photos."""
    x, y = from_lonlat(UTM, np.array([POSITION]))[0]
    corner = Affine(1, 0, x - 150, 0, -1, y + 150)
    return MapPicture(np.full((300, 300, 3), 100, np.uint8), corner, UTM)


def test_the_most_oblique_photo_is_shown_and_laid_over_the_dimmed_map(tmp_path: Path) -> None:
    rows = [
        located_photo(tmp_path, "a.png", pose=Pose(0, -88, 0, 100)),
        located_photo(tmp_path, "b.png", pose=Pose(0, -75, 0, 100)),
    ]
    errors = {"a.png": 1.0, "b.png": 2.0}
    banner = draw_banner(_chart(), rows, errors, photos=tmp_path, width_px=1800)
    assert banner is not None
    assert banner.size == (1800, HEIGHT_PX)
    pixels = np.asarray(banner)
    assert (pixels[20, 745:760] == 55).all()  # the map at 0.55, beside the warped photo
    assert (pixels[270, 980] != 55).all()
    assert (pixels[:, :, 2] == 77).sum() > 100_000  # the blue of the photos: taken, and warped


def test_a_narrow_banner_has_no_picture_of_all(tmp_path: Path) -> None:
    row = located_photo(tmp_path, "a.png")
    banner = draw_banner(_chart(), [row], {"a.png": 1.0}, photos=tmp_path, width_px=576)
    assert banner is not None
    assert banner.size == (576, HEIGHT_PX)


def test_without_a_camera_near_the_truth_there_is_no_banner(tmp_path: Path) -> None:
    row = located_photo(tmp_path, "a.png")
    for each, error_m in ((row, 40.0), (row, None), (replace(row, pitch_deg=None), 1.0),
                          (replace(row, status="ambiguous"), 1.0)):  # fmt: skip
        found = draw_banner(_chart(), [each], {"a.png": error_m}, photos=tmp_path, width_px=576)
        assert found is None
