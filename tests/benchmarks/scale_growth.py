"""What `geoloc index` takes of tiles that nobody could cut and embed for a benchmark.

    python tests/benchmarks/scale_growth.py cut FOLDER TILES_A_SIDE EAST_KM
    python tests/benchmarks/scale_growth.py index TILES FOLDER [--append]

`cut` writes a folder of tiles without pixels. `index` is the real thing from end to end, with the
network loaded, but for three things that cost as much on any map: pixels are black, the network
answers with random vectors, and a tile gives 40 random features on the ground that it owns.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine
from pyproj import CRS

from geoloc.arrays import AnyArray, Float32Array, RgbImage
from geoloc.geometry.crs import to_lonlat
from geoloc.index.features.block_file import make_records
from geoloc.index.features.block_grid import BlockId, blocks_at
from geoloc.index.features.plan import Plan, owned_window
from geoloc.index.features.tile_features import BlockRecords
from geoloc.tiles.manifest import TILES_MANIFEST, RasterEntry, TileManifest, TileScheme
from geoloc.tiles.table_files import write_table
from geoloc.tiles.tile_set import TileSet

# As many tiles a km² as half-overlapping tiles of 160 m are: 144 on a kilometre of `scale_maps`.
SIDE_M, STEP_M, SIZE_PX = 160.0, 1000.0 / 12, 512
_FEATURES = 40
_CRS = CRS("EPSG:32634")
_CORNER_M = (500_000.0, 2_700_000.0)


def cut(folder: Path, side: int, east_km: int) -> int:
    """Write `side` times `side` tiles, so many kilometres in the east; their number."""
    import shapely

    name = f"made-up-{side}-{east_km}"
    row, col = (axis.ravel() for axis in np.indices((side, side)))
    west = _CORNER_M[0] + 1000.0 * east_km + col * STEP_M
    north = _CORNER_M[1] - row * STEP_M
    steps = [(0, -1), (1, -1), (1, 0), (0, 0)]
    corners = [to_lonlat(_CRS, west + right * SIDE_M, north + up * SIDE_M) for right, up in steps]
    lon, lat = to_lonlat(_CRS, west + SIDE_M / 2, north - SIDE_M / 2).T
    gsd_m = SIDE_M / SIZE_PX
    count = len(row)
    ids = [f"{name}_160_{r}_{c}" for r, c in zip(row.tolist(), col.tolist(), strict=True)]
    folder.mkdir(parents=True)
    table = {
        "tile_id": ids,
        "location": [f"pixels/{name}/160/{tile_id}.tif" for tile_id in ids],
        **{offset: [0.0] * count for offset in ("col_off", "row_off")},
        **{length: [float(SIZE_PX)] * count for length in ("width", "height")},
        "crs": ["EPSG:32634"] * count,
        "transform": [
            [gsd_m, 0.0, x, 0.0, -gsd_m, y]
            for x, y in zip(west.tolist(), north.tolist(), strict=True)
        ],
        "ground_size_m": [SIDE_M] * count,
        "gsd_m": [gsd_m] * count,
        "valid_fraction": [1.0] * count,
        "lon": lon.tolist(),
        "lat": lat.tolist(),
        "row": row.tolist(),
        "col": col.tolist(),
        "raster": [f"{name}.tif"] * count,
        "stretch": [""] * count,
        "geometry": shapely.polygons(np.stack(corners, axis=1)),
    }
    write_table(folder, table)
    scheme = TileScheme((SIDE_M,), 0.5, SIZE_PX, 0.5)
    digest = hashlib.sha256("\n".join(ids).encode()).hexdigest()
    manifest = TileManifest(scheme, (RasterEntry(f"{name}.tif", name, tiles=count),), digest)
    manifest.write(folder / TILES_MANIFEST)
    return count


def index(tiles: Path, folder: Path, *more: str) -> int:
    """Index tiles, or add them, without their pixels; their number."""
    from geoloc.index.features import building
    from geoloc.index.job import build_index
    from geoloc.models.embedder import Embedder
    from geoloc.options import IndexOptions

    replaced: tuple[tuple[Any, str, Any], ...] = (
        (TileSet, "read", _black),
        (Embedder, "embed", _random_vectors),
        (building, "describe_tile", _random_features),
    )
    for owner, name, other in replaced:
        setattr(owner, name, other)
    return build_index(tiles, folder, IndexOptions(append="--append" in more)).added


def _black(tiles: TileSet, i: int, *, shrink: int = 1) -> RgbImage:
    tiles.transform(i)  # a row of the table is read for the pixels of a tile
    return np.zeros((SIZE_PX // shrink, SIZE_PX // shrink, 3), np.uint8)


def _random_vectors(embedder: Any, images: AnyArray, *_: Any, **__: Any) -> Float32Array:
    rng = np.random.default_rng(len(images))
    vectors = rng.standard_normal((len(images), embedder.dimension), np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def _random_features(tiles: TileSet, plan: Plan, extractor: Any, tile: int) -> BlockRecords:
    rng = np.random.default_rng(tile)
    owned_window(tiles, plan, tile)
    here = Affine(*tiles.transform(tile)[:6])
    own_px = STEP_M / SIDE_M * SIZE_PX
    xy_px = (SIZE_PX - own_px) / 2 + own_px * rng.random((_FEATURES, 2))
    xs, ys = here.c + here.a * xy_px[:, 0], here.f + here.e * xy_px[:, 1]
    region = plan.regions[plan.region_of[tile]]
    owned = plan.owned(tiles, tile, region.frame.from_crs(_CRS, xs, ys))
    lonlat = to_lonlat(_CRS, xs[owned], ys[owned])
    cells = blocks_at(*lonlat.T)
    found = {}
    for row, col in np.unique(cells, axis=0).tolist():
        block = BlockId(row, col)
        mine = (cells == block).all(axis=1)
        count, size = int(mine.sum()), extractor.kind.size
        descriptors = rng.integers(0, 256, (count, size), np.uint8)
        xy_m = block.frame.from_lonlat(*lonlat[mine].T)
        found[block] = make_records(xy_m, np.full(count, 4.0), np.zeros(count), descriptors)
    return found


if __name__ == "__main__":
    what, first, second, *more = sys.argv[1:]
    if what == "cut":
        added = cut(Path(first), int(second), int(more[0]))
    else:
        added = index(Path(first), Path(second), *more)
    print(json.dumps({"added": added}))
