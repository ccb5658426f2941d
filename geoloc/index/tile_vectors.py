"""Embed tiles, shard by shard: a run that is killed goes on with the next shard.

A shard is a fixed range of the tiles and is cut into batches from its own start, so that the
network sees the same batches (and gives the same bytes) however often the run was interrupted. On
the CPU each worker reads a batch and embeds it on its share of the cores; a GPU embeds while
workers read ahead. Whoever wants the pixels for something else, too, gets them from the same
reading. Where the network looks around its tiles, a shard is a compact block of them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from itertools import islice, tee
from pathlib import Path
from threading import Event
from typing import TypeVar

import numpy as np

from geoloc.arrays import Int64Array, RgbImage
from geoloc.errors import InputError
from geoloc.index.cell_blocks import cell_blocks
from geoloc.index.cell_vectors import CropReader, crops_of, embed_cells
from geoloc.index.dense_cells import DenseReader
from geoloc.index.embedded_batch import EmbeddedBatch
from geoloc.index.exact_search import Vectors
from geoloc.models.device import network_workers
from geoloc.models.embedder import Embedder
from geoloc.models.view import SATELLITE
from geoloc.options import CellMode
from geoloc.progress import CappedWarnings, Progress
from geoloc.storage.array_file import ArrayFile, load_arrays, save_arrays
from geoloc.storage.disk import check_room
from geoloc.tiles.tile_set import OVERVIEW, TileSet

SHARD_TILES = 256
# The most cells of a shard, and its longest side in metres from centre to centre: dense ones share
# more ground the larger they are, and their features must fit in memory, 0.3 GB of the published
# network.
_EXACT_BLOCK = (256, 750.0)
_DENSE_BLOCK = (1024, 1500.0)

# Takes the row of a tile and its pixels (H, W, 3), in any thread and any order.
_Reader = Callable[[int], RgbImage]
# Reads and embeds a batch; what it is given besides raises when the run is over.
_Worker = Callable[[list[int], Callable[[], None]], EmbeddedBatch]
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
    cells: CellMode = "exact",
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
        cells: How tiles are embedded that a network looks around.
    """
    shards = shards_of(tiles, rows, embedder, cells)
    missing = [n for n, asked in enumerate(shards) if not _is_whole(folder, n, asked, embedder)]
    _check_room(folder, len(rows), sum(len(shards[n]) for n in missing), embedder.dimension)
    progress.start("embedding tiles", len(rows), "tiles")
    progress.advance(len(rows) - sum(len(shards[n]) for n in missing))
    unreadable = CappedWarnings(progress.warn, rest="{} more tiles are left out")
    size = _batch_size(embedder, cells)
    wanted = (batch for n in missing for batch in _batches(shards[n], size))
    with closing(_embedded(tiles, wanted, embedder, workers, cells)) as done:
        for n in missing:
            shard, batches = list[EmbeddedBatch](), list(_batches(shards[n], size))
            for batch, asked in zip(islice(done, len(batches)), batches, strict=True):
                for row, error in batch.failures:
                    (record,) = tiles.rows.records([row], ["tile_id"])
                    unreadable.add(f"tile {record['tile_id']} is left out: {error}")
                shard.append(batch)
                progress.advance(len(asked))
            _write_shard(_shard_path(folder, n), shard)
    unreadable.finish()
    return _collect(folder, len(shards), embedder.dimension, len(rows))


def _batches(shard: Int64Array, size: int) -> Iterator[list[int]]:
    return (shard[i : i + size].tolist() for i in range(0, len(shard), size))


def shards_of(
    tiles: TileSet, rows: Int64Array, embedder: Embedder, cells: CellMode
) -> list[Int64Array]:
    """Rows of each shard, ascending; the rows of one shard alone are one shard."""
    if embedder.card.crops is None:
        return [rows[i : i + SHARD_TILES] for i in range(0, len(rows), SHARD_TILES)]
    most, side_m = _DENSE_BLOCK if cells == "dense" else _EXACT_BLOCK
    return cell_blocks(tiles.rows, rows, most=most, side_m=side_m)


def _batch_size(embedder: Embedder, cells: CellMode) -> int:
    """Tiles a step: dense cells share their positions with all of their shard."""
    is_dense = embedder.card.crops is not None and cells == "dense"
    return _DENSE_BLOCK[0] if is_dense else embedder.batch_size


def _embedded(
    tiles: TileSet,
    batches: Iterable[list[int]],
    embedder: Embedder,
    workers: int,
    cells: CellMode,
) -> Generator[EmbeddedBatch, None, None]:
    """The batches in order, embedded in the way that the network and the device want."""
    if embedder.card.crops is not None:
        return _in_workers(_cell_worker(tiles, embedder, cells), batches, workers)
    read = _reader(tiles, embedder)
    if embedder.device.type == "cpu":
        return _in_workers(_tile_worker(read, embedder), batches, workers)
    return _ahead_of_device(read, batches, embedder, workers)


def _cell_worker(tiles: TileSet, embedder: Embedder, cells: CellMode) -> _Worker:
    """What embeds cells from crops of the map; on a GPU, too, for others read meanwhile."""
    crops = crops_of(embedder.card)
    if cells == "dense":
        dense = DenseReader(tiles, crops, embedder)
        return lambda batch, wait: dense.embed(np.array(batch), wait=wait)
    read = CropReader(tiles, crops)
    return lambda batch, wait: embed_cells(read, np.array(batch), embedder, wait=wait)


def _tile_worker(read: _Reader, embedder: Embedder) -> _Worker:
    """What reads and embeds tiles."""

    def work(batch: list[int], wait: Callable[[], None]) -> EmbeddedBatch:
        def read_unless_over(row: int) -> RgbImage:
            wait()
            return read(row)

        return _embed(((row, _attempt(read_unless_over, row)) for row in batch), embedder)

    return work


def _reader(tiles: TileSet, embedder: Embedder) -> _Reader:
    """What reads a tile as the network takes it."""
    shrink = quickest_shrink(tiles, embedder)
    return lambda row: embedder.shrink(tiles.read(row, shrink=shrink))


def _in_workers(
    work: _Worker, batches: Iterable[list[int]], workers: int
) -> Generator[EmbeddedBatch, None, None]:
    """Batches, each read and embedded by one thread; a run that ends leaves what is begun."""
    is_over = Event()

    def wait() -> None:
        if is_over.is_set():
            raise CancelledError

    with network_workers(workers) as pool:
        try:
            yield from _in_order(pool, lambda each: work(each, wait), batches, depth=2 * workers)
        finally:
            is_over.set()


def _ahead_of_device(
    read: _Reader, batches: Iterable[list[int]], embedder: Embedder, workers: int
) -> Generator[EmbeddedBatch, None, None]:
    """Batches that this thread embeds while others read the next."""
    asked, again = tee(batches)
    rows = (row for batch in asked for row in batch)
    depth = 2 * embedder.batch_size + workers
    with closing(read_ahead(read, rows, workers=workers, depth=depth)) as pixels:
        for batch in again:
            yield _embed(islice(pixels, len(batch)), embedder)


def _embed(tiles: Iterable[tuple[int, RgbImage | InputError]], embedder: Embedder) -> EmbeddedBatch:
    batch, pixels = EmbeddedBatch(), list[RgbImage]()
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


def _write_shard(path: Path, batches: Sequence[EmbeddedBatch]) -> None:
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
    joined = np.concatenate(rows)
    order = np.argsort(joined)  # blocks of cells lie beside each other, not one after the other
    places, start = np.argsort(order), 0
    for n, part in enumerate(rows):
        if len(part):
            out[places[start : start + len(part)]] = np.load(_shard_path(folder, n))["vectors"]
        start += len(part)
    return TileVectors(joined[order], out, asked - count)


def missing_shards(
    folder: Path, tiles: TileSet, rows: Int64Array, embedder: Embedder, cells: CellMode
) -> list[tuple[Path, Int64Array]]:
    """The files of the shards that a folder lacks, or holds damaged, and the tiles of each."""
    return [
        (_shard_path(folder, n), asked)
        for n, asked in enumerate(shards_of(tiles, rows, embedder, cells))
        if not _is_whole(folder, n, asked, embedder)
    ]
