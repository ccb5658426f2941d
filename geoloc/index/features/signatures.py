"""ASMK signatures of tiles: which local features a tile has, in at most 2 kB a tile.

Features fall into the words of their descriptor's vocabulary, which is the same for every map. For
each word a tile keeps the direction of the sum of its features' offsets from the word's mean, as
the signs of its projections. A photo gets the same with all its digits, and word by word the two
are compared, rare words counting more than common ones: the aggregated selective match kernel
(Tolias, Avrithis and Jegou, ICCV 2013, section 4, its binary form compared asymmetrically) on
VLAD's residuals (Jegou et al., CVPR 2010). Neither turns nor scales matter to it.

Season, light and sensor move all descriptors of an image alike. What the offsets of an image have
in common, whatever their word, is taken off them, in tiles as in photos; without it a photo is like
the maps of its season before it is like its place.

All that a tile's answer needs is in its own row and in the vocabulary. A folder of features holds

    vocabulary.safetensors   see `geoloc.index.features.vocabulary`
    signatures.npy           (T, W, B / 8) uint8, the signs of each word, by rows of the index's
                             table; all zeros where a tile has no feature of a word
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from geoloc.arrays import ByteArray, Float32Array, Int64Array, Mask
from geoloc.errors import IndexFolderError
from geoloc.index.features.block_grid import FARTHEST_M, blocks_around, blocks_at
from geoloc.index.features.feature_map import FeatureMap
from geoloc.index.features.features_manifest import FeaturesManifest
from geoloc.index.features.vocabulary import VOCABULARY, Vocabulary, nearest_word
from geoloc.progress import Progress
from geoloc.storage.array_file import ArrayFile
from geoloc.storage.atomic import replacing
from geoloc.tiles.tile_table import TileTable

SIGNATURES = "signatures.npy"
# Offsets are taken from a point so far on the way from a word's centre to the mean of its
# descriptors: measured in tests/benchmarks/README.md.
_TOWARDS_MEAN = 0.75
# Blocks that stay mapped while signatures are written: the tiles of one block reach into nine.
SIGNING_BLOCKS = 16
_CHUNK = 1024
# From a tile's middle to the corners of the ground that it sees, in sides, and a little more.
_REACH_SIDES = 0.8


class Signatures:
    """The signatures of a map's tiles, opened from a folder; they are memory-mapped.

    Args:
        vocabulary: Vocabulary of their descriptors.
        signatures: (T, W, B / 8) uint8.
    """

    def __init__(self, vocabulary: Vocabulary, signatures: ByteArray) -> None:
        self._vocabulary = vocabulary
        self._signatures = signatures

    @classmethod
    def open(cls, folder: Path) -> Signatures | None:
        """Those of a folder of features; None if it was made without.

        Raises:
            IndexFolderError: They are damaged.
        """
        if not (folder / SIGNATURES).is_file():
            return None
        vocabulary = Vocabulary.open(folder / VOCABULARY)
        try:
            signatures = np.load(folder / SIGNATURES, mmap_mode="r")
            if (signatures.dtype, signatures.shape[1:]) != (np.uint8, row_shape(vocabulary)):
                raise ValueError(f"{signatures.shape} are not of {len(vocabulary.words)} words")
            return cls(vocabulary, signatures)
        except (OSError, EOFError, ValueError) as error:
            raise IndexFolderError(
                f"cannot read the tiles' signatures in {folder} ({error}); build the index again "
                "with --overwrite",
                path=folder,
            ) from error

    def likeness(self, descriptors: Float32Array, rows: Int64Array) -> Float32Array:
        """How like some tiles are to a photo, (len(rows),), from 0; no other row is read.

        Args:
            descriptors: (N, D) unit vectors, of the photo's features.
            rows: Of the index's table.
        """
        table = _shares(aggregate(descriptors, self._vocabulary))
        rarity = self._vocabulary.rarity
        words, places = np.ogrid[: table.shape[0], : table.shape[1]]
        found = np.zeros(len(rows), np.float32)
        for start in range(0, len(rows), _CHUNK):
            signatures = self._signatures[rows[start : start + _CHUNK]]
            shown = signatures.any(axis=2)
            cosines = table[words, places, signatures].sum(axis=2)
            # Of powers from 1 to 3 the first finds most: signs are coarse already.
            alike = np.where(shown, cosines.clip(0), 0)
            norms = np.sqrt(shown @ rarity).clip(1e-6)
            found[start : start + _CHUNK] = alike @ rarity / norms
        return found


def row_shape(vocabulary: Vocabulary) -> tuple[int, int]:
    """Shape (W, B / 8) of a signature."""
    return len(vocabulary.words), -(-len(vocabulary.projection) // 8)


def aggregate(descriptors: Float32Array, vocabulary: Vocabulary) -> Float32Array:
    """Unit vectors (W, B): the summed and projected offsets of each word; zero without any.

    Args:
        descriptors: (N, D) unit vectors.
        vocabulary: Their vocabulary.
    """
    words = vocabulary.words
    sums = np.zeros(words.shape)
    if len(descriptors):
        nearest = nearest_word(descriptors, words)
        reached = 1 - _TOWARDS_MEAN * (1 - vocabulary.lengths[:, None])
        offsets = descriptors - (words * reached)[nearest]
        offsets -= offsets.mean(axis=0, dtype=np.float64)
        order = np.argsort(nearest, kind="stable")
        used, starts = np.unique(nearest[order], return_index=True)
        sums[used] = np.add.reduceat(offsets[order], starts, axis=0, dtype=np.float64)
    projected = sums @ vocabulary.projection.T
    lengths = np.linalg.norm(projected, axis=1, keepdims=True)
    return np.asarray(projected / lengths.clip(1e-6), np.float32)


def sign(vectors: Float32Array) -> ByteArray:
    """The signature (W, B / 8) of vectors as `aggregate` gives them."""
    packed = np.packbits(vectors > 0, axis=1)
    # A word that is there and has no positive sign must not look like one that is not there.
    packed[vectors.any(axis=1) & ~packed.any(axis=1), 0] = 1 << 7
    return packed


def _shares(asked: Float32Array) -> Float32Array:
    """What each byte of a signature adds to the cosine with a photo's word, (W, B / 8, 256)."""
    words, bits = asked.shape
    padded = np.pad(asked, ((0, 0), (0, -bits % 8))).reshape(words, -1, 8)
    signs = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1) * 2.0 - 1.0
    return np.asarray(padded @ signs.T / np.sqrt(bits), np.float32)


@dataclass(frozen=True)
class KnownSignatures:
    """Signatures of an index that tiles are added to, or taken from.

    Attributes:
        features: Folder of its features.
        rows: (T,) row in it of each tile; -1 of a tile that it does not have.
    """

    features: Path
    rows: Int64Array

    @classmethod
    def of(cls, features: Path, rows: Int64Array) -> KnownSignatures | None:
        """Those of a folder of features; None if it was made without."""
        return cls(features, rows) if (features / SIGNATURES).is_file() else None

    def still_hold(self, features: FeatureMap, tiles: TileTable) -> Mask:
        """Which tiles (T,) see only blocks that are the same."""
        before = {
            (entry.block, entry.seal) for entry in FeaturesManifest.read(self.features).blocks
        }
        now = {(entry.block, entry.seal) for entry in features.manifest.blocks}
        changed = {block for block, _ in before ^ now}
        held = self.rows >= 0
        for block in changed:
            middle = block.frame.origin
            for row in tiles.rows_within(*middle, FARTHEST_M, sides=_REACH_SIDES).tolist():
                place = (tiles.lon[row], tiles.lat[row], tiles.ground_size_m[row] / 2)
                held[row] &= block not in blocks_around(*map(float, place))
        return held


def write_signatures(
    features: FeatureMap,
    tiles: TileTable,
    *,
    known: KnownSignatures | None = None,
    progress: Progress,
) -> None:
    """Add the signatures of the tiles of a table to their folder of features.

    Args:
        features: Features of the map, with their vocabulary.
        tiles: Table of the index.
        known: Those of an index with the same vocabulary, which are taken where they still hold.
        progress: Hears of each tile.
    """
    path, shape = features.folder / SIGNATURES, row_shape(features.vocabulary)
    progress.start("computing signatures", len(tiles), "tiles")
    with replacing(path) as draft:
        signatures = ArrayFile.create(draft, np.uint8, (len(tiles), *shape))
        missing = np.arange(len(tiles))
        if known is not None:
            held = known.still_hold(features, tiles)
            _take_over(signatures, np.flatnonzero(held), known)
            missing = np.flatnonzero(~held)
            progress.advance(len(tiles) - len(missing))
        for rows in _by_block(tiles, missing):
            found = np.empty((len(rows), *shape), np.uint8)
            for signature, row in zip(found, rows.tolist(), strict=True):
                signature[:] = _signature_of(features, tiles, row)
                progress.advance()
            signatures[rows] = found


def _take_over(signatures: ArrayFile, rows: Int64Array, known: KnownSignatures) -> None:
    """Copy the signatures of some rows that an index has already."""
    there = ArrayFile(known.features / SIGNATURES)
    for start in range(0, len(rows), _CHUNK):
        some = rows[start : start + _CHUNK]
        signatures[some] = there[known.rows[some]]


def _by_block(tiles: TileTable, rows: Int64Array) -> Iterator[Int64Array]:
    """Some rows by the block of their middle, so that few blocks are mapped at a time."""
    places = blocks_at(tiles.lon[rows], tiles.lat[rows])
    order = np.lexsort(places.T[::-1])
    is_next = (np.diff(places[order], axis=0) != 0).any(axis=1)
    yield from np.split(rows[order], np.flatnonzero(is_next) + 1) if len(rows) else ()


def _signature_of(features: FeatureMap, tiles: TileTable, row: int) -> ByteArray:
    half_m = tiles.ground_size_m[[row]] / 2
    ids = features.in_squares(tiles.lon[[row]], tiles.lat[[row]], half_m)
    unit = features.kind.unit(features.descriptors(ids))
    return sign(aggregate(unit, features.vocabulary))
