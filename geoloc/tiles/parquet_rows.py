"""Rows of a GeoParquet file, of which only the row groups that hold them are read.

The file stays open: rows of an index can be read when a successor has taken its place.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow
import shapely
from pyarrow import parquet

from geoloc.arrays import Int64Array
from geoloc.errors import TilesError, first_line

# A row group is what reading one row costs: 4096 footprints are 0.4 MB.
GROUP_ROWS = 4096
# GeoParquet's covering: bounds of the footprints, which they tell themselves.
_COVERING = "bbox"
_KEPT_GROUPS = 8


class ParquetRows:
    """The rows of ``tiles.parquet``; safe to read from several threads.

    Args:
        path: The file.

    Raises:
        OSError: It is missing.
        ValueError: It is damaged; where that shows only when rows are read, a `TilesError`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = parquet.ParquetFile(path)
        metadata = self._file.metadata
        counts = [metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)]
        self._starts = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[int, tuple[str, ...]], pyarrow.Table] = OrderedDict()

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __reduce__(self) -> tuple[type[ParquetRows], tuple[Path]]:
        return ParquetRows, (self._path,)  # another process opens the file again

    @property
    def columns(self) -> Sequence[str]:
        """Names of the columns, footprints as WKB among them."""
        return [name for name in self._file.schema_arrow.names if name != _COVERING]

    def read(self, rows: Int64Array, columns: Sequence[str]) -> pyarrow.Table:
        """Some columns of some rows, in the order of `rows`."""
        groups = np.searchsorted(self._starts, rows, side="right") - 1
        if len(rows) == 1:  # five times as quick as what follows
            return self._group(int(groups[0]), columns).slice(rows[0] - self._starts[groups[0]], 1)
        needed = np.unique(groups)
        parts = [
            self._group(int(group), columns).take(np.unique(rows[groups == group] - start))
            for group, start in zip(needed, self._starts[needed], strict=True)
        ]
        if not parts:
            return self._file.schema_arrow.empty_table().select(columns)
        found = np.unique(rows)  # what the parts hold, in this order
        return pyarrow.concat_tables(parts).take(np.searchsorted(found, rows))

    def batches(self, columns: Sequence[str]) -> Iterator[pyarrow.Table]:
        """Some columns of all rows, in order, a row group at a time."""
        for group in range(len(self._starts) - 1):
            with self._lock:
                table = self._read(group, columns)
            yield table

    def touching(self, shapes: Sequence[shapely.Geometry]) -> None:
        """Nothing: the file has no index of its footprints."""

    def _group(self, group: int, columns: Sequence[str]) -> pyarrow.Table:
        """Some columns of a row group; the last few are kept, since neighbours come together."""
        key = (group, tuple(columns))
        with self._lock:
            if key not in self._kept:
                self._kept[key] = self._read(group, columns)
                if len(self._kept) > _KEPT_GROUPS:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(key)
            return self._kept[key]

    def _read(self, group: int, columns: Sequence[str]) -> pyarrow.Table:
        try:
            return self._file.read_row_group(group, columns=list(columns)).select(columns)
        except (OSError, ValueError, KeyError) as error:
            raise TilesError(
                f"{self._path} is damaged ({first_line(error)}); make it again with --overwrite",
                path=self._path,
            ) from error
