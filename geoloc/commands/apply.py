"""``geoloc apply``: what was corrected on a report's page, back into the results."""

from __future__ import annotations

from pathlib import Path

import click

from geoloc.commands._console import example, overwrite_option, say
from geoloc.errors import EXIT_PARTIAL

_NAMES_SHOWN = 5


@click.command(name="apply", epilog=example("geoloc apply out.geojson corrections.geojson"))
@click.argument("results", type=click.Path(path_type=Path), metavar="RESULTS")
@click.argument("corrections", type=click.Path(path_type=Path), metavar="CORRECTIONS")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="File to write, in the format of its extension. Default: RESULTS itself.",
)
@click.option(
    "--write-truth",
    "truth",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="CSV",
    help="Also write the corrected photos as a table of truth, for geoloc evaluate --truth and "
    "geoloc pairs --metadata.",
)
@overwrite_option
@click.option("-q", "--quiet", is_flag=True, help="No summary.")
@click.pass_context
def command(
    ctx: click.Context,
    /,
    *,
    results: Path,
    corrections: Path,
    output: Path | None,
    truth: Path | None,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Write back what was corrected on a report's page.

    RESULTS is the file that the page was made of, CORRECTIONS the corrections.geojson that it
    saved. Accepted and moved photos become corrected, rejected ones rejected; what geoloc had
    answered stays in the column correction.

    \b
    Exit code: 0 done, 6 done but some photos are not in RESULTS, or accepted with an answer that
    is another by now (they are named),
    2 an output that exists or that a person has added to, 3 no results or no corrections.
    """
    from geoloc.report.apply_job import apply_to_file

    done = apply_to_file(results, corrections, output=output, truth=truth, overwrite=overwrite)
    counts = ", ".join(
        f"{done.actions.get(action, 0)} {name}"
        for action, name in (("accept", "accepted"), ("move", "moved"), ("reject", "rejected"))
    )
    say(f"wrote {done.path}: {counts}", quiet=quiet)
    if done.truth is not None:
        say(f"wrote {done.truth}", quiet=quiet)
    if done.unknown:
        names = ", ".join(done.unknown[:_NAMES_SHOWN])
        more = ", ..." if len(done.unknown) > _NAMES_SHOWN else ""
        say(f"not among the results, or accepted when the answer was another: {names}{more}")
        ctx.exit(EXIT_PARTIAL)
