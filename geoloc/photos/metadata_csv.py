"""Metadata CSV: a table with a row for each photo, of what photos do not state themselves.

Its first line names the columns: ``photo`` and any of ``lon, lat, rel_alt_m, yaw_deg, pitch_deg,
roll_deg, hfov_deg, timestamp``; others are ignored, and that is noted. A blank cell states nothing.
What a CSV may look like beside that: `geoloc.csv_table`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path, PureWindowsPath

from geoloc.csv_table import TableError, read_table
from geoloc.errors import MetadataError
from geoloc.photos.exif import number
from geoloc.photos.image_file import SUFFIXES
from geoloc.photos.metadata import PhotoMetadata

# Column: lowest and highest value that makes sense.
_LIMITS = {
    "lon": (-180.0, 180.0),
    "lat": (-90.0, 90.0),
    "rel_alt_m": (0.1, 20_000.0),
    "yaw_deg": (-360.0, 360.0),
    "pitch_deg": (-180.0, 180.0),
    "roll_deg": (-180.0, 180.0),
    "hfov_deg": (1.0, 360.0),
}
METADATA_COLUMNS = ("photo", *_LIMITS, "timestamp")
_BLANK = {"", "nan", "na", "n/a", "null", "none", "-"}


@dataclass(frozen=True)
class MetadataTable:
    """Metadata of photos, by the entries of a table.

    Attributes:
        rows: Metadata by the text of the ``photo`` column, in the order of the file.
        notes: What was ignored, one sentence each.
    """

    rows: dict[str, PhotoMetadata]
    notes: tuple[str, ...] = ()
    _by_path: dict[str, str] = field(init=False, repr=False, compare=False)
    _by_name: dict[str, str | None] = field(init=False, repr=False, compare=False)
    _by_stem: dict[str, str | None] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        keys = {_plain(key): key for key in self.rows}
        object.__setattr__(self, "_by_path", keys)
        for attribute, shorten in (("_by_name", _name), ("_by_stem", _stem)):
            lookup: dict[str, str | None] = {}
            for plain, key in keys.items():
                short = shorten(plain)
                lookup[short] = None if short in lookup else key  # None: several rows would fit
            object.__setattr__(self, attribute, lookup)

    def key_of(self, photo: str | Path) -> str | None:
        """The entry of the ``photo`` column that means this photo; None when there is none.

        Tried in turn, without regard to case: the longest end of the photo's path, its file name,
        its name without the extension. A name that several entries share fits none of them.
        """
        parts = _plain(str(Path(photo).resolve())).split("/")
        for start in range(len(parts)):
            if (key := self._by_path.get("/".join(parts[start:]))) is not None:
                return key
        return self._by_name.get(parts[-1]) or self._by_stem.get(_stem(parts[-1]))

    def match(self, photo: str | Path) -> PhotoMetadata | None:
        """Metadata of a photo; None where the table has no row for it."""
        key = self.key_of(photo)
        return None if key is None else self.rows[key]

    def unmatched(self, photos: Iterable[str | Path]) -> list[str]:
        """The entries of the ``photo`` column that mean none of these photos."""
        used = {self.key_of(photo) for photo in photos}
        return [key for key in self.rows if key not in used]


def open_table(path: str | Path) -> MetadataTable:
    """The table in a CSV file, ready to be asked for photos.

    Raises:
        MetadataError: The file is missing or no CSV, its columns are not named, two rows
            are of one photo, or a value makes no sense; the message gives the line.
    """
    path = Path(path)
    try:
        table = read_table(path)
    except TableError as error:
        raise MetadataError(
            f"{path}: {error}; a CSV of metadata was expected; check its name and lines", path=path
        ) from error
    notes = _check_header(table.columns, path)
    rows: dict[str, PhotoMetadata] = {}
    first_lines: dict[str, int] = {}
    for line, cells in table.rows:
        stated = {name: cell for name, cell in cells.items() if cell.lower() not in _BLANK}
        if not stated:
            continue
        key = stated.get("photo", "")
        before = first_lines.setdefault(_plain(key), line)
        if not key or before != line:
            wrong = f"says the same photo as line {before}: {key}" if key else "names no photo"
            raise MetadataError(f"{path}, line {line} {wrong}", path=path)
        rows[key] = _metadata(stated, f"{path}, line {line}", path)
    return MetadataTable(rows, notes)


def _check_header(header: Sequence[str], path: Path) -> tuple[str, ...]:
    """Notes about the columns; refuses a header without the columns that are needed."""
    repeated = sorted(
        {name for name in header if name in METADATA_COLUMNS and header.count(name) > 1}
    )
    known = set(header) & set(METADATA_COLUMNS)
    if repeated:
        raise MetadataError(f"{path} has two columns {repeated[0]}", path=path)
    if "photo" not in known or len(known) < 2:
        seen = ", ".join(header)[:200] or "nothing"
        raise MetadataError(
            f"{path}: the first line must name the column photo and any of "
            f"{', '.join(METADATA_COLUMNS[1:])}; it names {seen}",
            path=path,
        )
    if ("lon" in known) != ("lat" in known):
        raise MetadataError(f"{path} has only one of the columns lon and lat", path=path)
    unknown = [name for name in header if name and name not in METADATA_COLUMNS]
    return (f"{path}: columns not used: {', '.join(unknown)}",) if unknown else ()


def _metadata(row: dict[str, str], where: str, path: Path) -> PhotoMetadata:
    values = {name: _within(row[name], name, where, path) for name in _LIMITS if name in row}
    if ("lon" in values) != ("lat" in values):
        raise MetadataError(f"{where} gives only one of lon and lat", path=path)
    yaw_deg = values.pop("yaw_deg", None)
    metadata = PhotoMetadata(**values, timestamp=_time(row.get("timestamp"), where, path))  # type: ignore[arg-type]  # the names in _LIMITS are fields of type float
    if yaw_deg is None:
        return metadata
    return replace(metadata, yaw_deg=yaw_deg % 360, yaw_ref="true", yaw_source="metadata table")


def _within(written: str, name: str, where: str, path: Path) -> float:
    value, (low, high) = number(written), _LIMITS[name]
    if value is None or not low <= value <= high:
        raise MetadataError(
            f"{where}: {name} is {written[:40]!r}, a number from {low:g} to {high:g} was expected",
            path=path,
        )
    return value


def _time(written: str | None, where: str, path: Path) -> str | None:
    if written is None:
        return None
    date, gap, clock = written.partition(" ")
    if gap and date.count(":") == 2:  # EXIF writes its dates with colons
        written = f"{date.replace(':', '-')} {clock}"
    try:
        return datetime.fromisoformat(written).isoformat()
    except ValueError as error:
        raise MetadataError(
            f"{where}: timestamp is {written[:40]!r}, ISO 8601 (2024-10-30T10:05:15+08:00) "
            "was expected",
            path=path,
        ) from error


def _plain(key: str) -> str:
    """A path as entries are compared: forward slashes, no leading ``./``, no case."""
    return PureWindowsPath(key).as_posix().casefold()


def _name(plain: str) -> str:
    return plain.rpartition("/")[2]


def _stem(plain: str) -> str:
    """The file name without the extension of a photo; other dots belong to the name."""
    name = _name(plain)
    stem, dot, suffix = name.rpartition(".")
    return stem if dot and f".{suffix}" in SUFFIXES else name
