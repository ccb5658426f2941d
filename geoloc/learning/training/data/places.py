"""Places to learn from: aerial images, several dates of one place together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from geoloc.arrays import RgbImage
from geoloc.csv_table import read_table
from geoloc.errors import InputError
from geoloc.learning.training.recipe import DataChoice
from geoloc.progress import Progress, Silent


@dataclass(frozen=True)
class Place:
    """One place on the ground, seen at one date or several.

    Attributes:
        name: Name of the group or the file.
        town: What the place belongs to; photos of one town may overlap.
        dates: (H, W, 3) uint8 each, all of one shape, north up, aligned.
        gsd_m: Ground metres a pixel.
        is_held_out: Whether the place is for validation only.
        is_patchy: Some of it is black, where nothing is known.
    """

    name: str
    town: str
    dates: tuple[RgbImage, ...]
    gsd_m: float
    is_held_out: bool
    is_patchy: bool = False

    @property
    def shortest_px(self) -> int:
        """Its shorter side."""
        return int(min(self.dates[0].shape[:2]))

    def tile_px(self, ground_size_m: float) -> float:
        """Side of a tile of that ground size in its pixels, or what there is of it."""
        return min(ground_size_m / self.gsd_m, 0.98 * self.shortest_px)

    def tiles_along(self, ground_size_m: float) -> tuple[int, int]:
        """How many tiles stand beside each other along its rows and columns."""
        side = self.tile_px(ground_size_m)
        height, width = self.dates[0].shape[:2]
        return int(height // side), int(width // side)


@dataclass(frozen=True)
class _Listed:
    path: Path
    group: str
    town: str
    gsd_m: float


def read_places(
    folder: Path, choice: DataChoice, *, progress: Progress | None = None
) -> list[Place]:
    """All places of the chosen tables, shrunk to the chosen ground sampling distance.

    Raises:
        InputError: if a table or an image cannot be read.
    """
    listener = progress or Silent()
    groups: dict[str, list[_Listed]] = {}
    for table in choice.tables:
        for image in _read_table(folder / table):
            groups.setdefault(image.group, []).append(image)
    listener.start("reading images", len(groups), "places")
    places: list[Place] = []
    for group in groups.values():
        places += _read_group(group, choice)
        listener.advance()
    return places


def _read_table(path: Path) -> Iterator[_Listed]:
    try:
        for _, row in read_table(path).rows:
            yield _Listed(
                path=path.parent / "images" / row["file"],
                group=row.get("group_id") or row["file"],
                town=row["place"],
                gsd_m=_first_number(row["gsd_m"]),
            )
    except (KeyError, ValueError) as error:
        raise InputError(
            f"{path} cannot be read as a table of images ({error}); expected a CSV with file, "
            "gsd_m and place beside a folder images/; check [data] of the recipe and --data",
            path=path,
        ) from error


def _first_number(text: str) -> float:
    """0.12 of ``0.120 (nominal)``."""
    found = re.search(r"\d+([.,]\d+)?", text)
    if found is None:
        raise ValueError(f"gsd_m {text!r} holds no number")
    return float(found.group().replace(",", "."))


def _read_group(group: list[_Listed], choice: DataChoice) -> Iterable[Place]:
    """The place of a group; none if it shows too little ground for a tile."""
    first = group[0]
    images = [_read_image(each.path) for each in group]
    too_small = min(images[0].shape[:2]) * first.gsd_m < choice.smallest_side_m
    if too_small and len(images) == 1:
        return []
    gsd_m = max(first.gsd_m, min(choice.gsd_m, min(images[0].shape[:2]) * first.gsd_m / 256))
    side = first.gsd_m / gsd_m
    shape = (round(images[0].shape[1] * side), round(images[0].shape[0] * side))
    is_held_out = first.town.startswith(choice.held_out_places or ("\0",)) or (
        first.path.name in choice.held_out_files
    )
    return [
        Place(
            name=first.group,
            town=first.town.split(",")[0],
            dates=tuple(cv2.resize(i, shape, interpolation=cv2.INTER_AREA) for i in images),  # type: ignore[misc]  # cv2 types its arrays loosely
            gsd_m=gsd_m,
            is_held_out=is_held_out,
        )
    ]


def _read_image(path: Path) -> RgbImage:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise InputError(
            f"{path} cannot be read as an image; expected what the table beside it lists; "
            "check --data",
            path=path,
        )
    return np.asarray(image[..., ::-1], np.uint8).copy()
