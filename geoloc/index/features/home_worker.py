"""Find the features of tiles in the actors of a cluster, home by home, as on one machine."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

from geoloc.arrays import Int64Array
from geoloc.cluster import ActorPool, Lost
from geoloc.index.features.keypoints import DescriptorExtractor
from geoloc.index.features.plan import Plan
from geoloc.index.features.tile_features import BlockRecords, describe_tile
from geoloc.options import EngineOptions
from geoloc.progress import Progress
from geoloc.tiles.manifest import TileManifest
from geoloc.tiles.tile_set import TileSet
from geoloc.tiles.tile_table import TileTable

# A home's features are some 40 MB: so many may wait for one that comes late, for each actor.
_AHEAD = 2


class HomeWorker:
    """Finds the features of some tiles with an opened tile set and a descriptor of its own.

    Args:
        tiles: Tiles of the map.
        plan: Which tile owns which ground.
        extractor: What describes keypoints; None is RootSIFT.
    """

    def __init__(self, tiles: TileSet, plan: Plan, extractor: DescriptorExtractor | None) -> None:
        self._tiles = tiles
        self._plan = plan
        self._extractor = extractor

    def __call__(self, some: list[int]) -> list[BlockRecords]:
        """Records of the features of each tile."""
        return [describe_tile(self._tiles, self._plan, self._extractor, tile) for tile in some]


@dataclass(frozen=True)
class FeatureRun:
    """What the homes of a map have in common.

    Attributes:
        folder: Folder that the tiles' locations are relative to.
        manifest: Manifest of the tiles.
        rows: The table of tiles.
        plan: Which tile owns which ground.
        descriptor: Folder of the model that describes; None is RootSIFT.
        device: Its device.
    """

    folder: Path
    manifest: TileManifest
    rows: TileTable
    plan: Plan
    descriptor: Path | None
    device: str

    def open_worker(self) -> HomeWorker:
        """A worker in an actor."""
        tiles = TileSet(self.folder, self.manifest, self.rows)
        if self.descriptor is None:
            return HomeWorker(tiles, self.plan, None)
        from geoloc.index.features.descriptor import PatchNetExtractor  # brings torch

        extractor = PatchNetExtractor(self.descriptor, device=self.device)
        return HomeWorker(tiles, self.plan, extractor)


def describe_on_cluster(
    run: FeatureRun,
    homes: Sequence[Int64Array],
    engine: EngineOptions,
    progress: Progress,
) -> Generator[list[BlockRecords], None, None]:
    """The records of the tiles of each home, in their order, from the actors of a cluster.

    A home over which actors die is asked for tile by tile; the tile that they die over stays
    without features.
    """
    with ActorPool[list[int], list[BlockRecords]](engine, run.open_worker) as pool:
        asked = (some.tolist() for some in homes)
        for some, answer in zip(homes, pool.answers(asked, ahead=_AHEAD), strict=True):
            if isinstance(answer, Lost):
                yield _one_by_one(pool, some.tolist(), progress)
            else:
                yield answer


def _one_by_one(
    pool: ActorPool[list[int], list[BlockRecords]], some: list[int], progress: Progress
) -> list[BlockRecords]:
    found: list[BlockRecords] = []
    for tile, answer in zip(some, pool.answers([tile] for tile in some), strict=True):
        if isinstance(answer, Lost):
            progress.warn(
                f"tile {tile} stays without local features: the process that looked for them "
                f"died, twice ({answer.reason})"
            )
            found.append({})
        else:
            found += answer
    return found
