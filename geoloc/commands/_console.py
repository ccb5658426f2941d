"""How commands talk: what goes to stderr, what to stdout, and the options that all share.

Data goes to stdout and talk to stderr, so that a result can be piped while a person reads along.
Rich is imported when something is printed, never for a help text.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, get_args

import click

from geoloc.commands._events import emit, is_asked_for, progress_option
from geoloc.options import ONE_MACHINE, EngineName, EngineOptions

if TYPE_CHECKING:
    from rich.console import Console

_Command = TypeVar("_Command", bound=Callable[..., object])


def example(line: str) -> str:
    """An epilog that ends a command's help with one line that runs as typed."""
    return f"\b\nExample:\n  {line}"


def verbosity_options(function: _Command) -> _Command:
    """Give a command ``-q/--quiet``, a counted ``-v/--verbose`` and ``--progress``."""
    function = progress_option(function)
    function = click.option(
        "-v", "--verbose", count=True, help="More messages; repeat it for even more."
    )(function)
    return click.option(
        "-q", "--quiet", is_flag=True, help="No progress bar, no warnings, no summary."
    )(function)


def workers_option(default: int) -> Callable[[_Command], _Command]:
    """Give a command ``-j/--workers``."""
    return click.option(
        "-j",
        "--workers",
        type=click.IntRange(min=1),
        default=default,
        show_default=True,
        metavar="N",
        help="Threads that read and decode images.",
    )


def device_option(default: str = "auto") -> Callable[[_Command], _Command]:
    """Give a command ``--device``."""
    return click.option(
        "--device",
        default=default,
        show_default=True,
        metavar="auto|cpu|cuda[:N]|mps",
        help="Device of the network; auto takes a GPU if there is one.",
    )


def engine_options(function: _Command) -> _Command:
    """Give a command ``--engine`` and what belongs to a cluster."""
    function = click.option(
        "--gpus-per-actor",
        type=click.FloatRange(min=0),
        metavar="SHARE",
        help="Share of a GPU that each actor takes, such as 0.5. Default: none.",
    )(function)
    function = click.option(
        "--actors",
        type=click.IntRange(min=1),
        metavar="N",
        help="Number of the cluster's actors. Default: one per CPU, or per share of a GPU.",
    )(function)
    function = click.option(
        "--address",
        metavar="HOST:PORT",
        help="Address of a Ray cluster that runs. Default: one is started on this machine.",
    )(function)
    return click.option(
        "--engine",
        type=click.Choice(get_args(EngineName)),
        default=ONE_MACHINE.engine,
        show_default=True,
        help="What does the work: this process, or the actors of a Ray cluster (extra ray), to the "
        "same answers.",
    )(function)


def engine_of(given: dict[str, Any]) -> EngineOptions:
    """The engine that these options chose, which are taken from the others."""
    return EngineOptions(
        engine=given.pop("engine"),
        address=given.pop("address"),
        actors=given.pop("actors"),
        gpus=given.pop("gpus_per_actor") or 0.0,
    )


def overwrite_option(function: _Command) -> _Command:
    """Give a command ``--overwrite``."""
    return click.option("--overwrite", is_flag=True, help="Replace an output that exists.")(
        function
    )


def json_option(function: _Command) -> _Command:
    """Give a command ``--json``, passed on as ``as_json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout instead.")(
        function
    )


def stderr_console() -> Console:
    """A console for talk; plain text where stderr is no terminal or NO_COLOR is set."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True)


def say(message: str, *, quiet: bool = False) -> None:
    """Print one line of talk on stderr, unless `quiet`."""
    if quiet:
        return
    if is_asked_for():
        emit("message", message=message)
    else:
        click.echo(message, err=True)


def print_json(document: object) -> None:
    """Print `document` as JSON on stdout; what JSON does not know becomes its text."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=False, default=str))


def print_rows(rows: Sequence[tuple[str, object]], *, title: str | None = None) -> None:
    """Print names and values in two aligned columns on stdout; a None shows as a dash."""
    if title:
        click.echo(title)
    width = max((len(name) for name, _ in rows), default=0)
    for name, value in rows:
        click.echo(f"  {name:<{width}}  {'-' if value is None else value}")
