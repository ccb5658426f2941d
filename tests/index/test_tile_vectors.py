"""Embedding tiles by workers on the CPU, or ahead of a device; others get the pixels, too."""

from __future__ import annotations

from pathlib import Path
from threading import Event

import cv2
import numpy as np
import pytest
import torch

from geoloc.index import tile_vectors
from geoloc.index.tile_vectors import TileVectors, embed_tiles
from geoloc.tiles.tile_set import TileSet
from tests.fixtures.indexes import BatchTeller, spoil_tile, write_map, write_tiles
from tests.fixtures.progress import RecordedProgress


class OnCpu(BatchTeller):
    """Sees less of a picture, as networks do, not only a part of it."""

    def shrink(self, image: np.ndarray) -> np.ndarray:
        return cv2.resize(image, (8, 8), interpolation=cv2.INTER_AREA)


class OnADevice(OnCpu):
    device = torch.device("cuda")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiles")
    return write_tiles(folder / "tiles", write_map(folder / "map.tif", columns=5))


def embed(folder: Path, parts: Path, embedder: BatchTeller) -> TileVectors:
    parts.mkdir(exist_ok=True)
    with TileSet.open(folder) as tiles:
        rows = np.arange(len(tiles))
        progress = RecordedProgress()
        return embed_tiles(tiles, rows, embedder, parts, workers=3, progress=progress)


def test_workers_and_devices_give_the_same(folder: Path, tmp_path: Path) -> None:
    found = [embed(folder, tmp_path / "cpu", OnCpu())]
    found += [embed(folder, tmp_path / "cuda", OnADevice())]
    assert len(found[0].rows) == len(TileSet.open(folder)) > OnCpu.batch_size
    np.testing.assert_array_equal(found[0].rows, found[1].rows)
    np.testing.assert_array_equal(found[0].vectors, found[1].vectors)


@pytest.mark.parametrize("embedder", [OnCpu(), OnADevice()])
def test_a_tile_that_cannot_be_read_is_left_out(tmp_path: Path, embedder: BatchTeller) -> None:
    folder = write_tiles(tmp_path / "tiles", write_map(tmp_path / "map.tif", columns=3))
    spoil_tile(folder, 1)
    found = embed(folder, tmp_path / "parts", embedder)
    assert 1 not in found.rows.tolist()
    assert found.left_out == 1


def test_a_run_that_ends_begins_no_other_tile(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_over, seen = Event(), list[int]()
    monkeypatch.setattr(tile_vectors, "Event", lambda: is_over)

    def read(_: TileSet, row: int, **__: int) -> np.ndarray:
        seen.append(row)
        if row == 0:
            raise KeyboardInterrupt
        is_over.wait()
        return np.zeros((8, 8, 3), np.uint8)

    monkeypatch.setattr(TileSet, "read", read)
    with pytest.raises(KeyboardInterrupt):
        embed(folder, tmp_path / "parts", OnCpu())
    assert len(seen) <= 4, "one of each worker, and one more of that which failed first"
