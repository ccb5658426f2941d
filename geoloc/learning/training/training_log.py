"""The training log: a CSV file of loss and recall, and TensorBoard where it is asked for."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from geoloc.errors import DependencyError
from geoloc.learning.training.recall import Recall
from geoloc.storage.atomic import replacing

LOG_NAME = "training.csv"
BOARD_FOLDER = "tensorboard"
LOG_COLUMNS = (
    "step",
    "epoch",
    "seconds",
    "loss",
    "learning_rate",
    "recall_at_1",
    "recall_at_5",
    "recall_at_10",
)


@dataclass(frozen=True)
class LogLine:
    """One line of the log.

    Attributes:
        step: Batches so far.
        epoch: Epochs so far.
        seconds: Since the run began.
        loss: Mean since the line before; None before the first batch.
        learning_rate: Learning rate of the last batch.
        recall: If it was measured.
    """

    step: int
    epoch: float
    seconds: float
    loss: float | None
    learning_rate: float
    recall: Recall | None


class TrainingLog:
    """Writes lines as they come; what a killed run wrote after its checkpoint is taken back.

    Args:
        folder: The model folder.
        step: Lines of later steps are dropped from a log that is there already.
        board: Also write for TensorBoard.

    Raises:
        DependencyError: if TensorBoard is asked for and not there.
    """

    def __init__(self, folder: Path, *, step: int, board: bool) -> None:
        self._path = folder / LOG_NAME
        self._rows = _rows_until(self._path, step)
        self._board = _open_board(folder / BOARD_FOLDER, step) if board else None

    def __enter__(self) -> Self:
        with (
            replacing(self._path) as draft,
            draft.open("w", newline="", encoding="utf-8") as file,
        ):
            csv.writer(file).writerows([LOG_COLUMNS, *self._rows])
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._board is not None:
            self._board.close()

    def write(self, line: LogLine) -> None:
        """Add a line, at once on disk."""
        try:
            with self._path.open("a", newline="", encoding="utf-8") as file:
                csv.writer(file).writerow(_cells(line))
        except OSError as error:  # of a full disk it names no file
            raise OSError(error.errno, error.strerror, str(self._path)) from error
        if self._board is not None:
            for name, value in _scalars(line).items():
                self._board.add_scalar(name, value, line.step)


class NoLog:
    """The log of a process that another one speaks for."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """Nothing to close."""

    def write(self, line: LogLine) -> None:
        """Drop it."""


def _cells(line: LogLine) -> list[str]:
    recall = line.recall
    shares = (recall.at_1, recall.at_5, recall.at_10) if recall else ()
    return [
        str(line.step),
        f"{line.epoch:.3f}",
        str(round(line.seconds)),
        "" if line.loss is None else f"{line.loss:.5f}",
        f"{line.learning_rate:.3e}",
        *(f"{share:.4f}" for share in shares),
        *[""] * (3 - len(shares)),
    ]


def _scalars(line: LogLine) -> dict[str, float]:
    scalars = {"learning_rate": line.learning_rate}
    if line.loss is not None:
        scalars["loss"] = line.loss
    if line.recall is not None:
        recall = line.recall
        scalars |= {f"recall/at_{k}": getattr(recall, f"at_{k}") for k in (1, 5, 10)}
    return scalars


def _rows_until(path: Path, step: int) -> list[list[str]]:
    """What a log says of the first `step` batches."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    # A line that a full disk has cut off may name an early step.
    whole = (row for row in rows if len(row) == len(LOG_COLUMNS) and row[0].isdigit())
    return [row for row in whole if int(row[0]) <= step]


def _open_board(folder: Path, step: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise DependencyError(
            "TensorBoard is not installed; expected it for --tensorboard; "
            'pip install "geoloc-cli[tensorboard]", or read training.csv'
        ) from error
    return SummaryWriter(folder, purge_step=step + 1)
