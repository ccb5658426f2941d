"""Detections in a CSV: a line each, with the photo and a point or a box in pixels.

Columns: ``photo`` (or ``image``, ``filename``); ``x``, ``y``, and for a box ``w``, ``h``, (x, y)
being its upper left corner, or ``xmin``, ``ymin``, ``xmax``, ``ymax``; ``label`` (or ``class``),
``score`` (or ``confidence``), and ``width``, ``height``, the size of the photo that the pixels are
counted in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from geoloc.csv_table import TableError, is_blank, parse_number, read_table
from geoloc.errors import InputError
from geoloc.image_size import ImageSize
from geoloc.ortho.detections.detection import Detection, box_corners

_PHOTO = ("photo", "image", "filename", "file_name", "image_path")
_LABEL = ("label", "class", "category", "name")
_SCORE = ("score", "confidence", "conf")
_BOX = ("xmin", "ymin", "xmax", "ymax")


def read_detection_table(path: Path) -> Iterator[Detection]:
    """The detections of a table; a line that makes no sense has an `error`.

    Raises:
        InputError: It cannot be read, or lacks a column.
    """
    try:
        table = read_table(path)
    except TableError as error:
        raise InputError(f"cannot read {path}: {error}", path=path) from error
    has_photo = any(name in table.columns for name in _PHOTO)
    has_place = {"x", "y"} <= set(table.columns) or set(_BOX) <= set(table.columns)
    if not (has_photo and has_place):
        raise InputError(
            f"{path} has the columns {', '.join(table.columns)}; expected photo and x, y (w, h), "
            "or photo and xmin, ymin, xmax, ymax",
            path=path,
        )
    for line, cells in table.rows:
        yield _detection(f"{line}", cells)


def _detection(name: str, cells: Mapping[str, str]) -> Detection:
    photo, label = _first(cells, _PHOTO) or "", _first(cells, _LABEL)
    try:
        score = _number(cells, *_SCORE)
        width, height = _number(cells, "width"), _number(cells, "height")
        size = ImageSize(int(height), int(width)) if width and height else None
        left, top, right, bottom = (_number(cells, side) for side in _BOX)
        x, y, w, h = (_number(cells, side) for side in ("x", "y", "w", "h"))
    except ValueError as error:
        return Detection(name, photo, "point", (), label, error=f"line {name}: {error}")
    if left is not None and top is not None and right is not None and bottom is not None:
        corners = box_corners(left, top, right - left, bottom - top)
        return Detection(name, photo, "box", (corners,), label, score, size)
    if x is None or y is None:
        return Detection(name, photo, "point", (), label, score, error=f"line {name} has no place")
    if w and h:
        return Detection(name, photo, "box", (box_corners(x, y, w, h),), label, score, size)
    return Detection(name, photo, "point", (np.array([[x, y]]),), label, score, size)


def _first(cells: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((cells[name] for name in names if cells.get(name)), None)


def _number(cells: Mapping[str, str], *names: str) -> float | None:
    """The number in the first of some columns that holds one.

    Raises:
        ValueError: It holds anything else.
    """
    text = _first(cells, names)
    return None if text is None or is_blank(text) else parse_number(text)
