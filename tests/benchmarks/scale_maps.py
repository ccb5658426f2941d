"""Indexes of made-up ground of any size, with the real maps of the photos hidden in it.

Each is a valid index that any command opens. Made-up blocks are whole files of their own, as large
as real ones, so that the system's page cache is not flattered; real ones are copied.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import geopandas
import numpy as np
import pandas
import shapely
from scale_sources import Sources, foreign_rasters

from geoloc.arrays import AnyArray, Float32Array, Float64Array, Int64Array
from geoloc.geometry.crs import LonLat
from geoloc.index.features.block_file import FeatureBlock, make_records, write_block
from geoloc.index.features.block_grid import BlockId, blocks_at
from geoloc.index.features.features_manifest import (
    BLOCKS,
    FEATURES_MANIFEST,
    BlockEntry,
    BlockPart,
    FeaturesManifest,
    Region,
)
from geoloc.index.generation import IndexFiles
from geoloc.index.map_index import MapIndex
from geoloc.index.vector_store import write_store
from geoloc.tiles.manifest import RasterEntry
from geoloc.tiles.table_files import write_table

MADE_UP = "made-up.tif"
_CORNER = LonLat(20.0, 24.0)  # nothing real lies there, at the latitude of the real maps
# A block is 1,007 m high and about as wide: as many patches and tiles as fill it, edge to edge.
_BLOCK_M = 1006.0
_PATCHES, _TILES = 3, 12
_PATCH_M = _BLOCK_M / _PATCHES
_SIGNATURES = "signatures.npy"
_SEED = 1


def make_index(real: Path, folder: Path, size_km2: int) -> None:
    """Write an index of so many square kilometres; what is there already stays.

    Args:
        real: Index of the real maps: those of the photos and those to draw from.
        folder: Folder to write.
        size_km2: Size, the maps of the photos among it.
    """
    if (folder / "index.json").exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    files = IndexFiles(folder)
    (files.features / BLOCKS).mkdir(parents=True)
    index = MapIndex.open(real)
    sources = Sources(
        index, foreign_rasters(index), _PATCH_M, np.random.default_rng([_SEED, size_km2])
    )
    hidden = _HiddenMaps(index)
    blocks = _made_up_blocks(size_km2 - round(hidden.area_km2))
    made = [_write_block(files.features, block, sources, hidden.regions) for block in blocks]
    hidden.copy_features(files.features)
    table = pandas.concat([hidden.table, *(tiles for _, tiles, _ in made)], ignore_index=True)
    write_table(folder, table)
    rows = np.concatenate([rows for _, _, rows in made])
    vectors = np.concatenate([sources.vectors[hidden.rows], *_vectors(sources, rows)])
    write_store(folder, vectors.astype(np.float16), index.manifest.recipe.factory)
    signatures = [sources.signatures[hidden.rows], *_signatures(sources, rows)]
    np.save(files.features / _SIGNATURES, np.concatenate(signatures))
    entries = sorted(hidden.entries + [entry for entry, _, _ in made], key=lambda e: e.block)
    regions = (*hidden.regions, _region(blocks))
    manifest = replace(hidden.manifest, regions=regions, blocks=tuple(entries))
    manifest.write(files.features)
    _write_manifest(index, table, len(rows), folder)


class _HiddenMaps:
    """The maps of the photos, as the index of the real maps holds them.

    Args:
        index: The index of the real maps.
    """

    def __init__(self, index: MapIndex) -> None:
        foreign = foreign_rasters(index)
        assert index.features_folder is not None
        self._folder = index.features_folder
        self.manifest = FeaturesManifest.read(self._folder)
        numbers = [
            number
            for number, region in enumerate(self.manifest.regions)
            if foreign.isdisjoint(region.rasters)
        ]
        self.regions = tuple(self.manifest.regions[number] for number in numbers)
        self.area_km2 = sum(region.area_m2 for region in self.regions) / 1e6
        self.rows = np.concatenate(
            [index.tiles.rows_of(raster) for region in self.regions for raster in region.rasters]
        )
        self.table = index.tiles.take(self.rows)
        self.entries = [
            replace(entry, parts=tuple(_renumbered(part, numbers) for part in entry.parts))
            for entry in self.manifest.blocks
            if entry.parts[0].region in numbers
        ]

    def copy_features(self, folder: Path) -> None:
        """Copy their blocks, and all that is beside blocks."""
        for entry in self.entries:
            shutil.copyfile(entry.path(self._folder), entry.path(folder))
        for path in self._folder.iterdir():
            if path.is_dir() and path.name != BLOCKS:
                shutil.copytree(path, folder / path.name)
            elif path.is_file() and path.name not in (FEATURES_MANIFEST, _SIGNATURES):
                shutil.copyfile(path, folder / path.name)


def _renumbered(part: BlockPart, numbers: list[int]) -> BlockPart:
    return replace(part, region=numbers.index(part.region))


def _made_up_blocks(count: int) -> list[BlockId]:
    """So many blocks, one after the other, in a square."""
    side = math.ceil(math.sqrt(count))
    row, _ = blocks_at(*_CORNER).tolist()
    found = []
    for up in range(side):
        lat = (row + up + 0.5) / 110 - 90
        col = int(blocks_at(_CORNER.lon, lat)[1])
        found += [BlockId(row + up, col + right) for right in range(side)]
    return found[:count]


def _region(blocks: list[BlockId]) -> Region:
    origins = np.array([block.frame.origin for block in blocks])
    centre = LonLat(*np.round((origins.min(axis=0) + origins.max(axis=0)) / 2, 6).tolist())
    region = Region(centre, (MADE_UP,), len(blocks) * _BLOCK_M**2, 0.0)
    away = np.hypot(*region.frame.from_lonlat(*origins.T).T).max()
    return replace(region, reach_m=round(float(away) + _BLOCK_M, 1))


def _write_block(
    folder: Path, block: BlockId, sources: Sources, regions: tuple[Region, ...]
) -> tuple[BlockEntry, geopandas.GeoDataFrame, Int64Array]:
    """Write a made-up block; its entry, its tiles, and the real tiles that they are like."""
    steps = (np.arange(_PATCHES) - (_PATCHES - 1) / 2) * _PATCH_M
    patches = [sources.patch(np.array([east, north])) for north in steps for east in steps]
    pieces = []
    for patch in patches:
        found, xy_m, angle_deg = patch.features(_PATCH_M / 2)
        descriptors = sources.jittered(found.descriptors)
        pieces.append(make_records(xy_m, found.size_m, angle_deg, descriptors))
        pieces[-1]["list"] = found.lists
    records = np.concatenate(pieces)
    entry = BlockEntry(block, 0, (BlockPart(MADE_UP, len(regions), len(records)),))
    path = entry.path(folder)
    write_block(path, records, np.zeros(len(records), np.int64))
    xy_m = _tile_middles()
    rows = np.zeros(len(xy_m), np.int64)
    for patch in patches:
        mine = (np.abs(xy_m - patch.middle_m) < _PATCH_M / 2).all(axis=1)
        rows[mine] = patch.nearest_tiles(xy_m[mine])
    return replace(entry, seal=FeatureBlock.open(path).seal), _tiles(block, xy_m), rows


def _tile_middles() -> Float64Array:
    along = (np.arange(_TILES) - (_TILES - 1) / 2) * (_BLOCK_M / _TILES)
    return np.stack(np.meshgrid(along, along), axis=-1).reshape(-1, 2)


def _tiles(block: BlockId, xy_m: Float64Array) -> geopandas.GeoDataFrame:
    """Rows of the table for tiles of 160 m of a block."""
    half_m, size_px = 80.0, 512
    corners = [block.frame.to_lonlat(xy_m + half_m * sign) for sign in (-1, 1)]
    lon, lat = block.frame.to_lonlat(xy_m).T
    west, south, east, north = np.concatenate(corners, axis=1).T
    x_px, y_px = (east - west) / size_px, (north - south) / size_px
    count = len(xy_m)
    return geopandas.GeoDataFrame(
        {
            "tile_id": [f"made-up_{block.name}_{n:03d}" for n in range(count)],
            "location": MADE_UP,
            **dict.fromkeys(("col_off", "row_off"), 0.0),
            **dict.fromkeys(("width", "height"), float(size_px)),
            "crs": "EPSG:4326",
            "transform": np.stack([x_px, 0 * lon, west, 0 * lon, -y_px, north], axis=1).tolist(),
            "ground_size_m": 2 * half_m,
            "gsd_m": 2 * half_m / size_px,
            "valid_fraction": 1.0,
            "lon": lon,
            "lat": lat,
            **{name: np.arange(count) for name in ("row", "col")},
            "raster": MADE_UP,
            "stretch": "",
        },
        geometry=shapely.box(west, south, east, north),
        crs="EPSG:4326",
    )


def _vectors(sources: Sources, rows: Int64Array) -> Iterator[Float32Array]:
    for some in _chunks(rows):
        yield sources.mixed_vectors(some)


def _signatures(sources: Sources, rows: Int64Array) -> Iterator[AnyArray]:
    for some in _chunks(rows):
        yield sources.mixed_signatures(some)


def _chunks(rows: Int64Array) -> list[Int64Array]:
    return [rows[start : start + 4096] for start in range(0, len(rows), 4096)]


def _write_manifest(
    index: MapIndex, table: geopandas.GeoDataFrame, made_up: int, folder: Path
) -> None:
    """Write ``index.json``: the index is there from now on."""
    manifest = index.manifest
    foreign = foreign_rasters(index)
    rasters = [entry for entry in manifest.rasters if entry.location not in foreign]
    rasters.append(RasterEntry(MADE_UP, "made-up", tiles=made_up))
    digests = (*manifest.recipe.tile_digests, MADE_UP)
    replace(
        manifest,
        recipe=replace(manifest.recipe, tile_digests=digests),
        count=len(table),
        rasters=tuple(rasters),
    ).write(folder)
