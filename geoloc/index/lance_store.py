"""Lance store: vectors, tiles and footprints as one dataset, in the index folder or on a server.

A row is a tile: its columns, its footprint (WKB) under an RTREE, and its vector. An area is found
by ``ST_Intersects`` over the footprints, and searched exactly. Every run that adds to a dataset or
replaces it makes a new version of it; ``index.json`` names the one that serves, so that a reader
sees all of the old rows or all of the new ones, and what a killed run has added is left aside.

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
from geoloc.errors import DependencyError, IndexFolderError, ShortWriteError, first_line
from geoloc.index.exact_search import SearchResult, Vectors, search_exact
from geoloc.options import LANCE
from geoloc.tiles.table_files import TABLE_SCHEMA, RowBatches
from geoloc.tiles.tile_table import GEOMETRY

DATASET = "tiles.lance"

_VECTOR = "vector"
_BATCH_ROWS = 4096
# The RTREE cannot be built over a field that names its CRS (pylance 14); all are EPSG:4326.
_WKB = {"ARROW:extension:name": "geoarrow.wkb"}


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
        return [name for name in self._dataset.schema.names if name != _VECTOR]

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self._dataset.schema.field(_VECTOR).type.list_size)

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
        found = self.rows.read(rows, [_VECTOR])[_VECTOR].combine_chunks()
        numbers = found.flatten().to_numpy() if len(rows) else np.zeros(0, np.float16)
        return np.asarray(numbers, np.float16).reshape(len(rows), self.rows.dimension)


def write_dataset(
    address: str,
    rows: RowBatches,
    vectors: Vectors,
    *,
    behind: int | None = None,
) -> int:
    """Write tiles and their vectors as a new version of a dataset; its number.

    Args:
        address: Folder or address of the dataset.
        rows: (N) tiles with footprints in EPSG:4326.
        vectors: (N, D).
        behind: Version whose rows stay, before these; None replaces whatever is there.

    Raises:
        DependencyError: pylance is not installed.
        OSError: The disk cannot be written.
        ShortWriteError: The dataset cannot be written.
    """
    lance = require_lance()
    schema = _schema(vectors.shape[1])
    batches = pyarrow.RecordBatchReader.from_batches(schema, _batches(rows, vectors, schema))
    try:
        if behind is None:
            mode = "overwrite" if _is_there(lance, address) else "create"  # else Lance warns
            dataset = lance.write_dataset(batches, address, mode=mode)
            dataset.create_scalar_index(GEOMETRY, "RTREE", replace=True)
            return int(dataset.version)
        _go_back(lance.dataset(address), behind)
        dataset = lance.write_dataset(batches, address, mode="append")
        dataset.optimize.optimize_indices()
        return int(lance.dataset(address).version)
    except (ValueError, RuntimeError, OSError) as error:
        if isinstance(error, OSError) and "://" not in address:
            raise  # a disk that is full, say, is known as that
        raise ShortWriteError(
            f"the dataset {address} cannot be written ({first_line(error)}); is it in reach, and "
            "allowed? Run the same command again, what was done is kept",
            path=address,
        ) from error


def _is_there(lance: Any, address: str) -> bool:
    try:
        lance.dataset(address)
    except ValueError:
        return False
    return True


def _go_back(dataset: Any, version: int) -> None:
    """Leave aside what killed runs have added behind a version."""
    if dataset.version != version:
        dataset.checkout_version(version).restore()


def _schema(dimension: int) -> pyarrow.Schema:
    bare = [field for field in TABLE_SCHEMA if field.name != GEOMETRY]
    return pyarrow.schema(
        [
            *bare,
            pyarrow.field(GEOMETRY, pyarrow.binary(), metadata=_WKB),
            pyarrow.field(_VECTOR, pyarrow.list_(pyarrow.float16(), dimension)),
        ]
    )


def _batches(
    rows: RowBatches, vectors: Vectors, schema: pyarrow.Schema
) -> Iterator[pyarrow.RecordBatch]:
    bare, start = pyarrow.schema(list(schema)[:-1]), 0
    for part in rows.batches(bare.names):
        tiles = part.cast(bare).combine_chunks().to_batches()[0]
        numbers = np.ascontiguousarray(vectors[start : start + len(part)]).ravel()
        unit = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(numbers), vectors.shape[1])
        yield pyarrow.RecordBatch.from_arrays([*tiles.columns, unit], schema=schema)
        start += len(part)


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
