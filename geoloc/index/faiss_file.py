"""FAISS indexes are written by Python: FAISS itself prints on stderr what it does not raise."""

from __future__ import annotations

from pathlib import Path

import faiss


def write_faiss(index: faiss.Index, path: Path) -> None:
    """Write an index to a file, the same bytes as FAISS would.

    Raises:
        OSError: The disk is full, or allows no file so large.
    """
    with path.open("wb") as stream:
        faiss.write_index(index, faiss.PyCallbackIOWriter(stream.write))  # type: ignore[attr-defined]
