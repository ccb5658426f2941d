"""Atomic writes: a file or folder appears under its name whole or not at all.

What is being written lies beside its target as ``.NAME.PROCESS.RANDOM.tmp.EXTENSION``: hidden, no
two writers take the same, and the extension stays last, because GDAL and numpy choose the format
by it. Only a writer that was killed leaves such a draft behind; see `remove_drafts`.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_DRAFT = re.compile(r"\..*\.\d+\.[0-9a-f]{8}\.tmp(\.[^.]*)?")


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8, whole or not at all."""
    with replacing(path) as draft:
        draft.write_text(text, encoding="utf-8")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file name that is renamed to `path` at the end, and removed after an error.

    A symbolic link is followed: what it leads to is replaced, and the link stays. When nothing
    was written under the temporary name, `path` stays as it is.
    """
    target = Path(os.path.realpath(path))
    draft = draft_name(target)
    try:
        yield draft
        if draft.exists():
            draft.replace(target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """An empty temporary folder that takes the place of `path` at the end, or is removed.

    A symbolic link is followed, as by `replacing`.
    """
    target = Path(os.path.realpath(path))
    draft = draft_name(target)
    draft.mkdir(parents=True)
    try:
        yield draft
        _replace_folder(target, draft)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def _replace_folder(target: Path, draft: Path) -> None:
    """Rename a folder; no system swaps two at once, so the old one steps aside first."""
    if not target.exists():
        draft.replace(target)
        return
    old = draft_name(target)
    target.replace(old)
    try:
        draft.replace(target)
    except BaseException:
        old.replace(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def draft_name(path: Path) -> Path:
    """A temporary name beside `path` that nobody else has."""
    # Two containers that share a disk may have the same process number, hence the random part.
    mark = f"{os.getpid()}.{secrets.token_hex(4)}.tmp"
    return path.with_name(f".{path.stem}.{mark}{path.suffix}")


def remove_drafts(folder: Path) -> None:
    """Remove what killed writers have left in a folder and below; nobody may be writing there."""
    for path in list(folder.rglob(".*.tmp*")):
        if not _DRAFT.fullmatch(path.name):
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
