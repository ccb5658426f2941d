"""The FAISS store: what was written is found, exactly, on the whole and on a part."""

from __future__ import annotations

from pathlib import Path

import faiss
import numpy as np
import pytest

from geoloc.errors import IndexFolderError, OptionError
from geoloc.index import faiss_file, vector_store
from geoloc.index.vector_store import (
    EXACT_FACTORY,
    FaissStore,
    JoinedVectors,
    StoredVectors,
    write_store,
)

LOSSY = ("IVF8,SQfp16", "HNSW8", "IVF8,PQ4x4", "Flat")


def _vectors(count: int = 600, dimension: int = 16) -> np.ndarray:
    vectors = np.random.default_rng(7).normal(size=(count, dimension))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)


def _queries(vectors: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(8).normal(scale=0.02, size=(9, vectors.shape[1]))
    return (vectors[:9].astype(float) + noise).astype(np.float32)


def _truth(vectors: np.ndarray, queries: np.ndarray, k: int) -> np.ndarray:
    return np.argsort(-(queries @ vectors.astype(np.float32).T), axis=1)[:, :k]


def _write(folder: Path, factory: str = EXACT_FACTORY) -> FaissStore:
    write_store(folder, _vectors(), factory)
    return FaissStore.open(folder)


def test_the_default_is_exact(tmp_path: Path) -> None:
    vectors, store = _vectors(), _write(tmp_path)
    queries = _queries(vectors)
    found = store.search(queries, 5)
    np.testing.assert_array_equal(found.rows, _truth(vectors, queries, 5))
    assert (np.diff(found.scores, axis=1) <= 0).all()


def test_the_default_keeps_half_precision_and_nothing_else(tmp_path: Path) -> None:
    store = _write(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["vectors.faiss"]
    assert (tmp_path / "vectors.faiss").stat().st_size < 600 * 16 * 2 + 400
    np.testing.assert_array_equal(store.vectors(np.arange(600)), _vectors())
    assert (len(store), store.dimension) == (600, 16)


@pytest.mark.parametrize("factory", LOSSY)
def test_an_approximate_search_is_ranked_exactly(tmp_path: Path, factory: str) -> None:
    vectors, store = _vectors(), _write(tmp_path, factory)
    queries = _queries(vectors)
    found = store.search(queries, 3)
    np.testing.assert_array_equal(found.rows[:, 0], np.arange(9))
    exact = np.take_along_axis(queries @ vectors.astype(np.float32).T, found.rows, axis=1)
    np.testing.assert_allclose(found.scores, exact, rtol=1e-5)


@pytest.mark.parametrize("factory", [EXACT_FACTORY, *LOSSY])
def test_a_part_of_the_map_is_searched_exactly(tmp_path: Path, factory: str) -> None:
    vectors, store = _vectors(), _write(tmp_path, factory)
    queries = _queries(vectors)
    rows = np.arange(590, 100, -7)
    found = store.search(queries, 4, rows=rows)
    np.testing.assert_array_equal(
        found.rows, np.sort(rows)[_truth(vectors[np.sort(rows)], queries, 4)]
    )


def test_too_few_rows_are_filled_with_nothing(tmp_path: Path) -> None:
    found = _write(tmp_path).search(_queries(_vectors()), 4, rows=np.array([5, 5, 9]))
    assert set(found.rows[0, :2]) == {5, 9}
    assert (found.rows[:, 2:] == -1).all()
    assert (found.scores[:, 2:] == -np.inf).all()
    none = _write(tmp_path).search(_queries(_vectors()), 2, rows=np.zeros(0, np.int64))
    assert (none.rows == -1).all()


@pytest.mark.slow
@pytest.mark.parametrize("factory", [EXACT_FACTORY, *LOSSY])
def test_the_same_vectors_make_the_same_bytes(tmp_path: Path, factory: str) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
        write_store(tmp_path / name, _vectors(), factory)
    a, b = ((tmp_path / name / "vectors.faiss").read_bytes() for name in "ab")
    assert a == b


def test_writing_another_kind_leaves_no_file_of_the_first(tmp_path: Path) -> None:
    _write(tmp_path, "HNSW8")
    assert (tmp_path / "vectors.npy").exists()
    _write(tmp_path)
    assert not (tmp_path / "vectors.npy").exists()


@pytest.mark.parametrize("factory", ["nonsense", "", "SQfp17", "IVF8,PQ5"])
def test_an_unknown_factory_is_one_clear_error(tmp_path: Path, factory: str) -> None:
    with pytest.raises(OptionError, match="--factory"):
        write_store(tmp_path, _vectors(), factory)


def test_too_few_vectors_to_learn_from_are_told(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="600 tiles are too few"):
        write_store(tmp_path, _vectors(), "IVF4096,SQfp16")


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    _write(tmp_path)
    path = tmp_path / "vectors.faiss"
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(IndexFolderError, match="--overwrite"):
        FaissStore.open(tmp_path)
    path.unlink()
    with pytest.raises(IndexFolderError, match="cannot read"):
        FaissStore.open(tmp_path)


def test_vectors_of_another_index_beside_it_are_refused(tmp_path: Path) -> None:
    _write(tmp_path, "HNSW8")
    np.save(tmp_path / "vectors.npy", _vectors(10))
    with pytest.raises(IndexFolderError, match="10 vectors"):
        FaissStore.open(tmp_path)


def test_the_exact_store_is_the_file_that_faiss_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vectors = _vectors()
    index = vector_store.make_index(16, EXACT_FACTORY)
    index.add(vectors.astype(np.float32))
    whole = faiss.serialize_index(index).tobytes()
    monkeypatch.setattr(vector_store, "_WRITE_ROWS", 250)
    write_store(tmp_path, vectors, EXACT_FACTORY)
    assert (tmp_path / "vectors.faiss").read_bytes() == whole
    # A FAISS that lays out its files otherwise is left to write them itself.
    monkeypatch.setattr(faiss_file, "_COUNT", slice(16, 24))
    assert faiss_file.head_of_codes(vector_store.make_index(16, EXACT_FACTORY), 600) is None
    write_store(tmp_path, vectors, EXACT_FACTORY)
    assert (tmp_path / "vectors.faiss").read_bytes() == whole


@pytest.mark.parametrize("factory", [EXACT_FACTORY, "HNSW8", "IVF8,SQfp16"])
def test_vectors_of_a_store_and_more_make_the_store_of_all(tmp_path: Path, factory: str) -> None:
    vectors = _vectors()
    for name, some in (("first", vectors[:400]), ("whole", vectors)):
        write_store(tmp_path, some, factory, name=name)
    old = StoredVectors(tmp_path, "first", np.arange(400), 16)
    joined = JoinedVectors((old, vectors[400:]))
    assert (len(joined), joined.shape) == (600, (600, 16))
    np.testing.assert_array_equal(joined[390:410], vectors[390:410])
    write_store(tmp_path, joined, factory, name="grown")
    for suffix in ("faiss", "npy"):
        files = [tmp_path / f"{name}.{suffix}" for name in ("whole", "grown")]
        assert files[0].exists() == files[1].exists()
        assert not files[0].exists() or files[0].read_bytes() == files[1].read_bytes()
