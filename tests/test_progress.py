"""Warnings of one kind: the first few in full, then a count; and interrupts that are not lost."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from geoloc.progress import CappedWarnings, Silent, forget_interrupt, interrupt


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


@pytest.fixture
def calm() -> Iterator[None]:
    """No interrupt is left for other tests."""
    yield
    forget_interrupt()


def swallow_an_interrupt() -> None:
    """What becomes of a signal that comes while a library calls back."""
    with suppress(KeyboardInterrupt):
        interrupt(signal.SIGTERM, None)


@pytest.mark.usefixtures("calm")
def test_an_interrupt_that_a_callback_swallowed_comes_with_the_next_step() -> None:
    progress = Silent()
    progress.advance()
    swallow_an_interrupt()
    with pytest.raises(KeyboardInterrupt):
        progress.advance()
    progress.advance()  # once only


@pytest.mark.usefixtures("calm")
def test_an_interrupt_on_its_way_is_not_raised_again_by_what_cleans_up() -> None:
    progress, cleaned = Silent(), []

    def work() -> None:
        try:
            interrupt()
        finally:
            progress.advance()
            cleaned.append(True)

    with pytest.raises(KeyboardInterrupt):
        work()
    progress.advance()
    assert cleaned


@pytest.mark.usefixtures("calm")
def test_only_the_main_thread_is_interrupted() -> None:
    swallow_an_interrupt()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(Silent().advance).result()
    with pytest.raises(KeyboardInterrupt):
        Silent().start("counting", 1, "things")
