"""A report as rows beside the published figures, and as JSON, Markdown or CSV."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from geoloc.errors import OptionError, OutputExistsError
from geoloc.learning.benchmark.figures import TITLES, PublishedFigure, published_beside
from geoloc.learning.benchmark.job import BenchmarkReport, SplitReport
from geoloc.learning.benchmark.protocols import Figure
from geoloc.storage.atomic import plain_target, write_text

MEASURED = "measured here"


@dataclass(frozen=True)
class Row:
    """One figure, of this model or of others.

    Attributes:
        protocol: Protocol that it is counted by.
        metric: Name of the metric there.
        method: The model, or the published network.
        value: Value in the unit beside it.
        unit: ``%``, ``m`` or ``queries``.
        queries: Number of queries that it is a mean of; None where the source does not say.
        references: Number of references that were ranked; None where the source does not say.
        source: Paper or page that it comes from.
        doubt: Why it cannot be right; empty if nothing speaks against it.
    """

    protocol: str
    metric: str
    method: str
    value: float
    unit: str
    queries: int | None
    references: int | None
    source: str
    doubt: str = ""

    @property
    def text(self) -> str:
        """The value with its unit, and a mark where it is doubtful."""
        digits = 0 if self.unit == "queries" else 1 if self.unit == "m" else 2
        unit = "" if self.unit == "%" else f" {self.unit}"
        return f"{self.value:.{digits}f}{unit}{' (!)' if self.doubt else ''}"

    @property
    def origin(self) -> str:
        """The source, and the doubt if there is one."""
        return f"{self.source}; {self.doubt}" if self.doubt else self.source


def report_rows(report: BenchmarkReport, test: SplitReport) -> list[Row]:
    """The figures of one test, each followed by what others published for the same."""
    return list(_rows(report, test))


def _rows(report: BenchmarkReport, test: SplitReport) -> Iterator[Row]:
    for figure in test.figures:
        yield _own(report.model, figure)
        for other in published_beside(
            report.dataset, test.name, protocol=figure.protocol, metric=figure.metric
        ):
            yield _published(other)


def _own(model: str, figure: Figure) -> Row:
    return Row(method=model, source=MEASURED, **dataclasses.asdict(figure))


def _published(figure: PublishedFigure) -> Row:
    return Row(
        protocol=figure.protocol,
        metric=figure.metric,
        method=figure.method,
        value=figure.value,
        unit="%",
        queries=None,
        references=None,
        source=figure.source,
        doubt=figure.doubt,
    )


# --- files -----------------------------------------------------------------------------------


def check_report_path(path: str | Path, *, overwrite: bool) -> None:
    """Refuse, before the work, a file that could not be written after it.

    Raises:
        OptionError: Its extension is none of a report's, its folder is not there, or it is a
            device.
        OutputExistsError: It is there and `overwrite` was not asked for.
    """
    target = Path(path)
    if target.suffix.lower() not in _WRITERS:
        known = ", ".join(_WRITERS)
        raise OptionError(f"the format of {target} is unknown; expected one of {known}; rename it")
    folder = plain_target(target).parent
    if not folder.is_dir():
        raise OptionError(f"cannot write {target}: its folder does not exist; create it first")
    if not os.access(folder, os.W_OK):
        raise OptionError(f"cannot write {target}: expected a file in a folder that may be written")
    if target.exists() and not overwrite:
        raise OutputExistsError(
            f"{target} exists; choose another name or say --overwrite", path=target
        )


def write_report(report: BenchmarkReport, path: str | Path, *, overwrite: bool = False) -> None:
    """Write a report as what its extension says: ``.json``, ``.md`` or ``.csv``.

    Raises:
        OptionError: As `check_report_path`.
        OutputExistsError: As `check_report_path`.
    """
    check_report_path(path, overwrite=overwrite)
    target = Path(path)
    write_text(target, _WRITERS[target.suffix.lower()](report))


def report_document(report: BenchmarkReport) -> dict[str, object]:
    """The report as plain values for JSON, the published figures among the rows."""
    document = dataclasses.asdict(report)
    document["tests"] = [
        {
            "name": test.name,
            "queries": test.queries,
            "references": test.references,
            "seconds": round(test.seconds, 3),
            "notes": list(test.notes),
            "figures": [dataclasses.asdict(row) for row in report_rows(report, test)],
        }
        for test in report.tests
    ]
    return document


def _json(report: BenchmarkReport) -> str:
    return json.dumps(report_document(report), indent=2, ensure_ascii=False) + "\n"


def _csv(report: BenchmarkReport) -> str:
    """A row a figure; what is the same for all stands in each, so that files can be joined."""
    columns = [field.name for field in dataclasses.fields(Row)]
    stream = io.StringIO()
    head = ["dataset", "test", *columns, "model", "weights_sha256", "seconds"]
    writer = csv.DictWriter(stream, head, lineterminator="\n")
    writer.writeheader()
    for test in report.tests:
        common: dict[str, object] = {
            "dataset": report.dataset,
            "test": test.name,
            "model": report.model,
            "weights_sha256": report.weights_sha256,
            "seconds": f"{test.seconds:.3f}",
        }
        for row in report_rows(report, test):
            writer.writerow({**common, **dataclasses.asdict(row)})
    return stream.getvalue()


def _markdown(report: BenchmarkReport) -> str:
    parts = [
        f"# {report.model} on {TITLES.get(report.dataset, report.dataset)}",
        f"{report.architecture}, weights {report.weights_sha256[:12]}, {report.precision} on "
        f"{report.device}.",
        *(_markdown_test(report, test) for test in report.tests),
    ]
    return "\n\n".join(parts) + "\n"


def _markdown_test(report: BenchmarkReport, test: SplitReport) -> str:
    lines = [
        f"## {test.name}",
        "",
        f"{test.queries} queries, {test.references} references, {test.seconds:.0f} s.",
        "",
        *(f"- {note}" for note in test.notes),
        *([""] if test.notes else []),
        "| protocol | metric | method | value | references | source |",
        "|---|---|---|---|---|---|",
    ]
    for row in report_rows(report, test):
        cells = (row.protocol, row.metric, row.method, row.text, row.references or "", row.origin)
        lines.append("| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines)


_WRITERS: dict[str, Callable[[BenchmarkReport], str]] = {
    ".json": _json,
    ".md": _markdown,
    ".csv": _csv,
}
