"""Repair of local features: damaged blocks are built anew from the pixels of their tiles."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from dataclasses import replace

from geoloc.index.features.block_grid import BlockId
from geoloc.index.features.block_plan import BlockPlan
from geoloc.index.features.feature_map import FeatureMap
from geoloc.index.features.plan import Plan
from geoloc.index.features.sealing import Sealing
from geoloc.index.features.tile_features import BlockRecords
from geoloc.storage.atomic import draft_name
from geoloc.tiles.tile_set import TileSet

# Gives the records of some tiles of a plan, in their order.
Describe = Callable[[Plan, Iterable[int]], list[BlockRecords]]


def rebuild_blocks(
    tiles: TileSet, features: FeatureMap, blocks: set[BlockId], describe: Describe
) -> None:
    """Build some blocks of a map anew, where they are; all others stay as they are.

    Args:
        tiles: All tiles of the map, whose pixels are read where they touch the blocks.
        features: Features of the map.
        blocks: The blocks.
        describe: Finds the features of tiles, as those of the map were found.

    Raises:
        TilesError: The pixels are not there any more.
    """
    plan = Plan.of(tiles)
    layout = BlockPlan.of(tiles, plan.tiles).only(blocks)
    folder = features.folder
    work = draft_name(folder)
    work.mkdir()
    try:
        sealing = Sealing(work, plan, layout, tiles.rows, features.vocabulary)
        sealing.take_up()
        for home in sealing.homes_to_do():
            sealing.add(home, describe(plan, layout.tiles_of[home].tolist()))
        made = {entry.block: entry for entry in sealing.finish()}
        for entry in made.values():
            entry.path(work).replace(entry.path(folder))
    finally:
        shutil.rmtree(work, ignore_errors=True)
    kept = {entry.block: entry for entry in features.manifest.blocks if entry.block not in blocks}
    entries = tuple(entry for _, entry in sorted((kept | made).items()))
    replace(features.manifest, regions=plan.regions, blocks=entries).write(folder)
