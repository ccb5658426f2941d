"""Nearest neighbours of descriptors among some features of a map, in memory, by FAISS.

The features that a photo is compared with are laid out for it: as inverted lists of the map's
vocabulary, or plainly where the whole map is small. Memory grows with what is searched, not with
the map.
"""

from __future__ import annotations

from dataclasses import dataclass

import faiss
import numpy as np
from numpy.typing import NDArray

from geoloc.arrays import ByteArray, Float32Array, Int64Array
from geoloc.index.features.vocabulary import Vocabulary

# Inverted lists that a search looks into: 1.6 % of all.
_PROBED_SHARE = 1 / 64


@dataclass(frozen=True)
class Neighbours:
    """The nearest map features of each query feature, nearest first.

    Attributes:
        ids: (Q, k) int64; -1 where fewer were found.
        distances: (Q, k) float32, Euclidean, in units of the byte descriptors.
    """

    ids: Int64Array
    distances: Float32Array


class NeighbourSearch:
    """Finds the nearest of a set of features; safe to use from several threads."""

    def __init__(self, index: faiss.Index, ids: Int64Array | None = None) -> None:
        self._index = index
        self._ids = ids

    @classmethod
    def exact(cls, ids: Int64Array, descriptors: ByteArray) -> NeighbourSearch:
        """Compares with every feature.

        Args:
            ids: (N,) what the features are called in the answers.
            descriptors: (N, size).
        """
        size = descriptors.shape[1]
        index = faiss.IndexScalarQuantizer(
            size, faiss.ScalarQuantizer.QT_8bit_direct, faiss.METRIC_L2
        )
        index.is_trained = True
        if len(descriptors):
            index.add(descriptors.astype(np.float32))
        return cls(index, ids)

    @classmethod
    def by_lists(
        cls,
        ids: Int64Array,
        descriptors: ByteArray,
        lists: NDArray[np.uint16],
        vocabulary: Vocabulary,
    ) -> NeighbourSearch:
        """Compares with the features in the inverted lists that are nearest to a descriptor.

        Args:
            ids: (N,) what the features are called in the answers.
            descriptors: (N, size).
            lists: (N,) number of the list of each.
            vocabulary: Their centres.
        """
        size, count = descriptors.shape[1], len(vocabulary.lists)
        index = faiss.IndexIVFScalarQuantizer(
            vocabulary.quantiser,
            size,
            count,
            faiss.ScalarQuantizer.QT_8bit_direct,
            faiss.METRIC_L2,
            False,
        )
        invlists = index.invlists
        assert invlists is not None
        index.is_trained = True
        index.nprobe = max(1, round(count * _PROBED_SHARE))
        order = np.argsort(lists, kind="stable")
        sorted_ids, codes = ids[order], np.ascontiguousarray(descriptors[order])
        numbers, starts = np.unique(lists[order], return_index=True)
        ends = np.append(starts[1:], len(order))
        for number, a, b in zip(numbers.tolist(), starts.tolist(), ends.tolist(), strict=True):
            invlists.add_entries(
                number, b - a, faiss.swig_ptr(sorted_ids[a:b]), faiss.swig_ptr(codes[a:b])
            )
        index.ntotal = len(order)
        return cls(index)

    def nearest(self, descriptors: ByteArray, k: int) -> Neighbours:
        """The `k` nearest for each of (Q, size) descriptors."""
        squared, found = self._index.search(descriptors.astype(np.float32), k)
        distances = np.sqrt(np.maximum(squared, 0))
        if self._ids is None or not len(self._ids):
            return Neighbours(found, distances)
        return Neighbours(np.where(found >= 0, self._ids[np.maximum(found, 0)], -1), distances)
