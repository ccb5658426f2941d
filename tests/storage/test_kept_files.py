"""Files that are passed over are those that are what they were noted as."""

from __future__ import annotations

from pathlib import Path

from geoloc.storage.kept_files import NOTES_NAME, KeptFiles, key_of

A, B = Path("a/one.png"), Path("two.png")


def _folder_with_two(folder: Path) -> Path:
    (folder / "a").mkdir(parents=True)
    kept = KeptFiles(folder)
    for file in (A, B):
        (folder / file).write_bytes(b"pixels of " + file.name.encode())
        kept.note(file, "key")
    return folder


def test_noted_files_are_held_by_the_next_run(tmp_path: Path) -> None:
    kept = KeptFiles(_folder_with_two(tmp_path / "out"))
    assert [kept.holds(file, "key") for file in (A, B)] == [True, True]
    assert (len(kept), kept.passed_over, kept.keys) == (2, 2, {"key"})


def test_other_keys_and_contents_and_missing_files_are_not_held(tmp_path: Path) -> None:
    folder = _folder_with_two(tmp_path / "out")
    (folder / A).write_bytes(b"zeros\0")
    kept = KeptFiles(folder)
    assert not kept.holds(A, "key")
    assert not kept.holds(B, "other key")
    (folder / B).unlink()
    assert not kept.holds(B, "key")
    assert not kept.holds(Path("never.png"), "key")
    assert kept.passed_over == 0


def test_a_line_that_was_cut_off_costs_only_its_file(tmp_path: Path) -> None:
    folder = _folder_with_two(tmp_path / "out")
    notes = folder / NOTES_NAME
    notes.write_bytes(notes.read_bytes()[:-5])
    kept = KeptFiles(folder)
    assert [kept.holds(file, "key") for file in (A, B)] == [True, False]
    kept.note(B, "key")
    again = KeptFiles(folder)
    assert [again.holds(file, "key") for file in (A, B)] == [True, True]


def test_no_notes_are_left_of_a_whole_folder(tmp_path: Path) -> None:
    folder = _folder_with_two(tmp_path / "out")
    KeptFiles(folder).remove()
    assert not KeptFiles(folder).holds(A, "key")
    assert not (folder / NOTES_NAME).exists()


def test_a_key_changes_with_each_fact() -> None:
    assert key_of(1, Path("a")) == key_of(1, Path("a"))
    assert len({key_of(1, "a"), key_of(1, "b"), key_of(2, "a"), key_of(1, "a", None)}) == 4
