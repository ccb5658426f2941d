"""Locks: one writer at a time in a folder or on a file, and none that outlives its process.

The system drops such a lock when its process ends, however it ends, so that a killed run bars
nobody. On file systems that know no locks (some network drives) a run goes on without one.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from filelock import FileLock, Timeout

from geoloc.clutter import is_left_by_system
from geoloc.errors import OutputBusyError, OutputExistsError

FOLDER_LOCK = ".geoloc.lock"


@contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Be the only writer in a folder, which is made; the same thread may enter again.

    A folder that was made for this and is empty at the end is removed.

    Raises:
        OutputBusyError: Another run writes there.
        OutputExistsError: It is no folder.
    """
    was_there = folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        message = f"{folder} is a file, or lies in one; expected a folder"
        raise OutputExistsError(f"{message}; use -o for another name", path=folder) from error
    try:
        with _locked(folder / FOLDER_LOCK, folder):
            yield
    finally:
        if not was_there:
            with suppress(OSError):  # it holds something: the rule
                folder.rmdir()


@contextmanager
def locked_file(path: Path) -> Iterator[None]:
    """Be the only writer of a file, wherever a symbolic link leads to it.

    Raises:
        OutputBusyError: Another run writes it.
    """
    target = Path(os.path.realpath(path))
    with _locked(target.with_name(f".{target.name}.lock"), path):
        yield


def is_vacant(folder: Path, *, but_for: Callable[[str], bool] | None = None) -> bool:
    """Whether a folder holds nothing but a lock and what systems leave, or is not there.

    Args:
        folder: A folder, or none.
        but_for: Says of a name that it does not count.
    """
    if not folder.exists():
        return True
    names = (path.name for path in folder.iterdir())
    others = (name for name in names if name != FOLDER_LOCK and not is_left_by_system(name))
    return all(but_for is not None and but_for(name) for name in others)


@contextmanager
def _locked(lock_path: Path, meant: Path) -> Iterator[None]:
    lock = FileLock(os.path.realpath(lock_path), timeout=0, is_singleton=True)
    try:
        lock.acquire()
    except Timeout as error:
        raise OutputBusyError(
            f"another geoloc writes to {meant}; wait until it has ended, or choose another -o",
            path=meant,
        ) from error
    except NotImplementedError:  # the file system has no locks
        yield
        return
    _note(lock)
    try:
        yield
    finally:
        try:
            # While it is held: who waits for the file that is gone looks for the new one.
            if lock.lock_counter == 1 and sys.platform != "win32":
                lock_path.unlink(missing_ok=True)
        finally:
            lock.release()
            if not lock.is_locked:
                _taken.pop(lock, None)


# File descriptors of the locks that this process has taken.
_taken: dict[FileLock, int] = {}


def _note(lock: FileLock) -> None:
    """Remember a lock, so that processes that are forked from this one let go of it.

    The workers that load training data outlive a trainer that was killed by some seconds, and the
    system keeps a lock until the last process that has inherited it ends.
    """
    # filelock 4 does so by itself, and has no such attribute.
    descriptor = getattr(getattr(lock, "_context", None), "lock_file_fd", None)
    if isinstance(descriptor, int):
        _taken[lock] = descriptor
        _watch_forks()


@cache
def _watch_forks() -> None:
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_let_go)


def _let_go() -> None:
    """Close what was inherited; to unlock it would take it from the parent, too."""
    for lock, descriptor in _taken.items():
        if lock.is_locked:
            with suppress(OSError):
                os.close(descriptor)
            lock._context.lock_file_fd = None
    _taken.clear()
