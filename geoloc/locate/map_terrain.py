"""The terrain of a run: the elevation models that were given, then the one of the index."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from geoloc.arrays import Float64Array
from geoloc.errors import DependencyError
from geoloc.index.map_index import MapIndex
from geoloc.options import LocateOptions
from geoloc.terrain.terrain import Terrain, open_terrain
from geoloc.tiles.tile_table import TileTable

# Below this share of the map that lies on a model, a person should know.
_WHOLE = 0.95


def terrain_of(options: LocateOptions, index: MapIndex | None = None) -> Terrain | None:
    """The terrain that photos are located over; None where there is none: level ground.

    A surface model is asked before models of the bare ground, files in the order in which they
    were given, and the index last. Altitudes are above the sea where EGM96 is at hand.

    Raises:
        InputError: A file cannot be read, or holds no heights; or the heights of one are above the
            ellipsoid, those of another above the sea.
    """
    given = [
        open_terrain(options.dsm, surface=True) if options.dsm else None,
        open_terrain(options.dem) if options.dem else None,
        index.open_terrain() if index else None,
    ]
    terrain: Terrain | None = None
    for each in (_above_sea(one) for one in given if one):
        terrain = terrain.before(each) if terrain else each
    return terrain


def _above_sea(terrain: Terrain) -> Terrain:
    """The terrain above the sea; as it is, with a note, where the geoid is not at hand."""
    try:
        return terrain.above_sea()
    except DependencyError as error:
        note = f"altitudes are above the ellipsoid, as those of the elevation model: {error}"
        return replace(terrain, notes=(*terrain.notes, note))


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
