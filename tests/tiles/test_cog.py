"""Claims about COGs that are copied from a whole file, above all on disks that fill up."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from affine import Affine
from numpy.typing import NDArray
from rasterio.errors import RasterioIOError

from geoloc.errors import ShortWriteError
from geoloc.storage.atomic import replacing
from geoloc.tiles.cog import cog_draft
from tests.fixtures.full_disk import SMALL_DISK_BYTES, enlarge

Pixels = NDArray[np.uint8]


@pytest.fixture
def pixels() -> Pixels:
    """Noise (3, 440, 440), which does not pack: half of a small disk."""
    return np.random.default_rng(1).integers(1, 255, (3, 440, 440), dtype=np.uint8)


def _write(path: Path, pixels: Pixels) -> None:
    profile = {"driver": "GTiff", "width": pixels.shape[2], "height": pixels.shape[1],
               "count": 3, "dtype": "uint8", "crs": "EPSG:32633", "tiled": True,
               "transform": Affine(1, 0, 4e5, 0, -1, 5e6)}  # fmt: skip
    with (
        replacing(path) as draft,
        cog_draft(path, draft) as whole,
        rasterio.open(whole, "w", **profile) as out,
    ):
        out.write(pixels)


def test_what_was_written_stands_in_a_cog_and_nothing_beside_it(
    tmp_path: Path, pixels: Pixels
) -> None:
    _write(tmp_path / "a.tif", pixels)
    with rasterio.open(tmp_path / "a.tif") as dataset:
        assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert np.array_equal(dataset.read(), pixels)
    assert [path.name for path in tmp_path.iterdir()] == ["a.tif"]


@pytest.mark.parametrize("share", [0.2, 0.7, 1.2, 1.7, 2.2])
def test_a_disk_that_fills_up_at_any_moment_is_named_and_keeps_what_was_there(
    small_disk: Path, pixels: Pixels, share: float
) -> None:
    path = small_disk / "a.tif"
    path.write_text("before")
    enlarge(small_disk, round(share * pixels.nbytes / 4096) * 4096)
    with pytest.raises(OSError, match=r"No space left|no room") as raised:
        _write(path, pixels)
    assert raised.value.errno == errno.ENOSPC
    assert path.read_text() == "before"
    assert [found.name for found in small_disk.iterdir()] == ["a.tif"]
    enlarge(small_disk, 8 * SMALL_DISK_BYTES)
    _write(path, pixels)


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (lambda draft: draft.write_bytes(draft.read_bytes()[:-20_000]), RasterioIOError),
        (lambda draft: _blacken(draft), ShortWriteError),
    ],
)
def test_a_copy_that_lost_blocks_without_a_word_is_no_success(
    tmp_path: Path,
    pixels: Pixels,
    monkeypatch: pytest.MonkeyPatch,
    spoil: Callable[[Path], object],
    error: type[Exception],
) -> None:
    copy = rasterio.shutil.copy

    def loses(whole: Path, draft: Path, **options: str) -> None:
        copy(whole, draft, **options)
        spoil(draft)

    monkeypatch.setattr("rasterio.shutil.copy", loses)
    with pytest.raises(error):
        _write(tmp_path / "a.tif", pixels)
    assert list(tmp_path.iterdir()) == []


def _blacken(path: Path) -> None:
    with rasterio.open(path, "r+", IGNORE_COG_LAYOUT_BREAK="YES") as dataset:
        dataset.write(np.zeros((3, 10, 10), np.uint8), window=rasterio.windows.Window(0, 0, 10, 10))
