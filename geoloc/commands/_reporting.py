"""The page that `geoloc locate --report` makes at the end, and what is said of a page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from geoloc.commands._console import say
from geoloc.commands._progress import progress_bar
from geoloc.errors import OptionError
from geoloc.options import LocateOptions, OutputFormat, ReportOptions

if TYPE_CHECKING:
    from geoloc.report.job import ReportSummary


def check_report(page: Path, output: str, *, overwrite: bool) -> None:
    """Whether the page may be written; costs nothing.

    Raises:
        OptionError: As `geoloc.report.job.check_page`, or the result goes to stdout.
        OutputExistsError: It is there, and no page of a result that is there already.
    """
    from geoloc.report.job import check_page
    from geoloc.results.journal import journal_path

    if output == "-":
        raise OptionError("--report is made of a result file, not of stdout; name one with -o")
    goes_on = Path(output).exists() or journal_path(output).exists()
    check_page(page, overwrite=overwrite or goes_on)


def report_located(
    page: Path,
    output: Path,
    index: Path,
    *,
    fmt: OutputFormat | None,
    located: LocateOptions,
    quiet: bool,
) -> None:
    """Write the page of a finished file of results, and say so."""
    from geoloc.index.map_index import MapIndex
    from geoloc.locate.map_terrain import terrain_of
    from geoloc.report.job import write_report
    from geoloc.results.files import read_results

    with progress_bar(quiet=quiet, verbose=0) as progress:
        opened = MapIndex.open(index)
        summary = write_report(
            read_results(output, fmt=fmt),
            page,
            ReportOptions(overwrite=True),
            index=opened,
            beside=output.absolute().parent,
            terrain=terrain_of(located, opened),
            progress=progress,
        )
    say_report(summary, quiet=quiet)


def say_report(summary: ReportSummary, *, quiet: bool) -> None:
    """Say what was written, and how large it is."""
    beside = "" if summary.folder is None else f", and its pictures in {summary.folder}"
    shows = f"{summary.photos} photo{'' if summary.photos == 1 else 's'}"
    size = f"{summary.size / 1e6:.1f} MB"
    say(f"wrote {summary.page}: {shows}, {size}{beside}", quiet=quiet)
