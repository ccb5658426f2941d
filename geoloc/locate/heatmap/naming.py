"""Names of heatmaps: the photo's own where that is safe on every file system, and unique."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from geoloc.storage.kept_files import key_of

# A photo that lies in the same folder, or its style, is never meant.
_ENDING = "-heatmap.tif"
_MARK_DIGITS = 6
# Names of 255 bytes are the limit of file systems; a character of UTF-8 has up to four.
_LONGEST = 50
_UNSAFE = re.compile(r"[^\w .()+,=@~-]|^[. ]")


def heatmap_names(photos: Sequence[str]) -> list[str]:
    """A file name for each photo, with a mark of its path where its own is taken or unsafe.

    The mark depends on the path alone, so that the name is the same in every run.

    Args:
        photos: Paths, each once.
    """
    stems = [Path(photo).stem for photo in photos]
    safe = [_UNSAFE.sub("_", stem)[:_LONGEST] for stem in stems]
    counts = Counter(name.casefold() for name in safe)
    return [
        f"{name}{_ENDING}"
        if name == stem and counts[name.casefold()] == 1
        else f"{name}-{key_of(photo)[:_MARK_DIGITS]}{_ENDING}"
        for photo, stem, name in zip(photos, stems, safe, strict=True)
    ]
