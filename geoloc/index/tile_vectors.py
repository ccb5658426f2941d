"""Embed tiles, shard by shard: a run that is killed goes on with the next shard.

Threads read, decode and shrink the tiles ahead while the network computes. A shard is a fixed range
of the tiles and is cut into batches from its own start, so that the network sees the same batches
(and gives the same bytes) however often the run was interrupted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from geoloc.arrays import Float16Array, Int64Array, RgbImage
from geoloc.errors import InputError
from geoloc.models.embedder import Embedder
from geoloc.models.view import SATELLITE
from geoloc.progress import CappedWarnings, Progress
from geoloc.storage.array_file import load_arrays, save_arrays
from geoloc.storage.disk import check_room, create_array
from geoloc.tiles.tile_set import OVERVIEW, TileSet

SHARD_TILES = 256


@dataclass(frozen=True)
class TileVectors:
    """The vectors of the tiles that could be read.

    Attributes:
        rows: (M,) rows of the tiles, ascending.
        vectors: (M, D) float16 of unit length, memory-mapped.
        left_out: Number of tiles that could not be read.
    """

    rows: Int64Array
    vectors: Float16Array
    left_out: int


def embed_tiles(
    tiles: TileSet,
    rows: Int64Array,
    embedder: Embedder,
    folder: Path,
    *,
    workers: int,
    progress: Progress,
) -> TileVectors:
    """Embed some tiles; what `folder` holds of an earlier run of the same job is not done again.

    Shards that are damaged are.

    Args:
        tiles: The tiles.
        rows: Rows of the tiles to embed, ascending.
        embedder: Network that embeds them, with its satellite branch.
        folder: Folder of the shards; it exists.
        workers: Threads that read.
        progress: Hears of each tile, and of the first few that cannot be read.
    """
    shards = [rows[i : i + SHARD_TILES] for i in range(0, len(rows), SHARD_TILES)]
    missing = [n for n, asked in enumerate(shards) if not _is_whole(folder, n, asked, embedder)]
    _check_room(folder, len(rows), sum(len(shards[n]) for n in missing), embedder.dimension)
    progress.start("embedding tiles", len(rows), "tiles")
    progress.advance(len(rows) - sum(len(shards[n]) for n in missing))
    wanted = [int(row) for n in missing for row in shards[n]]
    unreadable = CappedWarnings(progress.warn, rest="{} more tiles are left out")

    ids = tiles.table["tile_id"]
    shrink = quickest_shrink(tiles, embedder)

    def read(row: int) -> RgbImage:
        return embedder.shrink(tiles.read(row, shrink=shrink))

    def leave_out(row: int, error: InputError) -> None:
        unreadable.add(f"tile {ids.iloc[row]} is left out: {error}")

    depth = 2 * embedder.batch_size + workers
    with closing(read_ahead(read, wanted, workers=workers, depth=depth)) as pixels:
        for n in missing:
            shard = _embed_shard(islice(pixels, len(shards[n])), embedder, progress, leave_out)
            _write_shard(_shard_path(folder, n), *shard)
    unreadable.finish()
    return _collect(folder, len(shards), embedder.dimension, len(rows))


def quickest_shrink(tiles: TileSet, embedder: Embedder) -> int:
    """By how much tiles may be read smaller without the network seeing less."""
    wanted = embedder.shrink(np.zeros((tiles.size_px, tiles.size_px, 3), np.uint8))
    needed_px = max(wanted.shape[:2])
    is_enough = tiles.size_px % OVERVIEW == 0 and tiles.size_px // OVERVIEW >= needed_px
    return OVERVIEW if is_enough else 1


def read_ahead(
    read: Callable[[int], RgbImage], rows: Sequence[int], *, workers: int, depth: int
) -> Generator[tuple[int, RgbImage | InputError], None, None]:
    """Rows and what `read` makes of them, in order, read by threads at most `depth` ahead."""

    def attempt(row: int) -> RgbImage | InputError:
        try:
            return read(row)
        except InputError as error:
            return error

    waiting: deque[tuple[int, Future[RgbImage | InputError]]] = deque()
    ahead = iter(rows)
    pool = ThreadPoolExecutor(workers)
    try:
        for row in islice(ahead, depth):
            waiting.append((row, pool.submit(attempt, row)))
        while waiting:
            row, future = waiting.popleft()
            result = future.result()
            for following in islice(ahead, 1):
                waiting.append((following, pool.submit(attempt, following)))
            yield row, result
    finally:
        pool.shutdown(cancel_futures=True)


def _embed_shard(
    pixels: Iterator[tuple[int, RgbImage | InputError]],
    embedder: Embedder,
    progress: Progress,
    leave_out: Callable[[int, InputError], None],
) -> tuple[list[int], list[Float16Array]]:
    """Rows and vectors of the tiles of one shard, without those that cannot be read."""
    rows: list[int] = []
    vectors: list[Float16Array] = []
    while taken := list(islice(pixels, embedder.batch_size)):
        batch: list[RgbImage] = []
        for row, result in taken:
            if isinstance(result, InputError):
                leave_out(row, result)
            else:
                rows.append(row)
                batch.append(result)
        if batch:
            vectors.append(embedder.embed(np.stack(batch), SATELLITE).astype(np.float16))
        progress.advance(len(taken))
    return rows, vectors


def _shard_path(folder: Path, number: int) -> Path:
    return folder / f"{number:06d}.npz"


def _is_whole(folder: Path, number: int, asked: Int64Array, embedder: Embedder) -> bool:
    """Whether a shard of an earlier run can be trusted; a full disk may have spoilt it."""
    shard = load_arrays(_shard_path(folder, number))
    if shard is None or not {"rows", "vectors"} <= shard.keys():
        return False
    count = len(shard["rows"])
    is_known = bool(np.isin(shard["rows"], asked).all())
    return is_known and (count == 0 or shard["vectors"].shape == (count, embedder.dimension))


def _check_room(folder: Path, tiles: int, missing: int, dimension: int) -> None:
    """Shards, all of them in one array, and the store: each has every vector once."""
    check_room(folder, (missing + 2 * tiles) * dimension * np.dtype(np.float16).itemsize)


def _write_shard(path: Path, rows: list[int], vectors: list[Float16Array]) -> None:
    joined = np.concatenate(vectors) if vectors else np.zeros((0, 0), np.float16)
    save_arrays(path, {"rows": np.asarray(rows, np.int64), "vectors": joined})


def _collect(folder: Path, shards: int, dimension: int, asked: int) -> TileVectors:
    """All shards as one memory-mapped array."""
    rows = [np.load(_shard_path(folder, n))["rows"] for n in range(shards)]
    count = sum(len(part) for part in rows)
    shape = (count, dimension)
    if count == 0:
        return TileVectors(np.zeros(0, np.int64), np.zeros(shape, np.float16), asked)
    out = create_array(folder / "vectors.npy", np.float16, shape)
    start = 0
    for n, part in enumerate(rows):
        if len(part):
            out[start : start + len(part)] = np.load(_shard_path(folder, n))["vectors"]
        start += len(part)
    return TileVectors(np.concatenate(rows), out, asked - count)


def missing_shards(
    folder: Path, rows: Int64Array, embedder: Embedder
) -> list[tuple[Path, Int64Array]]:
    """The files of the shards that a folder lacks, or holds damaged, and the tiles of each."""
    shards = [rows[i : i + SHARD_TILES] for i in range(0, len(rows), SHARD_TILES)]
    return [
        (_shard_path(folder, n), asked)
        for n, asked in enumerate(shards)
        if not _is_whole(folder, n, asked, embedder)
    ]
