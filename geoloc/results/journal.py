"""Journal of an unfinished output: the rows that are done, kept until the output is whole.

It lies beside the output as ``NAME.partial.geojsonl``, a feature a line, in the columns of every
output, so that QGIS and GDAL open it. A row is on the disk before the next photo is waited for. A
killed run leaves at worst a last line that is cut off, which is passed over.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from geoloc.results.schema import PhotoResult, plain_text, result_of, result_record
from geoloc.results.text_formats import JOURNAL_SUFFIX, feature_line
from geoloc.storage.atomic import replacing

_REPLACES = "replaces"  # a member of each feature of a run that replaces an output at its end


def journal_path(output: str | Path) -> Path:
    """Where the journal of an output lies: beside the file, where a symbolic link leads to it."""
    target = Path(os.path.realpath(output))
    return target.with_name(target.name + JOURNAL_SUFFIX)


@dataclass
class JournalContent:
    """What a journal holds.

    Attributes:
        rows: Rows by `row_key`; of two of one photo the later.
        replaces: Whether its run was asked to replace an output that was there.
        end: Bytes of whole lines; behind them is what was cut off.
    """

    rows: dict[str, PhotoResult] = field(default_factory=dict)
    replaces: bool = False
    end: int = 0


def row_key(photo: str | Path) -> str:
    """What rows of one photo share: its absolute path, as it is written."""
    return plain_text(str(Path(photo).absolute()))


def read_journal(output: str | Path) -> JournalContent:
    """The rows that an unfinished run has left for `output`; none if there was none.

    Raises:
        OSError: The journal cannot be read.
    """
    content = JournalContent()
    try:
        data = journal_path(output).read_bytes()
    except FileNotFoundError:
        return content
    content.end = data.rfind(b"\n") + 1
    for line in data[: content.end].splitlines():
        try:
            feature = json.loads(line)
            row = result_of(feature["properties"])
        except (ValueError, KeyError, TypeError, AttributeError):
            continue  # what a crashed machine has made of it
        if row is not None:
            content.rows[row_key(row.photo)] = row
            content.replaces = bool(feature.get(_REPLACES))
    return content


class ResultJournal:
    """Rows of a run, each kept on the disk as soon as it is added.

    Nothing is written before the first row is added: a run that comes to nothing leaves the
    journal of an earlier one as it was.

    Args:
        output: The file that the rows are for.
        rows: Rows to begin with, in their order.
        replaces: Whether an output that is there will be replaced at the end.
        end: Bytes of an existing journal to go on behind, which holds `rows`; 0 begins anew.

    Attributes:
        path: The journal's file.
        rows: All rows by `row_key`.
        replaces: As given.
    """

    def __init__(
        self,
        output: str | Path,
        rows: Iterable[PhotoResult] = (),
        *,
        replaces: bool = False,
        end: int = 0,
    ) -> None:
        self.path = journal_path(output)
        self.rows = {row_key(row.photo): row for row in rows}
        self.replaces = replaces
        self._end = end
        self._file: int | None = None

    def add(self, result: PhotoResult) -> None:
        """Keep one row.

        Raises:
            OSError: The disk is full, or allows no file so large; earlier rows are kept.
        """
        if self._file is None:
            self._begin()
        assert self._file is not None
        self._append(self._line(result))
        self.rows[row_key(result.photo)] = result

    def collect(self, results: Iterable[PhotoResult]) -> BaseException | None:
        """Keep results as they come; what broke off their coming, if anything did.

        Raises:
            OSError: As `add`.
        """
        coming = iter(results)
        try:
            while True:
                try:
                    result = next(coming, None)
                except Exception as error:
                    return error
                if result is None:
                    return None
                self.add(result)
        except KeyboardInterrupt as error:
            return error

    def close(self) -> None:
        """Leave the journal where it is."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def remove(self) -> None:
        """Remove the journal: its output holds every row."""
        self.close()
        self.path.unlink(missing_ok=True)

    def _begin(self) -> None:
        """Open the file behind its last whole line, or write a new one with the rows so far."""
        if not self._end:
            with replacing(self.path) as draft, draft.open("wb") as stream:
                stream.writelines(self._line(row) for row in self.rows.values())
            self._end = self.path.stat().st_size
        # Unbuffered: what a buffer holds when the disk is full would fail once more on closing.
        self._file = os.open(self.path, os.O_WRONLY | getattr(os, "O_BINARY", 0))
        os.ftruncate(self._file, self._end)
        os.lseek(self._file, self._end, os.SEEK_SET)

    def _line(self, result: PhotoResult) -> bytes:
        members = {_REPLACES: True} if self.replaces else {}
        return f"{feature_line(result_record(result), **members)}\n".encode()

    def _append(self, line: bytes) -> None:
        assert self._file is not None
        rest = memoryview(line)
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError as error:
            with suppress(OSError):  # a line that is cut off is passed over, too
                os.ftruncate(self._file, self._end)
            raise OSError(error.errno, os.strerror(error.errno or 0), str(self.path)) from error
        self._end += len(line)
