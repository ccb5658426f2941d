"""Vector store: a FAISS index on disk, exact by default, any other factory string on request.

    vectors.faiss   the FAISS index, of inner product
    vectors.npy     (N, D) float16, beside every index that is not ``SQfp16``: an approximate
                    search is re-ranked with them, and a part of the map is searched exactly in them

Both are memory-mapped. The bytes depend on the vectors and the factory string alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import faiss
import numpy as np

from geoloc.arrays import Float16Array, Float32Array, Int64Array
from geoloc.errors import IndexFolderError, OptionError, ShortWriteError
from geoloc.index.exact_search import SearchResult, Vectors, rank, search_exact
from geoloc.index.faiss_file import head_of_codes, write_codes, write_faiss
from geoloc.storage.array_file import ArrayFile
from geoloc.storage.atomic import replacing

EXACT_FACTORY = "SQfp16"
VECTORS = "vectors"

_ADD_ROWS = 65_536  # decides the bytes of a graph
_WRITE_ROWS = 8192
_TRAIN_ROWS = 1_000_000
# Candidates of an approximate search that are re-ranked exactly, for each answer wanted.
_RERANK = 8
_EF_SEARCH = 128
# Memory-maps flat codes too, where FAISS knows how (1.10); else only inverted lists.
_MAPPED = getattr(faiss, "IO_FLAG_MMAP_IFC", faiss.IO_FLAG_MMAP)


class FaissStore:
    """Unit vectors at rest, one a tile, found by cosine similarity; opened from a folder."""

    def __init__(self, index: faiss.Index, vectors: Float16Array, *, exact: bool) -> None:
        self._index = index
        self._vectors = vectors
        self._exact = exact

    @classmethod
    def open(cls, folder: Path, *, name: str = VECTORS) -> FaissStore:
        """The store in `folder`, whose files have a name and an extension each.

        Raises:
            IndexFolderError: Its files are missing or damaged.
        """
        path, vectors_path = _paths(folder, name)
        try:
            index = faiss.read_index(str(path), _MAPPED)
            exact = not vectors_path.exists()
            vectors = _codes(index) if exact else np.load(vectors_path, mmap_mode="r")
        except (RuntimeError, OSError, ValueError) as error:
            raise IndexFolderError(
                f"cannot read the vectors in {path}; build the index again with --overwrite",
                path=path,
            ) from error
        if vectors.shape != (index.ntotal, index.d):
            raise IndexFolderError(
                f"{vectors_path} holds {len(vectors)} vectors, {path.name} "
                f"{index.ntotal}; build the index again with --overwrite",
                path=folder,
            )
        _widen(index)
        return cls(index, vectors, exact=exact)

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self._index.d)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def vectors(self, rows: Int64Array) -> Float16Array:
        """The stored vectors of some rows, (M, D)."""
        return np.asarray(self._vectors[rows])

    def search(
        self,
        queries: Float32Array,
        k: int,
        *,
        rows: Int64Array | None = None,
    ) -> SearchResult:
        """The `k` most similar rows of (N, D) queries, or among `rows` only, then exactly."""
        queries = np.ascontiguousarray(queries, np.float32)
        if self._exact or rows is not None:
            return search_exact(self._vectors, queries, k, rows=rows)
        _, candidates = self._index.search(queries, min(_RERANK * k, len(self)))
        return rank(self._vectors, queries, candidates, k)


@dataclass(frozen=True)
class StoredVectors:
    """Vectors (M, D) of some rows of a store, which is opened only while some are read.

    Attributes:
        folder: Folder of the store.
        name: Of its files, without an extension.
        rows: (M,) the rows.
        dimension: Length of a vector.
    """

    folder: Path
    name: str
    rows: Int64Array
    dimension: int

    @property
    def shape(self) -> tuple[int, ...]:
        """(M, D)."""
        return len(self), self.dimension

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, chosen: slice | Int64Array) -> Float16Array:
        return FaissStore.open(self.folder, name=self.name).vectors(self.rows[chosen])


@dataclass(frozen=True)
class JoinedVectors:
    """Vectors (M, D), one lot after the other; read in slices."""

    lots: Sequence[Vectors]

    @property
    def shape(self) -> tuple[int, ...]:
        """(M, D)."""
        return len(self), self.lots[0].shape[1]

    def __len__(self) -> int:
        return sum(map(len, self.lots))

    def __getitem__(self, chosen: slice | Int64Array) -> Float16Array:
        rows = np.arange(len(self))[chosen] if isinstance(chosen, slice) else chosen
        found, start = [], 0
        for lot in self.lots:
            mine = rows[(rows >= start) & (rows < start + len(lot))]
            found.append(lot[mine - start])
            start += len(lot)
        return np.concatenate(found)


def write_store(folder: Path, vectors: Vectors, factory: str, *, name: str = VECTORS) -> None:
    """Write the files of a store.

    The exact one passes through memory a part at a time; FAISS holds all vectors of any other.

    Args:
        folder: Folder of the index; it exists.
        vectors: (N, D) of unit length.
        factory: A FAISS factory string.
        name: Of its files, without an extension.

    Raises:
        OptionError: FAISS does not know the factory string, or wants more vectors to learn from.
    """
    index = make_index(vectors.shape[1], factory)
    path, vectors_path = _paths(folder, name)
    head = head_of_codes(index, len(vectors)) if factory == EXACT_FACTORY else None
    if head is None:
        with _one_thread(when=_depends_on_order(factory)):
            _train(index, vectors, factory)
            for part in _parts(vectors, _ADD_ROWS):
                index.add(np.asarray(part, np.float32))
    if factory == EXACT_FACTORY:
        vectors_path.unlink(missing_ok=True)
    else:
        _write_vectors(vectors_path, vectors)

    def check(draft: Path) -> None:
        if faiss.read_index(str(draft), _MAPPED).ntotal != len(vectors):
            raise ShortWriteError(f"{path} came out too short", path=path)

    with replacing(path, check=check) as draft:
        if head is None:
            write_faiss(index, draft)
        else:
            write_codes(draft, head, _parts(vectors, _WRITE_ROWS))


def _parts(vectors: Vectors, rows: int) -> Iterator[Float16Array]:
    return (vectors[start : start + rows] for start in range(0, len(vectors), rows))


def _paths(folder: Path, name: str) -> tuple[Path, Path]:
    """The FAISS index and the vectors beside it."""
    return folder / f"{name}.faiss", folder / f"{name}.npy"


def make_index(dimension: int, factory: str) -> faiss.Index:
    """An empty FAISS index.

    Raises:
        OptionError: FAISS does not know the factory string.
    """
    try:
        return faiss.index_factory(dimension, factory, faiss.METRIC_INNER_PRODUCT)
    except RuntimeError as error:
        raise OptionError(
            f"FAISS cannot make an index {factory!r} of {dimension} dimensions; expected a "
            "factory string such as SQfp16 (exact), IVF1024,SQfp16 or HNSW32 (--factory)"
        ) from error


def _train(index: faiss.Index, vectors: Vectors, factory: str) -> None:
    """Let an index learn its cells and codes from an even sample."""
    if index.is_trained:
        return
    step = max(1, -(-len(vectors) // _TRAIN_ROWS))
    try:
        index.train(np.ascontiguousarray(vectors[::step], np.float32))
    except RuntimeError as error:
        raise OptionError(
            f"{len(vectors)} tiles are too few for --factory {factory} to learn from; choose "
            f"fewer cells, or {EXACT_FACTORY}, which needs no learning"
        ) from error


def _codes(index: faiss.Index) -> Float16Array:
    """The codes of a flat half-precision index, seen as numbers without a copy."""
    flat = faiss.downcast_index(index)
    if not isinstance(flat, faiss.IndexScalarQuantizer) or flat.code_size != 2 * flat.d:
        raise ValueError("an index that is not SQfp16 needs its vectors beside it")
    if flat.ntotal == 0:
        return np.zeros((0, flat.d), np.float16)
    codes = faiss.rev_swig_ptr(flat.codes.data(), flat.ntotal * flat.code_size)
    return codes.view(np.float16).reshape(flat.ntotal, flat.d)


def _write_vectors(path: Path, vectors: Vectors) -> None:
    with replacing(path) as draft:
        out = ArrayFile.create(draft, np.float16, vectors.shape)
        for start in range(0, len(vectors), _WRITE_ROWS):
            some = slice(start, start + _WRITE_ROWS)
            out[some] = vectors[some]


def _widen(index: faiss.Index) -> None:
    """Search widely enough that what is re-ranked holds the right answer."""
    cells = faiss.try_extract_index_ivf(index)
    if cells is not None:
        cells.nprobe = min(cells.nlist, max(16, cells.nlist // 16))
    graph = faiss.downcast_index(index)
    if isinstance(graph, faiss.IndexHNSW):
        graph.hnsw.efSearch = _EF_SEARCH


def _depends_on_order(factory: str) -> bool:
    """Whether threads that add at once would change the bytes: graphs."""
    return "HNSW" in factory or "NSG" in factory


@contextmanager
def _one_thread(*, when: bool) -> Iterator[None]:
    threads = faiss.omp_get_max_threads()
    if when:
        faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(threads)
