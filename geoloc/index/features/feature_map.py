"""Local features of a whole map: computed once, kept in the index, searched by locating.

A folder of features holds

    features.json           regions, blocks, versions, the digest of the tiles
    blocks/ROW-COL.block    the features of a block, see `geoloc.index.features.block_file`
    vocabulary.safetensors  inverted lists and words, see `geoloc.index.features.vocabulary`
    descriptor/             the model that describes, if it is not RootSIFT: photos need the same
    signatures.npy          of tiles, see `geoloc.index.features.signatures`

A region is a group of rasters whose footprints touch: a photo may straddle two sheets of a map,
never two continents. Its metres are those of one local frame. Blocks are a grid of the whole Earth
(`geoloc.index.features.block_grid`) and know nothing of regions, so that a map grows without them
being written again. An id of a feature counts all features of the blocks before it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geoloc.arrays import ByteArray, Float64Array, Int64Array
from geoloc.errors import IndexFolderError, one_line
from geoloc.index.features.block_file import (
    FeatureBlock,
    damaged_block,
)
from geoloc.index.features.block_grid import FARTHEST_M, blocks_around
from geoloc.index.features.features_manifest import BlockEntry, FeaturesManifest
from geoloc.index.features.keypoints import ROOT_SIFT, DescriptorExtractor
from geoloc.index.features.map_features import MapFeatures, Placement
from geoloc.index.features.neighbours import Neighbours, NeighbourSearch
from geoloc.index.features.vocabulary import VOCABULARY, Vocabulary

DESCRIPTOR = "descriptor"
# Brute force is exact and quick enough on a map of fewer features than this.
_EXACT_LIMIT = 60_000
_OPEN_BLOCKS = 256


class FeatureMap:
    """The features of a map, opened from a folder; safe to use from several threads.

    Blocks are memory-mapped when they are asked for, and only some at a time.

    Args:
        folder: That they lie in.
        open_blocks: So many blocks stay mapped.

    Attributes:
        folder: That they lie in.
        manifest: What it holds.
        regions: Connected pieces of the map.
        gsd_m: Metres a pixel of the tiles that they were found on.
        kind: Meaning of their descriptors.
        vocabulary: Inverted lists that they are in, and words of signatures.
    """

    def __init__(self, folder: Path, *, open_blocks: int = _OPEN_BLOCKS) -> None:
        self.folder = folder
        self._open_blocks = open_blocks
        self.manifest = FeaturesManifest.read(folder)
        self.regions = self.manifest.regions
        self.gsd_m = self.manifest.gsd_m
        self.kind = self.manifest.kind
        if self.descriptor_folder is not None and not self.descriptor_folder.is_dir():
            raise FileNotFoundError(f"{self.descriptor_folder} with the model is missing")
        self.vocabulary = Vocabulary.open(folder / VOCABULARY)
        if self.vocabulary.digest != self.manifest.vocabulary:
            raise ValueError(f"{VOCABULARY} is not the one that the features were sorted by")
        self._entries = self.manifest.blocks
        self._number = {entry.block: number for number, entry in enumerate(self._entries)}
        self._starts = np.cumsum([0, *(entry.count for entry in self._entries)], dtype=np.int64)
        self._opened: OrderedDict[int, FeatureBlock] = OrderedDict()
        self._lock = threading.Lock()
        self._last = threading.local()

    @classmethod
    def open(cls, folder: str | Path, *, open_blocks: int = _OPEN_BLOCKS) -> FeatureMap:
        """The features kept in `folder`, of which so many blocks stay mapped.

        Raises:
            IndexFolderError: The folder is missing, unfinished, damaged or of another version.
        """
        with refusing_damage(Path(folder)):
            return cls(Path(folder), open_blocks=open_blocks)

    def __len__(self) -> int:
        return int(self._starts[-1])

    @property
    def descriptor_folder(self) -> Path | None:
        """The model that described them; None for RootSIFT."""
        return None if self.kind == ROOT_SIFT else self.folder / DESCRIPTOR

    @property
    def is_lazy(self) -> bool:
        """Whether features are found when they are asked for."""
        return self.manifest.lazy

    def describe_with(self, extractor: DescriptorExtractor | None) -> None:
        """Take note of what describes photos, with which a lazy map describes itself."""

    @cached_property
    def counts(self) -> Int64Array:
        """Number of features of each region, (R,)."""
        counts = np.zeros(len(self.regions), np.int64)
        for entry in self._entries:
            for part in entry.parts:
                counts[part.region] += part.count
        return counts

    def read(self, ids: Int64Array | None = None) -> MapFeatures:
        """Some features; None is all of them, block by block.

        Raises:
            IndexFolderError: A block is damaged.
        """
        if ids is None:
            ids = np.arange(len(self), dtype=np.int64)
        found = MapFeatures.empty(len(ids), self.kind.size)
        for number, where in self._by_block(ids):
            block = self._block(number)
            rows = ids[where] - self._starts[number]
            records = block.take(rows)
            self._place(found, where, number, block.parts_of(rows), records)
        return found

    def _place(
        self,
        found: MapFeatures,
        where: Int64Array,
        number: int,
        parts: Int64Array,
        records: NDArray[np.void],
    ) -> None:
        """Put features of a block to their places in their regions."""
        entry = self._entries[number]
        region_of = np.array([part.region for part in entry.parts], np.int16)
        regions = region_of[parts]
        for region in np.unique(regions).tolist():
            mine = regions == region
            placed = self._placement(number, region).placed(records[mine], region)
            found.put(where[mine], placed)

    def nearest(
        self, descriptors: ByteArray, k: int, *, among: Int64Array | None = None
    ) -> Neighbours:
        """The `k` nearest features for each of (Q, kind.size) descriptors.

        Args:
            descriptors: Of the photo.
            k: How many.
            among: Ids to choose from (as `in_box` gives them); None is the whole map. A true
                partner is found as surely as on the whole map: the inverted lists that are
                probed depend on the descriptor alone.
        """
        if among is None:
            return self._whole.nearest(descriptors, k)
        # The views of a stage are compared with the same features.
        if getattr(self._last, "among", None) is not among:
            self._last.search, self._last.among = self._search(among), among
        search: NeighbourSearch = self._last.search
        return search.nearest(descriptors, k)

    @cached_property
    def _whole(self) -> NeighbourSearch:
        return self._search(np.arange(len(self), dtype=np.int64))

    def _search(self, ids: Int64Array) -> NeighbourSearch:
        descriptors, lists = self._described(ids)
        if len(self) < _EXACT_LIMIT:
            return NeighbourSearch.exact(ids, descriptors)
        return NeighbourSearch.by_lists(ids, descriptors, lists, self.vocabulary)

    def _described(self, ids: Int64Array) -> tuple[ByteArray, NDArray[np.uint16]]:
        """Descriptors (N, size) and lists (N,) of some features."""
        descriptors = np.empty((len(ids), self.kind.size), np.uint8)
        lists = np.empty(len(ids), np.uint16)
        for number, where in self._by_block(ids):
            records = self._block(number).take(ids[where] - self._starts[number])
            descriptors[where], lists[where] = records["descriptor"], records["list"]
        return descriptors, lists

    def descriptors(self, ids: Int64Array) -> ByteArray:
        """Descriptors (N, kind.size) of some features.

        Raises:
            IndexFolderError: A block is damaged.
        """
        return self._described(ids)[0]

    def areas_m2(self, among: Int64Array | None = None) -> Float64Array:
        """Ground area of every region, (R,); with `among` only what these features stand for."""
        areas = np.array([region.area_m2 for region in self.regions])
        if among is None:
            return areas
        some = self._counts_of(among)
        return np.asarray(areas * np.maximum(1, some) / np.maximum(1, self.counts))

    def _counts_of(self, ids: Int64Array) -> Int64Array:
        """How many of some features lie in each region, (R,)."""
        found = np.zeros(len(self.regions), np.int64)
        for number, where in self._by_block(ids):
            parts = self._block(number).parts_of(ids[where] - self._starts[number])
            for part, count in enumerate(np.bincount(parts)):
                found[self._entries[number].parts[part].region] += count
        return found

    def in_box(self, region: int, low: Float64Array, high: Float64Array) -> Int64Array:
        """Ids of the features between two corners (east, north) in metres, at cell precision."""
        found = [np.zeros(0, np.int64)]
        for number in self._near(region, low, high):
            corners = self._placement(number, region).in_block(low, high)
            parts = [n for n, p in enumerate(self._entries[number].parts) if p.region == region]
            found.append(self._starts[number] + self._block(number).in_box(parts, *corners))
        return np.concatenate(found)

    def _near(self, region: int, low: Float64Array, high: Float64Array) -> Iterator[int]:
        """Numbers of the blocks with features of a region that may lie in a box, ascending."""
        if region >= len(self.regions):
            return
        numbers, middles = self._blocks_of[region]
        inside = (middles >= np.asarray(low) - FARTHEST_M).all(axis=1)
        inside &= (middles <= np.asarray(high) + FARTHEST_M).all(axis=1)
        yield from numbers[inside].tolist()

    @cached_property
    def _blocks_of(self) -> list[tuple[Int64Array, Float64Array]]:
        """By region: the numbers of its blocks, and their middles in its frame."""
        numbers: list[list[int]] = [[] for _ in self.regions]
        for number, entry in enumerate(self._entries):
            for there in sorted({part.region for part in entry.parts}):
                numbers[there].append(number)
        found = []
        for region, mine in zip(self.regions, numbers, strict=True):
            origins = [self._entries[n].block.frame.origin for n in mine]
            lonlat = np.array(origins, float).reshape(-1, 2)
            found.append((np.array(mine, np.int64), region.frame.from_lonlat(*lonlat.T)))
        return found

    def in_squares(self, lon: Float64Array, lat: Float64Array, half_m: Float64Array) -> Int64Array:
        """Ids of the features in squares of the ground, each once, at cell precision.

        Args:
            lon: (N,) of the middles, degrees.
            lat: (N,) the same.
            half_m: (N,) half the sides.
        """
        ids: list[Int64Array] = []
        for number, squares in self._touched(lon, lat, half_m).items():
            entry, block = self._entries[number], self._block(number)
            centres = entry.block.frame.from_lonlat(lon[squares], lat[squares])
            parts = range(len(entry.parts))
            ids += [
                self._starts[number] + block.in_box(parts, centre - side, centre + side)
                for centre, side in zip(centres, half_m[squares], strict=True)
            ]
        return self.each_once(ids)

    def _touched(
        self, lon: Float64Array, lat: Float64Array, half_m: Float64Array
    ) -> dict[int, list[int]]:
        """The squares that may touch each block, by the block's number."""
        found: dict[int, list[int]] = {}
        places = zip(lon.tolist(), lat.tolist(), half_m.tolist(), strict=True)
        for square, place in enumerate(places):
            for block in sorted(blocks_around(*place)):
                if block in self._number:
                    found.setdefault(self._number[block], []).append(square)
        return found

    def records_of(self, entry: BlockEntry) -> NDArray[np.void]:
        """All records of a block, as they are at rest.

        Raises:
            IndexFolderError: It is damaged.
        """
        block = self._block(self._number[entry.block])
        return block.take(np.arange(len(block)))

    @staticmethod
    def each_once(groups: Sequence[Int64Array]) -> Int64Array:
        """The ids of all groups, ascending."""
        # In each group they ascend, which a stable sort makes use of; numpy's unique does not.
        ids = np.sort(np.concatenate([np.zeros(0, np.int64), *groups]), kind="stable")
        return np.asarray(ids[np.append(True, ids[1:] != ids[:-1])[: len(ids)]])

    def damaged(self) -> list[BlockEntry]:
        """The blocks that are missing or not what was written; reads all of them."""
        found = []
        for number, entry in enumerate(self._entries):
            try:
                if len(self._open_block(number).damaged_cells()):
                    found.append(entry)
            except (OSError, IndexFolderError):
                found.append(entry)
        return found

    def _by_block(self, ids: Int64Array) -> Iterator[tuple[int, Int64Array]]:
        """Numbers of the blocks that ids lie in, and the positions of those ids."""
        if not len(ids):
            return
        block = np.searchsorted(self._starts, ids, side="right") - 1
        order = np.argsort(block, kind="stable")
        numbers, starts = np.unique(block[order], return_index=True)
        yield from zip(numbers.tolist(), np.split(order, starts[1:]), strict=True)

    def _placement(self, number: int, region: int) -> Placement:
        key = (number, region)
        if key not in self._placements:
            block = self._entries[number].block
            self._placements[key] = Placement.of(block, self.regions[region])
        return self._placements[key]

    @cached_property
    def _placements(self) -> dict[tuple[int, int], Placement]:
        return {}

    def _block(self, number: int) -> FeatureBlock:
        with self._lock:
            if number in self._opened:
                self._opened.move_to_end(number)
                return self._opened[number]
        block = self._open_block(number)
        with self._lock:
            self._opened[number] = block
            while len(self._opened) > self._open_blocks:
                self._opened.popitem(last=False)
        return block

    def _open_block(self, number: int) -> FeatureBlock:
        """A block, and whether it is the one that the manifest means."""
        entry = self._entries[number]
        path = entry.path(self.folder)
        try:
            block = FeatureBlock.open(path)
        except (OSError, ValueError, EOFError) as error:
            raise damaged_block(path, one_line(error)) from error
        if block.seal != entry.seal or len(block) != entry.count:
            raise damaged_block(path, "it is not the one that features.json names")
        return block


@contextmanager
def refusing_damage(folder: Path) -> Iterator[None]:
    """Turns what damaged files raise while features are opened into one error.

    Raises:
        IndexFolderError: Something is damaged.
    """
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise IndexFolderError(
            f"cannot read the local features in {folder} ({one_line(error)}); "
            "build the index again with --overwrite",
            path=folder,
        ) from error
