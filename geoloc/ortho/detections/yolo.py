"""Detections in YOLO's text files: one a photo, of its name, a line a detection.

A line is ``class x y width height`` with the middle of the box, and maybe a confidence; or
``class x1 y1 x2 y2 ...``, a polygon (segments and oriented boxes), and maybe a confidence. All are
shares of the photo's sides.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from geoloc.csv_table import TableError, read_text
from geoloc.errors import InputError
from geoloc.ortho.detections.detection import NORMALISED, Detection, box_corners, pairs

_CLASS_FILES = ("classes.txt", "obj.names", "classes.names")
_BOX_WORDS = 5


def yolo_files(path: Path) -> list[Path]:
    """The files of a folder (or the one file) that hold detections, in the order of their names."""
    if path.is_file():
        return [path]
    return sorted(file for file in path.rglob("*.txt") if file.name not in _CLASS_FILES)


def read_classes(path: Path, given: Path | None) -> list[str]:
    """Names of the classes, a line each: of the file that was given, or lies with the detections.

    Raises:
        InputError: The file that was given cannot be read.
    """
    folder = path if path.is_dir() else path.parent
    near = [place / name for place in (folder, folder.parent) for name in _CLASS_FILES]
    file = given or next((each for each in near if each.is_file()), None)
    if file is None:
        return []
    try:
        return [line.strip() for line in read_text(file).splitlines() if line.strip()]
    except TableError as error:
        message = f"cannot read the classes {file}: {error}; expected a name a line"
        raise InputError(message, path=file) from error


def read_yolo(path: Path, classes: Sequence[str]) -> Iterator[Detection]:
    """The detections of a folder; a line that makes no sense has an `error`.

    Args:
        path: The folder, or one file.
        classes: Names of the classes, in the order of their numbers.

    Raises:
        InputError: A file cannot be read.
    """
    base = path if path.is_dir() else path.parent
    for file in yolo_files(path):
        photo = file.relative_to(base).with_suffix("").as_posix()
        try:
            lines = read_text(file).splitlines()
        except TableError as error:
            raise InputError(f"cannot read {file}: {error}", path=file) from error
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield _detection(line.split(), f"{photo}:{number}", photo, classes)


def _detection(words: list[str], name: str, photo: str, classes: Sequence[str]) -> Detection:
    try:
        number, *values = (float(word) for word in words)
        label = classes[int(number)] if 0 <= number < len(classes) else f"{number:g}"
        if len(words) < _BOX_WORDS:
            raise ValueError("it has fewer than 5 numbers")
        has_score = len(values) % 2 == 1
        score = values.pop() if has_score else None
        if len(values) + 1 == _BOX_WORDS:
            x, y, width, height = values
            corners = box_corners(x - width / 2, y - height / 2, width, height)
            if not np.isfinite(corners).all():
                raise ValueError("it has numbers that are not finite")
            return Detection(name, photo, "box", (corners,), label, score, NORMALISED)
        return Detection(name, photo, "polygon", (pairs(values),), label, score, NORMALISED)
    except ValueError as error:
        message = f"its line is none of YOLO's: {error}"
        return Detection(name, photo, "box", (), error=message)
