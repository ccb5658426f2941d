"""Resume `geoloc tile`: what an unfinished run leaves, and whether a new run may go on from it.

``tiles.partial.json`` says what is being made and from what, ``tiles.partial.jsonl`` which tiles
are done; where tiles serve already, both lie in the folder of their successor.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import NamedTuple

from geoloc.errors import OutputExistsError, TilesError
from geoloc.options import TileOptions
from geoloc.storage.atomic import is_draft, remove_drafts
from geoloc.storage.lock import is_vacant
from geoloc.storage.sqlite_group import check_not_in_use, remove_companions
from geoloc.tiles.cutting import Outcome
from geoloc.tiles.journal import JOURNAL, outcome_to_json
from geoloc.tiles.manifest import (
    TILES_MANIFEST,
    TILES_PARTIAL_MANIFEST,
    TILES_SUCCESSOR,
    RasterEntry,
    TileManifest,
    TileScheme,
)
from geoloc.tiles.successor import Workplace, begin_successor, put_in_place
from geoloc.tiles.tile_set import MOSAIC, PIXELS, TILE_COLUMNS, TILES_TABLE, TileSet
from geoloc.tiles.tile_table import GEOMETRY, polygons_of


class Preparation(NamedTuple):
    """What a run is to make.

    Attributes:
        manifest: Its rasters with their keys.
        place: Where it writes; None if all is there already.
        known: What a finished run made of rasters, by their location, if this one adds to it.
    """

    manifest: TileManifest
    place: Workplace | None
    known: dict[str, RasterEntry]


class _Wish(NamedTuple):
    """What a run is asked for."""

    folder: Path
    scheme: TileScheme
    sources: Sequence[RasterEntry]
    options: TileOptions

    def manifest(self, known: Sequence[RasterEntry] = ()) -> TileManifest:
        """What is going to be made, rasters that are known under the names that they have."""
        return TileManifest(self.scheme, tuple(_with_unique_keys(self.sources, known)))

    def is_met_by(self, finished: TileManifest | None) -> bool:
        """Whether finished tiles are just those, without a gap."""
        if finished is None or len(finished.rasters) != len(self.sources):
            return False
        is_whole = all(entry.is_whole for entry in finished.rasters)
        return is_whole and self.refusal(finished) is None

    def refusal(self, found: TileManifest) -> str | None:
        """Why tiles that were found cannot be gone on with; None if they can."""
        may_grow = self.options.resume
        return _difference(self.folder, found, self.scheme, self.sources, may_grow=may_grow)


def prepare_folder(
    folder: Path, scheme: TileScheme, sources: Sequence[RasterEntry], options: TileOptions
) -> Preparation:
    """Make the folder ready for a run, or find that nothing is to be done.

    Raises:
        OutputBusyError: A program has the mosaic open.
        OutputExistsError: The folder holds something else, or tiles that were cut otherwise.
    """
    wish = _Wish(folder, scheme, sources, options)
    _check_ours(folder)
    was_exchanged = put_in_place(folder)
    finished = _read(folder / TILES_MANIFEST, may_be_damaged=options.overwrite)
    if (was_exchanged or not options.overwrite) and wish.is_met_by(finished):
        assert finished is not None
        return Preparation(finished, None, {})
    check_not_in_use(folder / MOSAIC)
    return _go_on_with_successor(wish, finished) or (
        _replace(wish) if options.overwrite else _go_on(wish, finished)
    )


def _go_on_with_successor(wish: _Wish, finished: TileManifest | None) -> Preparation | None:
    """Go on with the successor that was begun; None if there is none of this kind."""
    place = Workplace.of_successor(wish.folder)
    begun = _read(place.notes / TILES_PARTIAL_MANIFEST, may_be_damaged=True)
    if begun is None or wish.refusal(begun) is not None:
        return None
    if place.replaces:
        return _started(wish, place, begun.rasters)
    if wish.options.overwrite or finished is None:
        return None
    return _started(wish, place, begun.rasters, finished)


def _replace(wish: _Wish) -> Preparation:
    """Begin tiles that take the place of all that are there."""
    manifest = wish.manifest()
    return Preparation(manifest, begin_successor(wish.folder, manifest), {})


def _go_on(wish: _Wish, finished: TileManifest | None) -> Preparation:
    """Begin tiles, go on with them, or add to those that are finished."""
    folder = wish.folder
    found = finished or _read(folder / TILES_PARTIAL_MANIFEST)
    if found is None:
        found = _read(folder / TILES_SUCCESSOR / TILES_PARTIAL_MANIFEST)
    reason = None if found is None else wish.refusal(found)
    if reason is not None:
        raise OutputExistsError(
            f"{folder} holds tiles that were cut otherwise: {reason}; "
            "use --overwrite to replace them, or -o for another folder",
            path=folder,
        )
    if finished is None:
        folder.mkdir(parents=True, exist_ok=True)
        known = () if found is None else found.rasters
        return _started(wish, Workplace.in_place(folder), known)
    manifest, journal = wish.manifest(finished.rasters), _journal_of(folder)
    place = begin_successor(folder, manifest, grown=finished, journal=journal)
    return Preparation(manifest, place, _by_location(finished))


def _started(
    wish: _Wish,
    place: Workplace,
    known: Sequence[RasterEntry],
    finished: TileManifest | None = None,
) -> Preparation:
    """Note what is to be made where a run goes on."""
    manifest = wish.manifest(known)
    manifest.write(place.notes / TILES_PARTIAL_MANIFEST)
    return Preparation(manifest, place, _by_location(finished))


def _by_location(finished: TileManifest | None) -> dict[str, RasterEntry]:
    rasters = () if finished is None else finished.rasters
    return {entry.location: entry for entry in rasters}


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


def abandon_folder(place: Workplace) -> None:
    """Remove what a run that made nothing has left; tiles that serve stay."""
    if place.notes == place.folder:
        _clear(place.folder)
    else:
        shutil.rmtree(place.notes)


def finish_folder(place: Workplace, manifest: TileManifest) -> None:
    """Declare tiles finished, and put them in place of others."""
    remove_drafts(place.folder)
    manifest.write(place.notes / TILES_MANIFEST)
    (place.notes / TILES_PARTIAL_MANIFEST).unlink(missing_ok=True)
    (place.notes / JOURNAL).unlink(missing_ok=True)
    if place.notes != place.folder:
        put_in_place(place.folder)


def _check_ours(folder: Path) -> None:
    """Refuse a folder that holds something else."""
    if folder.is_file():
        message = f"{folder} is a file, not a folder"
        raise OutputExistsError(f"{message}; use -o for another name", path=folder)
    ours = (TILES_MANIFEST, TILES_PARTIAL_MANIFEST, TILES_SUCCESSOR)
    if is_vacant(folder, but_for=is_draft) or any((folder / name).exists() for name in ours):
        return
    message = f"{folder} is not empty and holds no tiles of geoloc"
    raise OutputExistsError(f"{message}; use -o for another folder", path=folder)


def _read(path: Path, *, may_be_damaged: bool = False) -> TileManifest | None:
    """A manifest; None if it is not there.

    Raises:
        TilesError: It is damaged.
    """
    if not path.exists():
        return None
    try:
        return TileManifest.read(path)
    except TilesError:
        if may_be_damaged:
            return None
        raise


def _clear(folder: Path) -> None:
    """Remove what a run has written in place, and nothing else. The manifest goes last."""
    shutil.rmtree(folder / PIXELS, ignore_errors=True)
    for name in (TILES_TABLE, MOSAIC, JOURNAL):
        (folder / name).unlink(missing_ok=True)
    remove_companions(folder / MOSAIC)
    remove_drafts(folder)
    (folder / TILES_PARTIAL_MANIFEST).unlink(missing_ok=True)


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
    if isinstance(value, dict):  # the crops that a network looks at
        return f"{_as_text(value['ground_sizes_m'])} m of {value['size_px']} pixels"
    if isinstance(value, tuple):
        return ",".join(map(str, value)) or "none"
    return "none" if value is None else str(value)


def _journal_of(folder: Path) -> str:
    """The journal of a run that would have made the tiles that serve.

    Raises:
        TilesError: Their table is damaged.
    """
    lines = []
    for _, part in TileSet.open(folder).rows.parts((*TILE_COLUMNS, GEOMETRY)):
        rows = zip(part.select(TILE_COLUMNS).to_pylist(), polygons_of(part), strict=True)
        for row, footprint in rows:
            outcome = Outcome(row["tile_id"], {**row, GEOMETRY: footprint})
            lines.append(outcome_to_json(outcome) + "\n")
    return "".join(lines)
