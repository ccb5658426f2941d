"""How near `geoloc index` comes to its bare network: prints the ratio, asserts nothing.

The network alone runs on the same pixels, decoded, shrunk and normalised in memory beforehand, in
the same batches and the same precision, in the same process. The runs alternate and the best of
each counts, so that a busy machine disturbs both alike.

    python tests/benchmarks/embed.py [--tiles 128] [--rounds 3] [--model NAME] [--device auto]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import rasterio
import torch
from affine import Affine

from geoloc.index.job import build_index
from geoloc.models.embedder import Embedder, Preprocessing
from geoloc.models.view import SATELLITE
from geoloc.options import DEFAULT_MODEL, IndexOptions, TileOptions
from geoloc.tiles.job import cut_tiles
from geoloc.tiles.tile_set import TileSet


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tiles", type=int, default=128, help="about how many")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--device", default="auto")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tiles = _make_tiles(folder, given.tiles)
        options = IndexOptions(model=given.model, device=given.device)
        _compare(tiles, folder / "index", options, given.rounds)


def _compare(tiles: Path, folder: Path, options: IndexOptions, rounds: int) -> None:
    """Time the network and both kinds of run, in turns."""
    embedder = Embedder(options.model, device=options.device)
    batches = _ready_batches(TileSet.open(tiles), embedder)
    count = sum(len(batch) for batch in batches)
    bare, plain, full = [], [], []
    _run_network(embedder, batches[:2])
    for _ in range(rounds):
        bare.append(_seconds(lambda: _run_network(embedder, batches)))
        plain.append(_seconds(lambda: _index(tiles, folder, options, features=False)))
    full.append(_seconds(lambda: _index(tiles, folder, options, features=True)))
    per_tile = [1000 * min(times) / count for times in (bare, plain, full)]
    precision = embedder.precision or torch.float32
    print(f"{count} tiles, {embedder.device}, {precision}, batches of {embedder.batch_size}")
    print(f"bare network              {per_tile[0]:8.2f} ms a tile")
    print(
        f"geoloc index, vectors     {per_tile[1]:8.2f} ms a tile, ratio {bare_ratio(per_tile, 1)}"
    )
    print(
        f"geoloc index, everything  {per_tile[2]:8.2f} ms a tile, ratio {bare_ratio(per_tile, 2)}"
    )
    print(
        f"vectors on disk           {(folder / 'vectors.faiss').stat().st_size / count:8.0f} bytes"
    )


def bare_ratio(per_tile: list[float], which: int) -> str:
    """The share of a run's time that the bare network would have needed."""
    return f"{per_tile[0] / per_tile[which]:.2f}"


def _make_tiles(folder: Path, count: int) -> Path:
    """About `count` tiles of a seeded, textured map, as `geoloc tile` cuts them by default."""
    across = max(2, round(count**0.5))
    side_px = 256 * (across + 1)
    rng = np.random.default_rng(0)
    coarse = rng.integers(30, 220, (3, side_px // 32, side_px // 32), dtype=np.int16)
    bands = coarse.repeat(32, axis=1).repeat(32, axis=2)
    bands = (bands + rng.integers(-6, 7, bands.shape, dtype=np.int16)).astype(np.uint8)
    gsd_m = 160 / 512
    profile = {"driver": "GTiff", "count": 3, "dtype": "uint8", "crs": "EPSG:32633"}
    place = {"width": side_px, "height": side_px, "tiled": True}
    transform = Affine(gsd_m, 0, 500_000, 0, -gsd_m, 5_800_000)
    with rasterio.open(folder / "map.tif", "w", transform=transform, **profile, **place) as out:
        out.write(bands)
    cut_tiles([str(folder / "map.tif")], folder / "tiles", TileOptions())
    return folder / "tiles"


def _ready_batches(tiles: TileSet, embedder: Embedder) -> list[torch.Tensor]:
    """All pixels, as the network takes them."""
    steps = Preprocessing.of(embedder.card, SATELLITE)
    pixels = np.stack([embedder.shrink(tiles.read(i)) for i in range(len(tiles))])
    size = embedder.batch_size
    return [
        steps.normalise(pixels[i : i + size], embedder.device) for i in range(0, len(pixels), size)
    ]


def _run_network(embedder: Embedder, batches: list[torch.Tensor]) -> None:
    for batch in batches:
        embedder.embed_ready(batch, SATELLITE)


def _index(tiles: Path, folder: Path, options: IndexOptions, *, features: bool) -> None:
    kept = IndexOptions(
        model=options.model, device=options.device, features=features, overwrite=True
    )
    build_index(tiles, folder, kept)


def _seconds(run: Callable[[], None]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
