"""Tiles beside tiles: what serves stays until its successor is whole.

Tiles that replace others, or others with more, are made in the folder ``tiles.partial`` among
them, and take their places at its end. The pixels of more tiles lie beside the old ones from the
beginning, where no table names them; those of a replacement lie in that folder, which tells the
two apart. Its ``tiles.json``, written last, says that it is whole; from then on every run completes
the exchange, during which the folder of tiles has none, so that readers see all of the old tiles,
all of the new ones, or that they are unfinished.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from geoloc.storage.atomic import plain_target, replacing, replacing_folder
from geoloc.storage.sqlite_group import check_not_in_use, remove_companions
from geoloc.tiles.journal import JOURNAL
from geoloc.tiles.manifest import (
    TILES_MANIFEST,
    TILES_PARTIAL_MANIFEST,
    TILES_SUCCESSOR,
    TileManifest,
)
from geoloc.tiles.tile_set import MOSAIC, PIXELS, TILES_TABLE

_REPLACED = "replaced"


@dataclass(frozen=True)
class Workplace:
    """Where a run writes.

    Attributes:
        folder: Folder of the tiles, which all locations are relative to.
        notes: Folder of the journal, the tables and the manifests.
        home: Folder that the pixels have theirs in.
    """

    folder: Path
    notes: Path
    home: Path

    @classmethod
    def in_place(cls, folder: Path) -> Workplace:
        """Of tiles where there are none yet."""
        return cls(folder, folder, folder)

    @classmethod
    def of_successor(cls, folder: Path) -> Workplace:
        """Of tiles that replace others or add to them, as the run was begun."""
        notes = folder / TILES_SUCCESSOR
        return cls(folder, notes, notes if (notes / PIXELS).is_dir() else folder)

    @property
    def replaces(self) -> bool:
        """Whether the tiles that it makes replace all others."""
        return self.home != self.folder


def begin_successor(
    folder: Path, manifest: TileManifest, *, grown: TileManifest | None = None, journal: str = ""
) -> Workplace:
    """Note a run that replaces the tiles of a folder, or adds to them; drops one that was begun.

    Args:
        folder: Folder of the tiles.
        manifest: What is to be made.
        grown: What serves, if the run adds to it; None if it replaces it.
        journal: The tiles that the run need not cut.
    """
    _drop_added_pixels(folder, grown)
    with replacing_folder(folder / TILES_SUCCESSOR) as draft:
        if grown is None:
            (draft / PIXELS).mkdir()
        (draft / JOURNAL).write_text(journal, encoding="utf-8")
        manifest.write(draft / TILES_PARTIAL_MANIFEST)
    return Workplace.of_successor(folder)


def _drop_added_pixels(folder: Path, serving: TileManifest | None) -> None:
    """Remove the pixels that an unfinished run has put beside those that serve."""
    begun = Workplace.of_successor(folder)
    partial = begun.notes / TILES_PARTIAL_MANIFEST
    if serving is None or begun.replaces or not partial.is_file():
        return
    kept = {entry.key for entry in serving.rasters}
    for entry in TileManifest.read(partial).rasters:
        if entry.key not in kept:
            shutil.rmtree(folder / PIXELS / entry.key, ignore_errors=True)


def put_in_place(folder: Path) -> bool:
    """Exchange tiles for their successor if it is whole, however far that has come before.

    Nobody else may be writing there.

    Returns:
        Whether the successor of a run serves now that had ended but for this.

    Raises:
        OutputBusyError: A program has the mosaic open.
    """
    successor = folder / TILES_SUCCESSOR
    if (successor / TILES_MANIFEST).exists():
        _exchange(folder, successor)
    elif not successor.is_dir() or (successor / TILES_PARTIAL_MANIFEST).exists():
        return False
    shutil.rmtree(successor, ignore_errors=True)
    return True


def _exchange(folder: Path, successor: Path) -> None:
    check_not_in_use(folder / MOSAIC)
    for place in (successor, folder):
        for name in (TILES_PARTIAL_MANIFEST, JOURNAL):
            (place / name).unlink(missing_ok=True)
    (folder / TILES_MANIFEST).unlink(missing_ok=True)
    _exchange_pixels(folder / PIXELS, successor)
    # A journal of the old mosaic would be played back into the new one.
    remove_companions(folder / MOSAIC)
    for name in (TILES_TABLE, MOSAIC, TILES_MANIFEST):
        if (successor / name).exists():
            _move(successor / name, folder / name)


def _exchange_pixels(pixels: Path, successor: Path) -> None:
    """Put the pixels of a replacement in place; those of a growth are there."""
    new = successor / PIXELS
    if not new.is_dir():
        return
    if pixels.exists():
        pixels.replace(successor / _REPLACED)
    if any(new.iterdir()):
        new.replace(pixels)
    else:
        new.rmdir()


def _move(source: Path, target: Path) -> None:
    """Rename a file; where a symbolic link stands, to what that leads to."""
    if not target.is_symlink():
        source.replace(plain_target(target))
        return
    with replacing(target) as draft:
        shutil.copyfile(source, draft)
    source.unlink()
