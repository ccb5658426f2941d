"""Names of warped photos, and where the photos of results lie now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from geoloc.results.schema import PhotoResult
from geoloc.storage.kept_files import key_of

_HASH_DIGITS = 6


def warp_names(photos: Sequence[str]) -> list[str]:
    """A file name for each photo: its own, and where several have that, a mark of its path.

    The mark depends on the path alone, so that the name is the same in every run.

    Args:
        photos: Paths, each once.
    """
    stems = [Path(photo).stem for photo in photos]
    counts = Counter(stem.casefold() for stem in stems)
    return [
        f"{stem}.tif"
        if counts[stem.casefold()] == 1
        else f"{stem}-{key_of(photo)[:_HASH_DIGITS]}.tif"
        for stem, photo in zip(stems, photos, strict=True)
    ]


def photo_file(row: PhotoResult, beside: Path | None) -> Path:
    """Where a photo lies: as its row says, or where it was moved together with the results.

    Args:
        row: The row.
        beside: Folder of the file of results; None where there is none.
    """
    stated = Path(row.photo)
    if beside is not None and row.photo_rel and not stated.exists():
        moved = beside / row.photo_rel
        return moved if moved.exists() else stated
    return stated
