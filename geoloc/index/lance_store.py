"""Lance store: vectors, tiles and footprints as one dataset, in the index folder or on a server.

A row is a tile: its columns, its footprint (WKB) under an RTREE, and its vector. An area is found
by ``ST_Intersects`` over the footprints, and searched exactly. `geoloc.index.lance_writing` makes
the versions of a dataset; ``index.json`` names the one that serves.

Servers are reached as Lance reaches them: ``s3://`` by the environment's ``AWS_ACCESS_KEY_ID``,
``AWS_SECRET_ACCESS_KEY``, ``AWS_REGION`` and ``AWS_ENDPOINT``, ``gs://`` and ``az://`` by theirs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import shapely

from geoloc.arrays import Float16Array, Float32Array, Int64Array
from geoloc.errors import DependencyError, IndexFolderError, first_line
from geoloc.index.exact_search import SearchResult, search_exact
from geoloc.options import LANCE
from geoloc.tiles.tile_table import GEOMETRY

DATASET = "tiles.lance"

VECTOR = "vector"
_BATCH_ROWS = 4096


def dataset_address(store: str, folder: Path) -> str:
    """Where the dataset of an index lies: in its folder, unless the store is an address itself."""
    return str(folder / DATASET) if store == LANCE else store


class LanceRows:
    """The rows of one version of a dataset; safe to read from several threads.

    Args:
        address: Folder or address of the dataset.
        version: Its version.

    Raises:
        DependencyError: pylance is not installed.
        IndexFolderError: It is not there, or damaged.
    """

    def __init__(self, address: str, version: int) -> None:
        self._address, self._version = address, version
        self._dataset = _open(address, version)
        counts = [fragment.count_rows() for fragment in self._dataset.get_fragments()]
        ids = [fragment.fragment_id for fragment in self._dataset.get_fragments()]
        self._starts = dict(zip(ids, np.cumsum([0, *counts]).tolist(), strict=False))
        self._count = int(sum(counts))

    def __len__(self) -> int:
        return self._count

    def __reduce__(self) -> tuple[type[LanceRows], tuple[str, int]]:
        return LanceRows, (self._address, self._version)  # another process opens it again

    @property
    def columns(self) -> Sequence[str]:
        """Names of the columns of the table of tiles, footprints as WKB among them."""
        return [name for name in self._dataset.schema.names if name != VECTOR]

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self._dataset.schema.field(VECTOR).type.list_size)

    def read(self, rows: Int64Array, columns: Sequence[str]) -> pyarrow.Table:
        """Some columns of some rows, in the order of `rows`."""
        if len(rows) == 0:
            return self._dataset.schema.empty_table().select(list(columns))
        return self._dataset.take(rows.tolist(), columns=list(columns))

    def batches(self, columns: Sequence[str]) -> Iterator[pyarrow.Table]:
        """Some columns of all rows, in order, a bounded part at a time."""
        scanner = self._dataset.scanner(
            columns=list(columns), batch_size=_BATCH_ROWS, scan_in_order=True
        )
        for batch in scanner.to_batches():
            yield pyarrow.Table.from_batches([batch])

    def touching(self, shapes: Sequence[shapely.Geometry]) -> Int64Array:
        """Rows whose footprints touch any of some shapes in degrees, ascending, by the RTREE."""
        area = " OR ".join(
            f"ST_Intersects({GEOMETRY}, ST_GeomFromText('{shapely.to_wkt(shape, -1)}'))"
            for shape in shapes
        )
        found = self._dataset.scanner(
            columns=[], filter=area, prefilter=True, with_row_address=True
        ).to_table()["_rowaddr"]
        fragment, offset = np.divmod(found.to_numpy().astype(np.int64), 1 << 32)
        starts = np.array([self._starts[number] for number in fragment.tolist()], np.int64)
        return np.sort(starts + offset)


class LanceStore:
    """Unit vectors of a dataset, found by cosine similarity; always searched exactly."""

    def __init__(self, rows: LanceRows) -> None:
        self._vectors = _Vectors(rows)

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._vectors.rows.dimension

    def __len__(self) -> int:
        return len(self._vectors)

    def vectors(self, rows: Int64Array) -> Float16Array:
        """The stored vectors of some rows, (M, D)."""
        return self._vectors[rows]

    def search(
        self, queries: Float32Array, k: int, *, rows: Int64Array | None = None
    ) -> SearchResult:
        """The `k` most similar rows of (N, D) queries, or among `rows` only."""
        queries = np.ascontiguousarray(queries, np.float32)
        return search_exact(self._vectors, queries, k, rows=rows)


class _Vectors:
    """The vectors (N, D) float16, read where they are asked for."""

    def __init__(self, rows: LanceRows) -> None:
        self.rows = rows

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, D)."""
        return len(self), self.rows.dimension

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, chosen: slice | Int64Array) -> Float16Array:
        rows = np.arange(len(self))[chosen] if isinstance(chosen, slice) else np.asarray(chosen)
        found = self.rows.read(rows, [VECTOR])[VECTOR].combine_chunks()
        numbers = found.flatten().to_numpy() if len(rows) else np.zeros(0, np.float16)
        return np.asarray(numbers, np.float16).reshape(len(rows), self.rows.dimension)


def _open(address: str, version: int) -> Any:
    try:
        return require_lance().dataset(address, version=version)
    except (ValueError, OSError, RuntimeError) as error:
        raise IndexFolderError(
            f"cannot read version {version} of the dataset {address} ({first_line(error)}); put it "
            "back, or build the index again with --overwrite",
            path=address,
        ) from error


def require_lance() -> Any:
    """The package.

    Raises:
        DependencyError: It is not installed.
    """
    try:
        import lance
    except ImportError as error:
        raise DependencyError(
            "pylance is not installed; expected it for an index of --store lance; "
            "pip install 'geoloc-cli[lance]'"
        ) from error
    return lance
