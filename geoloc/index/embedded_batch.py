"""Vectors of some tiles, and why others have none: what embedding hands on, batch by batch."""

from __future__ import annotations

from dataclasses import dataclass, field

from geoloc.arrays import Float16Array
from geoloc.errors import InputError


@dataclass
class EmbeddedBatch:
    """Some tiles that were embedded together.

    Attributes:
        rows: Rows of the tiles that could be read.
        vectors: (N, D) float16 of unit length, in their order; None where there are none.
        failures: Rows of the others, and why they could not be read.
    """

    rows: list[int] = field(default_factory=list)
    vectors: Float16Array | None = None
    failures: list[tuple[int, InputError]] = field(default_factory=list)
