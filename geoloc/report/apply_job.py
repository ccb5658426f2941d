"""The job `geoloc apply`: results and corrections in, corrected results out, whole or not."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from geoloc.corrections_file import read_corrections
from geoloc.errors import InputError, OutputExistsError
from geoloc.ortho.naming import photo_file
from geoloc.report.corrections import apply_corrections, truth_rows
from geoloc.results.files import check_place, read_results, write_file
from geoloc.results.formats import foreign_parts, output_format
from geoloc.results.schema import PhotoResult
from geoloc.storage.atomic import write_text
from geoloc.storage.lock import locked_file

_TRUTH_COLUMNS = ("photo", "lon", "lat", "scene_lon", "scene_lat")


@dataclass(frozen=True)
class ApplySummary:
    """What was applied.

    Attributes:
        path: The file that was written.
        actions: How many photos were accepted, rejected and moved.
        unknown: Photos of the corrections that the results do not hold, or answer otherwise by now.
        truth: The table of truth that was written; None where none was asked for.
    """

    path: Path
    actions: dict[str, int]
    unknown: tuple[str, ...]
    truth: Path | None


def apply_to_file(
    results: Path,
    corrections: Path,
    *,
    output: Path | None = None,
    truth: Path | None = None,
    overwrite: bool = False,
) -> ApplySummary:
    """Write corrections into a file of results, or into a copy of it.

    Args:
        results: The file.
        corrections: What a page has saved.
        output: The file to write; None writes `results` again, in its format.
        truth: A CSV to write of the corrected photos, for `geoloc evaluate` and `geoloc pairs`.
        overwrite: Replace `output` and `truth` where they are.

    Raises:
        InputError: One of both cannot be read, or they have no photo in common.
        OutputExistsError: Something is there already, or `results` holds what a person has added,
            which would be lost.
    """
    target = output or results
    for path in (output, truth):
        if path is not None and path.exists() and not overwrite:
            raise OutputExistsError(
                f"{path} exists; choose another name or say --overwrite", path=path
            )
    fmt = check_place(target, fmt=None)
    said = read_corrections(corrections)
    with locked_file(target):
        rows, unknown = apply_corrections(read_results(results), said)
        if said and len(unknown) == len(said):
            raise InputError(
                f"{corrections} is of other photos or answers than {results} ({unknown[0]}, ...); "
                "give the results that the page was made of",
                path=corrections,
            )
        if output is None:
            _refuse_to_lose(results)
        beside = results.absolute().parent
        found = [dataclasses.replace(row, photo=str(photo_file(row, beside))) for row in rows]
        write_file(found, target, fmt, new_style=False)
    if truth is not None:
        write_text(truth, _table(rows))
    return ApplySummary(target, dict(Counter(one.action for one in said)), tuple(unknown), truth)


def _refuse_to_lose(path: Path) -> None:
    """Refuse to write results again to which a person has added something."""
    if parts := foreign_parts(path, output_format(path)):
        raise OutputExistsError(
            f"{path} holds what geoloc would not write again: {', '.join(parts)}; write a copy: "
            "-o FILE",
            path=path,
        )


def _table(rows: Sequence[PhotoResult]) -> str:
    """The table of truth as CSV."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, _TRUTH_COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(truth_rows(rows))
    return stream.getvalue()
