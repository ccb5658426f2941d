"""The files that `geoloc pairs` writes beside tiles and photos: pairs.csv and its manifest."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from geoloc import __version__
from geoloc.geometry.crs import LonLat
from geoloc.learning.datasets.pairs import PAIRS_NAME
from geoloc.learning.options import PairingOptions
from geoloc.learning.pairing.areas import Side
from geoloc.learning.pairing.photos import PlacedPhoto
from geoloc.learning.pairing.tiles import TileShape
from geoloc.models.view import View
from geoloc.storage.atomic import replacing, write_text

MANIFEST_NAME = "pairs.json"

_COLUMNS = (
    "query", "reference", "place", "lon", "lat", "reference_lon", "reference_lat", "split",
    "altitude_m", "ground_size_m", "overlap", "view", "photo",
)  # fmt: skip


@dataclass(frozen=True)
class CutPair:
    """A photo whose tile was cut.

    Attributes:
        placed: The photo.
        name: Name of its files, without the extension.
        tile_centre: The tile's middle.
        ground_size_m: Side of the tile.
        overlap: Intersection over union of the tile and the ground around the photo's place.
        side: Whether it is learnt from.
        place: Name of the place that both show.
    """

    placed: PlacedPhoto
    name: str
    tile_centre: LonLat
    ground_size_m: float
    overlap: float
    side: Side = "train"
    place: str = ""

    @property
    def tile(self) -> Path:
        """The tile, in the folder of pairs."""
        return Path("tiles") / f"{self.name}.tif"

    @property
    def query(self) -> Path:
        """What the network is shown of the photo, in the folder of pairs."""
        return Path("photos") / f"{self.name}.png"


def write_table(folder: Path, pairs: Sequence[CutPair]) -> None:
    """Write pairs.csv, as `geoloc.learning.datasets.pairs` reads it and QGIS opens it (lon, lat).

    The tiles that are learnt from come a second time, without a photo: as distractors of the test,
    which would be too easy among a handful of tiles.
    """
    tested = any(pair.side == "test" for pair in pairs)
    learnt = [pair for pair in pairs if tested and pair.side == "train"]
    with (
        replacing(folder / PAIRS_NAME) as draft,
        draft.open("w", newline="", encoding="utf-8") as file,
    ):
        table = csv.writer(file, lineterminator="\n")
        table.writerow(_COLUMNS)
        table.writerows(_row(pair, folder) for pair in pairs)
        table.writerows(_row(pair, folder, is_distractor=True) for pair in learnt)


def write_manifest(folder: Path, options: PairingOptions, view: View, shape: TileShape) -> None:
    """Write how the pairs were made, and what a network must know of their photos."""
    manifest = {
        "geoloc": __version__,
        "view": view,
        "ground_size_m": shape.ground_size_m,
        "size_px": shape.size_px,
        "ground_span_deg": list(options.span_deg) if view == "ground" else None,
        "options": asdict(options),
    }
    write_text(folder / MANIFEST_NAME, json.dumps(manifest, indent=2) + "\n")


def write_unfinished(folder: Path) -> None:
    """Say in the manifest that the pairs are not there yet."""
    write_text(folder / MANIFEST_NAME, json.dumps({"geoloc": __version__, "unfinished": True}))


def file_names(photos: Sequence[Path]) -> list[str]:
    """A file name for each photo: its own, with a number where several share it."""
    seen: dict[str, int] = {}
    names = []
    for photo in photos:
        count = seen[photo.stem.lower()] = seen.get(photo.stem.lower(), 0) + 1
        names.append(photo.stem if count == 1 else f"{photo.stem}~{count}")
    return names


def _row(pair: CutPair, folder: Path, *, is_distractor: bool = False) -> list[str]:
    placed, height_m = pair.placed, pair.placed.height_m
    degrees = (*placed.position, *pair.tile_centre)
    lon, lat, tile_lon, tile_lat = (f"{value:.7f}" for value in degrees)
    altitude = "" if height_m is None else f"{height_m:.1f}"
    size, overlap = f"{pair.ground_size_m:g}", f"{pair.overlap:.3f}"
    photo = Path(os.path.relpath(placed.path, folder)).as_posix()
    query = "" if is_distractor else pair.query.as_posix()
    side = "test" if is_distractor else pair.side
    return [
        query, pair.tile.as_posix(), pair.place, lon, lat, tile_lon, tile_lat,
        side, altitude, size, overlap, placed.view, photo,
    ]  # fmt: skip
