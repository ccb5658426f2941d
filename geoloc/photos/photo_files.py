"""Find the photo files that files, folders and globs name, each once."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from geoloc.clutter import is_clutter
from geoloc.errors import PhotoError, first_line
from geoloc.glob_pattern import glob_matches, has_magic
from geoloc.photo_name import SUFFIXES
from geoloc.progress import CappedWarnings, Progress, Silent


def find_photos(
    inputs: Sequence[str | Path], *, recursive: bool, progress: Progress | None = None
) -> list[Path]:
    """The photos that files, folders and globs name, each once, in the order given.

    A folder gives its photos by name (and those of its subfolders when `recursive`, also of those
    that are links), known by their extensions; hidden files are left out. A file that is named
    itself is taken as it is. What two paths lead to is taken by the first, in a folder by the one
    that is no link.

    Args:
        inputs: Files, folders and globs; the extension of a glob has no case.
        recursive: Whether subfolders are searched.
        progress: Receives a warning of each link and folder that is passed over.

    Raises:
        PhotoError: An input does not exist or may not be read, or no photo is found at all.
    """
    warnings = CappedWarnings(
        (progress or Silent()).warn, rest="{} more links or folders are passed over"
    )
    found: dict[Path, Path] = {}
    for given in inputs:
        for path in _expand(given):
            folder = _Folder(path, warnings.add) if stat.S_ISDIR(_mode(path)) else None
            for photo in folder.photos(recursive=recursive) if folder else [path]:
                _add(photo, found, warnings.add)
    warnings.finish()
    if not found:
        where = ", ".join(str(given) for given in inputs) or "nothing"
        hint = "" if recursive else "; subfolders are not searched unless you say --recursive"
        raise PhotoError(f"no photos in {where} ({' '.join(sorted(SUFFIXES))}){hint}")
    return list(found.values())


class _Folder:
    """A folder of photos that is searched, links and all.

    Args:
        path: The folder.
        warn: Receives what is passed over.
    """

    def __init__(self, path: Path, warn: Callable[[str], None]) -> None:
        self._path, self._warn = path, warn
        self._searched: dict[Path, Path] = {}

    def photos(self, *, recursive: bool) -> list[Path]:
        """The photos, sorted by path; of two paths to one file that which is no link."""
        found: dict[Path, Path] = {}
        for path in self._files(recursive=recursive):
            _add(path, found, self._warn)
        return sorted(found.values())

    def _files(self, *, recursive: bool) -> Iterator[Path]:
        """The photos: files, then links to files; what lies in folders before linked folders."""
        folders, links, linked_photos = [self._path], list[Path](), list[Path]()
        while folders or links:
            # Links come last, so that what they lead to is known by its own path if it has one.
            folder = folders.pop() if folders else links.pop(0)
            if self._was_searched(folder):
                continue
            for path in self._listed(folder):
                mode, is_link = _mode(path), path.is_symlink()
                is_photo = path.suffix.lower() in SUFFIXES
                if stat.S_ISDIR(mode):
                    (links if is_link else folders).append(path)
                elif not stat.S_ISREG(mode):
                    if is_photo or (is_link and recursive and not path.suffix):
                        self._warn(
                            f"{path} is no file that can be read (a dead link?): passed over"
                        )
                elif is_photo and is_link:
                    linked_photos.append(path)
                elif is_photo:
                    yield path
            if not recursive:
                break
        yield from linked_photos

    def _was_searched(self, folder: Path) -> bool:
        """Whether another path led here before; links in a circle end so."""
        real = folder.resolve()
        before = self._searched.setdefault(real, folder)
        if before == folder:
            return False
        self._warn(f"{folder} leads to {before}, which is searched already: not followed")
        return True

    def _listed(self, folder: Path) -> list[Path]:
        """What a folder holds, but for hidden things."""
        try:
            names = sorted(os.listdir(folder))  # noqa: PTH208 - names tell what is hidden
        except OSError as error:
            reason = error.strerror or first_line(error)
            if folder == self._path:
                message = f"{folder} may not be read ({reason}): check its permissions"
                raise PhotoError(message, path=folder) from error
            self._warn(f"{folder} cannot be read ({reason}): passed over")
            return []
        return [folder / name for name in names if not is_clutter(name)]


def _add(photo: Path, found: dict[Path, Path], warn: Callable[[str], None]) -> None:
    """Add a photo by where its path leads, unless another leads there too."""
    first = found.setdefault(photo.resolve(), photo)
    if os.path.normpath(first.absolute()) != os.path.normpath(photo.absolute()):
        warn(f"{photo} is the same file as {first}: taken once")


def _mode(path: Path) -> int:
    """What a path leads to, as `stat` says it; 0 for nothing, or nothing that may be looked at."""
    try:
        return path.stat().st_mode
    except (OSError, ValueError):
        return 0


def _expand(given: str | Path) -> list[Path]:
    """The files and folders that one input names."""
    path = Path(given)
    if _mode(path):
        return [path]
    if has_magic(str(given)):
        return [Path(match) for match in glob_matches(str(given))]
    raise PhotoError(f"{path} does not exist: give photos, folders of photos, or globs", path=path)
