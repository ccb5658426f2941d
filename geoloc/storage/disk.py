"""Disks that are full: room is reserved before it is used, and a full disk is told from damage.

A file that is mapped into memory takes its room when a page is first touched; on a full disk that
ends the process without a word. Libraries that write files often say only that it failed.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from geoloc.errors import GeolocError, ShortWriteError

# What the file system of a memory card takes: FAT32.
_FAT_LIMIT = 2**32 - 1
_NO_LIMIT = 1 << 62
_PROBE_BYTES = 1 << 16
_ZEROS = bytes(1 << 20)


def create_array(path: Path, dtype: DTypeLike, shape: tuple[int, ...]) -> np.memmap[Any, Any]:
    """A new ``.npy`` file as a memory map to be filled; its room on the disk is reserved.

    Raises:
        OSError: The disk has not so much room.
    """
    array: np.memmap[Any, Any] = np.lib.format.open_memmap(path, "w+", dtype, shape)
    reserve(path, path.stat().st_size)
    return array


def check_room(folder: Path, size_bytes: int) -> None:
    """Make sure, before the work, that a disk has room for what is going to be written.

    Raises:
        OSError: It has not.
    """
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < size_bytes:
        needed, free = (f"{size / 1e6:,.3g} MB" for size in (size_bytes, free_bytes))
        message = f"no room for at least {needed} more, {free} are free"
        raise OSError(errno.ENOSPC, message, str(folder))


def reserve(path: Path, size_bytes: int) -> None:
    """Take the room on the disk that a file of this size needs; its bytes stay.

    Raises:
        OSError: The disk has not so much room, or allows no file of this size.
    """
    with path.open("r+b") as stream:
        if hasattr(os, "posix_fallocate"):
            try:
                os.posix_fallocate(stream.fileno(), 0, size_bytes)
            except OSError as error:
                raise OSError(error.errno, os.strerror(error.errno or 0), str(path)) from error
            return
        # Without that call only bytes that are written have their room for certain.
        position = 0
        while part := stream.read(len(_ZEROS)):
            stream.seek(position)
            stream.write(part)
            position += len(part)


def explain_failure(error: Exception, draft: Path, target: Path) -> OSError | None:
    """The disk's reason why writing `draft` failed, if it is the disk's; named after `target`."""
    if isinstance(error, GeolocError) and not isinstance(error, ShortWriteError):
        return None
    if isinstance(error, OSError) and error.errno:
        # Nobody knows the name of a draft, and numpy and pyarrow give none at all.
        is_named = error.filename is not None and not str(error.filename).startswith(str(draft))
        return None if is_named else OSError(error.errno, os.strerror(error.errno), str(target))
    number = _limit_reached(draft) or _fullness(draft.parent)
    return None if number is None else OSError(number, os.strerror(number), str(target))


def _limit_reached(draft: Path) -> int | None:
    """EFBIG when a file is as large as its process or its file system allows."""
    files = [draft] if draft.is_file() else [p for p in draft.rglob("*") if p.is_file()]
    largest = max((path.stat().st_size for path in files), default=0)
    is_fat_full = _FAT_LIMIT - _PROBE_BYTES <= largest <= _FAT_LIMIT
    return errno.EFBIG if is_fat_full or largest >= _process_limit() - _PROBE_BYTES else None


def _process_limit() -> int:
    """Bytes of the largest file that this process may write."""
    try:
        import resource  # not on Windows
    except ImportError:
        return _NO_LIMIT
    soft, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    return _NO_LIMIT if soft == resource.RLIM_INFINITY else soft


def _fullness(folder: Path) -> int | None:
    """The number of the error with which a disk takes no more bytes; None when it takes some."""
    probe = folder / f".{os.getpid()}.{secrets.token_hex(4)}.tmp"
    try:
        with probe.open("wb") as stream:
            stream.write(_ZEROS[:_PROBE_BYTES])
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        return error.errno if error.errno in (errno.ENOSPC, errno.EDQUOT) else None
    finally:
        probe.unlink(missing_ok=True)
    return None
