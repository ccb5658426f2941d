"""``geoloc benchmark``: measure a model by the rules of a data set, beside published figures."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from geoloc.commands._console import (
    device_option,
    example,
    json_option,
    overwrite_option,
    print_json,
    say,
    verbosity_options,
    workers_option,
)
from geoloc.commands._progress import progress_bar
from geoloc.learning.benchmark.figures import (
    OFFICIAL_SIZES,
    PROTOCOLS,
    PUBLISHED,
    TITLES,
    PublishedFigure,
)
from geoloc.learning.options import BenchmarkOptions

if TYPE_CHECKING:
    from rich.table import Table

    from geoloc.learning.benchmark.job import BenchmarkReport, SplitReport

# Where there is no terminal, a table is as wide as a file of results may be.
_PLAIN_WIDTH = 140


@click.command(
    name="benchmark",
    epilog=example("geoloc benchmark university1652 University-Release --model clnet-aerial"),
)
@click.argument("dataset", type=click.Choice(list(TITLES)), required=False, metavar="[DATASET]")
@click.argument("path", type=click.Path(path_type=Path), required=False, metavar="[PATH]")
@click.option(
    "--model", metavar="MODEL", help="Model to measure: a bundled model or a model folder."
)
@click.option(
    "--protocol",
    "protocols",
    multiple=True,
    type=click.Choice(PROTOCOLS),
    help="Measure by this protocol only; repeat it for several. Default: all protocols of "
    "the data set.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Report to write: .json, .md or .csv.",
)
@click.option(
    "--vectors",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Folder that keeps the embeddings, so that an interrupted run continues and a "
    "second run embeds nothing.",
)
@click.option(
    "--tile-width",
    "tile_width_m",
    type=click.FloatRange(min=0, min_open=True),
    metavar="METRES",
    help="Side of a reference image on the ground in metres, for the protocol anyvisloc.",
)
@device_option()
@click.option(
    "--batch-size",
    type=click.IntRange(min=1),
    metavar="N",
    help="Images per batch. Default: chosen by device.",
)
@workers_option(BenchmarkOptions.workers)
@click.option(
    "--list", "is_list", is_flag=True, help="List data sets, tests and published figures, and exit."
)
@overwrite_option
@json_option
@verbosity_options
def command(
    dataset: str | None,
    path: Path | None,
    model: str | None,
    output: Path | None,
    tile_width_m: float | None,
    is_list: bool,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
    verbose: int,
    **options: object,
) -> None:
    """Measure a model on a cross-view data set, next to published figures.

    DATASET is cvusa, cvact, vigor-same, vigor-cross, university1652, sues200, or pairs for a
    pairs.csv of your own. PATH is the folder where it was unpacked. Each figure names its
    protocol, and each published figure its source.
    """
    if is_list:
        _show_list(dataset, as_json=as_json)
        return
    if dataset is None or path is None or model is None:
        raise click.UsageError("expected DATASET, PATH and --model; or --list")
    from geoloc.learning.benchmark.job import benchmark_model
    from geoloc.learning.benchmark.report import check_report_path, report_document, write_report

    choice = BenchmarkOptions(
        model=model,
        tile_width_m=tile_width_m,
        **options,  # type: ignore[arg-type]  # named and typed by the options above
    )
    if output is not None:
        check_report_path(output, overwrite=overwrite)
    with progress_bar(quiet=quiet, verbose=verbose) as progress:
        report = benchmark_model(dataset, path, choice, progress=progress)
    if output is not None:
        write_report(report, output, overwrite=overwrite)
        say(str(output), quiet=quiet)
    if as_json:
        print_json(report_document(report))
    else:
        _show_report(report)


def _show_report(report: BenchmarkReport) -> None:
    title = TITLES.get(report.dataset, report.dataset)
    click.echo(
        f"{report.model} ({report.architecture}, weights {report.weights_sha256[:12]}) on {title}; "
        f"{report.precision} on {report.device}"
    )
    for test in report.tests:
        click.echo(
            f"\n{test.name}: {test.queries:,} queries, {test.references:,} references, "
            f"{test.seconds:.0f} s"
        )
        _print_table(_test_table(report, test))
        for note in test.notes:
            click.echo(f"  note: {note}")
    click.echo("\nRecall, AP, hit rate, SDM, L, MA and PDM are percentages; (!) cannot be right.")


def _test_table(report: BenchmarkReport, test: SplitReport) -> Table:
    """The figures of one test; the same protocol and metric are named once."""
    from geoloc.learning.benchmark.report import report_rows

    rows = []
    last: tuple[str, str] = ("", "")
    for row in report_rows(report, test):
        key = (row.protocol, row.metric)
        shown = (
            row.protocol if key[0] != last[0] else "",
            row.metric if key != last else "",
        )
        references = "" if row.references is None else f"{row.references:,}"
        rows.append((*shown, row.method, row.text, references, row.origin))
        last = key
    return _table(("protocol", "metric", "method", "value", "among", "source"), rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in head:
        is_number = name in ("value", "among", "queries", "references")
        is_long = name == "source"
        table.add_column(
            name,
            justify="right" if is_number else "left",
            no_wrap=not is_long,
            overflow="fold",
        )
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return table


def _print_table(table: Table) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_PLAIN_WIDTH)
    console.print(table)


# --- what there is, without any data ---------------------------------------------------------


def _show_list(dataset: str | None, *, as_json: bool) -> None:
    """Data sets, their tests, and what was published for them."""
    figures = [each for each in PUBLISHED if dataset in (None, each.setting[0])]
    if as_json:
        print_json([_plain(each) for each in figures])
        return
    for name, title in TITLES.items():
        if dataset in (None, name):
            click.echo(f"{name}: {title}")
            _print_sizes(name)
            _print_published([each for each in figures if each.setting[0] == name])


def _print_published(figures: Sequence[PublishedFigure]) -> None:
    rows = [
        (each.setting[1], each.protocol, each.metric, each.method, each.text, each.origin)
        for each in figures
    ]
    if rows:
        _print_table(_table(("test", "protocol", "metric", "method", "value", "source"), rows))


def _print_sizes(dataset: str) -> None:
    for (name, test), size in OFFICIAL_SIZES.items():
        if name == dataset:
            click.echo(f"  {test}: {size.queries:,} queries, {size.references:,} references")


def _plain(figure: PublishedFigure) -> dict[str, object]:
    dataset, test = figure.setting
    return {**dataclasses.asdict(figure), "setting": {"dataset": dataset, "test": test}}
