"""CSV tables as people and spreadsheets write them: any delimiter, encoding and decimal mark.

Cells are separated by commas, semicolons or tabs; numbers have a decimal point or, between
semicolons or tabs, a decimal comma. Text is UTF-8 or UTF-16, with a byte order mark or without,
else Latin-1. A German Excel writes semicolons, decimal commas and a mark, and says with a first
line ``sep=;`` what separates the cells; all of it is read here, so that no reader of a user's table
understands less than another.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

MAX_BYTES = 2**30

_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
# The first line of a table for Excel, which names its delimiter and no columns.
_SEPARATOR_LINE = re.compile(r'[ \t]*"?sep=(?P<delimiter>[^\r\n])"?[^\r\n]*(?:\r\n?|\n|$)', re.I)
_QUOTED = re.compile(r'"[^"]*"')
# Cells that state nothing: what spreadsheets, scripts and databases write for an empty one.
_BLANK = {"", "nan", "na", "n/a", "#n/a", "#nv", "null", "none", "-", "inf", "+inf", "-inf"}


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

    def repeated(self, names: Iterable[str]) -> str | None:
        """The first of `names` that two columns have, so that either may be meant."""
        return next((name for name in names if self.columns.count(name) > 1), None)


def read_table(path: Path) -> CsvTable:
    """The table in a CSV file.

    Raises:
        TableError: The file is missing or no CSV, or a line has more cells than the first.
    """
    content = read_text(path)
    lines = _lines(content, lambda line: max(",;\t", key=line.count))
    _, header = next((line for line in lines if any(map(str.strip, line[1]))), (1, []))
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

    def guess(line: str) -> str:
        return delimiter or next((each for each in "\t;" if each in line), ",")

    return [cells for _, cells in _lines(read_text(path), guess) if any(cells)]


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
        return data.decode(_encoding(data))
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _encoding(data: bytes) -> str:
    """What text begins with, if it is no Latin-1: a mark, or letters with zeros between."""
    if data[:2] in _UTF16_MARKS:
        return "utf-16"
    head = data[:64]
    zeros = (head[0::2].count(0), head[1::2].count(0))
    if max(zeros) * 4 > len(head) and not min(zeros):
        return "utf-16-be" if zeros[0] else "utf-16-le"
    return "utf-8-sig"


def is_blank(cell: str) -> bool:
    """Whether a cell states nothing, in whichever words."""
    return cell.strip().lower() in _BLANK


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


def _lines(content: str, guess: Callable[[str], str]) -> Iterator[tuple[int, list[str]]]:
    """The number and the cells of each line.

    Args:
        content: The table.
        guess: The delimiter by the first line that holds something, where no line names it.
    """
    separator = _SEPARATOR_LINE.match(content)
    start = separator.end() if separator else 0
    first = next((line for line in content[start:].splitlines() if line.strip()), "")
    delimiter = separator["delimiter"] if separator else guess(_QUOTED.sub("", first))
    reader = csv.reader(io.StringIO(content[start:], newline=""), delimiter=delimiter)
    try:
        for cells in reader:
            yield reader.line_num + bool(separator), cells
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
