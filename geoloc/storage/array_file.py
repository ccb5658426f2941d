"""Arrays at rest: written whole or not at all, read back, and none that is damaged is trusted.

A run that is killed, or a disk that fills up, can leave a file that is too short or full of zeros
under a good name. Who goes on from such files asks here; a damaged one counts as not there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

from geoloc.errors import ShortWriteError
from geoloc.storage.atomic import replacing
from geoloc.storage.disk import create_array

Array = NDArray[Any]


def save_array(path: Path, array: Array) -> None:
    """Write a ``.npy`` file and read its shape back."""

    def check(draft: Path) -> None:
        found = np.load(draft, mmap_mode="r" if array.size else None)
        if found.shape != array.shape or found.dtype != array.dtype:
            raise ShortWriteError(f"{path} came out otherwise than it was written", path=path)

    with replacing(path, check=check) as draft:
        np.save(draft, array)


def save_arrays(path: Path, arrays: dict[str, Array]) -> None:
    """Write an ``.npz`` file and read it back; its checksums tell damage later, too."""

    def check(draft: Path) -> None:
        found = load_arrays(draft)
        if found is None or {n: a.shape for n, a in found.items()} != {
            n: a.shape for n, a in arrays.items()
        }:
            raise ShortWriteError(f"{path} came out otherwise than it was written", path=path)

    with replacing(path, check=check) as draft:
        np.savez(draft, **arrays)  # type: ignore[arg-type]  # its stubs see options in them


class ArrayFile:
    """The rows of a ``.npy`` file that is mapped only while some of them are read or written.

    The pages of a file that stays mapped count as memory of the process, as long as others leave
    them alone; a file of any size passes through this in a bounded part.

    Args:
        path: The file; see `geoloc.storage.disk.create_array`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.shape: tuple[int, ...] = self._mapped("r").shape

    @classmethod
    def create(cls, path: Path, dtype: DTypeLike, shape: tuple[int, ...]) -> ArrayFile:
        """A new file to be filled, of zeros, whose room on the disk is reserved.

        Raises:
            OSError: The disk has not so much room.
        """
        create_array(path, dtype, shape)
        return cls(path)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice | NDArray[np.int64]) -> Array:
        return np.array(self._mapped("r")[rows])

    def __setitem__(self, rows: slice | NDArray[np.int64], values: Array) -> None:
        self._mapped("r+")[rows] = values

    def _mapped(self, mode: Literal["r", "r+"]) -> Array:
        return np.lib.format.open_memmap(self._path, mode)


def load_array(path: Path) -> Array | None:
    """What a ``.npy`` file holds; None where it is missing or too short."""
    try:
        with path.open("rb") as stream:
            return np.asarray(np.load(stream))
    except Exception:  # see load_arrays
        return None


def load_arrays(path: Path, *, prefix: str = "") -> dict[str, Array] | None:
    """What an ``.npz`` file holds; None where it is missing or its checksums are wrong.

    Args:
        path: The file.
        prefix: Only arrays whose names begin with it are read.
    """
    try:
        with path.open("rb") as stream:  # numpy leaves a damaged one open
            archive = np.load(stream)
            return {name: archive[name] for name in archive.files if name.startswith(prefix)}
    except Exception:  # of damaged headers: BadZipFile, TokenError, NotImplementedError, ...
        return None
