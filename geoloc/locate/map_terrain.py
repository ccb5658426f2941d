"""The terrain of a run: the elevation models that were given, then the one of the index."""

from __future__ import annotations

import numpy as np

from geoloc.arrays import Float64Array
from geoloc.options import LocateOptions
from geoloc.terrain.terrain import Terrain, open_terrain
from geoloc.tiles.tile_table import TileTable

# Below this share of the map that lies on a model, a person should know.
_WHOLE = 0.95


def terrain_of(options: LocateOptions) -> Terrain | None:
    """The terrain that photos are located over; None where none is given: level ground.

    A surface model is asked before a model of the bare ground, files in the order in which they
    were given.

    Raises:
        InputError: A file cannot be read, or holds no heights.
    """
    surface = open_terrain(options.dsm, surface=True) if options.dsm else None
    bare = open_terrain(options.dem) if options.dem else None
    if surface is None or bare is None:
        return surface or bare
    return surface.before(bare)


def terrain_notes(terrain: Terrain | None, tiles: TileTable) -> list[str]:
    """What a user should know of a terrain: assumed units, and how little of the map it covers."""
    if terrain is None:
        return []
    on_map = np.column_stack([tiles.lon, tiles.lat]).astype(np.float64)
    return [*terrain.notes, *_coverage_note(terrain, on_map)]


def _coverage_note(terrain: Terrain, lonlat: Float64Array) -> list[str]:
    share = float(terrain.reaches(lonlat).mean()) if len(lonlat) else 1.0
    if share >= _WHOLE:
        return []
    names = ", ".join(raster.name for raster in terrain.rasters)
    covers = f"covers {share:.0%} of the map" if share else "covers nothing of the map"
    return [f"the elevation model {names} {covers}; elsewhere the ground is taken for level"]
