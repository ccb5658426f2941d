"""Claims about a photo without its lens's distortion."""

from __future__ import annotations

import numpy as np

from geoloc.geometry.camera import Camera
from geoloc.geometry.lens import PINHOLE, BrownLens
from geoloc.geometry.undistortion import undistort


def test_an_undistorted_photo_is_the_pinhole_s() -> None:
    rows, columns = np.mgrid[:120, :160]
    scene = np.stack([columns, rows, columns + rows], -1).astype(np.uint8)
    camera, lens = Camera(160, 120, 120.0), BrownLens(k1=-0.15)
    plane = (np.stack([columns.ravel(), rows.ravel()], 1) + 0.5 - [80, 60]) / 120
    source = lens.undistorted(plane) * 120 + [80, 60] - 0.5
    seen = np.clip(np.stack([source[:, 0], source[:, 1], source.sum(1)], 1), 0, 255)
    photo = seen.reshape(120, 160, 3).astype(np.uint8)
    found = undistort(photo, camera, lens).astype(int)
    inner = slice(20, 100), slice(25, 135)
    assert np.abs(found[inner] - scene[inner].astype(int)).max() <= 2
    assert undistort(photo, camera, PINHOLE) is photo
