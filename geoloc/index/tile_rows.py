"""Rows of an index that is going to be written: of other tables, a bounded part in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import pyarrow

from geoloc.arrays import Int64Array
from geoloc.tiles.location import relative_location
from geoloc.tiles.table_files import RowBatches
from geoloc.tiles.tile_table import TileTable

_LOCATIONS = ("location", "raster")


@dataclass(frozen=True)
class RowPiece:
    """Some rows of a table.

    Attributes:
        tiles: The table.
        rows: (M,) its rows, ascending; None is all.
        moved: What its locations become; None is themselves.
    """

    tiles: TileTable
    rows: Int64Array | None = None
    moved: Callable[[str], str] | None = None

    def __len__(self) -> int:
        return len(self.tiles if self.rows is None else self.rows)

    def batches(self, columns: Sequence[str]) -> Iterator[pyarrow.Table]:
        """Some columns of the rows, in order, a bounded part at a time."""
        for _, part in self.tiles.parts(columns, self.rows):
            yield part if self.moved is None else _with_locations(part, self.moved)


def _with_locations(part: pyarrow.Table, moved: Callable[[str], str]) -> pyarrow.Table:
    for at, name in enumerate(part.column_names):
        if name in _LOCATIONS:
            texts = [moved(text) for text in part[name].to_pylist()]
            part = part.set_column(at, name, pyarrow.array(texts, pyarrow.large_string()))
    return part


@dataclass(frozen=True)
class RowPieces:
    """Pieces of tables, one after the other."""

    pieces: Sequence[RowPiece]

    def __len__(self) -> int:
        return sum(map(len, self.pieces))

    def batches(self, columns: Sequence[str]) -> Iterator[pyarrow.Table]:
        """Some columns of all rows, in order, a bounded part at a time."""
        for piece in self.pieces:
            yield from piece.batches(columns)


def digest_of(rows: RowBatches, *, after: Sequence[str] = ()) -> str:
    """Checksum over the names of tiles, in their order.

    Args:
        rows: The tiles.
        after: Texts that come before them.
    """
    found = hashlib.sha256("\n".join(after).encode())
    between = b"\n" if after else b""
    for part in rows.batches(["tile_id"]):
        found.update(between + "\n".join(part["tile_id"].to_pylist()).encode())
        between = b"\n"
    return found.hexdigest()


def relocation(source: Path, folder: Path) -> Callable[[str], str]:
    """Locations as seen from a folder, of those as seen from another, `source`."""
    # Rasters are few, and each is named by many tiles.
    return lru_cache(1024)(partial(relative_location, folder=folder, start=source))
