"""Embed tiles, shard by shard: a run that is killed goes on with the next shard.

A shard is a fixed range of the tiles and is cut into batches from its own start, so that the
network sees the same batches (and gives the same bytes) however often the run was interrupted. On
the CPU each worker reads a batch and embeds it on its share of the cores; a GPU embeds while
workers read ahead. Whoever wants the pixels for something else, too, gets them from the same
reading.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice, tee
from pathlib import Path
from threading import Event
from typing import TypeVar

import numpy as np

from geoloc.arrays import Float16Array, Int64Array, RgbImage
from geoloc.errors import InputError
from geoloc.index.exact_search import Vectors
from geoloc.models.device import network_workers
from geoloc.models.embedder import Embedder
from geoloc.models.view import SATELLITE
from geoloc.progress import CappedWarnings, Progress
from geoloc.storage.array_file import ArrayFile, load_arrays, save_arrays
from geoloc.storage.disk import check_room
from geoloc.tiles.tile_set import OVERVIEW, TileSet

SHARD_TILES = 256

# Takes the row of a tile and its pixels (H, W, 3), in any thread and any order.
_Reader = Callable[[int], RgbImage]
_T = TypeVar("_T")
_R = TypeVar("_R")


@dataclass(frozen=True)
class TileVectors:
    """The vectors of the tiles that could be read.

    Attributes:
        rows: (M,) rows of the tiles, ascending.
        vectors: (M, D) float16 of unit length.
        left_out: Number of tiles that could not be read.
    """

    rows: Int64Array
    vectors: Vectors
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
        workers: Threads that read and, on the CPU, embed.
        progress: Hears of each tile, and of the first few that cannot be read.
    """
    shards = [rows[i : i + SHARD_TILES] for i in range(0, len(rows), SHARD_TILES)]
    missing = [n for n, asked in enumerate(shards) if not _is_whole(folder, n, asked, embedder)]
    _check_room(folder, len(rows), sum(len(shards[n]) for n in missing), embedder.dimension)
    progress.start("embedding tiles", len(rows), "tiles")
    progress.advance(len(rows) - sum(len(shards[n]) for n in missing))
    unreadable = CappedWarnings(progress.warn, rest="{} more tiles are left out")
    run = _in_workers if embedder.device.type == "cpu" else _ahead_of_device
    wanted = (batch for n in missing for batch in _batches(shards[n], embedder.batch_size))
    with closing(run(_reader(tiles, embedder), wanted, embedder, workers)) as done:
        for n in missing:
            shard, batches = list[_Embedded](), list(_batches(shards[n], embedder.batch_size))
            for batch, asked in zip(islice(done, len(batches)), batches, strict=True):
                for row, error in batch.failures:
                    (record,) = tiles.rows.records([row], ["tile_id"])
                    unreadable.add(f"tile {record['tile_id']} is left out: {error}")
                shard.append(batch)
                progress.advance(len(asked))
            _write_shard(_shard_path(folder, n), shard)
    unreadable.finish()
    return _collect(folder, len(shards), embedder.dimension, len(rows))


@dataclass
class _Embedded:
    """One batch: the tiles that could be read, their vectors, and why others could not."""

    rows: list[int] = field(default_factory=list)
    vectors: Float16Array | None = None
    failures: list[tuple[int, InputError]] = field(default_factory=list)


def _batches(shard: Int64Array, size: int) -> Iterator[list[int]]:
    return (shard[i : i + size].tolist() for i in range(0, len(shard), size))


def _reader(tiles: TileSet, embedder: Embedder) -> _Reader:
    """What reads a tile as the network takes it."""
    shrink = quickest_shrink(tiles, embedder)
    return lambda row: embedder.shrink(tiles.read(row, shrink=shrink))


def _in_workers(
    read: _Reader, batches: Iterable[list[int]], embedder: Embedder, workers: int
) -> Generator[_Embedded, None, None]:
    """Batches, each read and embedded by one thread; a run that ends leaves what is begun."""
    is_over = Event()

    def read_unless_over(row: int) -> RgbImage:
        if is_over.is_set():
            raise CancelledError
        return read(row)

    def work(batch: list[int]) -> _Embedded:
        return _embed(((row, _attempt(read_unless_over, row)) for row in batch), embedder)

    with network_workers(workers) as pool:
        try:
            yield from _in_order(pool, work, batches, depth=2 * workers)
        finally:
            is_over.set()


def _ahead_of_device(
    read: _Reader, batches: Iterable[list[int]], embedder: Embedder, workers: int
) -> Generator[_Embedded, None, None]:
    """Batches that this thread embeds while others read the next."""
    asked, again = tee(batches)
    rows = (row for batch in asked for row in batch)
    depth = 2 * embedder.batch_size + workers
    with closing(read_ahead(read, rows, workers=workers, depth=depth)) as pixels:
        for batch in again:
            yield _embed(islice(pixels, len(batch)), embedder)


def _embed(tiles: Iterable[tuple[int, RgbImage | InputError]], embedder: Embedder) -> _Embedded:
    batch, pixels = _Embedded(), list[RgbImage]()
    for row, result in tiles:
        if isinstance(result, InputError):
            batch.failures.append((row, result))
        else:
            batch.rows.append(row)
            pixels.append(result)
    if pixels:
        batch.vectors = embedder.embed(np.stack(pixels), SATELLITE).astype(np.float16)
    return batch


def quickest_shrink(tiles: TileSet, embedder: Embedder) -> int:
    """By how much tiles may be read smaller without the network seeing less."""
    wanted = embedder.shrink(np.zeros((tiles.size_px, tiles.size_px, 3), np.uint8))
    needed_px = max(wanted.shape[:2])
    is_enough = tiles.size_px % OVERVIEW == 0 and tiles.size_px // OVERVIEW >= needed_px
    return OVERVIEW if is_enough else 1


def read_ahead(
    read: Callable[[int], RgbImage], rows: Iterable[int], *, workers: int, depth: int
) -> Generator[tuple[int, RgbImage | InputError], None, None]:
    """Rows and what `read` makes of them, in order, read by threads at most `depth` ahead."""
    pool = ThreadPoolExecutor(workers)
    try:
        yield from _in_order(pool, lambda row: (row, _attempt(read, row)), rows, depth=depth)
    finally:
        pool.shutdown(cancel_futures=True)


def _attempt(read: Callable[[int], RgbImage], row: int) -> RgbImage | InputError:
    try:
        return read(row)
    except InputError as error:
        return error


def _in_order(
    pool: ThreadPoolExecutor, work: Callable[[_T], _R], items: Iterable[_T], *, depth: int
) -> Generator[_R, None, None]:
    """What `work` makes of the items, in order, done by a pool at most `depth` ahead."""
    ahead = iter(items)
    waiting = deque[Future[_R]](pool.submit(work, item) for item in islice(ahead, depth))
    while waiting:
        result = waiting.popleft().result()
        waiting.extend(pool.submit(work, item) for item in islice(ahead, 1))
        yield result


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


def _write_shard(path: Path, batches: Sequence[_Embedded]) -> None:
    rows = [row for batch in batches for row in batch.rows]
    vectors = [batch.vectors for batch in batches if batch.vectors is not None]
    joined = np.concatenate(vectors) if vectors else np.zeros((0, 0), np.float16)
    save_arrays(path, {"rows": np.asarray(rows, np.int64), "vectors": joined})


def _collect(folder: Path, shards: int, dimension: int, asked: int) -> TileVectors:
    """All shards as one array at rest."""
    rows = [np.load(_shard_path(folder, n))["rows"] for n in range(shards)]
    count = sum(len(part) for part in rows)
    shape = (count, dimension)
    if count == 0:
        return TileVectors(np.zeros(0, np.int64), np.zeros(shape, np.float16), asked)
    out = ArrayFile.create(folder / "vectors.npy", np.float16, shape)
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
