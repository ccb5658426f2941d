"""What a vector store promises, and what a search brings back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class SearchResult:
    """The most similar rows of each query, best first.

    Attributes:
        scores: (N, k) float32, cosine similarity; -inf where fewer rows were found.
        rows: (N, k) int64, rows of the store; -1 where fewer were found.
    """

    scores: NDArray[np.float32]
    rows: NDArray[np.int64]


class VectorStore(Protocol):
    """Unit vectors at rest, one a tile, found by cosine similarity."""

    @property
    def dimension(self) -> int:
        """Length of a vector."""

    def __len__(self) -> int: ...

    def vectors(self, rows: NDArray[np.int64]) -> NDArray[np.float16]:
        """The stored vectors of some rows, (M, D)."""

    def search(
        self,
        queries: NDArray[np.float32],
        k: int,
        *,
        rows: NDArray[np.int64] | None = None,
    ) -> SearchResult:
        """The `k` most similar rows of (N, D) queries, or among `rows` only, then exactly."""
