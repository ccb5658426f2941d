"""A photo without any place: whether the map or the photo has too little to compare."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from affine import Affine

from geoloc.index.job import build_index
from geoloc.locate.job import locate_photos
from geoloc.options import LocateOptions, TileOptions
from geoloc.tiles.job import cut_tiles
from tests.fixtures.indexes import options_for, write_model
from tests.fixtures.progress import RecordedProgress
from tests.fixtures.rasters import write_raster


def noise(side_px: int, seed: int) -> np.ndarray:
    small = np.random.default_rng(seed).integers(0, 255, (side_px // 6, side_px // 6, 3), np.uint8)
    return np.asarray(cv2.resize(small, (side_px, side_px), interpolation=cv2.INTER_CUBIC))


def index_of(folder: Path, pixels: np.ndarray) -> tuple[Path, list[str]]:
    """An index of a map of one metre a pixel, and what building it warned of."""
    raster = write_raster(
        folder / "sheet.tif",
        np.moveaxis(pixels, -1, 0),
        crs="EPSG:32633",
        transform=Affine(1, 0, 390000, 0, -1, 5820000),
    )
    cut_tiles([str(raster)], folder / "tiles", TileOptions(ground_sizes_m=(64.0,), size_px=64))
    progress = RecordedProgress()
    options = options_for(write_model(folder / "model"), features=True)
    build_index(folder / "tiles", folder / "index", options, progress=progress)
    return folder / "index", progress.warnings


def answer(folder: Path, index: Path, pixels: np.ndarray) -> str:
    path = folder / "photo.png"
    cv2.imwrite(str(path), pixels)
    options = LocateOptions(view="drone", device="cpu", effort="fast", workers=1)
    (row,) = locate_photos([path], index, options)
    assert row.status == "rejected"
    return str(row.error)


@pytest.fixture(scope="module")
def grey(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    return index_of(tmp_path_factory.mktemp("grey"), np.full((192, 192, 3), 254, np.uint8))


def test_a_map_of_one_grey_is_warned_of_by_name(grey: tuple[Path, list[str]]) -> None:
    (warning,) = [line for line in grey[1] if "local features" in line]
    assert warning.startswith("sheet.tif: 0 local features on 25 tiles")
    assert "nodata" in warning


def test_a_map_of_one_grey_is_to_blame_and_not_the_photo(
    grey: tuple[Path, list[str]], tmp_path: Path
) -> None:
    error = answer(tmp_path, grey[0], noise(480, 3))
    assert error.startswith("found nowhere on this map: the map has too little to compare, 0 local")


def test_a_photo_is_poor_only_where_it_shows_nothing(tmp_path: Path) -> None:
    index, warnings = index_of(tmp_path, noise(192, 5))
    assert not [line for line in warnings if "local features" in line]
    grey_photo = np.full((240, 320, 3), 90, np.uint8)
    assert answer(tmp_path, index, grey_photo).endswith("too little in the photo to compare")
    rich = answer(tmp_path, index, noise(480, 3))
    assert "too little in the photo" not in rich
