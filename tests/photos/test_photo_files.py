"""Photos that files, folders and globs name: each once, and what is passed over is told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from geoloc.errors import PhotoError
from geoloc.photos.photo_files import find_photos
from tests.fixtures.progress import RecordedProgress


def make(folder: Path, *names: str) -> Path:
    """Empty files in a folder."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def found(*inputs: str | Path, root: Path, recursive: bool = True) -> tuple[list[str], list[str]]:
    """The photos below a root, and the warnings."""
    progress = RecordedProgress()
    photos = find_photos(inputs, recursive=recursive, progress=progress)
    return [path.relative_to(root).as_posix() for path in photos], progress.warnings


def test_folders_give_photos_by_name_and_inputs_keep_their_order(tmp_path):
    make(tmp_path, "b.jpg", "a.PNG", "notes.txt", ".hidden.jpg", "deep/c.tif", ".deep/d.jpg")
    assert found(tmp_path, root=tmp_path, recursive=False) == (["a.PNG", "b.jpg"], [])
    deep = found(tmp_path / "b.jpg", tmp_path, root=tmp_path)
    assert deep == (["b.jpg", "a.PNG", "deep/c.tif"], [])
    assert found(str(tmp_path / "*.jpg"), root=tmp_path) == (["b.jpg"], [])


def test_a_folder_without_photos_is_refused(tmp_path):
    with pytest.raises(PhotoError, match="no photos"):
        find_photos([tmp_path], recursive=False)
    with pytest.raises(PhotoError, match="does not exist"):
        find_photos([tmp_path / "nowhere"], recursive=False)


def test_links_to_folders_and_to_photos_are_followed(tmp_path):
    store = make(tmp_path / "store", "one/1.jpg", "one/sub/2.jpg", "3.jpg")
    card = make(tmp_path / "card", "0.jpg")
    (card / "flight").symlink_to(store / "one")
    (card / "near").symlink_to("../store/one")  # the same again
    (card / "three.jpg").symlink_to(store / "3.jpg")
    photos, warnings = found(card, root=card)
    assert photos == ["0.jpg", "flight/1.jpg", "flight/sub/2.jpg", "three.jpg"]
    assert warnings == [
        f"{card / 'near'} leads to {card / 'flight'}, which is searched already: not followed"
    ]
    assert found(card, root=card, recursive=False) == (["0.jpg", "three.jpg"], [])


def test_a_folder_that_is_a_link_itself_is_searched(tmp_path):
    make(tmp_path / "store", "1.jpg")
    (tmp_path / "card").symlink_to(tmp_path / "store")
    assert found(tmp_path / "card", root=tmp_path) == (["card/1.jpg"], [])


def test_circles_end_and_are_told(tmp_path):
    make(tmp_path, "a/1.jpg", "b/2.jpg")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "a" / "b").symlink_to(tmp_path / "b")
    (tmp_path / "b" / "a").symlink_to(tmp_path / "a")
    (tmp_path / "self.jpg").symlink_to(tmp_path / "self.jpg")
    photos, warnings = found(tmp_path, root=tmp_path)
    assert photos == ["a/1.jpg", "b/2.jpg"]
    assert len(warnings) == 4
    assert all("not followed" in warning or "self.jpg" in warning for warning in warnings)


def test_dead_links_are_told_if_they_may_have_been_photos(tmp_path):
    make(tmp_path, "1.jpg")
    for name in ("2.JPG", "flight", "notes.txt"):
        (tmp_path / name).symlink_to(tmp_path / "gone" / name)
    photos, warnings = found(tmp_path, root=tmp_path)
    assert photos == ["1.jpg"]
    assert [Path(warning.split(" is no file")[0]).name for warning in warnings] == [
        "2.JPG",
        "flight",
    ]


def test_many_warnings_are_counted(tmp_path):
    make(tmp_path, "1.jpg")
    for number in range(9):
        (tmp_path / f"dead{number}.jpg").symlink_to("gone")
    assert found(tmp_path, root=tmp_path)[1][-1] == "4 more links or folders are passed over"


def test_a_photo_that_several_paths_lead_to_is_taken_once(tmp_path, monkeypatch):
    make(tmp_path, "z.jpg", "deep/y.jpg")
    (tmp_path / "a.jpg").symlink_to("z.jpg")
    photos, warnings = found(tmp_path, root=tmp_path, recursive=False)
    assert photos == ["z.jpg"]  # the one that is no link
    assert warnings == [
        f"{tmp_path / 'a.jpg'} is the same file as {tmp_path / 'z.jpg'}: taken once"
    ]
    monkeypatch.chdir(tmp_path)
    inputs = ["a.jpg", str(tmp_path / "z.jpg"), "./a.jpg", "deep/../z.jpg", "*.jpg", "."]
    assert find_photos(inputs, recursive=True) == [Path("a.jpg"), Path("deep/y.jpg")]


def test_a_path_that_is_given_twice_is_no_news(tmp_path, monkeypatch):
    make(tmp_path, "1.jpg")
    monkeypatch.chdir(tmp_path)
    inputs = ["1.jpg", "./1.jpg", tmp_path / "1.jpg", "*.jpg", tmp_path]
    progress = RecordedProgress()
    assert find_photos(inputs, recursive=True, progress=progress) == [Path("1.jpg")]
    assert progress.warnings == []


@pytest.mark.parametrize("pattern", ["*.jpg", "*.JPG", "?.Jpg", "**/*.JPG", "[ab].jpg"])
def test_the_extension_of_a_glob_has_no_case(tmp_path, pattern):
    make(tmp_path, "a.jpg", "b.JPG", "c.png")
    assert found(str(tmp_path / pattern), root=tmp_path)[0] == ["a.jpg", "b.JPG"]


def test_names_with_brackets_are_no_globs(tmp_path):
    make(tmp_path, "photo [1].jpg", "photo 1.jpg")
    assert found(tmp_path / "photo [1].jpg", root=tmp_path)[0] == ["photo [1].jpg"]


def test_folders_that_may_not_be_read_are_told(tmp_path, monkeypatch):
    make(tmp_path, "1.jpg", "closed/2.jpg")
    listdir = os.listdir

    def refuse(folder: Path) -> list[str]:
        if folder == closed:
            raise PermissionError(13, "Permission denied")
        return listdir(folder)

    closed = tmp_path / "closed"
    monkeypatch.setattr(os, "listdir", refuse)
    photos, warnings = found(tmp_path, root=tmp_path)
    assert photos == ["1.jpg"]
    assert warnings == [f"{closed} cannot be read (Permission denied): passed over"]
    with pytest.raises(PhotoError, match="may not be read"):
        find_photos([closed], recursive=True)


def test_what_systems_leave_is_no_photo(tmp_path):
    names = ("a.jpg", "._a.jpg", "__MACOSX/a.jpg", "__MACOSX/._a.jpg", ".trash/b.jpg", "Thumbs.db")
    make(tmp_path, *names)
    assert found(tmp_path, root=tmp_path) == (["a.jpg"], [])
