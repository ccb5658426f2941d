"""ASMK signatures of tiles: which local features a tile has, in few bytes a tile.

The features of a map fall into visual words (k-means of their own descriptors). For each word a
tile keeps one unit vector: the sum of its features' offsets from the word's centre. A photo gets
the same, and word by word the two are compared, similar ones counting by their cube, rare words
more than common ones: the aggregated selective match kernel (Tolias, Avrithis and Jegou, ICCV 2013,
section 4) on VLAD's residuals (Jegou et al., CVPR 2010). Neither turns nor scales matter to it.

A folder of features holds them as

    words.npy         (K, D) float32   centres
    signatures.npy    (T, K, D) int8   unit vectors times 127, by rows of the index's table; zero
                                       where a tile has no feature of a word
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import faiss
import geopandas
import numpy as np
from numpy.typing import NDArray

from geoloc.arrays import Float32Array, Int64Array
from geoloc.errors import IndexFolderError
from geoloc.index.features.feature_map import FeatureMap
from geoloc.progress import Progress
from geoloc.storage.array_file import save_array
from geoloc.storage.atomic import replacing
from geoloc.storage.disk import create_array

WORDS = 256
_WORDS_FILE, _SIGNATURES_FILE = "words.npy", "signatures.npy"
# Features to learn a word from: as k-means of FAISS wants them at least, and at most.
_MIN_FEATURES_PER_WORD, _MAX_FEATURES_PER_WORD = 39, 400
_SELECTIVITY = 3
_QUANTISER = 127.0
_RAREST = 1e-3
_SEED = 1
_CHUNK = 1024


class Signatures:
    """The signatures of a map's tiles, opened from a folder; they are memory-mapped.

    Args:
        words: (K, D) centres.
        signatures: (T, K, D) int8.
    """

    def __init__(self, words: Float32Array, signatures: NDArray[np.int8]) -> None:
        self._words = words
        self._signatures = signatures

    @classmethod
    def open(cls, folder: Path) -> Signatures | None:
        """Those of a folder of features; None if it was made without.

        Raises:
            IndexFolderError: They are damaged.
        """
        if not (folder / _SIGNATURES_FILE).is_file():
            return None
        try:
            words = np.load(folder / _WORDS_FILE)
            signatures = np.load(folder / _SIGNATURES_FILE, mmap_mode="r")
            if signatures.shape[1:] != words.shape:
                raise ValueError(f"{signatures.shape} are not of words {words.shape}")
            return cls(words, signatures)
        except (OSError, EOFError, ValueError) as error:
            raise IndexFolderError(
                f"cannot read the tiles' signatures in {folder} ({error}); build the index again "
                "with --overwrite",
                path=folder,
            ) from error

    @cached_property
    def _weights(self) -> tuple[Float32Array, Float32Array]:
        """The rarity of every word (K,), and the norm of every tile (T,)."""
        signatures = self._signatures
        shown = np.zeros((len(signatures), len(self._words)), bool)
        for start in range(0, len(signatures), _CHUNK):
            shown[start : start + _CHUNK] = signatures[start : start + _CHUNK].any(axis=2)
        # The one is for words that every tile shows, most of them on maps of towns: their presence
        # tells nothing, their offsets tell all.
        rarity = (1 - np.log(shown.mean(axis=0).clip(_RAREST, 1.0))).astype(np.float32)
        return rarity, np.sqrt((shown * rarity).sum(axis=1)).clip(1e-6)

    def likeness(self, descriptors: Float32Array, rows: Int64Array) -> Float32Array:
        """How like some tiles are to a photo, (len(rows),), from 0.

        Args:
            descriptors: (N, D) unit vectors, of the photo's features.
            rows: Of the index's table.
        """
        asked = aggregate(descriptors, self._words)
        found = np.zeros(len(rows), np.float32)
        rarity, norms = self._weights
        for start in range(0, len(rows), _CHUNK):
            some = rows[start : start + _CHUNK]
            signatures = self._signatures[some].astype(np.float32) / _QUANTISER
            alike = np.einsum("tkd,kd->tk", signatures, asked).clip(0) ** _SELECTIVITY
            found[start : start + _CHUNK] = (alike * rarity).sum(axis=1) / norms[some]
        return found


def aggregate(descriptors: Float32Array, words: Float32Array) -> Float32Array:
    """One unit vector (K, D) a word: the summed offsets of its descriptors; zero without any.

    Args:
        descriptors: (N, D) unit vectors.
        words: (K, D) centres.
    """
    sums = np.zeros_like(words)
    if len(descriptors):
        nearest = (descriptors @ words.T).argmax(axis=1)
        np.add.at(sums, nearest, descriptors - words[nearest])
    return np.asarray(sums / np.linalg.norm(sums, axis=1, keepdims=True).clip(1e-6), np.float32)


def write_signatures(
    features: FeatureMap, tiles: geopandas.GeoDataFrame, *, progress: Progress
) -> None:
    """Add the signatures of the tiles of a table to their folder of features.

    Args:
        features: Features of the map.
        tiles: Table of the index.
        progress: Hears of each tile.
    """
    words = _learn_words(features)
    save_array(features.folder / _WORDS_FILE, words)
    shape = (len(tiles), *words.shape)
    path = features.folder / _SIGNATURES_FILE
    lon, lat = tiles["lon"].to_numpy(float), tiles["lat"].to_numpy(float)
    half_m = tiles["ground_size_m"].to_numpy(float) / 2
    progress.start("computing signatures", len(tiles), "tiles")
    with replacing(path) as draft:
        signatures = create_array(draft, np.int8, shape)
        for row in range(len(tiles)):
            ids = features.in_squares(lon[[row]], lat[[row]], half_m[[row]])
            unit = features.kind.unit(features.descriptors(ids))
            signatures[row] = np.rint(aggregate(unit, words) * _QUANTISER)
            progress.advance()
        signatures.flush()
        del signatures  # Windows renames no file that is mapped


def _learn_words(features: FeatureMap) -> Float32Array:
    """The centres of the map's own descriptors, as many as they can teach."""
    count = int(min(WORDS, max(1, len(features) // _MIN_FEATURES_PER_WORD)))
    drawn = np.random.default_rng(_SEED).permutation(len(features))[
        : _MAX_FEATURES_PER_WORD * count
    ]
    unit = features.kind.unit(features.descriptors(np.sort(drawn)))
    means = faiss.Kmeans(
        unit.shape[1],
        count,
        niter=15,
        seed=_SEED,
        spherical=True,
        max_points_per_centroid=_MAX_FEATURES_PER_WORD,
        min_points_per_centroid=1,
    )
    means.train(unit)
    return np.asarray(means.centroids, np.float32)
