"""Blocks at rest: what is written is read, and damage is told where it is met."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from geoloc.errors import IndexFolderError
from geoloc.index.features.block_file import (
    CELL_M,
    FeatureBlock,
    angles_deg,
    make_records,
    places_m,
    write_block,
)

COUNT = 500


@pytest.fixture
def records() -> np.ndarray:
    rng = np.random.default_rng(3)
    return np.asarray(
        make_records(
            rng.uniform(-520, 520, (COUNT, 2)),
            rng.uniform(0.5, 60, COUNT),
            rng.uniform(0, 360, COUNT),
            rng.integers(0, 256, (COUNT, 16)).astype(np.uint8),
        )
    )


@pytest.fixture
def parts() -> np.ndarray:
    return np.random.default_rng(4).integers(0, 2, COUNT)


@pytest.fixture
def path(tmp_path: Path, records: np.ndarray, parts: np.ndarray) -> Path:
    write_block(tmp_path / "one.block", records, parts)
    return tmp_path / "one.block"


def test_places_angles_and_sizes_are_kept_finely_enough() -> None:
    xy_m, size_m = np.array([[-512.34, 0.013], [3.0, 511.99]]), np.array([0.7, 41.3])
    angle_deg = np.array([359.9999, 12.3456])
    records = make_records(xy_m, size_m, angle_deg, np.zeros((2, 4), np.uint8))
    np.testing.assert_allclose(places_m(records), xy_m, atol=0.0101)
    np.testing.assert_allclose(records["size"], size_m, rtol=5e-4)
    turn = (angles_deg(records) - angle_deg + 180) % 360 - 180
    assert np.abs(turn).max() < 0.003


def test_what_is_written_is_read_by_part_and_cell(
    path: Path, records: np.ndarray, parts: np.ndarray
) -> None:
    block = FeatureBlock.open(path)
    found = block.take(np.arange(len(block)))
    assert sorted(map(bytes, found)) == sorted(map(bytes, records))
    for part in (0, 1):
        mine = found[block.parts_of(np.arange(COUNT)) == part]
        assert sorted(map(bytes, mine)) == sorted(map(bytes, records[parts == part]))


def test_a_box_gives_the_cells_that_it_touches_of_the_parts_asked_for(path: Path) -> None:
    block = FeatureBlock.open(path)
    rows = np.arange(COUNT)
    cells = np.floor(places_m(block.take(rows)) / CELL_M)
    low, high = np.array([-100.0, 20.0]), np.array([60.0, 200.0])
    first, last = np.floor(low / CELL_M), np.floor(high / CELL_M)
    inside = ((cells >= first) & (cells <= last)).all(axis=1)
    assert block.in_box([0, 1], low, high).tolist() == rows[inside].tolist()
    of_one = inside & (block.parts_of(rows) == 1)
    assert block.in_box([1], low, high).tolist() == rows[of_one].tolist()
    assert len(block.in_box([2], low, high)) == 0


def test_the_order_of_parts_and_features_does_not_matter(
    path: Path, records: np.ndarray, parts: np.ndarray, tmp_path: Path
) -> None:
    by_part = np.argsort(parts, kind="stable")
    write_block(tmp_path / "two.block", records[by_part], parts[by_part])
    assert (tmp_path / "two.block").read_bytes() == path.read_bytes()


def test_damage_is_named_where_it_is_met(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-3] ^= 1  # in the last feature
    path.write_bytes(bytes(data))
    block = FeatureBlock.open(path)
    assert len(block.take(np.arange(10))) == 10
    with pytest.raises(IndexFolderError, match=r"one\.block is damaged.*geoloc index"):
        block.take(np.array([COUNT - 1]))
    assert block.damaged_cells().tolist() == [len(block.cells) - 1]


@pytest.mark.parametrize("size", [0, 60, 200, -500, -1])
def test_a_block_that_is_too_short_does_not_open(path: Path, size: int) -> None:
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises((OSError, ValueError, EOFError)):
        FeatureBlock.open(path)


def test_another_array_is_no_block(tmp_path: Path) -> None:
    with (tmp_path / "x.block").open("wb") as stream:
        np.save(stream, np.zeros(3))
        np.save(stream, np.zeros(3))
    with pytest.raises(ValueError, match="no block"):
        FeatureBlock.open(tmp_path / "x.block")
