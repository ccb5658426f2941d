"""Write copies of located photos that state where they were taken.

The pixels of a copy are the same bytes, and its maker notes lie where they lay. Each copy is read
back before it takes its name; what cannot be done safely is left out with the reason.
"""

from __future__ import annotations

import mmap
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from geoloc.errors import OptionError, PhotoError
from geoloc.export.photo_copies.edit_refused import EditRefusedError
from geoloc.export.photo_copies.heic import edit_heic
from geoloc.export.photo_copies.jpeg import edit_jpeg
from geoloc.export.photo_copies.png import SIGNATURE, edit_png
from geoloc.export.photo_copies.stated import Stated, stated_of
from geoloc.export.photo_copies.tiff import GPS_POINTER, XMP_TAG, edit_tiff, find_xmp
from geoloc.export.photo_copies.webp import edit_webp
from geoloc.export.photo_copies.xmp import edit_xmp
from geoloc.export.report import ExportReport
from geoloc.geometry.crs import LonLat, distance_m
from geoloc.image_size import ImageSize
from geoloc.photos.exif import Exif, read_exif, text
from geoloc.photos.image_file import DECODER_ERRORS, open_image
from geoloc.photos.metadata import PhotoMetadata
from geoloc.photos.photo_metadata import read_metadata
from geoloc.progress import Progress
from geoloc.results.schema import PhotoResult
from geoloc.storage.atomic import replacing

_DJI_MAKES = ("dji", "hasselblad")  # which reads as DJI's in the programs that look
_MAKE_TAG = 271
_SAME_M = 0.01
_TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


class _Original(NamedTuple):
    """What has to be known of a photo before it is copied.

    Attributes:
        is_dji: Whether its angles are named as DJI does.
        size: Size of its picture.
        tags: What its EXIF says beside the position, as one text.
    """

    is_dji: bool
    size: ImageSize
    tags: str


def write_photo_copies(
    results: Sequence[PhotoResult], folder: Path, *, progress: Progress
) -> ExportReport:
    """Write a copy of each photo into a folder, laid out as the photos are.

    Raises:
        OptionError: The folder holds the photos themselves.
        OSError: The disk is full.
    """
    report = ExportReport()
    targets = _targets(results, folder)
    progress.start("copying photos", len(results), "photos")
    taken: set[Path] = set()
    for result, target in zip(results, targets, strict=True):
        try:
            if target in taken:
                raise EditRefusedError("another photo has the same name")
            taken.add(target)
            _write_copy(result, target)
            report.written.append(target)
        except EditRefusedError as reason:
            report.leave_out(result, str(reason))
        progress.advance()
    report.photos = len(report.written)
    return report


def _targets(results: Sequence[PhotoResult], folder: Path) -> list[Path]:
    """Where the copies go: below `folder` as the photos lie below what they have in common."""
    photos = [Path(result.photo) for result in results]
    try:
        root = Path(os.path.commonpath([photo.parent for photo in photos]))
        targets = [folder / photo.relative_to(root) for photo in photos]
    except ValueError:  # on several drives
        targets = [folder / photo.name for photo in photos]
    originals = {photo.resolve() for photo in photos}
    for target in targets:
        if target.resolve() in originals:
            message = f"{folder} holds the photos themselves, which are never changed"
            raise OptionError(f"{message}; expected another folder")
    return targets


def _write_copy(result: PhotoResult, target: Path) -> None:
    """Write one copy and read it back.

    Raises:
        EditRefusedError: It cannot be done safely.
    """
    if not result.has_position or result.position_kind == "scene":
        raise EditRefusedError("it is not known where its camera was")
    source = Path(result.photo)
    original = _original(source)
    stated = stated_of(result, is_dji=original.is_dji)
    target.parent.mkdir(parents=True, exist_ok=True)
    with replacing(target, check=lambda draft: _check(draft, result, original)) as draft:
        _write_edited(source, draft, stated, original.size)
    os.utime(target, ns=(source.stat().st_atime_ns, source.stat().st_mtime_ns))


def _original(path: Path) -> _Original:
    """What has to be known of a photo.

    Raises:
        EditRefusedError: It is not there, or no photo.
    """
    try:
        with open_image(path) as image:
            exif = read_exif(image)
            make = (text(exif.main.get(_MAKE_TAG)) or "").lower()
            size = ImageSize(image.height, image.width)
    except PhotoError as error:
        raise EditRefusedError(_without_path(error, path)) from error
    except DECODER_ERRORS as error:
        raise EditRefusedError("it is damaged") from error
    return _Original(make.startswith(_DJI_MAKES), size, _tags(exif))


def _tags(exif: Exif) -> str:
    """What an EXIF says beside the position: texts compare where a NaN would not."""
    main = {tag: value for tag, value in exif.main.items() if tag not in (GPS_POINTER, XMP_TAG)}
    return repr((sorted(main.items()), sorted(exif.photo.items())))


def _without_path(error: PhotoError, path: Path) -> str:
    """What is wrong with a photo, said of it in a list of names."""
    return str(error).removeprefix(f"{path} ") if str(error) else "it cannot be read"


def _write_edited(source: Path, draft: Path, stated: Stated, size: ImageSize) -> None:
    """Write a photo with other metadata, by the rules of its format."""
    with source.open("rb") as stream:
        start = stream.read(12)
    if start[:4] in _TIFF_STARTS:
        _write_tiff(source, draft, stated)
        return
    data = source.read_bytes()
    if start[:2] == b"\xff\xd8":
        edited = edit_jpeg(data, stated)
    elif start[:8] == SIGNATURE:
        edited = edit_png(data, stated)
    elif start[:4] == b"RIFF" and start[8:] == b"WEBP":
        edited = edit_webp(data, stated, size=size)
    else:
        edited = edit_heic(data, stated)
    draft.write_bytes(edited)


def _write_tiff(source: Path, draft: Path, stated: Stated) -> None:
    """Write a TIFF file, whose pixels are neither looked at nor held in memory."""
    with (
        source.open("rb") as stream,
        mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as block,
    ):
        edit = edit_tiff(block, stated.gps, xmp=edit_xmp(find_xmp(block), stated))
    shutil.copyfile(source, draft)
    with draft.open("r+b") as copy:
        for offset, piece in edit.patches:
            copy.seek(offset)
            copy.write(piece)
        copy.seek(0, os.SEEK_END)
        copy.write(edit.tail)


def _check(draft: Path, result: PhotoResult, original: _Original) -> None:
    """Read a copy back.

    Raises:
        EditRefusedError: It does not state what it should, or no longer what it did.
    """
    try:
        found = read_metadata(draft)
        with open_image(draft) as image:
            tags = _tags(read_exif(image))
    except (PhotoError, *DECODER_ERRORS) as error:
        raise EditRefusedError("its copy could not be read back") from error
    if not _is_at(found, result):
        raise EditRefusedError("its copy does not state the position that was written")
    if tags != original.tags:
        raise EditRefusedError("its copy does not state all that it did")


def _is_at(found: PhotoMetadata, result: PhotoResult) -> bool:
    """Whether a copy states the position of its row."""
    lon, lat = result.longitude, result.latitude
    if lon is None or lat is None or found.lon is None or found.lat is None:
        return False
    return distance_m(LonLat(found.lon, found.lat), LonLat(lon, lat)) <= _SAME_M
