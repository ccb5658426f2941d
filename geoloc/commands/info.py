"""``geoloc info``: what a path holds, as lines or as JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import click

from geoloc.commands._console import example, json_option, print_json, print_rows


@click.command(name="info", epilog=example("geoloc info index/"))
@click.argument("path", type=click.Path(), metavar="PATH")
@json_option
def command(path: str, as_json: bool) -> None:
    """Show what is in a map, tiles, an index, pairs, a model, a photo or a result.

    PATH is a file, a folder, or the name of a bundled model. For a photo it shows the metadata
    that are used and the tags that they come from. Whatever is not listed is unknown to the
    search.
    """
    from geoloc.commands._path_facts import path_facts

    found = path_facts(path)
    if as_json:
        print_json(dataclasses.asdict(found))
        return
    rows = list(_rows(found.facts))
    print_rows(rows, title=f"{found.path}: {found.kind}")


def _rows(facts: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Nested facts as lines: names joined with dots, members of a list counted from 1."""
    for name, value in facts.items():
        if isinstance(value, Mapping):
            yield from _rows(value, f"{prefix}{name}.")
        elif isinstance(value, list | tuple) and any(isinstance(item, Mapping) for item in value):
            members = {f"{name}.{i}": item for i, item in enumerate(value, 1)}
            yield from _rows(members, prefix)
        elif isinstance(value, list | tuple):
            yield f"{prefix}{name}", ", ".join(str(item) for item in value) or None
        else:
            yield f"{prefix}{name}", value
