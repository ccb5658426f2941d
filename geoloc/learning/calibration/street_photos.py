"""Evidence of street photos whose place is known, for a calibration of their index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from geoloc.errors import PhotoError
from geoloc.geometry.crs import LonLat, distance_m
from geoloc.locate.estimate import Estimate
from geoloc.locate.locator import MAX_SIDE_PX, Locator
from geoloc.photos.photo import read_photo
from geoloc.progress import Progress

# Tiles so near to a photo's place, in radii of an answer, show too much of it to be elsewhere.
_OWN_RADII = 4.0


@dataclass
class StreetOutcomes:
    """Evidence, and whether the answer was right.

    Attributes:
        photos: Of each photo that has an answer on the map.
        elsewhere: Of each on the map without its own place, all of them wrong.
        radius_m: Radius within which answers were right, metres.
    """

    photos: list[tuple[tuple[float, ...], bool]] = field(default_factory=list)
    elsewhere: list[tuple[tuple[float, ...], bool]] = field(default_factory=list)
    radius_m: float = 0.0


def street_outcomes(
    known: Sequence[tuple[Path, LonLat]], locator: Locator, progress: Progress
) -> StreetOutcomes:
    """Locate each photo on the map as it is, and on the map without the photo's own place.

    A mirrored photo, which lies nowhere to local features, still shows its own streets and roofs to
    a network. So what chance finds is looked for where the photo cannot be.

    Args:
        known: Photos and where they were taken.
        locator: What locates them.
        progress: Receives counts and warnings.
    """
    found = StreetOutcomes()
    progress.start("calibrating", len(known), "photos")
    for path, true in known:
        try:
            _add(found, path, true, locator)
        except PhotoError as error:
            progress.warn(f"{path.name} is left out: {error}")
        progress.advance()
    return found


def _add(found: StreetOutcomes, path: Path, true: LonLat, locator: Locator) -> None:
    """Add the outcomes of one photo.

    Raises:
        PhotoError: It cannot be read, or was taken by a drone.
    """
    photo = read_photo(path, max_side_px=MAX_SIDE_PX)
    metadata = locator.sources.complete(path, photo.metadata)
    kind = locator.kind_of(metadata)
    if kind == "drone":
        raise PhotoError("it is taken for a drone photo", path=path)
    search = locator.street.begin(photo, metadata, kind, check=locator.check)
    answer = search(None)
    if answer is None or answer.evidence is None:
        return
    found.radius_m = max(found.radius_m, answer.radius_m)
    found.photos.append((answer.evidence, _is_right(answer, true)))
    own = locator.tiles.rows_within(true.lon, true.lat, _OWN_RADII * answer.radius_m)
    others = np.setdiff1d(np.arange(len(locator.tiles)), own, assume_unique=True)
    chance = None
    if len(others):
        chance = search(others)
    if chance is not None and chance.evidence is not None:
        found.elsewhere.append((chance.evidence, False))


def _is_right(answer: Estimate, true: LonLat) -> bool:
    return distance_m(true, answer.position) <= answer.radius_m
