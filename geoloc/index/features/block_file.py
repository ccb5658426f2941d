"""One block of local features in one file: written once, never changed, read through a memory map.

    cells    one row a cell of 64 m: where its features begin, and their checksum
    records  one row a feature, 10 bytes and its descriptor, sorted by part and cell

both as numpy writes arrays, one after the other. A part is what one raster gave. Places are metres
from the middle of the block, so that a block knows nothing of the map around it.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geoloc.arrays import AnyArray, ByteArray, Float64Array, FloatArray, Int64Array
from geoloc.errors import IndexFolderError, ShortWriteError
from geoloc.storage.atomic import replacing

SUFFIX = ".block"
CELL_M = 64.0
# Steps of a place are 2 cm: a tenth of a pixel of the finest maps.
_STEPS_PER_M = 50.0
_STEPS_PER_TURN = 65536.0
_CELL = np.dtype(
    [("part", "<u2"), ("col", "i1"), ("row", "i1"), ("start", "<u4"), ("checksum", "<u4")]
)


def record_type(descriptor_bytes: int) -> np.dtype[np.void]:
    """What is kept of a feature.

    ``xy`` are steps of 2 cm east and north of the block's middle, ``size`` metres, ``angle`` steps
    of a turn clockwise from east, ``list`` the number of the vocabulary's inverted list.
    """
    return np.dtype(
        [
            ("xy", "<i2", (2,)),
            ("size", "<f2"),
            ("angle", "<u2"),
            ("list", "<u2"),
            ("descriptor", "u1", (descriptor_bytes,)),
        ]
    )


def make_records(
    xy_m: FloatArray, size_m: FloatArray, angle_deg: FloatArray, descriptors: ByteArray
) -> AnyArray:
    """Records (N,) of features, without the number of their list.

    Args:
        xy_m: (N, 2) metres east and north of the block's middle.
        size_m: (N,) diameters.
        angle_deg: (N,) clockwise from east.
        descriptors: (N, size).
    """
    records = np.zeros(len(xy_m), record_type(descriptors.shape[1]))
    records["xy"] = np.rint(xy_m * _STEPS_PER_M)
    records["size"] = size_m
    records["angle"] = np.rint(angle_deg * (_STEPS_PER_TURN / 360)).astype(np.int64) % 65536
    records["descriptor"] = descriptors
    return records


def places_m(records: AnyArray) -> Float64Array:
    """Metres (N, 2) east and north of the block's middle."""
    return np.asarray(records["xy"] / _STEPS_PER_M)


def angles_deg(records: AnyArray) -> Float64Array:
    """Angles (N,) in degrees, clockwise from the block's east."""
    return np.asarray(records["angle"] * (360 / _STEPS_PER_TURN))


def write_block(path: Path, records: AnyArray, parts: Int64Array) -> None:
    """Write a block, whole or not at all, and read it back.

    Args:
        path: The file.
        records: (N,) as of `make_records`, in any order, N at least 1.
        parts: (N,) number of the part of each.
    """
    columns, rows = np.floor(places_m(records) / CELL_M).astype(np.int64).T
    order = np.lexsort((rows, columns, parts))
    records = records[order]
    keys = np.stack([parts[order], columns[order], rows[order]], axis=1)
    is_first = np.ones(len(records), bool)
    is_first[1:] = (keys[1:] != keys[:-1]).any(axis=1)
    starts = np.flatnonzero(is_first)
    cells = np.zeros(len(starts), _CELL)
    cells["part"], cells["col"], cells["row"] = keys[starts].T
    cells["start"] = starts
    ends = [*starts[1:].tolist(), len(records)]
    cells["checksum"] = [_checksum(records[a:b]) for a, b in zip(starts, ends, strict=True)]

    def check(draft: Path) -> None:
        written = FeatureBlock.open(draft)
        if len(written) != len(records) or len(written.damaged_cells()):
            raise ShortWriteError(f"{path} came out otherwise than it was written", path=path)

    with replacing(path, check=check) as draft, draft.open("wb") as stream:
        np.save(stream, cells)
        np.save(stream, records)


@dataclass
class FeatureBlock:
    """A block, opened; its records are memory-mapped and each cell is checked when it is used.

    Attributes:
        path: Its file.
        records: (N,) as of `record_type`.
        cells: (C,) cells, sorted by part, column and row.
        seal: Checksum of the cells, and so of all of it.
    """

    path: Path
    records: AnyArray
    cells: AnyArray
    seal: int
    _is_checked: NDArray[np.bool_]

    @classmethod
    def open(cls, path: Path) -> FeatureBlock:
        """Open a block.

        Raises:
            OSError: It is missing, or the disk cannot read it.
            ValueError: It is no block, or too short.
        """
        with path.open("rb") as stream:
            cells = np.load(stream)
            version = np.lib.format.read_magic(stream)
            if cells.dtype != _CELL or version != (1, 0):
                raise ValueError("no block of local features")
            shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
            offset = stream.tell()
        records = np.memmap(path, dtype, "r", offset, shape)
        return cls(path, records, cells, _checksum(cells), np.zeros(len(cells), bool))

    def __len__(self) -> int:
        return len(self.records)

    @property
    def starts(self) -> Int64Array:
        """Where each cell begins, (C + 1,), with the end of the last."""
        return np.append(self.cells["start"].astype(np.int64), len(self))

    def take(self, rows: Int64Array) -> AnyArray:
        """Records of some rows, ascending or not.

        Raises:
            IndexFolderError: They are damaged.
        """
        self._check(np.unique(np.searchsorted(self.starts, rows, side="right") - 1))
        return np.asarray(self.records[rows])

    def parts_of(self, rows: Int64Array) -> Int64Array:
        """Number of the part of some rows."""
        cells = np.searchsorted(self.starts, rows, side="right") - 1
        return self.cells["part"][cells].astype(np.int64)

    def in_box(self, parts: Sequence[int], low: Float64Array, high: Float64Array) -> Int64Array:
        """Rows of some parts between two corners, metres from the middle, at cell precision."""
        first, last = np.floor(low / CELL_M), np.floor(high / CELL_M)
        cells = self.cells
        inside = np.isin(cells["part"], parts)
        inside &= (cells["col"] >= first[0]) & (cells["col"] <= last[0])
        inside &= (cells["row"] >= first[1]) & (cells["row"] <= last[1])
        starts = self.starts
        spans = [np.arange(starts[c], starts[c + 1]) for c in np.flatnonzero(inside)]
        return np.concatenate(spans) if spans else np.zeros(0, np.int64)

    def damaged_cells(self) -> Int64Array:
        """Numbers of the cells whose features are not what was written; reads all of it."""
        starts, records = self.starts, self.records
        found = [_checksum(records[starts[c] : starts[c + 1]]) for c in range(len(self.cells))]
        return np.flatnonzero(np.array(found, np.int64) != self.cells["checksum"])

    def _check(self, cells: Int64Array) -> None:
        starts = self.starts
        for cell in cells[~self._is_checked[cells]].tolist():
            found = _checksum(self.records[starts[cell] : starts[cell + 1]])
            if found != self.cells["checksum"][cell]:
                raise damaged_block(self.path, "its features are not what was written")
            self._is_checked[cell] = True


def damaged_block(path: Path, reason: str) -> IndexFolderError:
    """The error that names a damaged block, and how it is made whole."""
    return IndexFolderError(
        f"{path} is damaged ({reason}); run the geoloc index command that made the index again: "
        "it builds that block anew",
        path=path,
    )


def _checksum(array: AnyArray) -> int:
    return zlib.crc32(np.ascontiguousarray(array).tobytes())
