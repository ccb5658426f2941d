"""Options about what a search is given, which several commands share.

What a command says of an option in words of its own is an argument; the rest is the same for all.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, get_args

import click

from geoloc.options import Effort, LocateOptions, OutputFormat, ViewChoice

_Command = TypeVar("_Command", bound=Callable[..., object])
_DEFAULT = LocateOptions()


def index_option(*, adds: str = "") -> Callable[[_Command], _Command]:
    """Give a command ``--index``, the folder to search; `adds` follows what its help says."""
    return click.option(
        "--index",
        default="index",
        show_default=True,
        type=click.Path(path_type=Path),
        metavar="FOLDER",
        help=f"Index folder that `geoloc index` wrote{adds}.",
    )


def recursive_option(function: _Command) -> _Command:
    """Give a command ``-r/--recursive``."""
    return click.option("-r", "--recursive", is_flag=True, help="Also search subfolders.")(function)


def view_option(text: str) -> Callable[[_Command], _Command]:
    """Give a command ``--view``, the kind of the photos."""
    return click.option(
        "--view",
        type=click.Choice(get_args(ViewChoice)),
        default=_DEFAULT.view,
        show_default=True,
        help=text,
    )


def metadata_option(text: str) -> Callable[[_Command], _Command]:
    """Give a command ``--metadata``, a file that adds to the photos' own."""
    return click.option("--metadata", type=click.Path(), metavar="FILE", help=text)


def frame_rate_option(text: str) -> Callable[[_Command], _Command]:
    """Give a command ``--frame-rate``, passed on as ``frame_rate_hz``."""
    return click.option(
        "--frame-rate",
        "frame_rate_hz",
        type=click.FloatRange(min=0, min_open=True),
        metavar="PER_SECOND",
        help=text,
    )


def effort_option(text: str) -> Callable[[_Command], _Command]:
    """Give a command ``--effort``."""
    return click.option(
        "--effort",
        type=click.Choice(get_args(Effort)),
        default=_DEFAULT.effort,
        show_default=True,
        help=f"How thoroughly each photo is searched for. {text}",
    )


def dem_option(text: str) -> Callable[[_Command], _Command]:
    """Give a command ``--dem``, which can be repeated."""
    return click.option("--dem", multiple=True, type=click.Path(), metavar="FILE", help=text)


def dsm_option(function: _Command) -> _Command:
    """Give a command ``--dsm``, which can be repeated."""
    return click.option(
        "--dsm",
        multiple=True,
        type=click.Path(),
        metavar="FILE",
        help="An elevation model with roofs and trees, which is asked before those of --dem.",
    )(function)


def format_option(function: _Command) -> _Command:
    """Give a command ``-f/--format`` of its output, passed on as ``fmt``."""
    return click.option(
        "-f",
        "--format",
        "fmt",
        type=click.Choice(get_args(OutputFormat)),
        help="Format of the output, if the extension does not say it.",
    )(function)
