"""The heights that an index keeps: cut from elevation models around its tiles.

They come after all else, and ``index.json`` is written again to name them; who opens the index
meanwhile has level ground, or the heights of before. So a model is added to an index, or replaced,
without building it again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from geoloc.index.generation import IndexFiles
from geoloc.index.manifest import IndexManifest, TerrainEntry
from geoloc.index.stores import open_stores
from geoloc.progress import Progress
from geoloc.storage.atomic import is_draft
from geoloc.terrain.content import content_of
from geoloc.terrain.saving import save_terrain
from geoloc.terrain.terrain import open_terrain
from geoloc.tiles.tile_table import TileTable

_NAME = "terrain"


def keep_terrain(folder: Path, dem: Sequence[str], progress: Progress) -> None:
    """Keep the heights of elevation models in the index of a folder, unless they are there already.

    Without models, those that it names stay. Nobody else may be writing there.

    Raises:
        InputError: A model cannot be read, or covers nothing of the map.
        OSError: The disk is full.
    """
    manifest = IndexManifest.read(folder)
    if dem:
        tiles, _ = open_stores(manifest, IndexFiles(folder, manifest.generation))
        sources, area = tuple(map(content_of, dem)), _area(tiles)
        was = manifest.terrain
        is_there = was is not None and (was.sources, was.area) == (sources, area)
        if not (is_there and was is not None and (folder / was.file).exists()):
            manifest = _replace(folder, manifest, dem, sources, tiles, progress)
    _sweep(folder, manifest)


def _replace(
    folder: Path,
    manifest: IndexManifest,
    dem: Sequence[str],
    sources: tuple[str, ...],
    tiles: TileTable,
    progress: Progress,
) -> IndexManifest:
    """Write the heights under a name that is free, then name them."""
    terrain = open_terrain(dem)
    for note in terrain.notes:
        progress.warn(note)
    lonlat = np.column_stack([tiles.lon, tiles.lat]).astype(np.float64)
    name = _free_name(folder)
    half_side_m = float(tiles.ground_size_m.max()) / 2
    save_terrain(terrain, lonlat, half_side_m, folder / name, progress=progress)
    entry = TerrainEntry(name, terrain.reference, terrain.vertical, sources, _area(tiles))
    manifest = replace(manifest, terrain=entry)
    manifest.write(folder)
    return manifest


def _area(tiles: TileTable) -> str:
    """A digest of where the tiles lie."""
    places = np.column_stack([tiles.lon, tiles.lat, tiles.ground_size_m])
    return hashlib.sha256(np.unique(places.round(6), axis=0).tobytes()).hexdigest()[:12]


def _free_name(folder: Path) -> str:
    number, name = 1, f"{_NAME}.tif"
    while (folder / name).exists():
        number += 1
        name = f"{_NAME}.{number}.tif"
    return name


def _sweep(folder: Path, manifest: IndexManifest) -> None:
    """Remove heights that the manifest does not name, and what a killed run has left."""
    kept = None if manifest.terrain is None else manifest.terrain.file
    drafts = (path for path in folder.glob(f".{_NAME}*") if is_draft(path.name))
    for path in [*folder.glob(f"{_NAME}*.tif"), *drafts]:
        if path.name != kept:
            # Windows keeps what a reader has open; the next run sweeps it.
            with suppress(PermissionError):
                path.unlink()
