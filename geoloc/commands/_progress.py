"""A progress bar on stderr for the `Progress` that the library talks to."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from geoloc.progress import Progress, Silent, raise_lost_interrupt

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import Task, TaskID


@contextmanager
def progress_bar(*, quiet: bool = False, verbose: int = 0) -> Iterator[Progress]:
    """A listener for one command: a bar with rate and time left, where a person can see it.

    Into a pipe or a file there is no bar: warnings come as plain lines, and with `verbose` one
    line when a stage begins. With `quiet` nothing comes at all.
    """
    if quiet:
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
