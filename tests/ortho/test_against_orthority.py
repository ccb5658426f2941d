"""Warped photos against those of orthority, of the same camera, photo and elevation model.

It is no dependency (its licence is the AGPL): the test looks for its command ``oty``.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest
import rasterio
from PIL import Image

from geoloc.export.orthority import write_orthority
from geoloc.geometry.camera import Pose
from geoloc.options import WarpOptions
from geoloc.ortho.job import warp_photos
from geoloc.terrain.terrain import open_terrain
from tests.fixtures.elevations import ORIGIN, write_elevation
from tests.fixtures.located import HEIGHT_PX, WIDTH_PX, located

OTY = shutil.which("oty")
GSD_M = 0.4


@pytest.mark.slow
@pytest.mark.skipif(OTY is None, reason="orthority is not installed")
@pytest.mark.parametrize("distortion", [None, '{"model": "brown", "k1": -0.08, "p1": 0.002}'])
@pytest.mark.parametrize("pose", [Pose(25, -88, 2, 100), Pose(40, -60, 3, 100)])
def test_orthority_makes_the_same_pixels(
    tmp_path: Path, pose: Pose, distortion: str | None
) -> None:
    noise = np.random.default_rng(1).uniform(0, 255, (HEIGHT_PX, WIDTH_PX, 3))
    smooth = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 3), None, 0, 255, cv2.NORM_MINMAX)
    Image.fromarray(smooth.astype(np.uint8)).save(tmp_path / "a.png")
    row = located(
        str(tmp_path / "a.png"), pose, longitude=ORIGIN.lon, latitude=ORIGIN.lat,
        distortion=distortion,
    )  # fmt: skip
    dem = write_elevation(tmp_path / "dem.tif", pixel=2.0, side_px=400)
    options = WarpOptions(gsd_m=GSD_M)
    warp_photos([row], tmp_path / "ours", options, terrain=open_terrain(dem))
    write_orthority([row], tmp_path / "camera.geojson")
    (tmp_path / "theirs").mkdir()
    files = [
        "-d",
        dem,
        "-ip",
        tmp_path / "camera-interior.yaml",
        "-ep",
        tmp_path / "camera.geojson",
    ]
    how = ["-r", GSD_M, "-ap", "--compress", "deflate", "-od", tmp_path / "theirs"]
    call = [OTY, "frame", *files, *how, tmp_path / "a.png"]
    subprocess.run([str(word) for word in call], check=True, capture_output=True, timeout=120)
    (theirs_path,) = (tmp_path / "theirs").glob("*.tif")
    with rasterio.open(tmp_path / "ours" / "a.tif") as ours, rasterio.open(theirs_path) as theirs:
        other, shown = theirs.read().astype(float), theirs.dataset_mask() > 0
        column, line = ~ours.transform @ (theirs.transform.c, theirs.transform.f)
        mine = np.zeros((4, *shown.shape))
        place = np.eye(2, 3) - [[0, 0, round(column)], [0, 0, round(line)]]
        for band, pixels in enumerate(ours.read().astype(np.float32)):
            mine[band] = cv2.warpAffine(pixels, place, shown.shape[::-1], flags=cv2.INTER_NEAREST)
    assert abs(column - round(column)) < 1e-4
    both = shown & (mine[3] > 0)
    assert both.sum() > 0.97 * max(shown.sum(), (mine[3] > 0).sum())
    difference = np.abs(mine[:3] - other[:3])[:, both]
    assert difference.mean() < 0.5
    assert difference.max() <= 4
