"""Metadata CSV: a table with a row for each photo, of what photos do not state themselves.

Its first line names the columns: ``photo`` and any of ``lon, lat, rel_alt_m, yaw_deg, pitch_deg,
roll_deg, hfov_deg, timestamp``; others are ignored, and that is noted. A blank cell states nothing.
Longitudes may be counted from 0 to 360.
What a CSV may look like beside that: `geoloc.csv_table`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from geoloc.corrections_file import read_places
from geoloc.csv_table import CsvTable, TableError, is_blank
from geoloc.errors import MetadataError
from geoloc.geometry.longitude import FARTHEST_DEG, in_range
from geoloc.photo_name import NameMatches, comparable_path, match_names
from geoloc.photos.exif import number
from geoloc.photos.metadata import PhotoMetadata
from geoloc.photos.timestamp import is_unset, iso_timestamp

# Column: lowest and highest value that makes sense.
_LIMITS = {
    "lon": (-FARTHEST_DEG, FARTHEST_DEG),
    "lat": (-90.0, 90.0),
    "rel_alt_m": (0.1, 20_000.0),
    "yaw_deg": (-360.0, 360.0),
    "pitch_deg": (-180.0, 180.0),
    "roll_deg": (-180.0, 180.0),
    "hfov_deg": (1.0, 360.0),
}
# So many entries are named in a note; the others are counted.
_NAMED = 3
METADATA_COLUMNS = ("photo", *_LIMITS, "timestamp")
# What drones write of a place or a height that they do not know, or that is none above ground.
_LEAST_HEIGHT_M = _LIMITS["rel_alt_m"][0]
_NO_FIX_DEG = 1e-6


@dataclass(frozen=True)
class MetadataTable:
    """Metadata of photos, by the entries of a table.

    Attributes:
        rows: Metadata by the text of the ``photo`` column, in the order of the file.
        notes: What was ignored, one sentence each.
        path: The file.
    """

    rows: dict[str, PhotoMetadata]
    notes: tuple[str, ...] = ()
    path: Path | None = None

    def entries_of(self, photos: Sequence[str | Path]) -> dict[str | Path, str]:
        """The entry of the ``photo`` column that means each photo; photos without one are left out.

        `geoloc.photo_name` says which it is.

        Raises:
            MetadataError: An entry fits several photos equally well.
        """
        entries, found = list(self.rows), self._matches(photos)
        if found.contested:
            entry, fitting = found.contested[0]
            more = len(found.contested) - 1
            raise MetadataError(
                f"{self.path}: {entries[entry]} fits {photos[fitting[0]]} and {photos[fitting[1]]}"
                + (f", and {more} more rows fit several photos" if more else "")
                + "; give more of the path in the column photo",
                path=self.path,
            )
        return {photos[photo]: entries[entry] for photo, entry in found.entry_of.items()}

    def match(self, photo: str | Path) -> PhotoMetadata | None:
        """Metadata of a photo; None where the table has no row for it."""
        entry = self.entries_of([photo]).get(photo)
        return None if entry is None else self.rows[entry]

    def notes_on(self, photos: Sequence[str | Path]) -> list[str]:
        """What was ignored or may be meant otherwise, for these photos, one sentence each."""
        entries, found, notes = list(self.rows), self._matches(photos), list(self.notes)
        used = set(found.entry_of.values()) | {entry for entry, _ in found.contested}
        if unmatched := [entry for number, entry in enumerate(entries) if number not in used]:
            notes.append(
                f"{len(unmatched)} rows of the metadata table match no photo: {_some(unmatched)}"
            )
        if found.by_name_alone:
            pairs = [f"{entries[found.entry_of[n]]} for {photos[n]}" for n in found.by_name_alone]
            notes.append(
                f"{len(pairs)} rows of the metadata table are of another folder than the photo of "
                f"that name which takes them: {_some(pairs)}"
            )
        if found.undecided:
            pairs = [
                f"{photos[n]} ({' and '.join(entries[entry] for entry in fitting)})"
                for n, fitting in found.undecided
            ]
            notes.append(
                f"several rows of the metadata table fit {len(pairs)} photos, which take none of "
                f"them: {_some(pairs)}"
            )
        return notes

    def _matches(self, photos: Sequence[str | Path]) -> NameMatches:
        return match_names(list(self.rows), [_paths(photo) for photo in photos])


def open_table(path: str | Path) -> MetadataTable:
    """The table in a CSV file, or in corrections of a report's page, ready to be asked for photos.

    Raises:
        MetadataError: The file is missing or no CSV, its columns are not named, two rows
            are of one photo, or a value makes no sense; the message gives the line.
    """
    path = Path(path)
    try:
        table = read_places(path)
    except TableError as error:
        raise MetadataError(
            f"{path}: {error}; a CSV of metadata was expected; check its name and lines", path=path
        ) from error
    notes = _check_header(table, path)
    rows: dict[str, PhotoMetadata] = {}
    first: dict[str, tuple[int, PhotoMetadata]] = {}
    for line, cells in table.rows:
        stated = {name: cell for name, cell in cells.items() if not is_blank(cell)}
        if not stated:
            continue
        key, where = stated.get("photo", ""), f"{path}, line {line}"
        metadata = _metadata(stated, where, path)
        if not key:
            raise MetadataError(f"{where} names no photo", path=path)
        before, same = first.setdefault(comparable_path(key), (line, metadata))
        if metadata != same:
            raise MetadataError(f"{where} says the same photo as line {before}: {key}", path=path)
        if before == line:
            rows[key] = metadata
    return MetadataTable(rows, notes + _ignored(rows, path), path)


def _ignored(rows: dict[str, PhotoMetadata], path: Path) -> tuple[str, ...]:
    """What single rows state that is not used, one sentence a kind."""
    kinds: dict[str, list[str]] = {}
    for entry, metadata in rows.items():
        for note in metadata.notes:
            kinds.setdefault(note, []).append(entry)
    return tuple(
        f"{path}: {note}, in {len(entries)} rows: {_some(entries)}"
        for note, entries in kinds.items()
    )


def _check_header(table: CsvTable, path: Path) -> tuple[str, ...]:
    """Notes about the columns; refuses a header without the columns that are needed."""
    header = table.columns
    known = set(header) & set(METADATA_COLUMNS)
    if repeated := table.repeated(METADATA_COLUMNS):
        raise MetadataError(f"{path} has two columns {repeated}", path=path)
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
    values = {name: number(row[name]) for name in _LIMITS if name in row}
    notes = [*_drop_height(values), *_drop_no_fix(values)]
    for name, value in values.items():
        _check_range(name, value, row, where, path)
    if ("lon" in values) != ("lat" in values):
        raise MetadataError(f"{where} gives only one of lon and lat", path=path)
    if (lon := values.get("lon")) is not None:
        values["lon"] = float(in_range(lon))
    yaw_deg = values.pop("yaw_deg", None)
    time = _time(row.get("timestamp"), where, path)
    metadata = PhotoMetadata(**values, timestamp=time, notes=tuple(notes))  # type: ignore[arg-type]  # the names in _LIMITS are fields of type float
    if yaw_deg is None:
        return metadata
    return replace(metadata, yaw_deg=yaw_deg % 360, yaw_ref="true", yaw_source="metadata table")


def _drop_height(values: dict[str, float | None]) -> list[str]:
    """Take out a height that is none above ground, as that of XMP and of flight logs is ignored."""
    height_m = values.get("rel_alt_m")
    if height_m is None or height_m >= _LEAST_HEIGHT_M:
        return []
    del values["rel_alt_m"]
    return ["rel_alt_m of 0 or less is no height above ground: ignored"]


def _drop_no_fix(values: dict[str, float | None]) -> list[str]:
    """Take out the position (0, 0), which receivers without a fix write."""
    place = [values.get("lon"), values.get("lat")]
    if not all(value is not None and abs(value) < _NO_FIX_DEG for value in place):
        return []
    del values["lon"], values["lat"]
    return ["the position 0, 0 is a receiver's without a fix: ignored"]


def _check_range(
    name: str, value: float | None, row: dict[str, str], where: str, path: Path
) -> None:
    low, high = _LIMITS[name]
    if value is not None and low <= value <= high:
        return
    is_swapped = name == "lat" and value is not None and abs(value) <= FARTHEST_DEG
    raise MetadataError(
        f"{where}: {name} is {row[name][:40]!r}, a number from {low:g} to {high:g} was expected"
        + ("; are lon and lat swapped?" if is_swapped else ""),
        path=path,
    )


def _time(written: str | None, where: str, path: Path) -> str | None:
    if written is None or is_unset(written):
        return None
    try:
        return iso_timestamp(written)
    except ValueError as error:
        raise MetadataError(
            f"{where}: timestamp is {written[:40]!r}, ISO 8601 (2024-10-30T10:05:15+08:00) "
            "was expected",
            path=path,
        ) from error


def _paths(photo: str | Path) -> tuple[str, ...]:
    """The path of a photo, and where that leads if it is a link."""
    absolute = Path(photo).absolute()
    return tuple(dict.fromkeys((str(absolute), str(absolute.resolve()))))


def _some(names: Sequence[str]) -> str:
    """The first of some names."""
    return ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")
