"""Atomic writes: a file or folder appears under its name whole or not at all.

What is being written lies beside its target as ``.NAME.PROCESS.RANDOM.tmp.EXTENSION``: hidden, no
two writers take the same, and the extension stays last, because GDAL and numpy choose the format
by it. It is read back where the caller says how, brought to the disk, and renamed last, so that
what serves is never gone before its successor is whole. Only a writer that was killed leaves such
a draft behind; see `remove_drafts`. That one run writes at a time is for `geoloc.storage.lock`.
"""

from __future__ import annotations

import glob
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from geoloc.errors import OptionError
from geoloc.storage.disk import explain_failure
from geoloc.storage.sqlite_group import check_not_in_use, remove_companions

_STREAMS = ("/dev/stdin", "/dev/stdout", "/dev/stderr", "/dev/fd/", "/proc/")
_MAX_LINKS = 40
# Libraries put files of their own beside what they write: `.tmp.gpkg-journal`, `.tmp.tif.aux.xml`.
_DRAFT = re.compile(r"\.(.*\.)?\d+\.[0-9a-f]{8}\.tmp(\..*)?")


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8, whole or not at all."""
    with replacing(path) as draft:
        draft.write_text(text, encoding="utf-8")


@contextmanager
def replacing(
    path: Path, *, check: Callable[[Path], None] | None = None, durable: bool = True
) -> Iterator[Path]:
    """A temporary file name that is renamed to `path` at the end, and removed after an error.

    A symbolic link is followed: what it leads to is replaced, and the link stays. When nothing
    was written under the temporary name, `path` stays as it is.

    Args:
        path: The file to write.
        check: Reads the finished draft back and raises if it does not hold what it should:
            libraries write short without a word.
        durable: Wait until the disk has it. Not for the thousands of small files of a run that
            finds out by itself what is missing.

    Raises:
        OptionError: `path` is a device, a pipe, or another thing that no file may replace.
        OutputBusyError: It is a database that another program has open.
        OSError: The disk is full, whatever the library that wrote says of it.
    """
    target = plain_target(path)
    draft = draft_name(target)
    try:
        yield draft
        if draft.exists():
            if check is not None:
                check(draft)
            if durable:
                _flush(draft)
            check_not_in_use(target)
            draft.replace(target)
            remove_companions(target)
    except BaseException as error:
        reason = explain_failure(error, draft, path) if isinstance(error, Exception) else None
        _name(error, path)
        _remove_draft(draft)
        if reason is not None:
            raise reason from error
        raise


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """An empty temporary folder that takes the place of `path` at the end, or is removed.

    A symbolic link is followed, as by `replacing`.

    Raises:
        OptionError: `path` is a file, a device, or another thing that no folder may replace.
        OSError: The disk is full, whatever the library that wrote says of it.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_dir():
        raise OptionError(f"cannot write {path}: it is no folder; choose another -o")
    draft = draft_name(target)
    draft.mkdir(parents=True)
    try:
        yield draft
        place_folder(draft, target)
    except BaseException as error:
        reason = explain_failure(error, draft, path) if isinstance(error, Exception) else None
        _name(error, path)
        shutil.rmtree(draft, ignore_errors=True)
        if reason is not None:
            raise reason from error
        raise


def place_folder(draft: Path, target: Path) -> None:
    """Bring a folder to the disk, and rename it to `target`, which it may replace.

    Raises:
        OSError: The disk is full.
    """
    for file in draft.rglob("*"):
        if file.is_file():
            _flush(file)
    _replace_folder(target, draft)


def plain_target(path: Path) -> Path:
    """Where a file of this name would come to lie, symbolic links followed.

    Raises:
        OptionError: There is something that is no file.
    """
    target = Path(os.path.realpath(path))
    is_stream = _leads_to_stream(path)
    if is_stream or (target.exists() and not target.is_file()):
        kind = "a folder" if target.is_dir() else "a device or a pipe"
        raise OptionError(f"cannot write {path}: it is {kind}; name a file (-o - is stdout)")
    return target


def _leads_to_stream(path: Path) -> bool:
    """Whether it is a name of an open stream (``/dev/stdout``), whatever lies behind that now."""
    step = path.absolute()
    for _ in range(_MAX_LINKS):
        if step.as_posix().startswith(_STREAMS):
            return True
        if not step.is_symlink():
            return False
        step = step.parent / step.readlink()
    return False


def _name(error: BaseException, path: Path) -> None:
    """Name what was written in an error of a stream, which does not know."""
    if isinstance(error, OSError) and error.errno and error.filename is None:
        error.filename = str(path)


def _flush(path: Path) -> None:
    """Wait until a file is on its disk; disks that say that they are full say so here at last."""
    with path.open("r+b") as stream:
        os.fsync(stream.fileno())


def _remove_draft(draft: Path) -> None:
    """Remove a draft and what a library put beside it."""
    with suppress(OSError):
        for path in draft.parent.glob(f"{glob.escape(draft.name)}*"):
            path.unlink(missing_ok=True)


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


def is_draft(name: str) -> bool:
    """Whether a file or folder of this name is what a killed writer has left."""
    return _DRAFT.fullmatch(name) is not None


def remove_drafts(folder: Path) -> None:
    """Remove what killed writers have left in a folder and below; nobody may be writing there."""
    for path in list(folder.rglob(".*.tmp*")):
        if is_draft(path.name):
            _remove(path)


def remove_drafts_of(path: Path) -> None:
    """Remove what killed writers of one file or folder have left; nobody may be writing it."""
    target = Path(os.path.realpath(path))
    stem, suffix = re.escape(target.stem), re.escape(target.suffix)
    own = re.compile(rf"\.{stem}\.\d+\.[0-9a-f]{{8}}\.tmp{suffix}.*")
    if target.parent.is_dir():
        for found in list(target.parent.iterdir()):
            if own.fullmatch(found.name):
                _remove(found)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
