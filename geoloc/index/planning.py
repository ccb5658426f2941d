"""What `geoloc index` would do and how long it would take, without writing anything."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from geoloc.arrays import Int64Array
from geoloc.errors import InputError
from geoloc.index.cell_vectors import CropReader, crops_of
from geoloc.index.dense_cells import DenseReader
from geoloc.index.resume import Base, recipe_of, resolve_recipe, unknown_rows
from geoloc.index.tile_vectors import quickest_shrink, read_ahead, shards_of
from geoloc.models.embedder import Embedder
from geoloc.models.network_cost import macs_per_pixel
from geoloc.models.registry import read_card
from geoloc.models.view import SATELLITE
from geoloc.options import CellMode, IndexOptions
from geoloc.tiles.tile_set import TileSet

# Cells that are tried in the middle of the map before none is taken to be readable.
_TRIED = 3


@dataclass(frozen=True)
class CellCost:
    """What one way of embedding cells costs.

    Attributes:
        gmac: Billions of multiply-adds of the network.
        seconds: Time on this machine, from timing one cell; None where none can be read.
    """

    gmac: float
    seconds: float | None


@dataclass(frozen=True)
class IndexPlan:
    """What a run would do.

    Attributes:
        tiles: Number of tiles that it would embed.
        size_bytes: Size of the vectors; local features come on top.
        seconds: Time for the network and for reading, from timing one batch; None where none
            can be read.
        device: Device on which the network would run.
        cells: What each way costs to embed tiles that the network looks around; empty for others.
    """

    tiles: int
    size_bytes: int
    seconds: float | None
    device: str
    cells: dict[CellMode, CellCost]


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
        if wanted and len(wanted.tile_digests) > 1:
            rows = unknown_rows(tile_set.rows, Base.open(folder).tiles)
        embedder = Embedder(card.folder, device=options.device, batch_size=options.batch_size)
        cells: dict[CellMode, CellCost] = {}
        if card.crops is not None and len(rows):
            cells = _cell_costs(tile_set, rows, embedder)
            seconds = cells[options.cells].seconds
        else:
            each = _time_batch(tile_set, rows, embedder) if len(rows) else None
            seconds = None if each is None else each * len(rows)
    copies = 1 if options.factory == IndexOptions.factory else 2
    return IndexPlan(
        tiles=len(rows),
        size_bytes=len(rows) * card.dimension * 2 * copies,
        seconds=seconds,
        device=str(embedder.device),
        cells=cells,
    )


def _cell_costs(tiles: TileSet, rows: Int64Array, embedder: Embedder) -> dict[CellMode, CellCost]:
    """What it costs to embed cells; time goes with the multiply-adds."""
    crops, each = crops_of(embedder.card), macs_per_pixel(embedder)
    per_cell_px = len(crops.ground_sizes_m) * crops.size_px**2
    dense = DenseReader(tiles, crops, embedder)
    shared_px = sum(dense.count_pixels(part) for part in shards_of(tiles, rows, embedder, "dense"))
    own_px = per_cell_px * len(rows)
    macs: dict[CellMode, float] = {
        "exact": own_px * (each.shared + each.own),
        "dense": shared_px * each.shared + own_px * each.own,
    }
    cell_s = _time_cell(CropReader(tiles, crops), rows, embedder)
    return {
        mode: CellCost(
            count / 1e9, None if cell_s is None else cell_s * len(rows) * count / macs["exact"]
        )
        for mode, count in macs.items()
    }


def _time_cell(read: CropReader, rows: Int64Array, embedder: Embedder) -> float | None:
    """Seconds to read and embed a cell; the first only warms up. None if none can be read."""
    seconds = None
    for row in rows[len(rows) // 2 :][:_TRIED].tolist():
        began = time.monotonic()
        try:
            embedder.embed_crops(read(np.array([row])))
        except InputError:
            continue
        if seconds is not None:
            return time.monotonic() - began
        seconds = time.monotonic() - began
    return seconds


def _time_batch(tiles: TileSet, rows: Int64Array, embedder: Embedder) -> float | None:
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
