"""Open the tiles and vectors of an index, whichever store keeps them."""

from __future__ import annotations

from typing import Protocol

from geoloc.arrays import Float16Array, Float32Array, Int64Array
from geoloc.errors import OptionError
from geoloc.index.exact_search import SearchResult
from geoloc.index.generation import IndexFiles
from geoloc.index.lance_store import LanceRows, LanceStore, dataset_address, require_lance
from geoloc.index.manifest import IndexManifest
from geoloc.index.vector_store import EXACT_FACTORY, FaissStore, make_index
from geoloc.options import FAISS, LANCE, IndexOptions
from geoloc.tiles.tile_table import TileTable


class VectorStore(Protocol):
    """Unit vectors at rest, one a tile, found by cosine similarity."""

    @property
    def dimension(self) -> int:
        """Length of a vector."""

    def __len__(self) -> int: ...

    def vectors(self, rows: Int64Array) -> Float16Array:
        """The stored vectors of some rows, (M, D)."""

    def search(
        self, queries: Float32Array, k: int, *, rows: Int64Array | None = None
    ) -> SearchResult:
        """The `k` most similar rows of (N, D) queries, or among `rows` only, then exactly."""


def open_stores(manifest: IndexManifest, files: IndexFiles) -> tuple[TileTable, VectorStore]:
    """The tiles of an index and their vectors, row by row.

    Raises:
        DependencyError: The store's package is not installed.
        IndexFolderError: They are missing or damaged.
    """
    if manifest.recipe.store == FAISS:
        return files.open_table(), FaissStore.open(files.folder, name=files.store)
    rows = _dataset_rows(manifest.recipe.store, files, manifest.store_version)
    return TileTable(rows), LanceStore(rows)


def open_tile_table(store: str, files: IndexFiles, version: int) -> TileTable:
    """The tiles of an index alone.

    Args:
        store: What keeps them.
        files: Files of the index.
        version: Version of a dataset.

    Raises:
        DependencyError: The store's package is not installed.
        IndexFolderError: They are missing or damaged.
    """
    return files.open_table() if store == FAISS else TileTable(_dataset_rows(store, files, version))


def _dataset_rows(store: str, files: IndexFiles, version: int) -> LanceRows:
    return LanceRows(dataset_address(store, files.folder), version)


def check_store(options: IndexOptions, dimension: int) -> None:
    """Refuse a wrong store or factory before the work.

    Raises:
        DependencyError: The store's package is not installed.
        OptionError: There is no such store or factory.
    """
    if options.store == FAISS:
        make_index(dimension, options.factory)
        return
    if options.store != LANCE and not ("://" in options.store and options.store.endswith(".lance")):
        raise OptionError(
            f"--store {options.store} is none; expected {FAISS}, {LANCE}, or the address of a "
            "dataset such as s3://bucket/region.lance"
        )
    if options.factory != EXACT_FACTORY:
        raise OptionError(
            f"--factory {options.factory} is FAISS's, and --store {options.store} searches "
            "exactly; leave one of them out"
        )
    require_lance()
