"""Globs of files: as a shell expands them, but with extensions in any case."""

from __future__ import annotations

import glob
from pathlib import Path

from geoloc.clutter import is_left_by_system

has_magic = glob.has_magic


def glob_matches(pattern: str) -> list[str]:
    """The paths that a glob names, sorted; ``*.ZIP`` names ``a.zip`` too, and ``**`` any folders.

    Cameras, drones and archivers do not agree on the case of extensions.
    """
    stem, dot, suffix = pattern.rpartition(".")
    if dot and not set(suffix) & set("[]/\\"):
        suffix = "".join(f"[{c.lower()}{c.upper()}]" if c.isalpha() else c for c in suffix)
    found = glob.glob(f"{stem}{dot}{suffix}", recursive=True)  # noqa: PTH207 - Path has no absolute globs
    named = set(Path(pattern).parts)
    return sorted(path for path in found if not _has_clutter(set(Path(path).parts) - named))


def _has_clutter(parts: set[str]) -> bool:
    """Whether wildcards, which never stand for hidden names, led to what a system left."""
    return any(map(is_left_by_system, parts))
