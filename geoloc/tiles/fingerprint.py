"""Tell whether a raster has changed: a mark of every file that decides its pixels and place.

A mark is a file's size and a checksum. Up to `_WHOLE_BYTES` a raster, files are read whole: then
another time alone, as after a copy or a checkout, changes nothing. Beyond that a file is read at
both ends only, and its time of change counts too: cutting again for nothing costs hours, but a
changed pixel that nobody notices gives wrong positions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from geoloc.tiles.location import is_address, is_remote, relative_location
from geoloc.tiles.source_files import find_files, local_part, zip_member

_WHOLE_BYTES = 256 << 20
_END_BYTES = 1 << 16
_MISSING = "missing"


@dataclass(frozen=True)
class FileMark:
    """What a file was like.

    Attributes:
        name: Location of the file, relative to the folder of tiles if it is a local file.
        size: Its size in bytes; -1 if it is missing.
        mtime_ns: Its time of change, nanoseconds since 1970; 0 where only its content counts.
        content: Checksum of its bytes; of its ends where `mtime_ns` counts.
    """

    name: str
    size: int
    mtime_ns: int
    content: str


def marks_of(location: str, folder: Path) -> tuple[FileMark, ...]:
    """Marks of all local files of a raster, its own first; none for what lies on a server.

    Args:
        location: The raster, as GDAL opens it.
        folder: Folder that names are relative to.
    """
    if is_remote(location):
        return ()
    marks: list[FileMark] = []
    budget = _WHOLE_BYTES
    for file in find_files(location, remote=False).files:
        mark = _mark(file, relative_location(file, folder), budget)
        if mark is not None and mark not in marks:
            marks.append(mark)
            budget -= max(0, mark.size) if mark.mtime_ns == 0 else 0
    return tuple(marks)


def glance(location: str) -> dict[str, tuple[int, int] | None]:
    """Size and time of change of all local files of a raster, None of one that is missing.

    This is quick, and enough to tell in one process that nothing has happened to a file. That
    something has is for marks to say.
    """
    if is_remote(location):
        return {}
    files = find_files(location, remote=False).files
    return {file: _size_and_time(file) for file in files}


def _size_and_time(file: str) -> tuple[int, int] | None:
    path = local_part(file)
    try:
        status = path.stat() if path else None
    except OSError:  # gone since
        return None
    return (status.st_size, status.st_mtime_ns) if status else None


def _mark(file: str, name: str, budget: int) -> FileMark | None:
    """The mark of one file; None if it decides nothing, or lies on a server."""
    member = zip_member(file)
    if member is not None:
        return FileMark(name, member.file_size, 0, f"{member.CRC:08x}")
    path = local_part(file)
    if path is None:
        return None if is_address(file) else FileMark(name, -1, 0, _MISSING)
    if file.endswith(".aux.xml"):
        return _sidecar_mark(path, name)
    status = path.stat()
    if status.st_size <= budget:
        with path.open("rb") as stream:
            content = hashlib.file_digest(stream, "sha256").hexdigest()[:16]
        return FileMark(name, status.st_size, 0, content)
    return FileMark(name, status.st_size, status.st_mtime_ns, legacy_fingerprint(str(path)))


def _sidecar_mark(path: Path, name: str) -> FileMark | None:
    """The mark of GDAL's ``.aux.xml``, without what a look at the raster in QGIS leaves there."""
    data = path.read_bytes()
    try:
        root = ElementTree.fromstring(data)
    except ElementTree.ParseError:
        return FileMark(name, len(data), 0, hashlib.sha256(data).hexdigest()[:16])
    _drop_statistics(root)
    if not len(root):
        return None
    told = ElementTree.canonicalize(ElementTree.tostring(root), strip_text=True).encode()
    return FileMark(name, len(told), 0, hashlib.sha256(told).hexdigest()[:16])


def _drop_statistics(element: ElementTree.Element) -> None:
    """Remove histograms and statistics, and what is empty without them."""
    for child in list(element):
        _drop_statistics(child)
        is_statistic = child.tag == "MDI" and child.get("key", "").startswith("STATISTICS_")
        is_shell = child.tag in ("Metadata", "PAMRasterBand") and not len(child)
        if child.tag == "Histograms" or is_statistic or is_shell:
            element.remove(child)


def fingerprint(marks: Sequence[FileMark]) -> str:
    """One checksum over the files of a raster; empty for what lies on a server."""
    if not marks:
        return ""
    facts = [f"{Path(m.name).name} {m.size} {m.mtime_ns} {m.content}" for m in marks]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]


def changed_file(was: Sequence[FileMark], now: Sequence[FileMark], *, location: str) -> str | None:
    """Which file of a raster has changed, in words; None if none has.

    Args:
        was: Marks that were kept.
        now: Marks of today.
        location: The raster, as it is to be called.
    """
    old, new = {mark.name: mark for mark in was}, {mark.name: mark for mark in now}
    for name, mark in old.items():
        other = new.get(name)
        if other is None or (other.content == _MISSING != mark.content):
            return f"{_called(name, location)} is gone"
        if other != mark:
            same = (other.size, other.content) == (mark.size, mark.content)
            return f"{_called(name, location)} has " + ("been written again" if same else "changed")
    added: Iterable[str] = (name for name in new if name not in old)
    return next((f"{_called(name, location)} is new" for name in added), None)


def _called(name: str, location: str) -> str:
    """``pic.pgw of pic.png``, or the raster alone."""
    if name == location:
        return location
    return f"{Path(name).name} of {location}"


def legacy_fingerprint(path: str) -> str:
    """Checksum of the size and both ends of one file, as in manifests without marks; or empty."""
    file = Path(path)
    if not file.is_file():
        return ""
    size = file.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with file.open("rb") as stream:
        digest.update(stream.read(_END_BYTES))
        stream.seek(max(0, size - _END_BYTES))
        digest.update(stream.read(_END_BYTES))
    return digest.hexdigest()[:16]


def relocated(marks: Iterable[FileMark], source: Path, folder: Path) -> tuple[FileMark, ...]:
    """Marks with names relative to another folder."""
    return tuple(
        FileMark(
            relative_location(mark.name, folder, start=source),
            mark.size,
            mark.mtime_ns,
            mark.content,
        )
        for mark in marks
    )
