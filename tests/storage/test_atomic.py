"""Files and folders are written whole or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from geoloc.errors import OptionError
from geoloc.storage.atomic import (
    draft_name,
    plain_target,
    remove_drafts,
    remove_drafts_of,
    replacing,
    replacing_folder,
    write_text,
)


def _fail(draft: Path) -> None:
    """Write half of it, then break off."""
    draft.write_text("half")
    raise ValueError("broke off")


def _fail_with_statistics(draft: Path) -> None:
    draft.with_name(draft.name + ".aux.xml").write_text("statistics")
    _fail(draft)


def _fail_folder(draft: Path) -> None:
    (draft / "half.txt").write_text("half")
    raise ValueError("broke off")


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _interrupt(draft: Path) -> None:
    draft.write_text("half")
    raise KeyboardInterrupt


def test_text_is_written_in_utf8(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "Höhe\n")
    assert (tmp_path / "a.txt").read_bytes() == "Höhe\n".encode()
    assert _names(tmp_path) == ["a.txt"]


def test_what_is_there_stays_until_the_end(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with replacing(path) as draft:
        draft.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"


@pytest.mark.parametrize("writer", [_fail, _interrupt])
@pytest.mark.parametrize("is_there", [True, False])
def test_a_writer_that_breaks_off_changes_nothing(
    tmp_path: Path, writer: Callable[[Path], None], is_there: bool
) -> None:
    path = tmp_path / "a.txt"
    if is_there:
        path.write_text("old")
    with pytest.raises((ValueError, KeyboardInterrupt)), replacing(path) as draft:
        writer(draft)
    assert [p.read_text() for p in tmp_path.iterdir()] == (["old"] if is_there else [])


def test_a_file_that_cannot_be_replaced_leaves_no_draft(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(OptionError, match="it is a folder"), replacing(tmp_path / "a") as draft:
        draft.write_text("new")
    assert _names(tmp_path) == ["a"]


def test_a_writer_that_writes_nothing_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with replacing(path):
        pass
    assert path.read_text() == "old"


def test_the_draft_lies_beside_its_target_and_keeps_the_extension(tmp_path: Path) -> None:
    with replacing(tmp_path / "tiles.gti.gpkg") as draft:
        assert draft.parent == tmp_path
        assert draft.suffix == ".gpkg"
        assert draft.name.startswith(".tiles.gti.")
    # numpy appends .npy to any other name.
    with replacing(tmp_path / "a.npy") as draft:
        np.save(draft, np.arange(3))
    assert np.load(tmp_path / "a.npy").tolist() == [0, 1, 2]


def test_no_two_drafts_have_one_name(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    assert len({draft_name(path) for _ in range(100)}) == 100
    assert str(os.getpid()) in draft_name(path).name
    code = f"from geoloc.storage.atomic import *; print(draft_name(Path({str(path)!r})).name)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert str(os.getpid()) not in ran.stdout.split(".")


def test_the_last_of_two_writers_wins_and_both_end_well(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with replacing(path) as first, replacing(path) as second:
        first.write_text("first")
        second.write_text("second")
    assert path.read_text() == "first"
    assert _names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("is_there", [True, False])
def test_a_symbolic_link_is_followed(tmp_path: Path, is_there: bool) -> None:
    target, link = tmp_path / "far" / "a.txt", tmp_path / "a.txt"
    target.parent.mkdir()
    if is_there:
        target.write_text("old")
    link.symlink_to(target)
    write_text(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert _names(target.parent) == ["a.txt"]


def test_a_folder_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    folder = tmp_path / "features"
    folder.mkdir()
    (folder / "old.txt").write_text("old")
    with replacing_folder(folder) as draft:
        (draft / "new.txt").write_text("new")
        assert _names(folder) == ["old.txt"]
    assert _names(folder) == ["new.txt"]
    assert _names(tmp_path) == ["features"]


def test_a_folder_is_made_with_its_parents(tmp_path: Path) -> None:
    with replacing_folder(tmp_path / "a" / "b") as draft:
        (draft / "new.txt").write_text("new")
    assert (tmp_path / "a" / "b" / "new.txt").read_text() == "new"


@pytest.mark.parametrize("is_there", [True, False])
def test_a_folder_that_breaks_off_changes_nothing(tmp_path: Path, is_there: bool) -> None:
    folder = tmp_path / "features"
    if is_there:
        folder.mkdir()
        (folder / "old.txt").write_text("old")
    with pytest.raises(ValueError, match="broke off"), replacing_folder(folder) as draft:
        _fail_folder(draft)
    assert _names(tmp_path) == (["features"] if is_there else [])
    assert not is_there or _names(folder) == ["old.txt"]


def test_a_linked_folder_is_followed(tmp_path: Path) -> None:
    target, link = tmp_path / "far", tmp_path / "features"
    target.mkdir()
    link.symlink_to(target)
    with replacing_folder(link) as draft:
        (draft / "new.txt").write_text("new")
    assert link.is_symlink()
    assert _names(target) == ["new.txt"]


def test_drafts_of_killed_writers_are_removed_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "pixels").mkdir()
    for name in ("a.txt", ".mine.tmp", "notes.1.0a0b0c0d.tmp.txt", ".hidden"):
        (tmp_path / name).write_text("kept")
    draft_name(tmp_path / "vectors.faiss").write_text("half")
    draft_name(tmp_path / "no_extension").write_text("half")
    draft_name(tmp_path / "pixels" / "1.tif").write_text("half")
    draft_name(tmp_path / "features").mkdir()
    remove_drafts(tmp_path)
    kept = {".hidden", ".mine.tmp", "a.txt", "notes.1.0a0b0c0d.tmp.txt", "pixels"}
    assert set(_names(tmp_path)) == kept
    assert _names(tmp_path / "pixels") == []


def test_a_draft_that_fails_its_check_is_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def refuse(draft: Path) -> None:
        raise ValueError(f"{len(draft.read_text())} of 4 rows")

    with pytest.raises(ValueError, match="3 of 4 rows"), replacing(path, check=refuse) as draft:
        draft.write_text("new")
    assert path.read_text() == "old"
    assert _names(tmp_path) == ["a.txt"]


def test_an_error_of_a_stream_names_what_was_written(small_disk: Path) -> None:
    path = small_disk / "a.txt"
    with pytest.raises(OSError, match=r"No space left.*a\.txt'"), replacing(path) as draft:
        draft.write_bytes(bytes(2 << 20))
    assert _names(small_disk) == []


def test_a_device_or_a_pipe_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/null")):
        with pytest.raises(OptionError, match="a device or a pipe"), replacing(path) as draft:
            draft.write_text("new")
    assert not Path("/dev/null").is_file()
    assert _names(tmp_path) == ["pipe"]


def test_a_folder_takes_the_place_of_no_file_and_no_device(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for path in (tmp_path / "file", Path("/dev/null")):
        with pytest.raises(OptionError, match="it is no folder"), replacing_folder(path):
            pass
    assert (tmp_path / "file").read_text() == "mine"
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "link"])
def test_a_name_of_stdout_is_refused_even_when_it_leads_to_a_file(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("link").symlink_to("/dev/stdout")
    with pytest.raises(OptionError, match="-o - is stdout"):
        plain_target(Path(name))


def test_what_a_library_puts_beside_a_draft_goes_with_it(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="broke off"), replacing(tmp_path / "a.tif") as draft:
        _fail_with_statistics(draft)
    assert _names(tmp_path) == []


def test_what_killed_libraries_left_is_removed(tmp_path: Path) -> None:
    for ending in ("", ".aux.xml", "-journal"):
        draft = draft_name(tmp_path / "a.gpkg")
        draft.with_name(draft.name + ending).write_text("half")
    remove_drafts(tmp_path)
    assert _names(tmp_path) == []


def test_drafts_of_one_name_are_removed_and_no_others(tmp_path: Path) -> None:
    own, folder = draft_name(tmp_path / "a.csv"), draft_name(tmp_path / "a.csv")
    own.touch()
    (folder / "inside").mkdir(parents=True)
    kept = [draft_name(tmp_path / name) for name in ("a.b.csv", "b.csv", "a.txt")]
    for path in kept:
        path.touch()
    remove_drafts_of(tmp_path / "a.csv")
    assert sorted(tmp_path.iterdir()) == sorted(kept)
    remove_drafts_of(tmp_path / "nowhere" / "a.csv")
