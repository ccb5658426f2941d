"""How a long job tells what it has done, without knowing who listens."""

from __future__ import annotations

from typing import Protocol


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
