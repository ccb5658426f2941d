"""Arrays at rest: what was written comes back, and what is damaged counts as not there."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from geoloc.storage.array_file import (
    ArrayFile,
    load_array,
    load_arrays,
    save_array,
    save_arrays,
)

ROWS = {"rows": np.arange(300), "vectors": np.zeros((0, 0), np.float16)}


def test_arrays_come_back(tmp_path: Path) -> None:
    save_array(tmp_path / "a.npy", np.eye(3, dtype=np.float32))
    save_arrays(tmp_path / "b.npz", ROWS)
    one, many = load_array(tmp_path / "a.npy"), load_arrays(tmp_path / "b.npz")
    assert one is not None
    assert one.tolist() == np.eye(3).tolist()
    assert many is not None
    assert many["rows"].tolist() == list(range(300))
    assert many["vectors"].shape == (0, 0)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.npy", "b.npz"]


def test_an_empty_array_comes_back(tmp_path: Path) -> None:
    save_array(tmp_path / "a.npy", np.zeros((0, 128), np.uint8))
    found = load_array(tmp_path / "a.npy")
    assert found is not None
    assert found.shape == (0, 128)


def test_what_is_cut_off_or_full_of_zeros_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    save_arrays(path, {"rows": np.arange(1, 300)})
    whole = path.read_bytes()
    for length in range(0, len(whole) - 22, 97):
        path.write_bytes(whole[:length])
        assert load_arrays(path) is None, length
        path.write_bytes(whole[:length] + bytes(len(whole) - length))
        assert load_arrays(path) is None, length
        path.write_bytes(whole[:length] + bytes(60) + whole[length + 60 :])
        found = load_arrays(path)
        assert found is None or found["rows"].tolist() == list(range(1, 300)), length
    save_array(tmp_path / "b.npy", np.arange(100))
    (tmp_path / "b.npy").write_bytes((tmp_path / "b.npy").read_bytes()[:-1])
    assert load_array(tmp_path / "b.npy") is None
    assert load_array(tmp_path / "c.npy") is None
    assert load_arrays(tmp_path / "b.npy") is None


@pytest.mark.parametrize(
    ("name", "save"),
    [("a.npy", save_array), ("a.npz", lambda path, array: save_arrays(path, {"a": array}))],
)
def test_a_full_disk_is_told_and_leaves_nothing(
    small_disk: Path, name: str, save: Callable[[Path, np.ndarray], None]
) -> None:
    path = small_disk / name
    with pytest.raises(OSError, match="No space left") as caught:
        save(path, np.zeros(2 << 20, np.uint8))
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(path))
    assert not any(small_disk.iterdir())


def test_rows_of_a_file_are_read_and_written_where_they_lie(tmp_path: Path) -> None:
    made = ArrayFile.create(tmp_path / "a.npy", np.float16, (6, 2))
    made[1:3] = np.ones((2, 2), np.float16)
    made[np.array([5, 0])] = np.array([[5, 5], [7, 7]], np.float16)
    found = ArrayFile(tmp_path / "a.npy")
    assert (len(found), found.shape) == (6, (6, 2))
    assert found[:].tolist() == [[7, 7], [1, 1], [1, 1], [0, 0], [0, 0], [5, 5]]
    assert found[np.array([5, 1])][:, 0].tolist() == [5, 1]
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), found[:])


@pytest.mark.skipif(sys.platform != "linux", reason="asks the system what is mapped")
def test_a_file_is_not_mapped_while_nothing_is_read(tmp_path: Path) -> None:
    rows = ArrayFile.create(tmp_path / "a.npy", np.uint8, (1 << 20, 1))
    rows[:] = np.ones((1 << 20, 1), np.uint8)
    assert rows[5:7].tolist() == [[1], [1]]
    assert str(tmp_path / "a.npy") not in Path("/proc/self/maps").read_text()
