"""A full disk is noticed before memory is mapped on it, and told from damage."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from geoloc.errors import OptionError, ShortWriteError
from geoloc.storage.disk import check_room, create_array, explain_failure, reserve


def test_an_array_on_disk_is_filled_and_read_back(tmp_path: Path) -> None:
    array = create_array(tmp_path / "a.npy", np.float16, (3, 4))
    array[:] = np.arange(12).reshape(3, 4)
    array.flush()
    assert np.load(tmp_path / "a.npy").tolist() == np.arange(12.0).reshape(3, 4).tolist()


def test_room_is_reserved_before_it_is_used(tmp_path: Path) -> None:
    create_array(tmp_path / "a.npy", np.int8, (1 << 20,))
    assert (tmp_path / "a.npy").stat().st_blocks * 512 >= 1 << 20


def test_reserving_keeps_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"kept" + bytes(3 << 20))
    for _ in range(2):
        reserve(path, path.stat().st_size)
        assert path.read_bytes() == b"kept" + bytes(3 << 20)
        monkeypatch.delattr("os.posix_fallocate", raising=False)


def test_a_full_disk_is_noticed_before_memory_is_mapped(small_disk: Path) -> None:
    with pytest.raises(OSError, match="No space left") as caught:
        create_array(small_disk / "a.npy", np.int8, (64 << 20,))
    assert caught.value.errno == errno.ENOSPC


def test_a_library_that_does_not_say_why_is_explained(small_disk: Path) -> None:
    target = small_disk / "out.fgb"
    assert explain_failure(RuntimeError("failed"), small_disk / "draft", target) is None
    with pytest.raises(OSError, match="No space"), (small_disk / "filler").open("wb") as stream:
        stream.write(bytes(64 << 20))
    reason = explain_failure(RuntimeError("failed"), small_disk / "draft", target)
    assert reason is not None
    assert (reason.errno, reason.filename) == (errno.ENOSPC, str(target))
    short = explain_failure(ShortWriteError("2 of 3 rows"), small_disk / "draft", target)
    assert short is not None
    assert explain_failure(OptionError("no"), small_disk / "draft", target) is None


def test_a_limit_of_file_size_is_told_from_a_full_disk(tmp_path: Path) -> None:
    code = (
        "import resource, sys; from pathlib import Path\n"
        "from geoloc.storage.disk import explain_failure\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))\n"
        "draft = Path(sys.argv[1]); draft.write_bytes(bytes(299_999))\n"
        "print(explain_failure(RuntimeError('failed'), draft, draft).errno)"
    )
    arguments = [sys.executable, "-c", code, str(tmp_path / "draft")]
    found = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert int(found.stdout) == errno.EFBIG


def test_too_little_room_is_told_before_the_work(small_disk: Path) -> None:
    check_room(small_disk, 1000)
    with pytest.raises(
        OSError, match=r"no room for at least 2 MB more, 1\.05 MB are free"
    ) as caught:
        check_room(small_disk, 2_000_000)
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(small_disk))
