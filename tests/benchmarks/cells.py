"""Dense cells against exact ones: how near, and how much quicker; prints figures, asserts none.

Cells of a fabricated town are embedded from their own crops, and from features that they share.
Queries are the crops of the same cells, moved by 10 m in a random direction and turned by up to 10
degrees: a query is found where its own cell is the best. Both indexes answer the same queries.
The model is a folder of one's own, or the statewide network with a small backbone, whose weights
are made from their names: it has learnt nothing, so it says what the arithmetic does to vectors,
and little of how they rank. Seconds are those of one processor, in one run.

    python tests/benchmarks/cells.py [--model FOLDER] [--side 10] [--work DIR]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from geoloc.arrays import Float32Array, Int64Array
from geoloc.geometry.crs import LocalFrame, LonLat
from geoloc.index.cell_vectors import CropReader, crops_of, embed_cells
from geoloc.index.dense_cells import DenseReader
from geoloc.index.embedded_batch import EmbeddedBatch
from geoloc.index.ground_grid import GroundAxes, GroundGrid
from geoloc.index.map_ground import MapGround
from geoloc.models.conversion.checkpoint import write_checkpoint
from geoloc.models.conversion.job import import_model
from geoloc.models.embedder import Embedder
from geoloc.models.network_cost import macs_per_pixel
from geoloc.options import ImportOptions, TileOptions
from geoloc.synthetic.world import World, write_map
from geoloc.tiles.job import cut_tiles
from geoloc.tiles.tile_set import TileSet
from tests.fixtures import statewide

MOVED_M, TURNED_DEG = 10.0, 10.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, help="model folder; default: weights of no training")
    parser.add_argument("--side", type=int, default=10, help="cells a side")
    parser.add_argument("--work", type=Path, help="keeps the map and the model")
    given = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        work = given.work or Path(scratch)
        embedder = Embedder(given.model or untrained_model(work), device="cpu")
        tiles = cut_town(work, embedder, side=given.side)
        rows = middle_rows(tiles, given.side)
        measure(tiles, rows, embedder)


def untrained_model(work: Path) -> Path:
    """The statewide network with convnext_atto and weights made from their names."""
    folder = work / "untrained"
    if not folder.exists():
        write_checkpoint(statewide.official_weights(statewide.ATTO), work / "atto.safetensors")
        import_model(work / "atto.safetensors", folder, ImportOptions("statewide", "untrained"))
    return folder


def cut_town(work: Path, embedder: Embedder, *, side: int) -> TileSet:
    """Cells of a town that is as large as the crops of so many cells a side."""
    crops, cell_m = crops_of(embedder.card), embedder.card.tile_ground_size_m
    size_m = round(side * cell_m + max(crops.ground_sizes_m) + 2 * cell_m)
    town = work / f"town_{size_m}.tif"
    if not town.exists():
        write_map(World(size_m=size_m, seed=7), town, gsd_m=0.3)
    tiles = work / f"cells_{size_m}_{embedder.card.name}"
    options = TileOptions(model=str(embedder.card.folder), ground_sizes_m=(cell_m,))
    cut_tiles([str(town)], tiles, options)
    return TileSet.open(tiles)


def middle_rows(tiles: TileSet, side: int) -> Int64Array:
    """So many cells a side in the middle of the map."""
    table = tiles.table
    inside = np.ones(len(table), bool)
    for axis in ("row", "col"):
        first = (int(table[axis].max()) + 1 - side) // 2
        inside &= table[axis].between(first, first + side - 1).to_numpy()
    return np.flatnonzero(inside)


def measure(tiles: TileSet, rows: Int64Array, embedder: Embedder) -> None:
    """Embed cells both ways, ask both for the same queries, and print."""
    crops = crops_of(embedder.card)
    read, dense_reader = CropReader(tiles, crops), DenseReader(tiles, crops, embedder)
    began = time.process_time()
    parts = [embed_cells(read, part, embedder, wait=lambda: None) for part in _tens(rows)]
    exact_s, began = time.process_time() - began, time.process_time()
    dense = _unit(dense_reader.embed(rows, wait=lambda: None))
    dense_s = time.process_time() - began
    exact = np.concatenate([_unit(part) for part in parts])
    queries = moved_vectors(tiles, rows, embedder)
    best = (queries @ exact.T).argmax(axis=1)
    others = (exact @ exact.T)[~np.eye(len(rows), dtype=bool)]
    cosines, numbers = (dense * exact).sum(axis=1), np.arange(len(rows))
    own_px, cost = len(rows) * len(crops.gsds_m) * crops.size_px**2, macs_per_pixel(embedder)
    dense_macs = dense_reader.count_pixels(rows) * cost.shared + own_px * cost.own
    print(f"{len(rows)} cells, queries moved by {MOVED_M:g} m and turned by {TURNED_DEG:g} degrees")
    print(f"CPU seconds: exact {exact_s:.1f}, dense {dense_s:.1f}, {exact_s / dense_s:.1f} times;")
    print(f"  multiply-adds: {own_px * sum(cost) / dense_macs:.1f} times")
    print(f"cosine of a cell's two vectors: mean {cosines.mean():.3f}, least {cosines.min():.3f}")
    print(f"cosine of two cells, exact: mean {others.mean():.3f}")
    print(f"the same less the mean of all: {_centred(dense, exact).mean():.2f}")
    for name, vectors in (("exact", exact), ("dense", dense)):
        found = (queries @ vectors.T).argmax(axis=1)
        right, alike = (found == numbers).mean(), (found == best).mean()
        print(f"{name}: own cell first {right:.2f}, as exact {alike:.2f}")


def _tens(rows: Int64Array) -> list[Int64Array]:
    return [rows[i : i + 10] for i in range(0, len(rows), 10)]


def _unit(batch: EmbeddedBatch) -> Float32Array:
    assert batch.vectors is not None
    return batch.vectors.astype(np.float32)


def _centred(one: Float32Array, other: Float32Array) -> Float32Array:
    """Cosines (N,) of two vectors each, less the mean of the second ones."""
    mean = other.mean(axis=0)
    units = [(v - mean) / np.linalg.norm(v - mean, axis=1, keepdims=True) for v in (one, other)]
    return np.asarray((units[0] * units[1]).sum(axis=1))


def moved_vectors(tiles: TileSet, rows: Int64Array, embedder: Embedder) -> Float32Array:
    """Vectors (N, D) of the crops of cells, moved and turned."""
    crops, rng = crops_of(embedder.card), np.random.default_rng(1)
    ground, first = MapGround(tiles, fill=crops.fill), tiles.rows.rasters[0]
    vectors = list[Float32Array]()
    for row in rows.tolist():
        place = LonLat(float(tiles.rows.lon[row]), float(tiles.rows.lat[row]))
        turned_deg = crops.bearing_deg + rng.uniform(-TURNED_DEG, TURNED_DEG)
        axes, way = GroundAxes(LocalFrame(place), turned_deg), rng.uniform(0, 2 * np.pi)
        centre_m = MOVED_M * np.array([[np.cos(way), np.sin(way)]])
        grids = [
            GroundGrid.around(axes, centre_m, gsd_m=gsd_m, side_px=crops.size_px)
            for gsd_m in crops.gsds_m
        ]
        inside = slice(0, crops.size_px)
        seen = np.stack([ground.read(grid, first=first)[inside, inside] for grid in grids])
        vectors.append(embedder.embed_crops(seen[None])[0])
    return np.array(vectors)


if __name__ == "__main__":
    main()
