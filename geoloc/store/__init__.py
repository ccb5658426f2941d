"""Vector stores, one a file."""

from geoloc.store.faiss_store import EXACT_FACTORY, FaissStore, make_index, write_store
from geoloc.store.vectors import SearchResult, VectorStore

__all__ = [
    "EXACT_FACTORY",
    "FaissStore",
    "SearchResult",
    "VectorStore",
    "make_index",
    "write_store",
]
