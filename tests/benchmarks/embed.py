"""How near `geoloc index` comes to its bare network: prints the ratio, asserts nothing.

The network alone runs on the same pixels, decoded, shrunk and normalised in memory beforehand, in
the same batches and the same precision, in the same process: on a CPU by as many workers as
`geoloc index` has, each on its share of the cores. The runs alternate and the best of each counts,
so that a busy machine disturbs both alike; CPU seconds stand beside those of the clock.

    python tests/benchmarks/embed.py [--tiles 128] [--rounds 3] [--model NAME] [--device auto]

On a GPU, or with ``--sweep``, the network and the descriptor of keypoints are also timed alone in
batches of all sizes and every precision, on the device and on all devices of its kind at once.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import rasterio
import torch
from affine import Affine

from geoloc.errors import DependencyError
from geoloc.index.features.descriptor import PatchNetExtractor
from geoloc.index.job import build_index
from geoloc.models.device import network_workers, resolve_device
from geoloc.models.embedder import Embedder, Preprocessing
from geoloc.models.view import SATELLITE
from geoloc.options import DEFAULT_DESCRIPTOR, DEFAULT_MODEL, IndexOptions, TileOptions
from geoloc.tiles.job import cut_tiles
from geoloc.tiles.tile_set import TileSet

BATCHES = {"cpu": (8, 16, 32), "mps": (16, 32, 64, 128), "cuda": (64, 128, 256, 512, 1024)}
PRECISIONS = (None, torch.bfloat16, torch.float16)
SWEPT_IMAGES, SWEPT_PATCHES = 2048, 65536

# CPU seconds and seconds of the clock.
Times = tuple[float, float]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tiles", type=int, default=128, help="about how many")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--workers", type=int, default=IndexOptions.workers)
    parser.add_argument("--sweep", action="store_true", help="also on a CPU")
    given = parser.parse_args()
    try:
        device = resolve_device(given.device)
    except DependencyError as error:
        sys.exit(f"embed.py: {error}")
    if given.sweep or device.type != "cpu":
        _sweep(given.model, device)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tiles = _make_tiles(folder, given.tiles)
        options = IndexOptions(model=given.model, device=given.device, workers=given.workers)
        _compare(tiles, folder / "index", options, given.rounds)


def _sweep(model: str, device: torch.device) -> None:
    """Time the network and the descriptor alone, in all ways that a device offers."""
    few = 1 if device.type != "cpu" else 16
    rng = np.random.default_rng(0)
    devices = [str(device)]
    if device.type == "cuda" and torch.cuda.device_count() > 1:
        devices = [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    embedders = [Embedder(model, device=each) for each in devices]
    side = Preprocessing.of(embedders[0].card, SATELLITE)
    shape = (SWEPT_IMAGES // few, side.height_px, side.width_px, 3)
    images = rng.integers(0, 256, shape, dtype=np.uint8)
    for some in [embedders[:1], embedders] if len(embedders) > 1 else [embedders]:
        for precision in PRECISIONS:
            for batch_size in BATCHES[device.type]:
                for embedder in some:
                    embedder.precision, embedder.batch_size = precision, batch_size
                each_s = _seconds_each(some, images)
                name = str(precision or torch.float32).removeprefix("torch.")
                print(
                    f"network on {len(some)} x {device}, {name:<9}batches of {batch_size:5d}:"
                    f"{each_s * 1000:9.3f} ms an image"
                )
    extractor = PatchNetExtractor(DEFAULT_DESCRIPTOR, device=devices[0])
    patches = rng.integers(0, 256, (SWEPT_PATCHES // few, 32, 32, 3), dtype=np.uint8)
    extractor.vectors(patches)
    _, clock_s = _times(lambda: extractor.vectors(patches))
    print(f"descriptor on {device}: {clock_s / len(patches) * 1e6:.2f} us a patch")


def _seconds_each(embedders: Sequence[Embedder], images: np.ndarray) -> float:
    """Seconds of the clock an image, when the devices share the work."""

    def work() -> None:
        with ThreadPoolExecutor(len(embedders)) as pool:
            list(pool.map(lambda embedder: embedder.embed(images, SATELLITE), embedders))

    work()
    return _times(work)[1] / (len(images) * len(embedders))


def _compare(tiles: Path, folder: Path, options: IndexOptions, rounds: int) -> None:
    """Time the network and both kinds of run, in turns."""
    embedder = Embedder(options.model, device=options.device)
    batches = _ready_batches(TileSet.open(tiles), embedder)
    count = sum(len(batch) for batch in batches)
    bare, plain, full = list[Times](), list[Times](), list[Times]()
    _run_network(embedder, batches[:2], options.workers)
    for _ in range(rounds):
        bare.append(_times(lambda: _run_network(embedder, batches, options.workers)))
        plain.append(_times(lambda: _index(tiles, folder, options, features=False)))
    full.append(_times(lambda: _index(tiles, folder, options, features=True)))
    precision = embedder.precision or torch.float32
    print(f"{count} tiles, {embedder.device}, {precision}, batches of {embedder.batch_size}")
    rows = {"bare network": bare, "geoloc index, vectors": plain, "geoloc index, everything": full}
    least = {
        name: [min(each) / count for each in zip(*times, strict=True)]
        for name, times in rows.items()
    }
    for name, (cpu_s, clock_s) in least.items():
        bare_cpu_s, bare_clock_s = least["bare network"]
        print(
            f"{name:<26}{1000 * clock_s:8.2f} ms a tile, ratio {bare_clock_s / clock_s:.2f}"
            f" ({1000 * cpu_s:.2f} ms of CPU, ratio {bare_cpu_s / cpu_s:.2f})"
        )
    stored = sum(path.stat().st_size for path in folder.glob("vectors*.faiss")) / count
    print(f"vectors on disk           {stored:8.0f} bytes a tile")


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


def _run_network(embedder: Embedder, batches: list[torch.Tensor], workers: int) -> None:
    if embedder.device.type != "cpu":
        for batch in batches:
            embedder.embed_ready(batch, SATELLITE)
        return
    with network_workers(workers) as pool:
        list(pool.map(lambda batch: embedder.embed_ready(batch, SATELLITE), batches))


def _index(tiles: Path, folder: Path, options: IndexOptions, *, features: bool) -> None:
    build_index(tiles, folder, replace(options, features=features, overwrite=True))


def _times(run: Callable[[], None]) -> Times:
    cpu_s, clock_s = time.process_time(), time.perf_counter()
    run()
    return time.process_time() - cpu_s, time.perf_counter() - clock_s


if __name__ == "__main__":
    main()
