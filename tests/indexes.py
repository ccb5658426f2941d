"""A tiny model with random weights and a few tiles, to build indexes from in a moment."""

from __future__ import annotations

from pathlib import Path

import geopandas
import numpy as np
import safetensors.torch
import torch
from affine import Affine

from geoloc.checkpoints import sha256_of
from geoloc.options import IndexOptions, TileOptions
from geoloc.tiling import cut_tiles
from geoloc.zoo import build_network, read_card
from tests.rasters import write_raster

TILE_PX = 64
TILE_M = 64.0
STRIDE_M = 32

_CARD = """\
name = "{name}"
architecture = "clnet"
views = ["satellite", "drone"]
dimension = 16

[tile]
ground_size_m = 64.0
size_px = 64

[input]
mean = {mean}
std = [0.2, 0.2, 0.2]

[input.size]
satellite = [32, 32]
drone = [32, 32]

[options]
backbone = "test_convnext"
ground_grid = [1, 1]
satellite_grid = [1, 1]
converter_width = 4
head = "grid"
grid_side = 1
grid_width = 8
dimension = 16
layer_scale = 0.1

[weights]
sha256 = "{sha256}"
"""


def write_model(folder: Path, *, name: str = "tiny", seed: int = 0, mean: float = 0.5) -> Path:
    """A model folder whose network is small enough for a test."""
    folder.mkdir(parents=True)
    fill = {"name": name, "mean": [mean] * 3}
    (folder / "model.toml").write_text(_CARD.format(sha256="", **fill))
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = build_network(read_card(folder))
    safetensors.torch.save_file(network.state_dict(), folder / "model.safetensors")
    sha256 = sha256_of(folder / "model.safetensors")
    (folder / "model.toml").write_text(_CARD.format(sha256=sha256, **fill))
    return folder


def write_map(path: Path, *, columns: int = 4, rows: int = 4, east_m: float = 0) -> Path:
    """A seeded UTM raster of 1 m pixels that holds (columns, rows) overlapping tiles."""
    width = int(TILE_M + (columns - 1) * STRIDE_M)
    height = int(TILE_M + (rows - 1) * STRIDE_M)
    rng = np.random.default_rng(abs(hash((columns, rows, int(east_m)))) % 2**32)
    bands = rng.integers(1, 255, (3, height // 4, width // 4), dtype=np.uint8)
    bands = bands.repeat(4, axis=1).repeat(4, axis=2)
    transform = Affine(1, 0, 500_000 + east_m, 0, -1, 5_800_000)
    return write_raster(path, bands, crs="EPSG:32633", transform=transform)


def write_tiles(folder: Path, *rasters: Path, virtual: bool = False) -> Path:
    """The rasters, cut."""
    options = TileOptions(ground_sizes_m=(TILE_M,), size_px=TILE_PX, virtual=virtual, workers=1)
    cut_tiles([str(path) for path in rasters], folder, options)
    return folder


def options_for(model: Path, **changes: object) -> IndexOptions:
    """Options that build with a fabricated model, without local features unless asked for."""
    values: dict[str, object] = {
        "device": "cpu",
        "features": False,
        "descriptor": "rootsift",
        "workers": 1,
        "batch_size": 4,
    }
    return IndexOptions(model=str(model), **(values | changes))  # type: ignore[arg-type]


def folder_bytes(folder: Path) -> dict[str, bytes]:
    """Every file of a folder and what it holds."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def spoil_tile(tiles: Path, row: int) -> str:
    """Damage the file of one tile; its name."""
    table = geopandas.read_parquet(tiles / "tiles.parquet")
    (tiles / table["location"].iloc[row]).write_bytes(b"not a tiff")
    return str(table["tile_id"].iloc[row])
