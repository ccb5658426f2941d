"""The manifest of a folder of tiles: how they were cut, and from what."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from geoloc.errors import TilesError
from geoloc.models.card import TileCrops
from geoloc.storage.atomic import write_text
from geoloc.tiles.fingerprint import (
    FileMark,
    changed_file,
    fingerprint,
    legacy_fingerprint,
    marks_of,
    relocated,
)
from geoloc.tiles.location import is_address, relative_location, resolve_location

TILES_MANIFEST = "tiles.json"
TILES_PARTIAL_MANIFEST = "tiles.partial.json"
# Folder of tiles that are going to replace or extend those that serve.
TILES_SUCCESSOR = "tiles.partial"
TILES_VERSION = 1


@dataclass(frozen=True)
class TileScheme:
    """What decides which tiles there are; the options of `cut_tiles` without how to run it.

    `crops` are those that the tiles' network wants to see around each; None where it sees the tile.
    """

    ground_sizes_m: tuple[float, ...]
    overlap: float
    size_px: int
    min_valid: float
    virtual: bool = False
    bounds: tuple[float, float, float, float] | None = None
    aoi: str | None = None
    aoi_digest: str | None = None
    creation_options: tuple[str, ...] = ()
    crops: TileCrops | None = None

    @property
    def finest_gsd_m(self) -> float:
        """The least metres on the ground that a pixel shows which the network sees."""
        if self.crops is not None:
            return min(self.crops.gsds_m)
        return min(self.ground_sizes_m) / self.size_px

    @property
    def reach_m(self) -> float:
        """The largest side on the ground that the network sees of a tile, metres."""
        return max(self.ground_sizes_m + (() if self.crops is None else self.crops.ground_sizes_m))

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> TileScheme:
        """Read what JSON kept, lists for tuples."""
        values = _frozen(values)
        crops = values.pop("crops", None)
        return cls(**values, crops=None if crops is None else TileCrops(**_frozen(crops)))

    def to_json(self) -> dict[str, Any]:
        """What JSON keeps; few networks look around a tile."""
        values = asdict(self)
        if self.crops is None:
            del values["crops"]
        return values


def _frozen(values: dict[str, Any]) -> dict[str, Any]:
    """What JSON kept, tuples for lists."""
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
    }


@dataclass(frozen=True)
class RasterEntry:
    """What became of one raster.

    Attributes:
        location: Location of the raster, relative to the folder of tiles if it is a local file.
        key: Short name, unique in the set; the first part of its tiles' names.
        fingerprint: Checksum that tells whether a file has changed; empty for addresses.
        tiles: Number of tiles in the table.
        skipped: Number of tiles left out because too few of their pixels are valid.
        unreadable: Number of tiles left out because the file is damaged there.
        error: Reason why nothing could be cut from it; None when all went well.
        attribution: Whom the publisher of the map wants named; empty if nobody says.
        files: Marks of its files, sidecars and sources too; none in manifests of before there
            were marks, whose fingerprint is that of the one file.
    """

    location: str
    key: str
    fingerprint: str = ""
    tiles: int = 0
    skipped: int = 0
    unreadable: int = 0
    error: str | None = None
    files: tuple[FileMark, ...] = ()
    attribution: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether it could be cut everywhere; otherwise the next run tries again."""
        return self.error is None and not self.unreadable

    @classmethod
    def of(cls, location: str, key: str, folder: Path) -> RasterEntry:
        """A raster as it is now.

        Args:
            location: Location of the raster, relative to the folder.
            key: Its short name.
            folder: Folder of the tiles.
        """
        marks = marks_of(resolve_location(folder, location), folder)
        return cls(location, key, fingerprint(marks), files=marks)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> RasterEntry:
        """Read what JSON kept."""
        files = tuple(FileMark(**mark) for mark in values.get("files", ()))
        return cls(**{**values, "files": files})

    def to_json(self) -> dict[str, Any]:
        """What JSON keeps; most maps have nobody to be named."""
        values = asdict(self)
        if not self.attribution:
            del values["attribution"]
        return values

    def relocated(self, source: Path, folder: Path) -> RasterEntry:
        """The entry as seen from another folder than `source`."""
        location = relative_location(self.location, folder, start=source)
        return replace(self, location=location, files=relocated(self.files, source, folder))

    def change(self, folder: Path, now: RasterEntry | None = None) -> str | None:
        """What has changed of the raster since, by the name of the file; None if nothing has.

        Args:
            folder: Folder of the tiles.
            now: The raster as it is now; None looks.
        """
        if self.files:
            now = now or RasterEntry.of(self.location, self.key, folder)
            return changed_file(self.files, now.files, location=self.location)
        path = resolve_location(folder, self.location)
        is_known = not is_address(path) and self.fingerprint
        if is_known and legacy_fingerprint(path) != self.fingerprint:
            return f"{self.location} has changed"
        return None


@dataclass(frozen=True)
class TileManifest:
    """How a folder of tiles was made."""

    scheme: TileScheme
    rasters: tuple[RasterEntry, ...] = field(default=())
    digest: str = ""
    version: int = TILES_VERSION

    def to_json(self) -> str:
        """JSON as it stands in the file."""
        values = asdict(self) | {
            "scheme": self.scheme.to_json(),
            "rasters": [entry.to_json() for entry in self.rasters],
        }
        return json.dumps(values, indent=2, sort_keys=True) + "\n"

    @classmethod
    def read(cls, path: Path) -> TileManifest:
        """Read a manifest.

        Raises:
            TilesError: It is missing, damaged, or of another version.
        """
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            if values["version"] != TILES_VERSION:
                message = f"{path} is of version {values['version']}; expected {TILES_VERSION}"
                raise TilesError(f"{message}; run geoloc tile with --overwrite", path=path)
            rasters = tuple(RasterEntry.from_json(entry) for entry in values["rasters"])
            return cls(TileScheme.from_json(values["scheme"]), rasters, values["digest"])
        except OSError as error:
            message = f"no tiles in {path.parent} ({path.name} is missing)"
            raise TilesError(f"{message}; run: geoloc tile RASTER", path=path) from error
        except (ValueError, KeyError, TypeError) as error:
            message = f"{path} is damaged: {error}"
            raise TilesError(f"{message}; run geoloc tile with --overwrite", path=path) from error

    def write(self, path: Path) -> None:
        """Write the manifest at once, never half."""
        write_text(path, self.to_json())
