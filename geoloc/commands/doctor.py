"""``geoloc doctor``: the state of this installation, as lines or as JSON."""

from __future__ import annotations

import dataclasses
from itertools import groupby

import click

from geoloc.commands._console import example, json_option, print_json

_MARKS = {"ok": " ", "absent": "-", "broken": "!"}


@click.command(name="doctor", epilog=example("geoloc doctor"))
@json_option
def command(as_json: bool) -> None:
    """Report versions, devices and drivers, and what is missing.

    A line with ! is broken and must be repaired. A line with - is absent but optional.
    """
    from geoloc.commands._diagnosis import diagnose

    findings = diagnose()
    if as_json:
        print_json([dataclasses.asdict(finding) for finding in findings])
        return
    width = max(len(finding.name) for finding in findings)
    for topic, group in groupby(findings, key=lambda finding: finding.topic):
        click.echo(topic)
        for finding in group:
            mark = _MARKS[finding.verdict]
            click.echo(f"{mark} {finding.name:<{width}}  {finding.value}")
