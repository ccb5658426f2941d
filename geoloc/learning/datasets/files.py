"""Files of a data set: find its root, list images, and name what is missing in one error."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from geoloc.clutter import is_clutter
from geoloc.csv_table import TableError, read_rows
from geoloc.errors import InputError

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".bmp"})
_NAMED = 3


def find_root(folder: Path, markers: Sequence[str], *, dataset: str) -> Path:
    """The folder that holds all markers: the one given, or the one that its archive made in it.

    Raises:
        InputError: Neither holds them; the message names those that are missing.
    """
    if not folder.is_dir():
        raise InputError(
            f"{folder} is no folder; expected the folder of {dataset} with {', '.join(markers)}",
            path=folder,
        )
    inside = folders_in(folder)
    for root in (folder, *inside):
        if all((root / marker).exists() for marker in markers):
            return root
    lacking = [marker for marker in markers if not (folder / marker).exists()]
    raise InputError(
        f"{folder} holds no {dataset}: {', '.join(lacking)} missing; unpack its archives there "
        "(examples/datasets.md shows the tree of folders)",
        path=folder,
    )


def missing_files(paths: Iterable[Path]) -> list[Path]:
    """Those of the paths that are no files, each folder being listed once."""
    listed: dict[Path, frozenset[str]] = {}
    missing = []
    for path in dict.fromkeys(paths):
        if path.parent not in listed:
            listed[path.parent] = _names(path.parent)
        if path.name not in listed[path.parent]:
            missing.append(path)
    return missing


def require_files(paths: Iterable[Path], *, dataset: str, root: Path) -> None:
    """Refuse a data set of which files are missing.

    Raises:
        InputError: Some are; the message counts them and names the first.
    """
    missing = missing_files(paths)
    if not missing:
        return
    shown = ", ".join(_relative(path, root) for path in missing[:_NAMED])
    more = ", ..." if len(missing) > _NAMED else ""
    raise InputError(
        f"{len(missing)} files of {dataset} are missing in {root}: {shown}{more}; "
        "unpack all its archives there (examples/datasets.md shows the tree of folders)",
        path=missing[0],
    )


def images_in(folder: Path) -> tuple[Path, ...]:
    """The images of a folder, by the numbers in their names and then by name."""
    named = (path for path in folder.iterdir() if not is_clutter(path.name))
    inside = (path for path in named if path.suffix.lower() in IMAGE_SUFFIXES)
    return tuple(sorted(inside, key=lambda path: _natural(path.name)))


def folders_in(folder: Path) -> tuple[Path, ...]:
    """The folders of a folder by name; none if it does not exist."""
    if not folder.is_dir():
        return ()
    inside = (path for path in folder.iterdir() if not is_clutter(path.name))
    return tuple(sorted(path for path in inside if path.is_dir()))


def read_table_rows(path: Path, *, delimiter: str | None = None) -> list[list[str]]:
    """The lines of a table without a header that hold something, as `geoloc.csv_table` reads them.

    Raises:
        InputError: It cannot be read.
    """
    try:
        return read_rows(path, delimiter=delimiter)
    except TableError as error:
        raise InputError(
            f"{path} cannot be read ({error}); expected a table as its authors publish it; "
            "download it again",
            path=path,
        ) from error


def _names(folder: Path) -> frozenset[str]:
    if not folder.is_dir():
        return frozenset()
    return frozenset(path.name for path in folder.iterdir())


def _natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """``image-9`` before ``image-10``."""
    parts = re.split(r"(\d+)", name)
    return tuple((0, int(p), "") if p.isdigit() else (1, 0, p) for p in parts)


def _relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()
