"""What `geoloc tile` has made, or would make."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from geoloc.tiles.manifest import RasterEntry


@dataclass(frozen=True)
class TileSummary:
    """What a run has made.

    Attributes:
        folder: Folder of the tiles.
        rasters: Outcome of each raster, in input order.
        unchanged: True if all was there already and nothing was done.
        seconds: Duration of the run.
    """

    folder: Path
    rasters: tuple[RasterEntry, ...]
    unchanged: bool
    seconds: float

    @property
    def tiles(self) -> int:
        """Tiles in the table."""
        return sum(entry.tiles for entry in self.rasters)

    @property
    def skipped(self) -> int:
        """Tiles left out because too few of their pixels are valid."""
        return sum(entry.skipped for entry in self.rasters)

    @property
    def unreadable(self) -> int:
        """Tiles left out because their file is damaged there."""
        return sum(entry.unreadable for entry in self.rasters)

    @property
    def failures(self) -> tuple[RasterEntry, ...]:
        """The rasters that could not be cut at all."""
        return tuple(entry for entry in self.rasters if entry.error is not None)

    @property
    def is_complete(self) -> bool:
        """Whether every raster could be cut everywhere."""
        return not self.failures and not self.unreadable


@dataclass(frozen=True)
class TilePlan:
    """What a run would make; `tiles` counts those too that turn out to be invalid.

    Attributes:
        tiles: Number of tiles at most.
        bytes: Size of the tiles on disk, estimated from a few of them.
        seconds: Time to cut the tiles, estimated from a few of them.
        rasters: Rasters, with the number of tiles of each.
        requests: Requests to map services, about; 0 for files.
    """

    tiles: int
    bytes: int
    seconds: float
    rasters: tuple[RasterEntry, ...]
    requests: int = 0
