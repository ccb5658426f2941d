"""Build the local features of a map, tile by tile, into the folder that `FeatureMap` opens.

Parts are written as they are done and merged at the end, so that an interrupted run goes on where
it stopped and ends with the same bytes.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import faiss
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from geoloc.arrays import ByteArray, Float32Array, Float64Array, Int64Array
from geoloc.atomic import replacing, replacing_folder, write_text
from geoloc.geometry.crs import LocalFrame, LonLat
from geoloc.index.features.feature_map import (
    CELL_M,
    DESCRIPTOR,
    FEATURES_MANIFEST,
    FEATURES_VERSION,
    Region,
    cell_keys,
)
from geoloc.index.features.keypoints import (
    ROOT_SIFT,
    DescriptorExtractor,
    DescriptorKind,
    Keypoints,
    detect_keypoints,
    find_keypoints,
    to_grey,
)
from geoloc.models.card import CARD_NAME, WEIGHTS_NAME
from geoloc.progress import Progress, Silent
from geoloc.tiles.tile_set import TileSet, finest_rows

if TYPE_CHECKING:
    from geoloc.index.features.descriptor import PatchNetExtractor

# A margin of pixels around the ground that a tile owns: SIFT sees no keypoint near an edge.
_MARGIN_PX = 40
_PART_TILES = 64
# Brute force is exact and quick enough below this many descriptors.
_EXACT_LIMIT = 60_000


def build_features(
    tiles: TileSet,
    folder: Path,
    *,
    workers: int = 2,
    descriptor: Path | None = None,
    device: str = "cpu",
    progress: Progress | None = None,
) -> int:
    """Detect the features of every tile's own ground and write them to `folder`.

    An interrupted run goes on where it stopped and ends with the same bytes. Only the finest
    ground size of a raster is read: SIFT brings its own scales.

    Args:
        tiles: Tiles of the map.
        folder: Folder to write.
        workers: Number of threads.
        descriptor: Folder of the model that describes the features, which is copied into
            `folder`; None is RootSIFT.
        device: Device of that model, as of `geoloc.models.embedder.resolve_device`.
        progress: Hears of each tile.

    Returns:
        The number of features.
    """
    progress = progress or Silent()
    parts_folder = folder.with_name(folder.name + ".parts")
    extractor = None if descriptor is None else _open_extractor(descriptor, device)
    kind = _kind_of(extractor)
    finished = _finished(folder, tiles, kind)
    if finished is not None:
        shutil.rmtree(parts_folder, ignore_errors=True)
        return finished
    parts_folder.mkdir(parents=True, exist_ok=True)
    plan = _Plan.of(tiles)
    _check_parts(parts_folder, f"{tiles.digest()} {kind.name} {kind.checksum}")
    detect = partial(_tile_features, tiles, plan, extractor)
    parts = [plan.tiles[i : i + _PART_TILES] for i in range(0, len(plan.tiles), _PART_TILES)]
    progress.start("computing local features", len(plan.tiles), "tiles")
    with ThreadPoolExecutor(workers) as pool:
        for number, part in enumerate(parts):
            path = parts_folder / f"{number:06d}.npz"
            if not path.exists():
                _write_part(path, list(pool.map(detect, part)))
            progress.advance(len(part))
    count = _merge(tiles, plan, parts_folder, folder, extractor)
    shutil.rmtree(parts_folder)
    return count


def _open_extractor(folder: Path, device: str) -> PatchNetExtractor:
    from geoloc.index.features.descriptor import PatchNetExtractor  # brings torch

    return PatchNetExtractor(folder, device=device)


def _kind_of(extractor: DescriptorExtractor | None) -> DescriptorKind:
    return ROOT_SIFT if extractor is None else extractor.kind


@dataclass(frozen=True)
class _Plan:
    """Which tiles are read, the region of each, and who owns which ground."""

    tiles: Int64Array
    regions: tuple[Region, ...]
    region_of: NDArray[np.int16]  # by tile
    centres_m: Float64Array  # by tile, in its region's frame
    trees: dict[str, tuple[cKDTree, Int64Array]]  # by raster: its tiles' centres

    @classmethod
    def of(cls, tiles: TileSet) -> _Plan:
        table = tiles.table
        chosen = finest_rows(table)
        regions, region_of = _regions(tiles, chosen)
        centres = np.zeros((len(table), 2))
        lon, lat = table["lon"].to_numpy(float), table["lat"].to_numpy(float)
        for number, region in enumerate(regions):
            mine = chosen[region_of[chosen] == number]
            centres[mine] = region.frame.from_lonlat(lon[mine], lat[mine])
        rasters = table["raster"].to_numpy()
        trees = {}
        for raster in dict.fromkeys(rasters[chosen]):
            mine = chosen[rasters[chosen] == raster]
            trees[str(raster)] = (cKDTree(centres[mine]), mine)
        return cls(chosen, regions, region_of, centres, trees)


def _regions(tiles: TileSet, chosen: Int64Array) -> tuple[tuple[Region, ...], NDArray[np.int16]]:
    """Connected groups of footprints, and the number of the group of every tile."""
    table = tiles.table
    footprints = table.geometry.to_numpy()[chosen]
    # A hair of a degree (about 10 m) joins sheets that share an edge but for rounding.
    ground = shapely.union_all(shapely.buffer(footprints, 1e-4, cap_style="square"))
    pieces = [ground] if ground.geom_type == "Polygon" else list(ground.geoms)
    pieces.sort(key=lambda piece: (piece.bounds[0], piece.bounds[1]))
    tree = shapely.STRtree(pieces)
    middle = shapely.points(table["lon"].to_numpy(float), table["lat"].to_numpy(float))
    piece_of = np.zeros(len(table), np.int16)
    where, piece = tree.query(middle[chosen], predicate="intersects")
    piece_of[chosen[where]] = piece
    rasters = table["raster"].to_numpy()
    regions = []
    for number, shape in enumerate(pieces):
        mine = chosen[piece_of[chosen] == number]
        names = tuple(sorted({str(raster) for raster in rasters[mine]}))
        centre = shape.envelope.centroid
        origin = LonLat(round(centre.x, 6), round(centre.y, 6))
        frame = LocalFrame(origin)
        outline = shapely.transform(shape, lambda xy, f=frame: f.from_lonlat(xy[:, 0], xy[:, 1]))
        reach = np.hypot(*shapely.get_coordinates(outline).T).max()
        regions.append(Region(origin, names, round(outline.area, 1), round(float(reach), 1)))
    return tuple(regions), piece_of


def _tile_features(
    tiles: TileSet, plan: _Plan, extractor: DescriptorExtractor | None, tile: int
) -> dict[str, NDArray[Any]]:
    """Features on the ground that is nearer to this tile's centre than to any other's."""
    pixels = tiles.read(tile)
    rows, cols = _owned_window(tiles, plan, tile)
    crop = pixels[rows, cols]
    valid = np.asarray(crop.any(axis=2))
    find = detect_keypoints if extractor is None else find_keypoints
    keypoints = find(crop, valid=None if bool(valid.all()) else valid)
    offset = np.array([cols.start, rows.start], np.float32)
    keypoints = replace(keypoints, xy_px=keypoints.xy_px + offset)
    frame = plan.regions[plan.region_of[tile]].frame
    xy_m = _pixels_to_frame(tiles, tile, frame, keypoints.xy_px)
    tree, owners = plan.trees[str(tiles.table["raster"].iloc[tile])]
    mine = owners[tree.query(xy_m)[1]] == tile if len(xy_m) else np.zeros(0, bool)
    kept = keypoints.select(mine)
    if extractor is not None:
        # A learned descriptor looks further around than the window in which keypoints are found.
        kept = replace(kept, descriptors=extractor(to_grey(pixels), kept))
    return _to_ground(tiles, tile, frame, kept, xy_m[mine], plan)


def _to_ground(
    tiles: TileSet,
    tile: int,
    frame: LocalFrame,
    keypoints: Keypoints,
    xy_m: Float64Array,
    plan: _Plan,
) -> dict[str, NDArray[Any]]:
    gsd_m, turn_deg = _tile_similarity(tiles, tile, frame)
    shape = np.stack([keypoints.size_px * gsd_m, (keypoints.angle_deg + turn_deg) % 360], axis=1)
    return {
        "xy": xy_m.astype(np.float32),
        "shape": shape.astype(np.float32),
        "region": np.full(len(xy_m), plan.region_of[tile], np.int16),
        "descriptors": keypoints.descriptors,
    }


def _owned_window(tiles: TileSet, plan: _Plan, tile: int) -> tuple[slice, slice]:
    """The part of the tile worth reading: towards each neighbour only half-way and a margin."""
    tree, owners = plan.trees[str(tiles.table["raster"].iloc[tile])]
    pixels = tiles.size_px
    half_m = float(tiles.table["ground_size_m"].iloc[tile]) / 2
    near = owners[tree.query_ball_point(plan.centres_m[tile], 2.2 * half_m)]
    steps = plan.centres_m[near] - plan.centres_m[tile]
    reach = {}
    for name, along, sign in (("e", 0, 1), ("w", 0, -1), ("n", 1, 1), ("s", 1, -1)):
        ahead = sign * steps[:, along]
        beside = np.abs(steps[:, 1 - along])
        straight = ahead[(ahead > 0.02 * half_m) & (beside < 0.2 * half_m)]
        reach[name] = min(half_m, straight.min() / 2 if len(straight) else half_m)
    px = pixels / (2 * half_m)
    middle = pixels / 2

    def limit(low: float, high: float) -> slice:
        return slice(
            max(0, int(middle - low * px) - _MARGIN_PX),
            min(pixels, int(np.ceil(middle + high * px)) + _MARGIN_PX),
        )

    return limit(reach["n"], reach["s"]), limit(reach["w"], reach["e"])


def _pixels_to_frame(
    tiles: TileSet, tile: int, frame: LocalFrame, xy_px: Float32Array
) -> Float64Array:
    transform = tiles.transform(tile)
    columns, rows = xy_px[:, 0].astype(float), xy_px[:, 1].astype(float)
    xs = transform.a * columns + transform.b * rows + transform.c
    ys = transform.d * columns + transform.e * rows + transform.f
    return frame.from_crs(tiles.crs(tile), xs, ys)


def _tile_similarity(tiles: TileSet, tile: int, frame: LocalFrame) -> tuple[float, float]:
    """Metres a pixel of a tile, and how far its rows turn clockwise from the frame's east."""
    size = tiles.size_px
    ends = np.array([[0.0, size / 2], [size, size / 2]], np.float32)
    (x0, y0), (x1, y1) = _pixels_to_frame(tiles, tile, frame, ends)
    gsd_m = float(np.hypot(x1 - x0, y1 - y0)) / size
    return gsd_m, float(np.degrees(np.arctan2(-(y1 - y0), x1 - x0)))


def _finished(folder: Path, tiles: TileSet, kind: DescriptorKind) -> int | None:
    """How many features of these tiles the folder holds already; None if it does not, or not all.

    What comes after the features takes minutes on a large map, and may be interrupted, too.
    """
    path = folder / FEATURES_MANIFEST
    manifest = json.loads(path.read_text()) if path.is_file() else {}
    wanted = {"version": FEATURES_VERSION, "tiles": tiles.digest(), DESCRIPTOR: asdict(kind)}
    is_same = all(manifest.get(name) == value for name, value in wanted.items())
    return int(manifest["count"]) if is_same else None


def _write_part(path: Path, features: list[dict[str, NDArray[Any]]]) -> None:
    arrays: dict[str, Any] = {k: np.concatenate([f[k] for f in features]) for k in features[0]}
    with replacing(path) as draft:
        np.savez(draft, **arrays)


def _check_parts(parts_folder: Path, digest: str) -> None:
    """Drop parts that an earlier run made of other tiles."""
    stamp = parts_folder / "digest"
    if not stamp.exists() or stamp.read_text() != digest:
        for stale in parts_folder.glob("*.npz"):
            stale.unlink()
        write_text(stamp, digest)


def _merge(
    tiles: TileSet,
    plan: _Plan,
    parts_folder: Path,
    folder: Path,
    extractor: PatchNetExtractor | None,
) -> int:
    """Sort all parts by cell and write the folder, complete or not at all."""
    merged = _concatenate(parts_folder)
    keys = cell_keys(
        merged["region"].astype(np.int64), *np.floor(merged["xy"] / CELL_M).astype(np.int64).T
    )
    order = np.argsort(keys, kind="stable")
    with replacing_folder(folder) as draft:
        for name in ("xy", "shape", "region", "descriptors"):
            merged[name] = merged[name][order]
            np.save(draft / f"{name}.npy", merged[name])
        unique, starts = np.unique(keys[order], return_index=True)
        np.savez(draft / "cells.npz", keys=unique, starts=np.append(starts, len(keys)))
        faiss.write_index(_train(merged["descriptors"]), str(draft / "descriptors.faiss"))
        _write_manifest(draft, tiles, plan, len(keys), _kind_of(extractor))
        if extractor is not None:
            # The old folder is still there: it may hold the very model.
            _copy_model(extractor.card.folder, draft / DESCRIPTOR)
    return len(keys)


def _copy_model(source: Path, target: Path) -> None:
    """Copy what photos will be described with, so that the index is whole wherever it goes."""
    target.mkdir()
    for name in (CARD_NAME, WEIGHTS_NAME):
        shutil.copyfile(source / name, target / name)


def _concatenate(parts_folder: Path) -> dict[str, NDArray[Any]]:
    # A draft that a killed run has left is no part.
    parts = [np.load(path) for path in sorted(parts_folder.glob("[0-9]*.npz"))]
    names = ("xy", "shape", "region", "descriptors")
    return {name: np.concatenate([part[name] for part in parts]) for name in names}


def _train(descriptors: ByteArray) -> faiss.Index:
    """An exact index of few descriptors, an inverted file of many."""
    count, size = descriptors.shape
    if count < _EXACT_LIMIT:
        index = _flat_index(size)
    else:
        lists = int(4 * np.sqrt(count))
        quantiser = faiss.IndexFlatL2(size)
        index = faiss.IndexIVFScalarQuantizer(
            quantiser,
            size,
            lists,
            faiss.ScalarQuantizer.QT_8bit_direct,
            faiss.METRIC_L2,
            False,
        )
        index.cp.niter = 8
        index.cp.max_points_per_centroid = 64
        sample = np.random.default_rng(0).permutation(count)[: lists * 64]
        index.train(descriptors[np.sort(sample)].astype(np.float32))
    for chunk in _chunks(count, 100_000):
        index.add(descriptors[chunk].astype(np.float32))
    return index


def _flat_index(size: int) -> faiss.Index:
    index = faiss.IndexScalarQuantizer(size, faiss.ScalarQuantizer.QT_8bit_direct, faiss.METRIC_L2)
    index.is_trained = True
    return index


def _chunks(count: int, size: int) -> Iterator[slice]:
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))


def _write_manifest(
    folder: Path, tiles: TileSet, plan: _Plan, count: int, kind: DescriptorKind
) -> None:
    manifest = {
        "version": FEATURES_VERSION,
        "count": count,
        "gsd_m": float(tiles.table["gsd_m"].to_numpy(float)[plan.tiles].min()),
        "tiles": tiles.digest(),
        "regions": [{**asdict(region), "origin": list(region.origin)} for region in plan.regions],
        DESCRIPTOR: asdict(kind),
    }
    (folder / FEATURES_MANIFEST).write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n")
