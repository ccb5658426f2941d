"""What an export has done: files, photos that were left out, and what a user has to know."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from geoloc.results.schema import PhotoResult


@dataclass
class ExportReport:
    """The outcome of one export.

    Attributes:
        photos: How many photos it holds.
        written: Files that were written.
        left_out: Why photos are not in it, by their paths.
        notes: What a user has to know of what was written, a sentence each.
    """

    photos: int = 0
    written: list[Path] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def leave_out(self, result: PhotoResult, reason: str) -> None:
        """Note that a photo is not in it."""
        self.left_out[result.photo] = reason

    def note(self, sentence: str) -> None:
        """Note something, once."""
        if sentence not in self.notes:
            self.notes.append(sentence)
