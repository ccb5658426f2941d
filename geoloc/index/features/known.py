"""Features that an index already holds, taken into the index that its tiles are added to.

Their pixels are not asked for: they may be far away, or gone. Blocks know nothing of regions, so
that most go over as they are, as one more name of the same file; only those that new tiles touch,
or that a raster is removed from, are written again.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from geoloc.arrays import AnyArray
from geoloc.errors import IndexFolderError
from geoloc.geometry.crs import LonLat
from geoloc.index.features.block_file import places_m
from geoloc.index.features.block_grid import BlockId
from geoloc.index.features.feature_map import FeatureMap
from geoloc.index.features.features_manifest import BlockEntry, BlockPart
from geoloc.index.features.keypoints import DescriptorKind
from geoloc.index.features.plan import Plan

# Records of a block by raster and region.
PartRecords = dict[tuple[str, int], AnyArray]
# Numbers of regions of a new map, by block and number of the part.
Regions = dict[tuple[BlockId, int], int]


@dataclass(frozen=True)
class KnownFeatures:
    """The features of an index that tiles are added to, or a raster is removed from.

    Against an index of all tiles at once, where a raster has old and new tiles, the old ones keep
    all their ground instead of half-way to the new, so that keypoints in that strip are those of
    the other tile. All else is the same; without such seams, to the byte.

    Attributes:
        folder: Folder of the features.
        tiles: Number of tiles that they are of: the first of the new table.
        without: Rasters whose features are left behind.
    """

    folder: Path
    tiles: int
    without: frozenset[str] = frozenset()

    @cached_property
    def features(self) -> FeatureMap:
        """The features.

        Raises:
            IndexFolderError: They are missing or damaged.
        """
        return FeatureMap.open(self.folder)

    @cached_property
    def entries(self) -> dict[BlockId, BlockEntry]:
        """Their blocks that have anything to keep."""
        found = {}
        for entry in self.features.manifest.blocks:
            if any(part.raster not in self.without for part in entry.parts):
                found[entry.block] = entry
        return found

    def check(self, kind: DescriptorKind) -> None:
        """Make sure that they are described as new ones will be.

        Raises:
            IndexFolderError: They are not.
        """
        if self.features.kind != kind:
            raise IndexFolderError(
                f"{self.folder} was described by {self.features.kind.name}, not {kind.name}; build "
                "the index again with --overwrite",
                path=self.folder,
            )

    def changed(self) -> set[BlockId]:
        """The blocks that lose features."""
        return {
            entry.block
            for entry in self.entries.values()
            if any(part.raster in self.without for part in entry.parts)
        }

    def regions_in(self, plan: Plan) -> Regions:
        """The number, in a plan of all tiles, of the region of each part that is kept."""
        found: Regions = {}
        of_region: dict[int, int] = {}
        for entry in self.entries.values():
            for number, part in enumerate(entry.parts):
                if part.raster in self.without:
                    continue
                # More tiles join regions and never part them; fewer may part them.
                if self.without or part.region not in of_region:
                    of_region[part.region] = plan.region_at(self._position(entry, number))
                found[entry.block, number] = of_region[part.region]
        return found

    def _position(self, entry: BlockEntry, number: int) -> LonLat:
        """A position of a part."""
        first = sum(part.count for part in entry.parts[:number])
        record = self.features.records_of(entry)[[first]]
        return LonLat(*entry.block.frame.to_lonlat(places_m(record))[0])

    def entry_in(self, block: BlockId, regions: Regions) -> BlockEntry:
        """A block that goes over as it is, with the regions of the new map."""
        entry = self.entries[block]
        parts = tuple(
            BlockPart(part.raster, regions[block, number], part.count)
            for number, part in enumerate(entry.parts)
        )
        return BlockEntry(block, entry.seal, parts)

    def records_in(self, block: BlockId, regions: Regions) -> PartRecords:
        """The records of a block that are kept, by raster and region of the new map.

        Raises:
            IndexFolderError: It is damaged.
        """
        if block not in self.entries:
            return {}
        entry = self.entries[block]
        records = self.features.records_of(entry)
        ends = np.cumsum([part.count for part in entry.parts])
        found: PartRecords = {}
        pieces = zip(entry.parts, np.split(records, ends[:-1]), strict=True)
        for number, (part, some) in enumerate(pieces):
            if part.raster not in self.without:
                key = part.raster, regions[block, number]
                # Two pieces of a raster, which new tiles have joined, are one part from now on.
                found[key] = np.concatenate([found[key], some]) if key in found else some
        return found

    def hand_over(self, entry: BlockEntry, folder: Path) -> None:
        """Give a block's file a second name in another folder of features, or copy it there."""
        source, target = entry.path(self.folder), entry.path(folder)
        if target.exists():
            return
        try:
            os.link(source, target)
        except OSError:  # disks of cameras and some network drives know no second names
            shutil.copyfile(source, target)
