"""What was found of a photo so far, and which tag said it; the first to say a thing wins."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from geoloc.metadata import PhotoMetadata


@dataclass
class Findings:
    """What was found so far.

    Attributes:
        values: By the fields of `PhotoMetadata`.
        sources: The tag that each came from.
        notes: What was missing, doubtful or rejected.
    """

    values: dict[str, Any] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def take(self, name: str, value: object, source: str) -> None:
        """Keep a value unless there is none, or a better source gave one before."""
        if value is not None and name not in self.values:
            self.values[name] = value
            self.sources[name] = source

    def take_within(
        self, name: str, value: float | None, source: str, *, limits: tuple[float, float]
    ) -> None:
        """Keep a number that lies within the limits; note one that does not."""
        if value is not None and not limits[0] <= value <= limits[1]:
            self.notes.append(f"{source} {value:g} is out of range: ignored")
            return
        self.take(name, value, source)

    def metadata(self) -> PhotoMetadata:
        """All of it, where nothing more will be found."""
        return PhotoMetadata(**self.values, notes=tuple(self.notes))
