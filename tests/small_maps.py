"""A map of noise in tiles, large enough to hold a part out, and a tiny model to adapt to it.

from tests.small_maps import SmallMap, small_map  # the import makes it a fixture of the module
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
from affine import Affine

from geoloc.options import TileOptions
from geoloc.tiling import cut_tiles
from tests.rasters import write_raster
from tests.tiny_models import TINY, write_tiny_model

TILE_M = 64.0


@dataclass(frozen=True)
class SmallMap:
    """Tiles of 64 m of a square map of 300 m, of one of 150 m, and a model for such tiles."""

    tiles: Path
    too_small: Path
    model: Path


def cut_map(folder: Path, *, side_m: int, seed: int = 4) -> Path:
    """The tiles of a map of noise, a metre a pixel."""
    rng = np.random.default_rng(seed)
    noise = rng.integers(1, 255, (side_m // 10, side_m // 10, 3), np.uint8)
    pixels = cv2.resize(noise, (side_m, side_m), interpolation=cv2.INTER_CUBIC)
    raster = write_raster(
        folder / "town.tif",
        np.moveaxis(np.asarray(pixels), -1, 0),
        crs="EPSG:32633",
        transform=Affine(1, 0, 500_000, 0, -1, 5_400_000),
    )
    cut_tiles([str(raster)], folder / "tiles", TileOptions(ground_sizes_m=(TILE_M,), size_px=64))
    return folder / "tiles"


@pytest.fixture(scope="module")
def small_map(tmp_path_factory: pytest.TempPathFactory) -> SmallMap:
    """Read it, never change it."""
    folder = tmp_path_factory.mktemp("map")
    return SmallMap(
        cut_map(folder / "map", side_m=300),
        cut_map(folder / "small", side_m=150),
        write_tiny_model(folder / "tiny", TINY["clnet-grid"]),
    )
