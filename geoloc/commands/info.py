"""``geoloc info``: what a path holds, as lines or as JSON."""

from __future__ import annotations

import dataclasses

import click

from geoloc.commands._console import example, json_option, print_json, print_rows


@click.command(name="info", epilog=example("geoloc info index/"))
@click.argument("path", type=click.Path(), metavar="PATH")
@json_option
def command(path: str, as_json: bool) -> None:
    """Say what is in a map, a folder of tiles, an index, a model, a photo or a result.

    PATH is a file, a folder, or the name of a model on the shelf. Of a photo it says what is
    read in its metadata and where; what is not in the list is not known to the search.
    """
    from geoloc.info import describe_path

    description = describe_path(path)
    if as_json:
        print_json(dataclasses.asdict(description))
        return
    rows = [(name, _text(value)) for name, value in description.facts.items()]
    print_rows(rows, title=f"{description.path}: {description.kind}")


def _text(value: object) -> object:
    """A list as its items; anything else as it is."""
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value) or None
    return value
