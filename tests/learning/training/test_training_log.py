from __future__ import annotations

import csv
import sys
from collections import deque
from contextlib import suppress
from pathlib import Path

import pytest

from geoloc.errors import DependencyError
from geoloc.learning.training.recall import Recall
from geoloc.learning.training.training_log import LogLine, TrainingLog

RECALL = Recall(0.5, 0.75, 1.0, queries=4, references=4)


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "training.csv").open() as file:
        return list(csv.DictReader(file))


def test_a_line_is_on_disk_as_soon_as_it_is_written(tmp_path: Path) -> None:
    with TrainingLog(tmp_path, step=0, board=False) as log:
        log.write(LogLine(0, 0.0, 0.0, None, 0.0, RECALL))
        log.write(LogLine(10, 0.5, 3.4, 1.25, 1e-3, None))
        first, second = rows(tmp_path)
    assert (first["loss"], first["recall_at_5"]) == ("", "0.7500")
    assert (second["loss"], second["epoch"], second["recall_at_5"]) == ("1.25000", "0.500", "")


def test_lines_after_the_checkpoint_are_taken_back(tmp_path: Path) -> None:
    with TrainingLog(tmp_path, step=0, board=False) as log:
        for step in (5, 10, 15):
            log.write(LogLine(step, 0.0, 0.0, 1.0, 0.0, None))
    with TrainingLog(tmp_path, step=10, board=False) as log:
        log.write(LogLine(12, 0.0, 0.0, 2.0, 0.0, None))
    assert [row["step"] for row in rows(tmp_path)] == ["5", "10", "12"]


def test_tensorboard_that_is_not_there_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(DependencyError, match=r"geoloc-cli\[tensorboard\]"):
        TrainingLog(tmp_path, step=0, board=True)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of protobuf, inside tensorboard
def test_tensorboard_gets_what_the_file_gets(tmp_path: Path) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    with TrainingLog(tmp_path, step=0, board=True) as log:
        log.write(LogLine(3, 0.5, 1.0, 1.25, 1e-3, RECALL))
    events = accumulator.EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert events.Scalars("loss")[0].value == 1.25
    assert events.Scalars("recall/at_5")[0].step == 3


def test_a_line_that_a_full_disk_cut_off_is_dropped(tmp_path: Path) -> None:
    with TrainingLog(tmp_path, step=0, board=False) as log:
        log.write(LogLine(5, 0.0, 0.0, 1.0, 0.0, None))
    with (tmp_path / "training.csv").open("a") as file:
        file.write("1")  # of step 10
    with TrainingLog(tmp_path, step=5, board=False):
        pass
    assert [row["step"] for row in rows(tmp_path)] == ["5"]


def test_a_full_disk_is_named_by_the_log(small_disk: Path) -> None:
    with TrainingLog(small_disk, step=0, board=False) as log:
        with suppress(OSError), (small_disk / "filler").open("wb", buffering=0) as filler:
            while True:
                filler.write(bytes(512))
        lines = (LogLine(step, 0.0, 0.0, 1.0, 0.0, None) for step in range(1000))
        with pytest.raises(OSError, match="No space left on device") as caught:
            deque(map(log.write, lines), maxlen=0)
    assert caught.value.filename == str(small_disk / "training.csv")
