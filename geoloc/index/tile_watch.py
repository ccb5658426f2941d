"""Watch the tiles that an index is made of: they must end as they began.

What was read of a raster that vanishes meanwhile may be black, and looks like data.
"""

from __future__ import annotations

from geoloc.errors import TilesError
from geoloc.tiles.fingerprint import glance
from geoloc.tiles.location import resolve_location
from geoloc.tiles.manifest import TILES_MANIFEST, RasterEntry, TileManifest
from geoloc.tiles.tile_set import TileSet


class TileWatch:
    """The state of tiles, and of the rasters whose windows they are, at the start of a run.

    A raster that is not there at the start costs its tiles only; so it must not come back either.

    Args:
        tiles: The tiles.
    """

    def __init__(self, tiles: TileSet) -> None:
        self._tiles = tiles
        self._entries = tiles.window_rasters()
        self._glances = [self._glance(entry) for entry in self._entries]

    def check(self) -> None:
        """Make sure that all is as it was.

        Raises:
            TilesError: A raster has changed, vanished or come back; or the tiles were cut again.
        """
        changes = [self._change(*known) for known in zip(self._entries, self._glances, strict=True)]
        change = next((text for text in changes if text is not None), None) or self._cut_again()
        if change is not None:
            raise TilesError(
                f"{change} while the index was made, which is dropped; run the same command "
                "again when nothing changes any more",
                path=self._tiles.folder,
            )

    def _glance(self, entry: RasterEntry) -> dict[str, tuple[int, int] | None]:
        return glance(resolve_location(self._tiles.folder, entry.location))

    def _change(self, entry: RasterEntry, was: dict[str, tuple[int, int] | None]) -> str | None:
        """What happened to a raster, by the name of the file."""
        if self._glance(entry) == was:
            return None
        change = entry.change(self._tiles.folder)
        if change is None and None in was.values():
            return f"{entry.location} has come back"
        return change

    def _cut_again(self) -> str | None:
        """What happened to the tiles."""
        try:
            now = TileManifest.read(self._tiles.folder / TILES_MANIFEST)
        except TilesError:
            return f"the tiles in {self._tiles.folder} were removed"
        is_same = now == self._tiles.manifest
        return None if is_same else f"the tiles in {self._tiles.folder} were cut again"
