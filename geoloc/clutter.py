"""Tell what systems leave in folders and archives from what people put there."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path, PurePath

_APPLE_DOUBLE = b"\x00\x05\x16\x07"
_SYSTEM = ("__macosx", ".ds_store", "thumbs.db", "ehthumbs.db", "desktop.ini", "@eadir")


def is_clutter(path: str | PurePath) -> bool:
    """Whether a name, or a folder above it in a relative path, is hidden or a system's own.

    Such are the AppleDouble files ``._map.tif`` that macOS puts beside every file on a foreign
    disk, and in archives under ``__MACOSX``, ``.DS_Store``, and ``Thumbs.db``.
    """
    parts = PurePath(path).parts
    return any(part.startswith(".") or is_left_by_system(part) for part in parts)


def is_left_by_system(name: str) -> bool:
    """Whether a file or folder of this name is what a system leaves by itself."""
    return name.startswith("._") or name.lower() in _SYSTEM


def apple_double_fault(path: str | Path) -> str | None:
    """What to say of a file that was named and is an AppleDouble file; None if it is none."""
    path = Path(path)
    with suppress(OSError, ValueError), path.open("rb") as stream:
        if stream.read(len(_APPLE_DOUBLE)) == _APPLE_DOUBLE:
            meant = path.name.removeprefix("._")
            named = "the file itself" if meant == path.name else meant
            return (
                f"{path} is an AppleDouble file, in which macOS keeps what it knows of another "
                f"file beside it, without pixels; name {named}"
            )
    return None
