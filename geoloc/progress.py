"""The progress interface that long jobs report to, and through which an interrupt reaches them."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import NoReturn, Protocol

# So many warnings of one kind are passed on in full.
_SHOWN_WARNINGS = 5
_interrupted = threading.Event()


class Progress(Protocol):
    """A listener to one long job; stages follow one another, never nest."""

    def start(self, label: str, total: int, unit: str) -> None:
        """Begin a stage, say "embedding tiles", of `total` units (say 812 "tiles")."""

    def advance(self, count: int = 1) -> None:
        """Report that `count` more units of the stage are done."""

    def warn(self, message: str) -> None:
        """Pass on one line that a person should read; the job goes on."""


class Silent:
    """A listener that drops everything; the default of every job."""

    def start(self, label: str, total: int, unit: str) -> None:
        """Drop it."""
        raise_lost_interrupt()

    def advance(self, count: int = 1) -> None:
        """Drop it."""
        raise_lost_interrupt()

    def warn(self, message: str) -> None:
        """Drop it."""


class CappedWarnings:
    """Warnings of one kind: the first few are passed on in full, the others are counted.

    Args:
        warn: Receives each line.
        rest: The closing line, with ``{}`` for the number of warnings that were only counted.
    """

    def __init__(self, warn: Callable[[str], None], *, rest: str) -> None:
        self._warn = warn
        self._rest = rest
        self._count = 0

    def add(self, message: str) -> None:
        """Pass a warning on, or count it."""
        self._count += 1
        if self._count <= _SHOWN_WARNINGS:
            self._warn(message)

    def finish(self) -> None:
        """State how many were only counted, if any were."""
        if self._count > _SHOWN_WARNINGS:
            self._warn(self._rest.format(self._count - _SHOWN_WARNINGS))


def interrupt(*_: object) -> NoReturn:
    """End the work of the main thread, as a handler of signals; what Ctrl-C does, and a note of it.

    Raises:
        KeyboardInterrupt: Always. It is lost where a signal comes while PROJ, GDAL or another
            library calls back: such calls cannot raise. `raise_lost_interrupt` makes up for that.
    """
    _interrupted.set()
    raise KeyboardInterrupt


def raise_lost_interrupt() -> None:
    """Raise the interrupt that a callback has swallowed, if there was one; every listener does.

    Raises:
        KeyboardInterrupt: There was one, and it is not on its way already.
    """
    if _interrupted.is_set() and threading.current_thread() is threading.main_thread():
        _interrupted.clear()
        if not _unwinds_already():
            raise KeyboardInterrupt


def forget_interrupt() -> None:
    """Begin anew, without an interrupt of before."""
    _interrupted.clear()


def _unwinds_already() -> bool:
    """Whether the caller cleans up after an interrupt."""
    error: BaseException | None = sys.exception()
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error is not None
