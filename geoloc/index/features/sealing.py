"""Sealing of blocks: what tiles gave waits on the disk until a block is whole, then it is written.

homes/ROW-COL.npz      records of the tiles of a home, by block, raster and region
blocks/ROW-COL.block   sealed blocks
entries/ROW-COL.json   what is in each, for the manifest; written last
"""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from geoloc.arrays import AnyArray
from geoloc.index.features.block_file import FeatureBlock, write_block
from geoloc.index.features.block_grid import BlockId
from geoloc.index.features.block_plan import BlockPlan
from geoloc.index.features.features_manifest import BLOCKS, BlockEntry, BlockPart
from geoloc.index.features.known import KnownFeatures, PartRecords, Regions
from geoloc.index.features.plan import Plan
from geoloc.index.features.tile_features import BlockRecords
from geoloc.index.features.vocabulary import Vocabulary
from geoloc.storage.array_file import load_arrays, save_arrays
from geoloc.storage.atomic import write_text
from geoloc.tiles.tile_table import TileTable

_HOMES, _ENTRIES = "homes", "entries"


@dataclass
class Sealing:
    """The blocks of a map that is being built, in a folder of their own.

    Attributes:
        work: The folder.
        plan: Regions of the map.
        layout: Homes and blocks.
        tiles: Tiles of the map.
        vocabulary: Lists that features are sorted into.
        known: Features that an index already holds.
    """

    work: Path
    plan: Plan
    layout: BlockPlan
    tiles: TileTable
    vocabulary: Vocabulary
    known: KnownFeatures | None = None
    _entries: dict[BlockId, BlockEntry] = field(default_factory=dict)
    _done: set[BlockId] = field(default_factory=set)

    def take_up(self) -> None:
        """Go on with what the folder holds of an earlier run; what is damaged counts as not there.

        A full disk may have spoilt it.
        """
        for name in (_HOMES, _ENTRIES, BLOCKS):
            (self.work / name).mkdir(exist_ok=True)
        for block in self._wanted:
            entry = self._sealed(block)
            if entry is not None:
                self._entries[block] = entry
        for home in self.layout.tiles_of:
            if load_arrays(self._home_path(home)) is not None:
                self._done.add(home)
        self._seal(self._wanted)

    def homes_to_do(self) -> list[BlockId]:
        """The homes whose tiles are still to be read, in order."""
        missing = self._wanted - self._entries.keys()
        needed = {home for block in missing for home in self.layout.homes_of.get(block, ())}
        return [home for home in self.layout.tiles_of if home in needed - self._done]

    def add(self, home: BlockId, found: Iterable[BlockRecords]) -> None:
        """Keep what the tiles of a home gave, and seal the blocks that it makes whole.

        Args:
            home: The home.
            found: Records of each of its tiles, in their order.
        """
        groups: dict[str, list[AnyArray]] = {}
        for tile, records in zip(self.layout.tiles_of[home].tolist(), found, strict=True):
            part = f"{self.tiles.raster[tile]}/{self.plan.region_of[tile]}"
            for block, some in records.items():
                groups.setdefault(f"{block.name}/{part}", []).append(some)
        arrays = {name: np.concatenate(some) for name, some in groups.items()}
        save_arrays(self._home_path(home), arrays)
        self._done.add(home)
        self._seal(self.layout.blocks_of[home])

    def finish(self) -> tuple[BlockEntry, ...]:
        """Take over the known blocks that nothing has touched, and remove what waited.

        Returns:
            All blocks that hold a feature, in order.
        """
        entries = dict(self._entries)
        if self.known is not None:
            for block in self.known.entries.keys() - entries.keys():
                entries[block] = self.known.entry_in(block, self._regions)
                self.known.hand_over(entries[block], self.work)
        return tuple(entries[block] for block in sorted(entries) if entries[block].count)

    @cached_property
    def _wanted(self) -> set[BlockId]:
        """The blocks that are written: those of new tiles, and those that lose features."""
        lost = self.known.changed() if self.known is not None else set()
        return lost | self.layout.homes_of.keys()

    @cached_property
    def _regions(self) -> Regions:
        """Number, in the plan, of the region of each known part."""
        return {} if self.known is None else self.known.regions_in(self.plan)

    @cached_property
    def _ranks(self) -> dict[str, int]:
        """Number of each raster, in the order in which they came."""
        return {raster: rank for rank, raster in enumerate(self.tiles.rasters)}

    def _seal(self, blocks: Iterable[BlockId]) -> None:
        """Seal those whose homes are all done, and remove homes that no block waits for."""
        for block in sorted(set(blocks) - self._entries.keys()):
            homes = self.layout.homes_of.get(block, ())
            if self._done.issuperset(homes):
                self._entries[block] = self._write(block, homes)
                for home in homes:
                    if self._entries.keys() >= self.layout.blocks_of[home]:
                        self._home_path(home).unlink(missing_ok=True)

    def _write(self, block: BlockId, homes: Iterable[BlockId]) -> BlockEntry:
        """Write a block from what is known of it and what its homes gave; its entry last."""
        found = {} if self.known is None else self.known.records_in(block, self._regions)
        for home in homes:
            _join(found, self._waiting(home, block))
        keys = sorted((key for key in found if len(found[key])), key=self._order)
        parts = tuple(BlockPart(*key, len(found[key])) for key in keys)
        entry = BlockEntry(block, 0, parts)
        if keys:
            records = np.concatenate([found[key] for key in keys])
            records["list"] = self.vocabulary.list_of(np.ascontiguousarray(records["descriptor"]))
            numbers = np.repeat(np.arange(len(keys)), [part.count for part in parts])
            path = entry.path(self.work)
            write_block(path, records, numbers)
            entry = BlockEntry(block, FeatureBlock.open(path).seal, parts)
        write_text(self._entry_path(block), json.dumps(entry.to_json()))
        return entry

    def _order(self, key: tuple[str, int]) -> tuple[int, int]:
        return self._ranks[key[0]], key[1]

    def _waiting(self, home: BlockId, block: BlockId) -> PartRecords:
        """What a home has for a block."""
        path, names = self._home_path(home), self.tiles.rasters
        arrays = load_arrays(path, prefix=f"{block.name}/")
        if arrays is None:
            raise OSError(errno.EIO, "damaged since it was written", str(path))
        found = {}
        for name, records in arrays.items():
            _, rank, region = name.split("/")
            found[names[int(rank)], int(region)] = records
        return found

    def _sealed(self, block: BlockId) -> BlockEntry | None:
        """The entry of a block that an earlier run has sealed; None if that cannot be trusted."""
        try:
            entry = BlockEntry.from_json(json.loads(self._entry_path(block).read_text()))
            if entry.count:
                opened = FeatureBlock.open(entry.path(self.work))
                if opened.seal != entry.seal or len(opened.damaged_cells()):
                    return None
        except (OSError, ValueError, KeyError, TypeError, EOFError):
            return None
        return entry

    def _home_path(self, home: BlockId) -> Path:
        return self.work / _HOMES / f"{home.name}.npz"

    def _entry_path(self, block: BlockId) -> Path:
        return self.work / _ENTRIES / f"{block.name}.json"


def _join(found: PartRecords, more: PartRecords) -> None:
    """Add records to those of the same part."""
    for key, records in more.items():
        found[key] = np.concatenate([found[key], records]) if key in found else records


def clear(work: Path) -> None:
    """Remove what is of no use once the manifest is there."""
    for name in (_HOMES, _ENTRIES):
        shutil.rmtree(work / name, ignore_errors=True)
