"""``--progress jsonl``: what a command says as lines of JSON on stderr, for other programs.

``progress.schema.json`` beside this file describes the lines.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

import click

_Command = TypeVar("_Command", bound=Callable[..., object])
# Under this name the choice is kept in the context that all commands of a run share.
PROGRESS_KEY = "geoloc.progress"


def progress_option(function: _Command) -> _Command:
    """Give a command ``--progress``; the choice is kept with its context, not passed on."""
    return click.option(
        "--progress",
        type=click.Choice(["auto", "jsonl"]),
        default="auto",
        show_default=True,
        expose_value=False,
        is_eager=True,  # also errors of other options are then said as JSON
        callback=_remember,
        help="auto is a bar, where stderr is a terminal. jsonl writes all that is said to stderr "
        "as one JSON object a line, for other programs.",
    )(function)


def is_asked_for() -> bool:
    """Whether the command that runs was called with ``--progress jsonl``."""
    context = click.get_current_context(silent=True)
    return context is not None and context.meta.get(PROGRESS_KEY) == "jsonl"


def emit(event: str, **members: Any) -> None:
    """Write one line, at once; texts become single lines."""
    if "message" in members:
        members["message"] = " ".join(str(members["message"]).split())
    # Escaped, so that no code page of a Windows console can break a line.
    click.echo(json.dumps({"event": event, **members}), err=True)


def _remember(ctx: click.Context, _: click.Parameter, value: str) -> None:
    ctx.meta[PROGRESS_KEY] = value
