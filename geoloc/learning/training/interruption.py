"""Ctrl-C and `kill` while training: finish the step, write a checkpoint, then go."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


@dataclass
class Interruption:
    """Whether somebody asked the run to end.

    Attributes:
        was_asked: Whether Ctrl-C (SIGINT) or `kill` (SIGTERM) came.
    """

    was_asked: bool = False


@contextmanager
def heed_signals() -> Iterator[Interruption]:
    """Note SIGINT and SIGTERM rather than die of them; the second one kills as ever."""
    interruption = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption  # only the main thread may listen to signals
        return
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}

    def note(number: int, frame: FrameType | None) -> None:
        del number, frame
        interruption.was_asked = True
        for each, handler in before.items():
            signal.signal(each, handler)

    for each in before:
        signal.signal(each, note)
    try:
        yield interruption
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def ignore_signals(worker: int) -> None:
    """For processes that only make batches: Ctrl-C is their parent's, `kill` theirs at once."""
    del worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
