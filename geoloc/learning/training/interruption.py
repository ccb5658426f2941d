"""Ctrl-C, `kill`, a closed terminal while training: finish the step, write a checkpoint, go."""

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
        was_asked: Whether Ctrl-C (SIGINT), `kill` (SIGTERM) or the end of the terminal (SIGHUP)
            came.
    """

    was_asked: bool = False


@contextmanager
def heed_signals() -> Iterator[Interruption]:
    """Note SIGINT, SIGTERM and SIGHUP rather than die of them; the second one kills as ever.

    A SIGHUP that was ignored before (``nohup``) stays ignored.
    """
    interruption = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption  # only the main thread may listen to signals
        return
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    hang_up = _hang_up()
    if hang_up is not None and signal.getsignal(hang_up) != signal.SIG_IGN:
        before[hang_up] = signal.getsignal(hang_up)

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
    """For processes that only make batches: `kill` is theirs at once, all else their parent's."""
    del worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    hang_up = _hang_up()
    if hang_up is not None:
        signal.signal(hang_up, signal.SIG_IGN)


def _hang_up() -> signal.Signals | None:
    """SIGHUP; None on Windows."""
    return getattr(signal, "SIGHUP", None)
