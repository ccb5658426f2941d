"""Embed shards of tiles in the actors of a cluster, to the same bytes as on one machine.

An actor embeds a shard as a run of its own would; what comes back is what that run would have left
in the folder of shards, from where `geoloc.index.tile_vectors.embed_tiles` goes on.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from geoloc.arrays import AnyArray, Int64Array
from geoloc.cluster import ActorPool, Lost
from geoloc.errors import TilesError
from geoloc.index.tile_vectors import embed_tiles, missing_shards
from geoloc.models.embedder import Embedder
from geoloc.options import CellMode, EngineOptions, IndexOptions
from geoloc.progress import CappedWarnings, Progress
from geoloc.storage.array_file import load_arrays, save_arrays
from geoloc.tiles.tile_set import TileSet


@dataclass(frozen=True)
class ShardAnswer:
    """A shard that an actor has embedded.

    Attributes:
        arrays: What its file holds.
        warnings: What a person should know of it.
    """

    arrays: dict[str, AnyArray]
    warnings: list[str]


@dataclass
class _Notes:
    """A listener in an actor, that keeps warnings."""

    warnings: list[str] = field(default_factory=list)

    def start(self, label: str, total: int, unit: str) -> None:
        """Drop it."""

    def advance(self, count: int = 1) -> None:
        """Drop it."""

    def warn(self, message: str) -> None:
        """Keep it."""
        self.warnings.append(message)


class ShardWorker:
    """Embeds shards with a network and an opened tile set of its own.

    Args:
        tiles: The tiles.
        embedder: The network.
        workers: Threads that read.
        cells: How tiles are embedded that the network looks around.
    """

    def __init__(
        self, tiles: TileSet, embedder: Embedder, *, workers: int, cells: CellMode
    ) -> None:
        self._tiles = tiles
        self._embedder = embedder
        self._workers = workers
        self._cells = cells

    def __call__(self, rows: Int64Array) -> ShardAnswer:
        """The shard of some tiles."""
        notes = _Notes()
        with tempfile.TemporaryDirectory() as name:
            ((path, _),) = missing_shards(
                Path(name), self._tiles, rows, self._embedder, self._cells
            )
            embed_tiles(
                self._tiles,
                rows,
                self._embedder,
                Path(name),
                workers=self._workers,
                progress=notes,
                cells=self._cells,
            )
            return ShardAnswer(load_arrays(path) or {}, notes.warnings)


@dataclass(frozen=True)
class EmbeddingRun:
    """What the shards of a run have in common.

    Attributes:
        tiles: Folder of the tiles.
        digest: What defined them when the run began.
        model: Folder of the model.
        options: How they are embedded.
    """

    tiles: Path
    digest: str
    model: Path
    options: IndexOptions

    def open_worker(self) -> ShardWorker:
        """A worker in an actor.

        Raises:
            TilesError: The tiles are not those that the run began with.
        """
        tiles = TileSet.open(self.tiles)
        if tiles.digest() != self.digest:
            raise TilesError(
                f"the tiles in {self.tiles} were cut again while they were embedded; run the same "
                "command again",
                path=self.tiles,
            )
        options = self.options
        embedder = Embedder(self.model, device=options.device, batch_size=options.batch_size)
        return ShardWorker(tiles, embedder, workers=options.workers, cells=options.cells)


def embed_on_cluster(
    run: EmbeddingRun,
    tiles: TileSet,
    rows: Int64Array,
    embedder: Embedder,
    folder: Path,
    *,
    engine: EngineOptions,
    progress: Progress,
) -> None:
    """Let a cluster fill a folder with the shards that are not there.

    A shard over which actors die is asked for tile by tile; the tile that they die over is left
    out, as one that cannot be read.

    Args:
        run: What the shards have in common.
        tiles: The tiles, as they are here.
        rows: Rows of the tiles to embed, ascending.
        embedder: The network, as it is here.
        folder: Folder of the shards; it exists.
        engine: Which cluster.
        progress: Hears of each shard, and of the first tiles that cannot be read.
    """
    missing = missing_shards(folder, tiles, rows, embedder, run.options.cells)
    if not missing:
        return
    unreadable = CappedWarnings(progress.warn, rest="{} more tiles are left out")
    progress.start("embedding tiles", len(rows), "tiles")
    progress.advance(len(rows) - sum(len(asked) for _, asked in missing))
    with ActorPool[Int64Array, ShardAnswer](engine, run.open_worker) as pool:
        answers = pool.answers(asked for _, asked in missing)
        for (path, asked), answer in zip(missing, answers, strict=True):
            shard = _one_by_one(pool, asked) if isinstance(answer, Lost) else answer
            save_arrays(path, shard.arrays)
            for line in shard.warnings:
                unreadable.add(line)
            progress.advance(len(asked))
    unreadable.finish()


def _one_by_one(pool: ActorPool[Int64Array, ShardAnswer], rows: Int64Array) -> ShardAnswer:
    found, warnings = list[ShardAnswer](), list[str]()
    for row, answer in zip(rows.tolist(), _asked_again(pool, rows), strict=True):
        if isinstance(answer, Lost):
            reason = f"the process that embedded it died, twice ({answer.reason})"
            warnings.append(f"tile {row} is left out: {reason}")
        else:
            found.append(answer)
            warnings += answer.warnings
    full = [answer.arrays for answer in found if len(answer.arrays["rows"])]
    empty: dict[str, AnyArray] = {
        "rows": np.zeros(0, np.int64),
        "vectors": np.zeros((0, 0), np.float16),
    }
    arrays = {name: np.concatenate([part[name] for part in full or [empty]]) for name in empty}
    return ShardAnswer(arrays, warnings)


def _asked_again(
    pool: ActorPool[Int64Array, ShardAnswer], rows: Int64Array
) -> Iterator[ShardAnswer | Lost]:
    return pool.answers(rows[i : i + 1] for i in range(len(rows)))
