"""Pairs of one's own: a table pairs.csv with a row for each photo and a tile that shows its place.

Columns (any CSV with a header, see `geoloc.csv_table`; further ones are ignored)::

    query          photo, relative to the table; empty: the reference is a distractor
    reference      tile, relative to the table
    split          train or test
    place          optional: what both show; rows of one place are never each other's negatives
    lon, lat       optional: degrees (WGS84) of the photo
    reference_lon, reference_lat   optional: of the tile's middle; by default the photo's position
    ground_size_m  optional: side of the tile in metres
    altitude_m     optional: of a drone
    overlap        optional: share of ground that both show, 0 to 1; the best row of a photo first
    view           optional: drone (default) or ground, the same in all rows

Ground images are rings: all the way around, the middle column north. With `ground_size_m`, tiles
whose middle lies within half a side of a photo are near misses of that photo.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from scipy.spatial import cKDTree

from geoloc.csv_table import TableError, is_blank, parse_number, read_table
from geoloc.errors import InputError
from geoloc.geometry.crs import LocalFrame, LonLat
from geoloc.geometry.longitude import FARTHEST_DEG, in_range, near
from geoloc.learning.datasets.crossview import CrossViewDataset, Pair, Picture, Split
from geoloc.learning.datasets.files import require_files
from geoloc.models.view import DRONE, GROUND, View

PAIRS_NAME = "pairs.csv"

_NEEDED = ("query", "reference", "split")
_LIMITS = {
    "lon": (-FARTHEST_DEG, FARTHEST_DEG),
    "lat": (-90.0, 90.0),
    "reference_lon": (-FARTHEST_DEG, FARTHEST_DEG),
    "reference_lat": (-90.0, 90.0),
    "ground_size_m": (1e-3, 1e6),
    "altitude_m": (-1e3, 1e5),
    "overlap": (0.0, 1.0),
}


def read_pairs(folder: Path) -> CrossViewDataset:
    """The pairs of a folder with a pairs.csv, or of the CSV itself.

    Raises:
        InputError: The table cannot be read, a row makes no sense, or images are missing.
    """
    path = folder / PAIRS_NAME if folder.is_dir() else folder
    rows = _read_rows(path)
    require_files(
        (file for row in rows for file in (row.query, row.reference) if file),
        dataset=path.name,
        root=path.parent,
    )
    view = _view(path, rows)
    splits = {
        name: _split(path, name, view, [row for row in rows if row.split == name])
        for name in ("train", "test")
        if any(row.split == name and row.query for row in rows)
    }
    if not splits:
        raise _broken(path, "it has no rows with a photo")
    tests = (splits["test"],) if "test" in splits else ()
    return CrossViewDataset("pairs", splits.get("train"), tests)


@dataclass(frozen=True)
class _Row:
    """One line of the table."""

    line: int
    query: Path | None
    reference: Path
    split: str
    place: str
    view: View
    position: LonLat | None
    reference_position: LonLat | None
    ground_size_m: float | None
    altitude_m: float | None
    overlap: float


def _read_rows(path: Path) -> list[_Row]:
    try:
        table = read_table(path)
    except TableError as error:
        raise _broken(path, str(error)) from error
    if lacking := [name for name in _NEEDED if name not in table.columns]:
        raise _broken(path, f"its first line lacks {', '.join(lacking)}")
    if repeated := table.repeated((*_NEEDED, *_LIMITS)):
        raise _broken(path, f"it has two columns {repeated}")
    return [_row(path, line, cells) for line, cells in table.rows]


def _row(path: Path, line: int, cells: Mapping[str, str]) -> _Row:
    where = f"line {line}"
    if not cells["reference"]:
        raise _broken(path, f"{where} names no reference")
    if cells["split"] not in ("train", "test"):
        raise _broken(path, f"{where} has the split {cells['split']!r}, neither train nor test")
    view = cells.get("view") or DRONE
    if view not in (DRONE, GROUND):
        raise _broken(path, f"{where} has the view {view!r}, neither drone nor ground")
    numbers = {name: _number(path, where, name, cells.get(name, "")) for name in _LIMITS}
    position = _position(path, where, numbers["lon"], numbers["lat"])
    overlap = numbers["overlap"]
    return _Row(
        line=line,
        query=path.parent / cells["query"] if cells["query"] else None,
        reference=path.parent / cells["reference"],
        split=cells["split"],
        place=cells.get("place") or cells["reference"],
        view=cast(View, view),
        position=position,
        reference_position=_position(
            path, where, numbers["reference_lon"], numbers["reference_lat"]
        ),
        ground_size_m=numbers["ground_size_m"],
        altitude_m=numbers["altitude_m"],
        overlap=1.0 if overlap is None else overlap,
    )


def _number(path: Path, where: str, name: str, text: str) -> float | None:
    if is_blank(text):
        return None
    low, high = _LIMITS[name]
    try:
        value = parse_number(text)
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        raise _broken(path, f"{where} has the {name} {text!r}, no number from {low:g} to {high:g}")
    return value


def _position(path: Path, where: str, lon: float | None, lat: float | None) -> LonLat | None:
    if (lon is None) != (lat is None):
        raise _broken(path, f"{where} has only one of lon and lat")
    return None if lon is None or lat is None else LonLat(float(in_range(lon)), lat)


def _view(path: Path, rows: Sequence[_Row]) -> View:
    views = sorted({row.view for row in rows})
    if len(views) > 1:
        raise _broken(path, f"it mixes the views {' and '.join(views)}; write a table for each")
    return views[0] if views else DRONE


def _split(path: Path, name: str, view: View, rows: Sequence[_Row]) -> Split:
    """The rows of one split; photos and tiles that several rows name are one picture each."""
    of_query: dict[Path, list[_Row]] = defaultdict(list)
    of_reference: dict[Path, list[_Row]] = defaultdict(list)
    for row in rows:
        of_reference[row.reference].append(row)
        if row.query:
            of_query[row.query].append(row)
    for each in of_query.values():
        each.sort(key=lambda row: -row.overlap)
    numbers = {reference: number for number, reference in enumerate(of_reference)}
    queries = tuple(_query(file, each[0]) for file, each in of_query.items())
    references = tuple(_reference(path, file, each) for file, each in of_reference.items())
    pairs = tuple(
        Pair(query, numbers[row.reference], row.overlap)
        for query, each in enumerate(of_query.values())
        for row in each
    )
    sizes_m = [
        next((row.ground_size_m for row in each if row.ground_size_m), 0.0)
        for each in of_reference.values()
    ]
    near = _near_misses(queries, references, pairs, sizes_m)
    return Split(name, view, "satellite", queries, references, pairs, near)


def _query(file: Path, best: _Row) -> Picture:
    return Picture(file, best.place, best.position, best.altitude_m)


def _reference(path: Path, file: Path, rows: Sequence[_Row]) -> Picture:
    """A tile; it lies where its rows say, or where its photos do if they agree."""
    places = list(dict.fromkeys(row.place for row in rows))
    if len(places) > 1:
        raise _broken(
            path,
            f"line {rows[-1].line} says that {file.name} shows {rows[-1].place}, and line "
            f"{rows[0].line} that it shows {places[0]}",
        )
    stated = {row.reference_position for row in rows} - {None}
    positions = stated or {row.position for row in rows}
    return Picture(file, places[0], positions.pop() if len(positions) == 1 else None)


def _near_misses(
    queries: Sequence[Picture],
    references: Sequence[Picture],
    pairs: Sequence[Pair],
    sizes_m: Sequence[float],
) -> tuple[Pair, ...]:
    """Tiles that show a photo's place too: of its place, or with their middle close to it."""
    right = {(pair.query, pair.reference) for pair in pairs}
    of_place: dict[str, list[int]] = defaultdict(list)
    for number, reference in enumerate(references):
        of_place[reference.place].append(number)
    near = {(i, r) for i, query in enumerate(queries) for r in of_place[query.place]}
    near |= _close_by(queries, references, sizes_m)
    return tuple(Pair(query, reference, 0.0) for query, reference in sorted(near - right))


def _close_by(
    queries: Sequence[Picture], references: Sequence[Picture], sizes_m: Sequence[float]
) -> set[tuple[int, int]]:
    """Photos and tiles of a known size whose middle is at most half a side away."""
    placed = [i for i, each in enumerate(references) if each.position and sizes_m[i] > 0]
    asked = [i for i, each in enumerate(queries) if each.position]
    if not placed or not asked:
        return set()
    centres = np.array([references[i].position for i in placed])
    centres[:, 0] = near(centres[:, 0], centres[0, 0])  # a median across the antimeridian
    photos = np.array([queries[i].position for i in asked])
    frame = LocalFrame(LonLat(*np.median(centres, axis=0)))
    here = cKDTree(frame.from_lonlat(photos[:, 0], photos[:, 1]))
    reach_m = [sizes_m[i] / 2 for i in placed]
    found = here.query_ball_point(frame.from_lonlat(centres[:, 0], centres[:, 1]), reach_m)
    return {
        (asked[k], reference) for reference, close in zip(placed, found, strict=True) for k in close
    }


def _broken(path: Path, fault: str) -> InputError:
    return InputError(
        f"{path} is no table of pairs: {fault}; expected a header with {', '.join(_NEEDED)} and "
        "optional columns, as `geoloc pairs` writes it (see examples/datasets.md)",
        path=path,
    )
