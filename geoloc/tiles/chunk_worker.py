"""Cut chunks of tiles in the actors of a cluster, to the same files as with threads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from types import TracebackType

import rasterio

from geoloc.cluster import ActorPool, Lost
from geoloc.options import EngineOptions
from geoloc.tiles.cutting import CACHE_BYTES, Outcome, RasterJob, TileSpec, cut_chunk

# What a killed run may lose of each actor; neighbours share blocks of the raster.
_MOST_TILES = 512

_Question = tuple[RasterJob, Sequence[TileSpec]]


def open_worker() -> ChunkWorker:
    """A worker in an actor."""
    return ChunkWorker()


class ChunkWorker:
    """Cuts chunks, each with a handle of its raster."""

    def __call__(self, question: _Question) -> list[Outcome]:
        """What became of the tiles of a chunk."""
        outcomes: list[Outcome] = []
        with rasterio.Env(GDAL_CACHEMAX=CACHE_BYTES):
            cut_chunk(*question, outcomes.append)
        return outcomes


class ClusterCutter:
    """Cuts rasters like `geoloc.tiles.cutting.cut_raster`; a context that holds its actors.

    Args:
        engine: Which cluster; it is joined for the first raster.
    """

    def __init__(self, engine: EngineOptions) -> None:
        self._engine = engine
        self._pool: ActorPool[_Question, list[Outcome]] | None = None
        self._open = ExitStack()

    def __enter__(self) -> ClusterCutter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def __call__(
        self, job: RasterJob, chunks: Sequence[Sequence[TileSpec]], *, workers: int
    ) -> Iterator[list[Outcome]]:
        """Cut chunks of tiles, and yield what became of each.

        A chunk over which actors die is asked for tile by tile; the tile that they die over counts
        as unreadable.

        Args:
            job: What they have in common.
            chunks: The tiles.
            workers: Of threads, which are none here.

        Raises:
            OptionError: A creation option was refused.
        """
        parts = [
            (job, chunk[first : first + _MOST_TILES])
            for chunk in chunks
            for first in range(0, len(chunk), _MOST_TILES)
        ]
        if not parts:
            return
        if self._pool is None:
            pool = ActorPool[_Question, list[Outcome]](self._engine, open_worker)
            self._pool = self._open.enter_context(pool)
        for (_, chunk), answer in zip(parts, self._pool.answers(parts), strict=True):
            if isinstance(answer, Lost):
                yield from self._one_by_one(self._pool, job, chunk)
            else:
                yield answer

    def _one_by_one(
        self,
        pool: ActorPool[_Question, list[Outcome]],
        job: RasterJob,
        chunk: Sequence[TileSpec],
    ) -> Iterator[list[Outcome]]:
        for spec, answer in zip(chunk, pool.answers((job, [s]) for s in chunk), strict=True):
            if isinstance(answer, Lost):
                why = f"the process that cut it died, twice ({answer.reason})"
                yield [Outcome(spec.tile_id, unreadable=why)]
            else:
                yield answer
