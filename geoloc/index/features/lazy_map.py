"""Local features that are found when a photo needs them, in the pixels of the map's tiles.

An index of a country need not keep them: vectors and signatures propose tiles, and only the ground
of these is described, each tile once; what was described is kept in a cache.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geoloc.arrays import AnyArray, ByteArray, Float64Array, Int64Array
from geoloc.geometry.crs import LonLat, distance_m
from geoloc.index.features.block_grid import BlockId
from geoloc.index.features.feature_map import FeatureMap, refusing_damage
from geoloc.index.features.features_manifest import BlockEntry
from geoloc.index.features.keypoints import DescriptorExtractor
from geoloc.index.features.map_features import MapFeatures, Placement
from geoloc.index.features.plan import Plan
from geoloc.index.features.tile_features import BlockRecords, describe_tile
from geoloc.storage.array_file import load_arrays, save_arrays
from geoloc.tiles.tile_set import TileSet
from geoloc.tiles.tile_table import TileTable

# A tile owns ground as far as half-way to the tiles around it: those within so many of its sides.
_NEIGHBOUR_SIDES = 1.1
_FEWEST_ROOM = 1024


class LazyFeatureMap(FeatureMap):
    """The features of a map whose index keeps none; safe to use from several threads.

    Ids count features in the order in which they were found, and stay.

    Args:
        folder: Folder of the features: manifest, vocabulary, signatures, the model.
        tiles: Tiles of the map.
        open_tiles: Opens the pixels of some of them.
        cache: Folder to keep what was found in.
        workers: Threads that describe.
    """

    def __init__(
        self,
        folder: Path,
        *,
        tiles: TileTable,
        open_tiles: Callable[[Sequence[int]], TileSet],
        cache: Path,
        workers: int = 2,
    ) -> None:
        super().__init__(folder)
        self._tiles = tiles
        self._open_tiles = open_tiles
        made_of = f"{self.manifest.tiles} {self.kind.name} {self.kind.checksum}"
        self._cache = cache / hashlib.sha256(made_of.encode()).hexdigest()[:16]
        self._workers = workers
        self._extractor: DescriptorExtractor | None = None
        self._describing = threading.Lock()
        finest = tiles.finest_rows()
        self._is_finest = np.zeros(len(tiles), bool)
        self._is_finest[finest] = True
        self._spans: dict[int, tuple[int, int]] = {}
        self._found = MapFeatures.empty(_FEWEST_ROOM, self.kind.size)
        self._count = 0

    @classmethod
    def open_with(
        cls,
        folder: Path,
        *,
        tiles: TileTable,
        open_tiles: Callable[[Sequence[int]], TileSet],
        cache: Path,
    ) -> LazyFeatureMap:
        """The features of a map whose index keeps none.

        Raises:
            IndexFolderError: The folder is missing, unfinished, damaged or of another version.
        """
        with refusing_damage(folder):
            return cls(folder, tiles=tiles, open_tiles=open_tiles, cache=cache)

    def describe_with(self, extractor: DescriptorExtractor | None) -> None:
        """Describe with this from now on; None is RootSIFT."""
        self._extractor = extractor

    def damaged(self) -> list[BlockEntry]:
        """None: it keeps no blocks."""
        return []

    def read(self, ids: Int64Array | None = None) -> MapFeatures:
        """Some features; None is all that were found so far."""
        return self._found.select(np.arange(self._count) if ids is None else ids)

    def _described(self, ids: Int64Array) -> tuple[ByteArray, NDArray[np.uint16]]:
        return self._found.descriptors[ids], self._found.lists[ids]

    def _counts_of(self, ids: Int64Array) -> Int64Array:
        return np.bincount(self._found.region[ids], minlength=len(self.regions))

    def in_box(self, region: int, low: Float64Array, high: Float64Array) -> Int64Array:
        """Ids of the features between two corners (east, north) in metres."""
        middle, half_m = (np.add(low, high) / 2, float(np.hypot(*np.subtract(high, low))) / 2)
        frame = self.regions[region].frame
        lon, lat = frame.to_lonlat(middle)[0].tolist()
        ids = self._of_tiles(self._rows_near(lon, lat, half_m))
        xy_m, is_here = self._found.xy_m[ids], self._found.region[ids] == region
        is_here &= ((xy_m >= low) & (xy_m <= high)).all(axis=1)
        return np.asarray(ids[is_here])

    def in_squares(self, lon: Float64Array, lat: Float64Array, half_m: Float64Array) -> Int64Array:
        """Ids of the features in squares of the ground, each once.

        Args:
            lon: (N,) of the middles, degrees.
            lat: (N,) the same.
            half_m: (N,) half the sides.
        """
        places = list(zip(lon.tolist(), lat.tolist(), half_m.tolist(), strict=True))
        reach = [self._rows_near(x, y, np.sqrt(2) * half) for x, y, half in places]
        self._describe(np.unique(np.concatenate([np.zeros(0, np.int64), *reach])))
        found = []
        for (x, y, half), rows in zip(places, reach, strict=True):
            ids = self._of_tiles(rows)
            for number in np.unique(self._found.region[ids]).tolist():
                offsets_m = self._found.xy_m[ids] - self.regions[number].frame.from_lonlat(x, y)[0]
                is_here = self._found.region[ids] == number
                found.append(ids[is_here & (np.abs(offsets_m) <= half).all(axis=1)])
        return self.each_once(found)

    def _rows_near(self, lon: float, lat: float, reach_m: float) -> Int64Array:
        """Rows of the tiles that may own ground within a distance."""
        rows = self._tiles.rows_within(lon, lat, reach_m, sides=0.5 * np.sqrt(2))
        return np.asarray(rows[self._is_finest[rows]])

    def _of_tiles(self, rows: Int64Array) -> Int64Array:
        """Ids of the features that some tiles own, ascending."""
        self._describe(rows)
        spans = [np.arange(*self._spans[row], dtype=np.int64) for row in rows.tolist()]
        return self.each_once(spans)

    def _describe(self, rows: Int64Array) -> None:
        """Find the features of tiles that were not asked for before.

        Raises:
            TilesError: The map's pixels are not there any more.
        """
        with self._describing:
            missing = [row for row in rows.tolist() if row not in self._spans]
            kept = {row: load_arrays(self._path(row)) for row in missing}
            fresh = [row for row in missing if kept[row] is None]
            arrays = {row: found for row, found in kept.items() if found is not None}
            arrays |= self._from_pixels(fresh) if fresh else {}
            regions = self._regions_of(missing)
            for row in missing:
                self._add(row, regions[row], arrays[row])

    def _from_pixels(self, rows: Sequence[int]) -> dict[int, dict[str, AnyArray]]:
        """Records of the features of tiles by block, which are kept in the cache, too."""
        around = [
            self._tiles.rows_within(
                float(self._tiles.lon[row]), float(self._tiles.lat[row]), 0, sides=_NEIGHBOUR_SIDES
            )
            for row in rows
        ]
        wanted = np.unique(np.concatenate(around))
        wanted = wanted[self._is_finest[wanted]]
        with self._open_tiles(wanted.tolist()) as tiles, ThreadPoolExecutor(self._workers) as pool:
            plan = Plan.of(tiles)

            def describe(row: int) -> BlockRecords:
                position = int(np.searchsorted(wanted, row))
                return describe_tile(tiles, plan, self._extractor, position)

            described = list(pool.map(describe, rows))
        self._cache.mkdir(parents=True, exist_ok=True)
        found = {}
        for row, records in zip(rows, described, strict=True):
            for some in records.values():
                some["list"] = self.vocabulary.list_of(np.ascontiguousarray(some["descriptor"]))
            found[row] = {block.name: some for block, some in records.items()}
            save_arrays(self._path(row), found[row])
        return found

    def _path(self, row: int) -> Path:
        return self._cache / f"{row:09d}.npz"

    def _regions_of(self, rows: Sequence[int]) -> dict[int, int]:
        """The region that each tile lies in: of those with its raster the nearest for its size."""
        names = self._tiles.records(rows, ["raster"])
        found = {}
        for row, record in zip(rows, names, strict=True):
            place = LonLat(float(self._tiles.lon[row]), float(self._tiles.lat[row]))
            away = [
                distance_m(region.origin, place) / max(region.reach_m, 1.0)
                if record["raster"] in region.rasters
                else np.inf
                for region in self.regions
            ]
            found[row] = int(np.argmin(away))
        return found

    def _add(self, row: int, region: int, arrays: dict[str, AnyArray]) -> None:
        """Give the features of a tile ids."""
        start = self._count
        for name, records in arrays.items():
            block = BlockId.of_name(name)
            assert block is not None, "a name that this class gave"
            more = Placement.of(block, self.regions[region]).placed(records, region)
            self._grow(self._count + len(more))
            self._found.put(slice(self._count, self._count + len(more)), more)
            self._count += len(more)
        self._spans[row] = (start, self._count)

    def _grow(self, count: int) -> None:
        """Make room for so many features in all."""
        room = len(self._found)
        if count > room:
            larger = MapFeatures.empty(max(count, 2 * room), self.kind.size)
            larger.put(slice(0, room), self._found)
            self._found = larger
