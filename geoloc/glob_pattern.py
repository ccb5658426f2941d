"""Globs of files: as a shell expands them, but with extensions in any case."""

from __future__ import annotations

import glob

has_magic = glob.has_magic


def glob_matches(pattern: str) -> list[str]:
    """The paths that a glob names, sorted; ``*.ZIP`` names ``a.zip`` too, and ``**`` any folders.

    Cameras, drones and archivers do not agree on the case of extensions.
    """
    stem, dot, suffix = pattern.rpartition(".")
    if dot and not set(suffix) & set("[]/\\"):
        suffix = "".join(f"[{c.lower()}{c.upper()}]" if c.isalpha() else c for c in suffix)
    return sorted(glob.glob(f"{stem}{dot}{suffix}", recursive=True))  # noqa: PTH207 - Path has no absolute globs
