"""The real photos and maps that `real.py` measures with: where they are, what they may know.

A set is a folder with ``region.tif``, ``photos/`` and ``truth.csv``. The frames of ``ariel`` carry
no metadata: their height and yaw come from the truth, their pitch is -45 degrees. What is asked for
is the camera's place for ``fengyuan``, and the ground at the image's centre for ``ariel``.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from geoloc.geometry.crs import LonLat
from geoloc.index.job import build_index
from geoloc.models.registry import build_network, find_model, read_card
from geoloc.options import DEFAULT_DESCRIPTOR, DEFAULT_MODEL, IndexOptions, MatcherName
from geoloc.photos.metadata import PhotoMetadata, merge
from geoloc.photos.metadata_csv import open_table
from geoloc.photos.photo import Photo, read_photo
from geoloc.results.evaluation import Truth, TruthPoint, read_truth
from geoloc.tiles.job import cut_tiles

SETS = ("fengyuan", "ariel")
ALL_MAPS = "with-distractors"
UNTRAINED = "untrained"
# Answers further off than this count as wrong, by set: the maps are no better.
RIGHT_M = {"fengyuan": 30.0, "ariel": 50.0}
MAX_SIDE_PX = 2000


@dataclass(frozen=True)
class Case:
    """Photos of one set, what may be known of them, and where they are looked for.

    Attributes:
        photos: Name of the set.
        index: Name of the map: a set's, or all of them.
        told: ``all`` that the photos say, ``nothing``, or a ``table``.
    """

    photos: str
    index: str
    told: str

    @property
    def point(self) -> TruthPoint:
        """Which point of the truth the answers are compared with."""
        return "scene" if self.photos == "ariel" else "camera"


# On the own map, among foreign maps, and on the other set's map, where nothing is to be found.
HOME = (
    Case("fengyuan", "fengyuan", "all"),
    Case("fengyuan", ALL_MAPS, "all"),
    Case("fengyuan", "fengyuan", "nothing"),
    Case("fengyuan", ALL_MAPS, "nothing"),
    Case("ariel", "ariel", "table"),
    Case("ariel", ALL_MAPS, "table"),
    Case("ariel", "ariel", "nothing"),
)
AWAY = (Case("fengyuan", "ariel", "all"), Case("ariel", "fengyuan", "table"))


@dataclass(frozen=True)
class Ground:
    """The data, the folder that indexes are kept in, and which photos are taken.

    Attributes:
        data: Holds the sets and ``distractors/*.tif``.
        work: Tiles and indexes are built here once.
        every: Each n-th photo only.
        model: Of the indexes.
        descriptor: Of their local features; the baselines have RootSIFT's.
        first: From this one on, counted from 0.
        matcher: Learned matcher that geoloc asks about photos in doubt.
    """

    data: Path
    work: Path
    every: int = 1
    model: str = DEFAULT_MODEL
    descriptor: str = DEFAULT_DESCRIPTOR
    first: int = 0
    matcher: MatcherName = "none"

    def truth(self, case: Case) -> list[Truth]:
        """The rows of the photos that are taken."""
        return read_truth(self.data / case.photos / "truth.csv")[self.first :: self.every]

    def paths(self, case: Case) -> list[Path]:
        """The photos; without metadata where nothing may be known."""
        folder = self.data / case.photos / "photos"
        paths = [folder / row.photo for row in self.truth(case)]
        if case.told != "nothing":
            return paths
        return [without_metadata(path, self.work / "bare" / case.photos) for path in paths]

    def table(self, case: Case) -> str | None:
        """What is told of the photos beside what they say."""
        return str(table_of(self.data / case.photos, self.work)) if case.told == "table" else None

    def index(self, name: str, *, model: str | None = None, descriptor: str | None = None) -> Path:
        """The index of a map; what is there already stays.

        The index of the untrained network keeps no local features: it is for retrieval alone.
        """
        model, descriptor = model or self.model, descriptor or self.descriptor
        others = [Path(model).name] if model != DEFAULT_MODEL else []
        others += [Path(descriptor).name] if descriptor != DEFAULT_DESCRIPTOR else []
        folder = self.work / name / "-".join(["index", *others])
        if not (folder / "index.json").exists():
            tiles = self.work / name / "tiles"
            cut_tiles(self._rasters(name), tiles)
            location = str(untrained(self.work)) if model == UNTRAINED else model
            keeps_features = model != UNTRAINED
            build_index(
                tiles,
                folder,
                IndexOptions(location, features=keeps_features, descriptor=descriptor),
            )
        return folder

    def _rasters(self, name: str) -> list[str]:
        own = [str(self.data / each / "region.tif") for each in SETS if name in (each, ALL_MAPS)]
        foreign = sorted((self.data / "distractors").glob("*.tif")) if name == ALL_MAPS else []
        return own + [str(path) for path in foreign]


def photos_of(ground: Ground, case: Case) -> list[tuple[Truth, Photo, PhotoMetadata]]:
    """Each photo, decoded as `geoloc locate` does it, with all that may be known of it."""
    where = ground.table(case)
    table = open_table(where) if where else None
    found = []
    for row, path in zip(ground.truth(case), ground.paths(case), strict=True):
        photo = read_photo(path, max_side_px=MAX_SIDE_PX)
        told = table.match(path) if table else None
        known = photo.metadata if told is None else merge(photo.metadata, told)
        found.append((row, photo, known))
    return found


def true_point(row: Truth, case: Case) -> LonLat:
    """Where the photo is, in the sense of its set."""
    point = row.scene if case.point == "scene" else row.camera
    assert point is not None
    return point


def untrained(work: Path) -> Path:
    """The shipped network with random weights of a fixed seed, as a model folder."""
    import torch

    from geoloc.models.weights import write_tensors

    card = read_card(DEFAULT_MODEL)
    folder = work / UNTRAINED
    if (folder / "model.toml").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    checksum = write_tensors(build_network(card), folder / "model.safetensors")
    text = (find_model(DEFAULT_MODEL) / "model.toml").read_text(encoding="utf-8")
    text = text.replace(card.weights_sha256, checksum).replace(
        f'name = "{card.name}"', f'name = "{UNTRAINED}"', 1
    )
    (folder / "model.toml").write_text(text, encoding="utf-8")
    return folder


def without_metadata(photo: Path, folder: Path) -> Path:
    """A copy of a JPEG without its application segments: no EXIF, no XMP, the same pixels."""
    folder.mkdir(parents=True, exist_ok=True)
    data, kept, at = photo.read_bytes(), bytearray(b"\xff\xd8"), 2
    while data[at] == 0xFF and data[at + 1] != 0xDA:
        size = int.from_bytes(data[at + 2 : at + 4], "big") + 2
        if not 0xE0 <= data[at + 1] <= 0xEF:
            kept += data[at : at + size]
        at += size
    copy = folder / photo.name
    copy.write_bytes(bytes(kept) + data[at:])
    return copy


def table_of(folder: Path, work: Path) -> Path:
    """A table for ``--metadata``: height and yaw as the truth has them, pitch -45 degrees."""
    work.mkdir(parents=True, exist_ok=True)
    path = work / f"{folder.name}.csv"
    with (folder / "truth.csv").open(newline="") as source, path.open("w", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(["photo", "rel_alt_m", "yaw_deg", "pitch_deg"])
        for row in csv.DictReader(source):
            writer.writerow([row["photo"], row["rel_alt_m"], row["yaw_deg"], -45])
    return path
