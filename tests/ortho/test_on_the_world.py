"""Warped photos of the fabricated world lie where its map has the same ground."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import rasterio

from geoloc.geometry.camera import attitude
from geoloc.options import WarpOptions
from geoloc.ortho.job import warp_photos
from geoloc.results.schema import PhotoResult
from geoloc.synthetic.world.flight import Shot
from geoloc.synthetic.world.noise import Window
from geoloc.synthetic.world.world import World
from tests.fixtures.worlds import TinyWorld

GSD_M = 0.25
TILE_PX = 128


def _row(world: World, shot: Shot, photos: Path) -> PhotoResult:
    """The true camera of a photo."""
    angles, position = attitude(shot.pose), world.lonlat(shot.at)
    return PhotoResult(
        str(photos / shot.name), "located", longitude=position.lon, latitude=position.lat,
        heading=angles.heading_deg, pitch_deg=angles.pitch_deg, roll_deg=angles.roll_deg,
        height_m=shot.pose.height_m, hfov_deg=shot.camera.hfov_deg,
        photo_width=shot.camera.width_px, photo_height=shot.camera.height_px,
    )  # fmt: skip


def _shifts(one: np.ndarray, other: np.ndarray, both: np.ndarray) -> np.ndarray:
    """By how many pixels (N, 2) tiles of two grey pictures are shifted, where they are alike."""
    window = cv2.createHanningWindow((TILE_PX, TILE_PX), cv2.CV_32F)
    found = []
    for row in range(0, both.shape[0] - TILE_PX, TILE_PX // 2):
        for column in range(0, both.shape[1] - TILE_PX, TILE_PX // 2):
            here = np.s_[row : row + TILE_PX, column : column + TILE_PX]
            if both[here].all():
                tiles = [(p[here] - p[here].mean()).astype(np.float32) for p in (one, other)]
                shift, response = cv2.phaseCorrelate(*tiles, window)
                if response > 0.15:
                    found.append(shift)
    return np.array(found)


@pytest.mark.slow
def test_warped_photos_lie_on_the_map_to_a_pixel(tiny_world: TinyWorld, tmp_path: Path) -> None:
    world = tiny_world.world
    rows = [_row(world, shot, tiny_world.photos) for shot in tiny_world.shots]
    assert any(shot.pose.pitch_deg > -80 for shot in tiny_world.shots)
    warp_photos(rows, tmp_path, WarpOptions(gsd_m=GSD_M, crs="EPSG:32633"))
    for shot in tiny_world.shots:
        with rasterio.open(tmp_path / f"{Path(shot.name).stem}.tif") as dataset:
            pixels, to_crs = dataset.read(), dataset.transform
        left, top = to_crs.c - world.corner.x, to_crs.f - world.corner.y
        window = Window(left, top, GSD_M, pixels.shape[2], pixels.shape[1])
        chart = world.render_map(shot.moment, window=window).pixels
        grey = cv2.cvtColor(np.moveaxis(pixels[:3], 0, -1), cv2.COLOR_RGB2GRAY)
        shifts = _shifts(grey, cv2.cvtColor(chart, cv2.COLOR_RGB2GRAY), pixels[3] > 0)
        assert len(shifts) >= 5
        assert np.hypot(*np.median(shifts, axis=0)) < 1.0
