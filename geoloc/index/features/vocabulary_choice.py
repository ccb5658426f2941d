"""Choice of the vocabulary that the features of a map are sorted by.

It is that of an earlier run of the same map, of the index that grows, or of the model that
describes; a descriptor that comes without one learns it from some tiles of the map.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import numpy as np

from geoloc.errors import GeolocError
from geoloc.index.features.keypoints import DescriptorKind
from geoloc.index.features.known import KnownFeatures
from geoloc.index.features.plan import Plan
from geoloc.index.features.tile_features import BlockRecords
from geoloc.index.features.vocabulary import VOCABULARY, Vocabulary, learn_vocabulary
from geoloc.models.registry import read_card
from geoloc.storage.atomic import write_text

# What tells whether the vocabulary in a folder is whole, while the features of a map are built.
VOCABULARY_MARK = "vocabulary.digest"
_TEACHING_TILES = 32


def choose_vocabulary(
    folder: Path,
    kind: DescriptorKind,
    describe: Callable[[Iterable[int]], list[BlockRecords]],
    plan: Plan,
    *,
    descriptor: Path | None,
    known: KnownFeatures | None,
) -> Vocabulary:
    """The vocabulary of a map, which is kept in the folder that its features are built in.

    Args:
        folder: The folder.
        kind: Meaning of the descriptors.
        describe: Finds the features of tiles.
        plan: Tiles of the map.
        descriptor: Folder of the model that describes; None is RootSIFT.
        known: Features of the index that the map is added to.
    """
    path = folder / VOCABULARY
    kept = _kept(path)
    if kept is not None:
        return kept
    taught = _taught(descriptor, known) or _learn(kind, describe(_teaching(plan)))
    return _keep(taught, path)


def _kept(path: Path) -> Vocabulary | None:
    """That of an earlier run; None where there is none, or a damaged one."""
    with suppress(GeolocError, OSError):
        vocabulary = Vocabulary.open(path)
        if path.with_name(VOCABULARY_MARK).read_text() == vocabulary.digest:
            return vocabulary
    return None


def _taught(descriptor: Path | None, known: KnownFeatures | None) -> Vocabulary | None:
    if known is not None:
        return known.features.vocabulary
    if descriptor is None:
        return Vocabulary.of_root_sift()
    return Vocabulary.of_model(read_card(descriptor))


def _keep(vocabulary: Vocabulary, path: Path) -> Vocabulary:
    vocabulary.write(path)
    write_text(path.with_name(VOCABULARY_MARK), vocabulary.digest)
    return vocabulary


def _teaching(plan: Plan) -> list[int]:
    """Tiles that teach a vocabulary, spread over the map."""
    step = max(1, len(plan.tiles) // _TEACHING_TILES)
    return [int(tile) for tile in plan.tiles[::step][:_TEACHING_TILES]]


def _learn(kind: DescriptorKind, found: list[BlockRecords]) -> Vocabulary:
    some = [records["descriptor"] for tile in found for records in tile.values()]
    counts = [sum(map(len, tile.values())) for tile in found]
    groups = np.repeat(np.arange(len(found)), counts)
    if not len(groups):  # a map of one grey: any vocabulary does
        some, groups = [np.full((1, kind.size), kind.zero, np.uint8)], np.zeros(1, np.int64)
    return learn_vocabulary(np.concatenate(some), kind, groups)
