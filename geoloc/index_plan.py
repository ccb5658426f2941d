"""What building an index would take, from timing one batch; writes nothing."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import geopandas
import numpy as np
from numpy.typing import NDArray

from geoloc.embed import SATELLITE, Embedder
from geoloc.errors import InputError
from geoloc.index_job import recipe_of, resolve_recipe, unknown_rows
from geoloc.index_manifest import MANIFEST
from geoloc.options import IndexOptions
from geoloc.tile_vectors import quickest_shrink, read_ahead
from geoloc.tileset import TABLE as TILE_TABLE
from geoloc.tileset import TileSet
from geoloc.zoo import read_card


@dataclass(frozen=True)
class IndexPlan:
    """What a run would do.

    Attributes:
        tiles: Tiles that it would embed.
        size_bytes: Of the vectors; local features come on top.
        seconds: For the network and for reading, from timing one batch; None where none
            can be read.
        device: Where the network would run.
    """

    tiles: int
    size_bytes: int
    seconds: float | None
    device: str


def plan_index(
    tiles: str | Path, folder: str | Path, options: IndexOptions | None = None
) -> IndexPlan:
    """What `build_index` would do, without writing anything; times one batch.

    Raises:
        GeolocError: As `build_index`.
    """
    options, folder = options or IndexOptions(), Path(folder)
    with TileSet.open(tiles) as tile_set:
        card = read_card(options.model)
        recipe = recipe_of(tile_set, card, folder, options)
        wanted = resolve_recipe(recipe, folder, options)
        rows = np.arange(len(tile_set)) if wanted else np.zeros(0, np.int64)
        if wanted and len(wanted.tile_digests) > 1 and (folder / MANIFEST).exists():
            rows = unknown_rows(tile_set.table, geopandas.read_parquet(folder / TILE_TABLE))
        embedder = Embedder(card.folder, device=options.device, batch_size=options.batch_size)
        seconds = _time_batch(tile_set, rows, embedder) if len(rows) else None
    copies = 1 if options.factory == IndexOptions.factory else 2
    return IndexPlan(
        tiles=len(rows),
        size_bytes=len(rows) * card.dimension * 2 * copies,
        seconds=None if seconds is None else seconds * len(rows),
        device=str(embedder.device),
    )


def _time_batch(tiles: TileSet, rows: NDArray[np.int64], embedder: Embedder) -> float | None:
    """Seconds a tile, with reading; the first batch only warms up. None if no tile can be read."""
    seconds = None
    for _ in range(2):
        began = time.monotonic()
        read = read_ahead(
            lambda i: embedder.shrink(tiles.read(i, shrink=quickest_shrink(tiles, embedder))),
            rows[: embedder.batch_size].tolist(),
            workers=1,
            depth=embedder.batch_size,
        )
        pixels = [result for _, result in read if not isinstance(result, InputError)]
        if pixels:
            embedder.embed(np.stack(pixels), SATELLITE)
            seconds = (time.monotonic() - began) / len(pixels)
    return seconds
