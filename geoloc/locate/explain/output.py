"""Write an explanation: its picture to a file, its numbers as JSON."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from geoloc.errors import OptionError, OutputExistsError
from geoloc.storage.atomic import plain_target, remove_drafts_of, replacing
from geoloc.storage.lock import locked_file

if TYPE_CHECKING:
    from PIL import Image

    from geoloc.locate.explain.explanation import Explanation

_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}


def check_picture(path: Path, *, overwrite: bool) -> None:
    """Make sure that a picture may be written.

    Raises:
        OptionError: Its ending is that of no picture that can be written, or it is a device.
        OutputExistsError: It exists.
    """
    if path.suffix.lower() not in _FORMATS:
        raise OptionError(f"{path} ends in none of {', '.join(_FORMATS)}; choose one with -o")
    plain_target(path)
    if path.exists() and not overwrite:
        raise OutputExistsError(f"{path} exists; pass --overwrite to replace it", path=path)


def write_picture(picture: Image.Image, path: Path) -> None:
    """Write a picture, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with locked_file(path):
        remove_drafts_of(path)
        with replacing(path) as draft:
            picture.save(draft, format=_FORMATS[path.suffix.lower()])


def facts(explanation: Explanation) -> dict[str, object]:
    """All numbers of an explanation, without the pixels."""
    values = asdict(explanation)
    for side in (values["photo"], values["tile"]):
        del side["pixels"]
        side["evidence"]["parts"] = side["evidence"]["parts"].tolist()
        for level in side["levels"]:
            level["weights"] = level["weights"].tolist()
            level["emphasis"] = level["emphasis"].tolist()
    return values
