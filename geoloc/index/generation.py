"""Files of an index by generation: what serves stays until its successor is whole.

An index that is added to or replaced gets its successor beside it, under names of the next
generation (``vectors.2.faiss``); ``index.json``, which is renamed last, says which one serves. So
a reader sees all of the old index or all of the new one. The first generation has plain names.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from geoloc.errors import IndexFolderError, TilesError, first_line
from geoloc.index.lance_store import DATASET
from geoloc.index.manifest import (
    INDEX_MANIFEST,
    INDEX_PARTIAL_MANIFEST,
    BegunRun,
    IndexManifest,
    read_partial,
)
from geoloc.options import FAISS, LANCE
from geoloc.storage.atomic import remove_drafts
from geoloc.tiles.parquet_rows import ParquetRows
from geoloc.tiles.tile_table import TileTable

PARTS = "parts"
_NAMES = re.compile(
    r"(vectors(\.\d+)?\.(faiss|npy)|tiles(\.\d+)?\.parquet|features(\.\d+)?(\.parts)?)"
)
_NUMBER = re.compile(r"\.(\d+)(?:\.|$)")


@dataclass(frozen=True)
class IndexFiles:
    """Where the files of one generation of an index lie.

    Attributes:
        folder: Folder of the index.
        generation: From 1.
    """

    folder: Path
    generation: int = 1

    @property
    def store(self) -> str:
        """Name of the files of vectors, without an extension."""
        return f"vectors{self._mark}"

    @property
    def table(self) -> Path:
        """The table of tiles."""
        return self.folder / f"tiles{self._mark}.parquet"

    @property
    def features(self) -> Path:
        """The folder of local features."""
        return self.folder / f"features{self._mark}"

    def open_table(self) -> TileTable:
        """The table of tiles, of which little is in memory.

        Raises:
            IndexFolderError: It is missing or damaged.
        """
        try:
            return TileTable(ParquetRows(self.table))
        except (OSError, ValueError, KeyError, TilesError) as error:
            reason = first_line(error.__cause__ or error)
            raise IndexFolderError(
                f"cannot read {self.table} ({reason}); build the index again with --overwrite",
                path=self.folder,
            ) from error

    @property
    def _mark(self) -> str:
        return "" if self.generation == 1 else f".{self.generation}"


def files_that_serve(folder: Path) -> IndexFiles | None:
    """Those of the finished index in a folder; None if there is none that can be read."""
    with suppress(IndexFolderError):
        return IndexFiles(folder, IndexManifest.read(folder).generation)
    return None


def next_generation(folder: Path) -> int:
    """The number of the index that a run is going to write: never that of one that is there."""
    if not (folder / INDEX_MANIFEST).exists():
        return 1
    return 1 + max((number for _, number in _generations(folder)), default=1)


def sweep(folder: Path, *, begun: BegunRun | None = None) -> None:
    """Remove all that belongs neither to the index that serves nor to a run that was begun.

    Nobody else may be writing there. Where a damaged manifest hides which index serves, all stay.
    """
    remove_drafts(folder)
    if begun is None:
        shutil.rmtree(folder / PARTS, ignore_errors=True)
    _sweep_generations(folder, begun)
    if begun is None:  # last: a run that was killed while sweeping is known by it as done
        (folder / INDEX_PARTIAL_MANIFEST).unlink(missing_ok=True)


def _sweep_generations(folder: Path, begun: BegunRun | None) -> None:
    serving = files_that_serve(folder)
    if serving is None and (folder / INDEX_MANIFEST).exists():
        return
    kept = {serving.generation} if serving else set()
    stores = {_store_of(folder, serving), begun.recipe.store if begun else FAISS}
    if LANCE not in stores and (folder / DATASET).exists():
        _remove(folder / DATASET)
    kept |= {begun.generation} if begun else set()
    for path, number in list(_generations(folder)):
        is_part = path.suffix == ".parts" and (begun is None or number != begun.generation)
        if number not in kept or is_part:
            _remove(path)


def _store_of(folder: Path, serving: IndexFiles | None) -> str:
    return FAISS if serving is None else IndexManifest.read(folder).recipe.store


def sweep_finished(folder: Path) -> None:
    """Remove what a finished run leaves behind, unless it belongs to another one."""
    begun = read_partial(folder)
    is_done = begun is not None and begun.is_finished_in(IndexManifest.read(folder))
    sweep(folder, begun=None if is_done else begun)


def _generations(folder: Path) -> Iterator[tuple[Path, int]]:
    """The files of all generations, and the number of each."""
    for path in sorted(folder.iterdir()):
        if _NAMES.fullmatch(path.name):
            number = _NUMBER.search(path.name)
            yield path, int(number[1]) if number else 1


def _remove(path: Path) -> None:
    # Windows keeps what a reader has mapped; the next run sweeps it.
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
        return
    with suppress(PermissionError):
        path.unlink(missing_ok=True)
