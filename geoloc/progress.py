"""The progress interface that long jobs report to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

# So many warnings of one kind are passed on in full.
_SHOWN_WARNINGS = 5


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

    def advance(self, count: int = 1) -> None:
        """Drop it."""

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
