"""A progress bar or lines of JSON on stderr for the `Progress` that the library talks to."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from geoloc.commands._events import emit, is_asked_for
from geoloc.progress import Progress, Silent, raise_lost_interrupt

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import Task, TaskID

# Seconds between two lines of one stage: enough for a bar, and no flood from a million tiles.
_PERIOD_S = 0.1


@contextmanager
def progress_bar(*, quiet: bool = False, verbose: int = 0) -> Iterator[Progress]:
    """A listener for one command: a bar with rate and time left, where a person can see it.

    Into a pipe or a file there is no bar: warnings come as plain lines, and with `verbose` one
    line when a stage begins. With `quiet` nothing comes at all. Under ``--progress jsonl`` a line
    of JSON comes instead, also with `quiet`: it was asked for.
    """
    if is_asked_for():
        yield _Events()
    elif quiet:
        yield Silent()
    elif not sys.stderr.isatty():
        yield _Lines(verbose=verbose)
    else:
        with _rich_progress() as bar:
            yield _Bar(bar)


class _Lines:
    """Plain lines for a stderr that is no terminal."""

    def __init__(self, *, verbose: int) -> None:
        self._verbose = verbose

    def start(self, label: str, total: int, unit: str) -> None:
        """Name the stage, if talk was asked for."""
        raise_lost_interrupt()
        if self._verbose:
            click.echo(f"{label}: {total} {unit}", err=True)

    def advance(self, count: int = 1) -> None:
        """Say nothing: lines that replace each other make no sense here."""
        raise_lost_interrupt()

    def warn(self, message: str) -> None:
        """Print the warning."""
        click.echo(f"warning: {message}", err=True)


class _Events:
    """Lines of JSON, as ``progress.schema.json`` describes them."""

    def __init__(self) -> None:
        self._stage: dict[str, object] = {}
        self._done = 0
        self._total = 0
        self._told_s = 0.0

    def start(self, label: str, total: int, unit: str) -> None:
        """Name the stage."""
        raise_lost_interrupt()
        self._stage = {"label": label, "unit": unit, "total": total or None}
        self._done, self._total = 0, total
        self._told_s = time.monotonic()
        emit("start", **self._stage, done=0)

    def advance(self, count: int = 1) -> None:
        """Say how far the stage is, if nothing was said just now or it is the end."""
        raise_lost_interrupt()
        self._done += count
        now_s = time.monotonic()
        if self._stage and (self._done == self._total or now_s - self._told_s >= _PERIOD_S):
            self._told_s = now_s
            emit("progress", **self._stage, done=self._done)

    def warn(self, message: str) -> None:
        """Pass the warning on."""
        emit("warning", message=message)


class _Bar:
    """One bar a stage; finished stages stay on the screen."""

    def __init__(self, bar: RichProgress) -> None:
        self._bar = bar
        self._task: TaskID | None = None

    def start(self, label: str, total: int, unit: str) -> None:
        """Begin the bar of a stage; a total of 0 shows that its end is not known."""
        raise_lost_interrupt()
        if self._task is not None:
            self._bar.stop_task(self._task)
        self._task = self._bar.add_task(label, total=total or None, unit=unit)

    def advance(self, count: int = 1) -> None:
        """Move the bar of the stage."""
        raise_lost_interrupt()
        if self._task is not None:
            self._bar.advance(self._task, count)

    def warn(self, message: str) -> None:
        """Print the warning above the bar."""
        self._bar.console.print(f"warning: {message}", style="yellow", markup=False)


def _rich_progress() -> RichProgress:
    """Label, bar, count, rate and time left, on stderr."""
    from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
    from rich.text import Text

    from geoloc.commands._console import stderr_console

    class CountColumn(ProgressColumn):
        """Done and total with their unit, and the rate."""

        def render(self, task: Task) -> Text:
            return Text(_count_text(task), style="progress.remaining")

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        CountColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
        console=stderr_console(),
    )


def _count_text(task: Task) -> str:
    """``120/812 tiles, 45.3/s``; slow work is shown in seconds each."""
    total = "?" if task.total is None else f"{task.total:.0f}"
    text = f"{task.completed:.0f}/{total} {task.fields['unit']}"
    speed = task.finished_speed or task.speed
    if not speed:
        return text
    return f"{text}, {speed:.1f}/s" if speed >= 1 else f"{text}, {1 / speed:.1f} s each"
