"""One writer at a time, and none that outlives its process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from geoloc.errors import OutputBusyError, OutputExistsError
from geoloc.storage.lock import is_vacant, locked_file, locked_folder
from tests.fixtures.locks import Lock, held_elsewhere

KINDS = pytest.mark.parametrize("lock", [locked_file, locked_folder])


@KINDS
def test_a_second_process_is_refused_until_the_first_is_killed(tmp_path: Path, lock: Lock) -> None:
    path = tmp_path / "out"
    with held_elsewhere(lock, path) as process:
        with pytest.raises(OutputBusyError, match=r"another geoloc writes to .*out"), lock(path):
            pass
        process.kill()
        process.communicate()
        with lock(path):
            pass


@KINDS
def test_nothing_is_left_of_it(tmp_path: Path, lock: Lock) -> None:
    with lock(tmp_path / "out"):
        assert any(tmp_path.iterdir())
    assert not any(tmp_path.iterdir())


@KINDS
def test_the_same_thread_may_enter_again(tmp_path: Path, lock: Lock) -> None:
    with lock(tmp_path / "out"):
        with lock(tmp_path / "out"):
            pass
        assert any(tmp_path.rglob("*.lock"))


def test_a_link_is_locked_where_it_leads(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link.csv").symlink_to(tmp_path / "there" / "out.csv")
    with (
        held_elsewhere(locked_file, tmp_path / "there" / "out.csv") as process,
    ):
        with pytest.raises(OutputBusyError), locked_file(tmp_path / "link.csv"):
            pass
        process.kill()
        process.communicate()


def test_a_folder_that_was_filled_stays(tmp_path: Path) -> None:
    with locked_folder(tmp_path / "out"):
        assert is_vacant(tmp_path / "out")
        (tmp_path / "out" / "a").touch()
        assert not is_vacant(tmp_path / "out")
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["a"]


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    with (
        pytest.raises(OutputExistsError, match="expected a folder"),
        locked_folder(tmp_path / "out"),
    ):
        pass


_PARENT = """
import os, signal, sys, time
from pathlib import Path
from geoloc.storage.lock import locked_folder
with locked_folder(Path(sys.argv[1])):
    came, alive = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(alive, b"x")
        time.sleep(60)
        os._exit(0)
    os.read(came, 1)
    print(child, flush=True)
    if sys.argv[2] == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    sys.stdin.read()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows forks no processes")
@pytest.mark.parametrize("end", ["killed", "alive"])
def test_a_forked_process_does_not_keep_its_parents_lock(tmp_path: Path, end: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _PARENT, str(tmp_path), end],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        try:
            if end == "killed":
                parent.wait()
                with locked_folder(tmp_path):
                    pass
            else:
                os.kill(child, signal.SIGKILL)
                with pytest.raises(OutputBusyError), locked_folder(tmp_path):
                    pass
        finally:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            parent.kill()
