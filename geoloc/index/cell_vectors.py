"""Vectors of cells, each from its own crops of the map: exactly what the network is made for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from geoloc.arrays import ByteArray, Int64Array
from geoloc.errors import InputError, ModelError, OptionError
from geoloc.index.cell_blocks import axes_of
from geoloc.index.embedded_batch import EmbeddedBatch
from geoloc.index.ground_grid import GroundGrid
from geoloc.index.map_ground import MapGround
from geoloc.models.card import ModelCard, TileCrops
from geoloc.models.embedder import Embedder
from geoloc.tiles.manifest import TileScheme
from geoloc.tiles.tile_set import TileSet


def crops_of(card: ModelCard) -> TileCrops:
    """The crops that a model looks at.

    Raises:
        ModelError: It looks at the tile alone.
    """
    if card.crops is None:
        raise ModelError(
            f"model {card.name} looks at tiles, not at crops around them; expected a card with "
            "[tile.crops]",
            path=card.folder,
        )
    return card.crops


def check_crops(scheme: TileScheme, card: ModelCard, folder: Path, *, model: str) -> None:
    """Make sure that tiles were cut for what a model looks at.

    Args:
        scheme: How the tiles were cut.
        card: The model.
        folder: Folder of the tiles.
        model: What the user calls the model.

    Raises:
        OptionError: They were not.
    """
    if scheme.crops == card.crops:
        return
    raise OptionError(
        f"the tiles in {folder} were cut for {_seen(scheme.crops)}, and model {card.name} looks "
        f"at {_seen(card.crops)}; cut others: geoloc tile --model {model}, or name the model "
        "that these are for with --model"
    )


def _seen(crops: TileCrops | None) -> str:
    if crops is None:
        return "the tiles alone"
    sides = ", ".join(f"{side_m:g}" for side_m in crops.ground_sizes_m)
    return (
        f"crops of {sides} m around their centres ({crops.size_px} pixels, "
        f"{crops.bearing_deg:g} degrees up)"
    )


class CropReader:
    """Reads the crops of cells; safe to read from several threads.

    Args:
        tiles: The cells.
        crops: What is seen of each.
    """

    def __init__(self, tiles: TileSet, crops: TileCrops) -> None:
        self._tiles = tiles
        self._crops = crops
        self._ground = MapGround(tiles, fill=crops.fill)

    def __call__(self, rows: Int64Array) -> ByteArray:
        """Crops (N, L, S, S, 3) of cells near each other; the map is read once a ground size.

        A crop begins at a whole pixel of that reading, so its middle lies within half a pixel of
        the cell's centre, on both axes.

        Raises:
            RasterError: The map is damaged there, or gone.
        """
        table, side_px = self._tiles.rows, self._crops.size_px
        axes = axes_of(table, rows, self._crops.bearing_deg)
        centres_m = axes.from_lonlat(table.lon[rows], table.lat[rows])
        first = table.rasters[int(table.raster[rows[0]])]
        out = np.empty((len(rows), len(self._crops.gsds_m), side_px, side_px, 3), np.uint8)
        for level, gsd_m in enumerate(self._crops.gsds_m):
            grid = GroundGrid.around(axes, centres_m, gsd_m=gsd_m, side_px=side_px)
            pixels = self._ground.read(grid, first=first)
            corners = np.rint(grid.pixels_of(centres_m) - side_px / 2).astype(int)
            for cell, (col, row) in enumerate(corners.tolist()):
                out[cell, level] = pixels[row : row + side_px, col : col + side_px]
        return out


def embed_cells(
    read: CropReader, rows: Int64Array, embedder: Embedder, *, wait: Callable[[], None]
) -> EmbeddedBatch:
    """Embed cells near each other from their crops.

    Where the map cannot be read for all of them, each is tried alone: damage costs only the cells
    whose crops it lies in.

    Args:
        read: Reads their crops.
        rows: (N,) their rows.
        embedder: The network.
        wait: Raises when the run is over.
    """
    wait()
    try:
        crops = read(rows)
    except InputError as error:
        if len(rows) == 1:
            return EmbeddedBatch(failures=[(int(rows[0]), error)])
        return _one_by_one(read, rows, embedder, wait)
    vectors = embedder.embed_crops(crops).astype(np.float16)
    return EmbeddedBatch(rows.tolist(), vectors)


def _one_by_one(
    read: CropReader, rows: Int64Array, embedder: Embedder, wait: Callable[[], None]
) -> EmbeddedBatch:
    whole = EmbeddedBatch()
    for i in range(len(rows)):
        batch = embed_cells(read, rows[i : i + 1], embedder, wait=wait)
        whole.failures += batch.failures
        if batch.vectors is not None:
            kept = () if whole.vectors is None else (whole.vectors,)
            whole.rows += batch.rows
            whole.vectors = np.concatenate([*kept, batch.vectors])
    return whole
