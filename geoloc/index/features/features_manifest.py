"""Manifest of the local features of a map: regions, blocks and what is in each."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from geoloc.errors import IndexFolderError
from geoloc.geometry.crs import LocalFrame, LonLat
from geoloc.index.features.block_file import SUFFIX
from geoloc.index.features.block_grid import BlockId
from geoloc.index.features.keypoints import DescriptorKind
from geoloc.storage.atomic import write_text

FEATURES_VERSION = 2
FEATURES_MANIFEST = "features.json"
BLOCKS = "blocks"


@dataclass(frozen=True)
class Region:
    """One connected piece of the map and its metric frame."""

    origin: LonLat
    rasters: tuple[str, ...]
    area_m2: float
    reach_m: float  # of the farthest ground from the origin

    @property
    def frame(self) -> LocalFrame:
        """Metres east and north of the origin."""
        return LocalFrame(self.origin)


@dataclass(frozen=True)
class BlockPart:
    """What one raster gave to a block.

    Attributes:
        raster: Location of the raster, relative to the index.
        region: Number of the region that it lies in.
        count: Number of features.
    """

    raster: str
    region: int
    count: int


@dataclass(frozen=True)
class BlockEntry:
    """A block of the map.

    Attributes:
        block: Where it lies.
        seal: Checksum of its file's cells, which hold those of all features.
        parts: What is in it, in the order of its file.
    """

    block: BlockId
    seal: int
    parts: tuple[BlockPart, ...]

    @property
    def count(self) -> int:
        """Number of features."""
        return sum(part.count for part in self.parts)

    def path(self, folder: Path) -> Path:
        """Its file in a folder of features."""
        return folder / BLOCKS / f"{self.block.name}{SUFFIX}"

    def to_json(self) -> dict[str, Any]:
        """What JSON keeps."""
        parts = [[part.raster, part.region, part.count] for part in self.parts]
        return {"block": list(self.block), "seal": self.seal, "parts": parts}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> BlockEntry:
        """Read what JSON kept."""
        parts = tuple(BlockPart(*part) for part in values["parts"])
        return cls(BlockId(*values["block"]), int(values["seal"]), parts)


@dataclass(frozen=True)
class FeaturesManifest:
    """What a folder of features holds.

    Attributes:
        gsd_m: Metres a pixel of the tiles that they were found on.
        tiles: Checksum of these tiles.
        kind: Meaning of their descriptors.
        vocabulary: Checksum of the vocabulary whose lists they are in.
        regions: Connected pieces of the map.
        blocks: All blocks that hold a feature, in the order of their rows and columns.
        lazy: Whether their files were dropped, because features are found again when photos need
            them.
    """

    gsd_m: float
    tiles: str
    kind: DescriptorKind
    vocabulary: str
    regions: tuple[Region, ...]
    blocks: tuple[BlockEntry, ...]
    lazy: bool = False

    @property
    def count(self) -> int:
        """Number of features."""
        return sum(entry.count for entry in self.blocks)

    def write(self, folder: Path) -> None:
        """Write ``features.json``, whole or not at all."""
        values = {
            "version": FEATURES_VERSION,
            "count": self.count,
            "gsd_m": self.gsd_m,
            "tiles": self.tiles,
            "descriptor": asdict(self.kind),
            "vocabulary": self.vocabulary,
            "regions": [
                {**asdict(region), "origin": list(region.origin)} for region in self.regions
            ],
            "blocks": [entry.to_json() for entry in self.blocks],
            "lazy": self.lazy,
        }
        write_text(folder / FEATURES_MANIFEST, json.dumps(values, indent=1, sort_keys=True) + "\n")

    @classmethod
    def read(cls, folder: Path) -> FeaturesManifest:
        """Read ``features.json``.

        Raises:
            IndexFolderError: It is missing, or of another version.
            OSError: It cannot be read.
            ValueError, KeyError, TypeError: It is damaged.
        """
        path = folder / FEATURES_MANIFEST
        if not path.is_file():
            raise IndexFolderError(
                f"{folder} holds no finished local features; run `geoloc index` again to finish it",
                path=folder,
            )
        values = json.loads(path.read_text(encoding="utf-8"))
        if values.get("version") != FEATURES_VERSION:
            raise IndexFolderError(
                f"{folder} holds local features of format {values.get('version')}, this geoloc "
                f"reads format {FEATURES_VERSION}; build the index again: geoloc index TILES "
                "--overwrite",
                path=folder,
            )
        return cls(
            gsd_m=float(values["gsd_m"]),
            tiles=str(values["tiles"]),
            kind=DescriptorKind(**values["descriptor"]),
            vocabulary=str(values["vocabulary"]),
            regions=tuple(
                Region(LonLat(*r["origin"]), tuple(r["rasters"]), r["area_m2"], r["reach_m"])
                for r in values["regions"]
            ),
            blocks=tuple(BlockEntry.from_json(entry) for entry in values["blocks"]),
            lazy=bool(values["lazy"]),
        )
