"""FAISS indexes are written by Python: FAISS itself prints on stderr what it does not raise."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import faiss
import numpy as np

from geoloc.arrays import Float16Array

# In the file of a flat index: the number of vectors, and at the end the length of all codes.
_COUNT, _LENGTH = slice(8, 16), slice(-8, None)


def write_faiss(index: faiss.Index, path: Path) -> None:
    """Write an index to a file, the same bytes as FAISS would.

    Raises:
        OSError: The disk is full, or allows no file so large.
    """
    with path.open("wb") as stream:
        faiss.write_index(index, faiss.PyCallbackIOWriter(stream.write))  # type: ignore[attr-defined]


def head_of_codes(index: faiss.Index, count: int) -> bytes | None:
    """What FAISS would write before the codes of `count` vectors of half precision.

    The codes, which end the file, are these vectors as they are, so that an index of any size can
    be written without being held.

    Args:
        index: An empty index of flat codes; it stays empty.
        count: Number of vectors.

    Returns:
        None where this FAISS lays out its files otherwise.
    """
    probe = np.linspace(-1, 1, 3 * index.d, dtype=np.float16).reshape(3, index.d)
    empty = faiss.serialize_index(index).tobytes()
    index.add(probe.astype(np.float32))
    whole = faiss.serialize_index(index).tobytes()
    index.reset()
    if whole != _filled_in(empty, probe.shape) + probe.tobytes():
        return None
    return _filled_in(empty, (count, index.d))


def _filled_in(empty: bytes, shape: tuple[int, ...]) -> bytes:
    head = bytearray(empty)
    head[_COUNT] = np.array(shape[0], "<i8").tobytes()
    head[_LENGTH] = np.array(shape[0] * shape[1] * 2, "<u8").tobytes()
    return bytes(head)


def write_codes(path: Path, head: bytes, vectors: Iterable[Float16Array]) -> None:
    """Write an index of flat codes of half precision, a part of its vectors at a time.

    Raises:
        OSError: The disk is full, or allows no file so large.
    """
    with path.open("wb") as stream:
        stream.write(head)
        for part in vectors:
            stream.write(np.ascontiguousarray(part, "<f2").data)
