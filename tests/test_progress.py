"""Warnings of one kind: the first few in full, then a count."""

from __future__ import annotations

import pytest

from geoloc.progress import CappedWarnings


@pytest.mark.parametrize(
    ("count", "last"),
    [(0, None), (1, "photo 0"), (5, "photo 4"), (6, "1 more"), (200, "195 more")],
)
def test_the_first_five_warnings_are_passed_on_and_the_rest_counted(
    count: int, last: str | None
) -> None:
    lines: list[str] = []
    warnings = CappedWarnings(lines.append, rest="{} more")
    for number in range(count):
        warnings.add(f"photo {number}")
    warnings.finish()
    assert lines[:5] == [f"photo {number}" for number in range(min(count, 5))]
    assert len(lines) == min(count, 6)
    assert (lines[-1] if lines else None) == last
