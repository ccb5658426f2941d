"""The rasters behind an index: whether they are still those that it was built of."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from geoloc.errors import TilesError
from geoloc.tiles.fingerprint import changed_file
from geoloc.tiles.manifest import TILES_MANIFEST, RasterEntry, TileManifest
from geoloc.tiles.tile_set import PIXELS, TileSet


def rasters_of(manifest: TileManifest, source: Path, folder: Path) -> tuple[RasterEntry, ...]:
    """The rasters that tiles were cut from, as seen from the folder of an index.

    Args:
        manifest: Of the tiles.
        source: Folder of the tiles.
        folder: Folder of the index.
    """
    return tuple(e.relocated(source, folder) for e in manifest.rasters if e.error is None)


def joined(first: Sequence[RasterEntry], second: Sequence[RasterEntry]) -> tuple[RasterEntry, ...]:
    """The rasters of both, each once."""
    return tuple({entry.location: entry for entry in (*first, *second)}.values())


def change_between(was: Sequence[RasterEntry], now: Sequence[RasterEntry]) -> str | None:
    """Which file of a raster changed between two cuts, in words; None if none that is known has."""
    new = {entry.location: entry for entry in now}
    for entry in was:
        other = new.get(entry.location)
        if other is None or other.fingerprint == entry.fingerprint:
            continue
        if entry.files and other.files:
            change = changed_file(entry.files, other.files, location=entry.location)
            return change or f"{entry.location} has changed"
    return None


def check_tiles_unchanged(tiles: TileSet) -> None:
    """Make sure that the rasters of virtual tiles are those that they were cut from.

    Raises:
        TilesError: One has changed since.
    """
    changes = tiles.changes()
    if changes:
        more = f" (and {len(changes) - 1} rasters more)" if len(changes) > 1 else ""
        raise TilesError(
            f"{changes[0]}{more} since the tiles in {tiles.folder} were cut; cut them again: "
            "geoloc tile --virtual --overwrite",
            path=tiles.folder,
        )


def check_pixels_unchanged(
    locations: Iterable[str], rasters: Sequence[RasterEntry], folder: Path
) -> None:
    """Make sure that tiles with files of their own were not cut again from changed rasters.

    Args:
        locations: Of the tiles of an index.
        rasters: Its rasters, as they were when it was built.
        folder: Its folder.

    Raises:
        TilesError: They were.
    """
    homes = {location.split(f"{PIXELS}/")[0] for location in locations if f"{PIXELS}/" in location}
    for home in sorted(homes):
        manifest = folder / home / TILES_MANIFEST
        if not manifest.is_file():  # the tiles alone may have travelled
            continue
        now = rasters_of(TileManifest.read(manifest), folder / home, folder)
        change = change_between(rasters, now)
        if change is not None:
            tiles = os.path.normpath(folder / home)
            raise TilesError(
                f"{change} since the index in {folder} was built, and its tiles were cut again; "
                f"build it again: geoloc index {tiles} -o {folder} --overwrite",
                path=manifest.parent,
            )
