"""Plan of blocks: at which block a tile is read, and which blocks wait for which others.

A tile is read once, at the block of its middle, its home. What it gives to other blocks waits for
them. A block is sealed when every home whose tiles touch it is done.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from geoloc.arrays import Int64Array
from geoloc.index.features.block_grid import BlockId, blocks_at, blocks_touching
from geoloc.tiles.tile_set import TileSet


@dataclass(frozen=True)
class BlockPlan:
    """Which tiles are read at which block, and which blocks that makes whole.

    Attributes:
        tiles_of: By home, in the order of rows and columns: rows of its tiles, ascending.
        homes_of: By block: the homes that may give it features, in that order.
    """

    tiles_of: dict[BlockId, Int64Array]
    homes_of: dict[BlockId, tuple[BlockId, ...]]

    @classmethod
    def of(cls, tiles: TileSet, chosen: Int64Array) -> BlockPlan:
        """The plan of some tiles of a map.

        Args:
            tiles: Tiles of the map.
            chosen: Rows of those to read, ascending.
        """
        table = tiles.rows
        tiles_of: dict[BlockId, array[int]] = {}
        homes_of: dict[BlockId, set[BlockId]] = {}
        for rows, footprints in table.outlines(chosen):
            at = blocks_at(table.lon[rows], table.lat[rows]).tolist()
            touched = blocks_touching(footprints)
            for tile, place, blocks in zip(rows.tolist(), at, touched, strict=True):
                home = BlockId(*place)
                tiles_of.setdefault(home, array("q")).append(tile)
                for block in blocks | {home}:
                    homes_of.setdefault(block, set()).add(home)
        return cls(
            {home: np.array(tiles_of[home], np.int64) for home in sorted(tiles_of)},
            {block: tuple(sorted(homes_of[block])) for block in sorted(homes_of)},
        )

    def only(self, blocks: set[BlockId]) -> BlockPlan:
        """The plan of some blocks and their homes."""
        homes_of = {block: homes for block, homes in self.homes_of.items() if block in blocks}
        wanted = {home for homes in homes_of.values() for home in homes}
        tiles_of = {home: tiles for home, tiles in self.tiles_of.items() if home in wanted}
        return BlockPlan(tiles_of, homes_of)

    @cached_property
    def blocks_of(self) -> dict[BlockId, set[BlockId]]:
        """By home: the blocks that it may give features to."""
        found: dict[BlockId, set[BlockId]] = {home: set() for home in self.tiles_of}
        for block, homes in self.homes_of.items():
            for home in homes:
                found[home].add(block)
        return found
