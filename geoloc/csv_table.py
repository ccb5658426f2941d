"""CSV tables as people and spreadsheets write them: any delimiter, encoding and decimal mark.

Cells are separated by commas, semicolons or tabs; numbers have a decimal point or, between
semicolons or tabs, a decimal comma. Text is UTF-8 or UTF-16 with a byte order mark, else UTF-8,
else Latin-1. A German Excel writes semicolons, decimal commas and a mark; all of it is read here,
so that no reader of a user's table understands less than another.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MAX_BYTES = 2**30

_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


class TableError(ValueError):
    """A table cannot be read; the message is the reason, without the path.

    Not part of the tree in `errors`: every reader turns it into an error that says what it
    expected.
    """


@dataclass(frozen=True)
class CsvTable:
    """A table whose first line names its columns.

    Attributes:
        columns: Names of the columns, in lower case.
        rows: Line number and cells by column of each line that holds something. Cells have no
            blanks around them; those that a line lacks are empty.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[int, dict[str, str]], ...]


def read_table(path: Path) -> CsvTable:
    """The table in a CSV file.

    Raises:
        TableError: The file is missing or no CSV, or a line has more cells than the first.
    """
    content = read_text(path)
    lines = _lines(content, _delimiter_of_names(content.partition("\n")[0]))
    _, header = next(lines, (1, []))
    columns = tuple(cell.strip().lower() for cell in header)
    return CsvTable(columns, tuple(_filled(lines, columns)))


def read_rows(path: Path, *, delimiter: str | None = None) -> list[list[str]]:
    """The lines that hold something, of a table whose columns have no names.

    Args:
        path: The file.
        delimiter: What separates the cells; None: tabs or semicolons where there are any, else
            commas.

    Raises:
        TableError: The file is missing or no CSV.
    """
    content = read_text(path)
    if delimiter is None:
        delimiter = next((each for each in "\t;" if each in content.partition("\n")[0]), ",")
    return [cells for _, cells in _lines(content, delimiter) if any(cells)]


def read_text(path: Path) -> str:
    """The text of a file, in whichever encoding spreadsheets and drones write.

    Raises:
        TableError: The file is missing, unreadable or absurdly large.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise TableError(f"larger than {MAX_BYTES >> 20} MiB")
        data = path.read_bytes()
    except OSError as error:
        raise TableError(error.strerror or "unreadable") from error
    try:
        return data.decode("utf-16" if data[:2] in _UTF16_MARKS else "utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def parse_number(cell: str) -> float:
    """The finite number in a cell, with a decimal point or comma.

    Raises:
        ValueError: It holds anything else.
    """
    written = cell.strip()
    value = float(written.replace(",", ".")) if _NUMBER.fullmatch(written) else math.nan
    if not math.isfinite(value):
        raise ValueError(f"{cell!r} is no number")
    return value


def _delimiter_of_names(first_line: str) -> str:
    """What separates the columns' names: the mark that stands between them most often."""
    return max(",;\t", key=first_line.count)


def _lines(content: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The number and the cells of each line."""
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=delimiter)
    try:
        for cells in reader:
            yield reader.line_num, cells
    except csv.Error as error:
        raise TableError(f"no readable CSV ({error})") from error


def _filled(
    lines: Iterator[tuple[int, list[str]]], columns: tuple[str, ...]
) -> Iterator[tuple[int, dict[str, str]]]:
    """The line number and the cells by column of each line that holds something."""
    for line, raw in lines:
        cells = [cell.strip() for cell in raw]
        if any(cells[len(columns) :]):
            raise TableError(
                f"line {line} has {len(cells)} cells for {len(columns)} columns "
                "(decimal commas need semicolons or tabs between the cells)"
            )
        if any(cells):
            cells += [""] * (len(columns) - len(cells))
            yield line, dict(zip(columns, cells, strict=False))
