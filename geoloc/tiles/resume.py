"""Resume `geoloc tile`: what an unfinished run leaves, and whether a new run may go on from it.

``tiles.partial.json`` says what is being made and from what; ``tiles.partial.jsonl`` keeps one
line for every tile that is done, written after its pixels.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

import geopandas
import shapely

from geoloc.atomic import remove_drafts, write_text
from geoloc.errors import OutputExistsError
from geoloc.lock import is_vacant
from geoloc.options import TileOptions
from geoloc.sqlite_group import check_not_in_use, remove_companions
from geoloc.tiles.cutting import Outcome
from geoloc.tiles.manifest import (
    TILES_MANIFEST,
    TILES_PARTIAL_MANIFEST,
    RasterEntry,
    TileManifest,
    TileScheme,
)
from geoloc.tiles.tile_set import MOSAIC, PIXELS, TILE_COLUMNS, TILES_TABLE

JOURNAL = "tiles.partial.jsonl"
_OURS = (TILES_MANIFEST, TILES_TABLE, MOSAIC, PIXELS, TILES_PARTIAL_MANIFEST, JOURNAL)


class Journal:
    """Journal of the tiles that are done, on disk and in memory."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / JOURNAL
        self.outcomes: dict[str, Outcome] = {}
        for line in self._whole_lines():
            outcome = _outcome_from_json(line)
            self.outcomes[outcome.tile_id] = outcome
        self._file = self._path.open("a", encoding="utf-8")

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def add(self, outcomes: Iterable[Outcome]) -> None:
        """Note tiles as done."""
        for outcome in outcomes:
            self.outcomes[outcome.tile_id] = outcome
            self._file.write(_outcome_to_json(outcome) + "\n")
        self._file.flush()

    def _whole_lines(self) -> list[str]:
        """The lines of the file; a last one that was cut off by a crash is removed."""
        if not self._path.exists():
            return []
        data = self._path.read_bytes()
        end = data.rfind(b"\n") + 1
        if end < len(data):
            self._path.write_bytes(data[:end])
        return data[:end].decode("utf-8").splitlines()


def _outcome_to_json(outcome: Outcome) -> str:
    row = outcome.row
    if row is not None:
        row = row | {"geometry": shapely.to_wkt(row["geometry"], rounding_precision=-1)}
    return json.dumps({"id": outcome.tile_id, "row": row, "unreadable": outcome.unreadable})


def _outcome_from_json(line: str) -> Outcome:
    values = json.loads(line)
    row = values["row"]
    if row is not None:
        row["geometry"] = shapely.from_wkt(row["geometry"])
    return Outcome(values["id"], row, values["unreadable"])


class Preparation(NamedTuple):
    """What a run is to make.

    Attributes:
        manifest: Its rasters with their keys.
        is_finished: Whether all is there already.
        known: What a finished run made of rasters, by their location.
    """

    manifest: TileManifest
    is_finished: bool
    known: dict[str, RasterEntry]


def prepare_folder(
    folder: Path, scheme: TileScheme, sources: Sequence[RasterEntry], options: TileOptions
) -> Preparation:
    """Make the folder ready for a run, or find that nothing is to be done.

    Raises:
        OutputBusyError: A program has the mosaic open.
        OutputExistsError: The folder holds something else, or tiles that were cut otherwise.
    """
    found, finished = _found_manifest(folder, overwrite=options.overwrite), {}
    if found is not None:
        reason = _difference(folder, found, scheme, sources, may_grow=options.resume)
        if reason is not None:
            raise OutputExistsError(
                f"{folder} holds tiles that were cut otherwise: {reason}; "
                "use --overwrite to replace them, or -o for another folder",
                path=folder,
            )
        if (folder / TILES_MANIFEST).exists():
            finished = {entry.location: entry for entry in found.rasters}
            if len(found.rasters) == len(sources) and all(e.is_whole for e in found.rasters):
                return Preparation(found, is_finished=True, known=finished)
            _reopen(folder)
    folder.mkdir(parents=True, exist_ok=True)
    known = () if found is None else found.rasters
    started = TileManifest(scheme, tuple(_with_unique_keys(sources, known)))
    started.write(folder / TILES_PARTIAL_MANIFEST)
    (folder / TILES_MANIFEST).unlink(missing_ok=True)
    return Preparation(started, is_finished=False, known=finished)


def _with_unique_keys(
    sources: Sequence[RasterEntry], known: Sequence[RasterEntry]
) -> Iterator[RasterEntry]:
    """The sources, known ones with the key they have, others with one that nobody has."""
    keys = {entry.location: entry.key for entry in known}
    taken = {key.lower() for key in keys.values()}
    for source in sources:
        key = keys.get(source.location, source.key)
        if source.location not in keys and key.lower() in taken:
            key = f"{key}-{hashlib.sha256(source.location.encode()).hexdigest()[:6]}"
        taken.add(key.lower())
        yield replace(source, key=key)


def abandon_folder(folder: Path) -> None:
    """Remove what a run that made nothing has left."""
    _clear(folder)


def finish_folder(folder: Path, manifest: TileManifest) -> None:
    """Declare a folder finished."""
    remove_drafts(folder)
    manifest.write(folder / TILES_MANIFEST)
    (folder / TILES_PARTIAL_MANIFEST).unlink(missing_ok=True)
    (folder / JOURNAL).unlink(missing_ok=True)


def _found_manifest(folder: Path, *, overwrite: bool) -> TileManifest | None:
    """What the folder says it holds; None after it was emptied or if it holds nothing."""
    if folder.is_file():
        message = f"{folder} is a file, not a folder"
        raise OutputExistsError(f"{message}; use -o for another name", path=folder)
    if is_vacant(folder):
        return None
    ours = [name for name in (TILES_MANIFEST, TILES_PARTIAL_MANIFEST) if (folder / name).exists()]
    if not ours:
        message = f"{folder} is not empty and holds no tiles of geoloc"
        raise OutputExistsError(f"{message}; use -o for another folder", path=folder)
    if overwrite:
        _clear(folder)
        return None
    return TileManifest.read(folder / ours[0])


def _clear(folder: Path) -> None:
    """Remove what earlier runs wrote, and nothing else. The manifests go last."""
    check_not_in_use(folder / MOSAIC)
    for name in reversed(_OURS):
        path = folder / name
        if path.is_dir():
            shutil.rmtree(path)
    for name in (TILES_TABLE, MOSAIC, JOURNAL, TILES_PARTIAL_MANIFEST, TILES_MANIFEST):
        (folder / name).unlink(missing_ok=True)
    remove_companions(folder / MOSAIC)
    remove_drafts(folder)


def _difference(
    folder: Path,
    found: TileManifest,
    scheme: TileScheme,
    sources: Sequence[RasterEntry],
    *,
    may_grow: bool,
) -> str | None:
    """Why tiles found cannot be gone on with; None if they can."""
    old, new = asdict(found.scheme), asdict(scheme)
    for name in old:
        if old[name] != new[name]:
            return f"{name} was {_as_text(old[name])}, now {_as_text(new[name])}"
    now = {entry.location: entry for entry in sources}
    for entry in found.rasters:
        if entry.location not in now:
            return f"{entry.location} is not among the rasters any more"
        change = entry.change(folder, now[entry.location])
        if change is not None and entry.error is None:  # of others there are no tiles
            return change
    was = {entry.location for entry in found.rasters}
    added = [location for location in now if location not in was]
    if added and not may_grow:
        return f"{added[0]} is new (use --resume to add it)"
    return None


def _as_text(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(map(str, value)) or "none"
    return "none" if value is None else str(value)


def _reopen(folder: Path) -> None:
    """Turn a finished folder into an unfinished one, so that rasters can be added."""
    check_not_in_use(folder / MOSAIC)
    table = geopandas.read_parquet(folder / TILES_TABLE)
    rows = table[[*TILE_COLUMNS, "geometry"]].to_dict("records")
    lines = []
    for row in rows:
        row["transform"] = [float(value) for value in row["transform"]]
        lines.append(_outcome_to_json(Outcome(row["tile_id"], row)) + "\n")
    write_text(folder / JOURNAL, "".join(lines))
