"""The vocabulary of a descriptor: what its descriptors are sorted by, the same for every map.

It is learnt once from imagery and lies beside the weights of the model that describes, so that
indexing trains nothing, the lists of two indexes can be merged, and the signatures of their tiles
compared. A safetensors file, ``vocabulary.safetensors``, holds it as

    lists        (L, size) uint8    centres of inverted lists, in bytes of the descriptor's kind
    words        (W, size) float32  unit vectors, centres of the words of signatures
    lengths      (W,) float32       how far out along its word the mean of a word's descriptors lies
    rarity       (W,) float32       what a word counts: one and the logarithm of how few pictures
                                    show it
    projection   (B, size) float32  rows that are orthogonal to each other: the bits of a signature
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path

import faiss
import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from safetensors import SafetensorError

from geoloc.arrays import ByteArray, Float32Array, Int64Array
from geoloc.errors import IndexFolderError, ModelError, first_line
from geoloc.index.features.keypoints import ROOT_SIFT, DescriptorKind
from geoloc.models.card import ModelCard
from geoloc.models.registry import bundled_models_folder
from geoloc.storage.atomic import replacing

VOCABULARY = "vocabulary.safetensors"
LISTS = 4096
WORDS = 256
BITS = 64
# Descriptors to learn a centre from: as k-means of FAISS wants them at least, and at most.
_FEWEST = 39
_MOST_OF_LIST, _MOST_OF_WORD = 128, 1024
_ROUNDS = 10
_RAREST = 1e-3
_SEED = 1
_CHUNK = 100_000


@dataclass(frozen=True)
class Vocabulary:
    """Centres that descriptors of one kind are sorted by.

    Attributes:
        lists: (L, size) uint8, centres of inverted lists.
        words: (W, size) float32 unit vectors, centres of the words of signatures.
        lengths: (W,) float32 in (0, 1]: how far out along its word the mean of its unit vectors is.
        rarity: (W,) float32, from 1: what a word counts.
        projection: (B, size) float32, orthonormal rows: directions that signatures keep the signs
            of.
    """

    lists: ByteArray
    words: Float32Array
    lengths: Float32Array
    rarity: Float32Array
    projection: Float32Array

    @classmethod
    def open(cls, path: Path) -> Vocabulary:
        """The vocabulary in a file.

        Raises:
            IndexFolderError: It is missing or damaged, or something else.
        """
        try:
            return _parsed(path.read_bytes())
        except (OSError, SafetensorError, ValueError) as error:
            raise IndexFolderError(
                f"cannot read the vocabulary {path} ({first_line(error)}); build the index again "
                "with --overwrite",
                path=path,
            ) from error

    @classmethod
    def of_model(cls, card: ModelCard) -> Vocabulary | None:
        """The vocabulary that a model's card names; None if it names none.

        Raises:
            ModelError: It is missing, is not the one that the card names, or of another size.
        """
        if not card.vocabulary_sha256:
            return None
        path = card.folder / VOCABULARY
        try:
            data = path.read_bytes()
            found = hashlib.sha256(data).hexdigest()
            if found != card.vocabulary_sha256:
                raise ValueError(
                    f"its checksum is {found[:12]}..., the card says "
                    f"{card.vocabulary_sha256[:12]}..."
                )
            vocabulary = _parsed(data)
            if vocabulary.size != card.dimension:
                raise ValueError(f"{vocabulary.size} numbers a centre, not {card.dimension}")
            return vocabulary
        except (OSError, SafetensorError, ValueError) as error:
            raise ModelError(
                f"cannot read the vocabulary {path} ({first_line(error)}); expected the one that "
                "the model's card names; copy the whole model folder again, or learn it anew: "
                "geoloc models vocabulary",
                path=path,
            ) from error

    @classmethod
    def of_root_sift(cls) -> Vocabulary | None:
        """The vocabulary of RootSIFT, which is bundled; None where it is not.

        Raises:
            IndexFolderError: It is damaged.
        """
        path = bundled_models_folder() / ROOT_SIFT.name / VOCABULARY
        return cls.open(path) if path.is_file() else None

    def write(self, path: Path) -> None:
        """Write it to a file, whole or not at all; the same vocabulary makes the same bytes."""
        with replacing(path) as draft:
            draft.write_bytes(self.serialised)

    @property
    def size(self) -> int:
        """Bytes of a descriptor."""
        return int(self.words.shape[1])

    @property
    def serialised(self) -> bytes:
        """The bytes of its file."""
        arrays = {
            field.name: np.ascontiguousarray(getattr(self, field.name)) for field in fields(self)
        }
        return safetensors.numpy.save(arrays)

    @cached_property
    def digest(self) -> str:
        """Checksum of its file, 64 hexadecimal digits."""
        return hashlib.sha256(self.serialised).hexdigest()

    def list_of(self, descriptors: ByteArray) -> NDArray[np.uint16]:
        """The list (N,) of each of (N, size) descriptors: that with the nearest centre."""
        return self.lists_near(descriptors, 1)[:, 0]

    def lists_near(self, descriptors: ByteArray, count: int) -> NDArray[np.uint16]:
        """The `count` lists (N, count) nearest to each of (N, size) descriptors, nearest first.

        Never more than there are. Distances are exact: sums of squares of bytes are whole numbers
        that float32 holds, whatever the processor adds first.
        """
        count = min(count, len(self.lists))
        found = np.empty((len(descriptors), count), np.uint16)
        for start in range(0, len(descriptors), _CHUNK):
            some = descriptors[start : start + _CHUNK].astype(np.float32)
            found[start : start + _CHUNK] = self.quantiser.search(some, count)[1]
        return found

    @cached_property
    def quantiser(self) -> faiss.Index:
        """The centres of the lists, as FAISS searches them."""
        centres = faiss.IndexFlatL2(self.size)
        centres.add(self.lists.astype(np.float32))
        return centres


def _parsed(data: bytes) -> Vocabulary:
    """Raises SafetensorError or ValueError for anything amiss."""
    arrays = safetensors.numpy.load(data)
    wanted = {field.name: np.float32 for field in fields(Vocabulary)} | {"lists": np.uint8}
    if {name: array.dtype for name, array in arrays.items()} != wanted:
        raise ValueError(f"expected the arrays {', '.join(wanted)}")
    vocabulary = Vocabulary(**arrays)
    shapes = [array.shape for array in arrays.values()]
    words, size = vocabulary.words.shape if vocabulary.words.ndim == 2 else (0, 0)
    are_meant = (
        vocabulary.rarity.shape == vocabulary.lengths.shape == (words,)
        and all(
            a.ndim == 2 and a.shape[1] == size for a in (vocabulary.lists, vocabulary.projection)
        )
        and min(len(vocabulary.lists), words, size, len(vocabulary.projection)) > 0
        and len(vocabulary.lists) <= 2**16
        and all(bool(np.isfinite(array).all()) for array in arrays.values())
    )
    if not are_meant:
        raise ValueError(f"its arrays do not fit each other: {shapes}")
    return vocabulary


def learn_vocabulary(
    descriptors: ByteArray, kind: DescriptorKind, groups: Int64Array, *, seed: int = _SEED
) -> Vocabulary:
    """The vocabulary of descriptors; the same ones give the same.

    Few descriptors teach fewer lists and words, at least one of each.

    Args:
        descriptors: (N, size) uint8, N at least 1, of pictures that resemble tiles.
        kind: Meaning of their bytes.
        groups: (N,) the picture that each is of.
        seed: Of what is drawn.
    """
    rng = np.random.default_rng(seed)
    lists = _centres(descriptors, LISTS, rng, most=_MOST_OF_LIST)
    unit = kind.unit(descriptors)
    words = _centres(unit, WORDS, rng, most=_MOST_OF_WORD)
    nearest = nearest_word(unit, words)
    along = np.einsum("nd,nd->n", unit, words[nearest])
    used = np.bincount(nearest, minlength=len(words)).clip(1)
    lengths = np.bincount(nearest, along, minlength=len(words)) / used
    return Vocabulary(
        np.rint(lists).clip(0, 255).astype(np.uint8),
        words,
        lengths.astype(np.float32),
        _rarity(nearest, len(words), groups),
        _projection(unit - words[nearest], rng),
    )


def _centres(
    vectors: ByteArray | Float32Array, wanted: int, rng: np.random.Generator, *, most: int
) -> Float32Array:
    """Centres (K, D) by k-means, of unit length where the vectors are; K is what they can teach."""
    count = int(min(wanted, max(1, len(vectors) // _FEWEST)))
    drawn = np.sort(rng.permutation(len(vectors))[: most * count])
    means = faiss.Kmeans(
        vectors.shape[1],
        count,
        niter=_ROUNDS,
        seed=_SEED,
        spherical=vectors.dtype == np.float32,
        max_points_per_centroid=most,
        min_points_per_centroid=1,
    )
    means.train(np.asarray(vectors[drawn], np.float32))
    return np.asarray(means.centroids, np.float32)


def nearest_word(unit: Float32Array, words: Float32Array) -> Int64Array:
    """The word (N,) of each of (N, D) unit vectors."""
    nearest = np.empty(len(unit), np.int64)
    for start in range(0, len(unit), _CHUNK):
        nearest[start : start + _CHUNK] = (unit[start : start + _CHUNK] @ words.T).argmax(axis=1)
    return nearest


def _rarity(nearest: Int64Array, words: int, groups: Int64Array) -> Float32Array:
    """What each word counts (W,).

    The one is for words that every picture shows, most of them in towns: their presence tells
    nothing, the offsets from their centres tell all.
    """
    numbers, group = np.unique(groups, return_inverse=True)
    shown = np.zeros((len(numbers), words), bool)
    shown[group, nearest] = True
    return np.asarray(1 - np.log(shown.mean(axis=0).clip(_RAREST, 1.0)), np.float32)


def _projection(offsets: Float32Array, rng: np.random.Generator) -> Float32Array:
    """Directions (B, D) whose signs tell offsets (N, D) apart, at most as many as there are.

    The principal axes of the offsets, turned at random, so that each of the signs tells as much as
    the others (Jegou et al., TPAMI 2012, section 3.2).
    """
    spread = np.asarray(offsets.T @ offsets, np.float64)
    axes = np.linalg.eigh(spread)[1][:, ::-1][:, :BITS]
    turn = np.linalg.qr(rng.normal(size=(axes.shape[1],) * 2))[0]
    return np.ascontiguousarray((axes @ turn).T, np.float32)
