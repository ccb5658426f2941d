"""Build the local features of a map, tile by tile, into the folder that `FeatureMap` opens.

Parts are written as they are done and merged at the end, so that an interrupted run goes on where
it stopped and ends with the same bytes.
"""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import faiss
import numpy as np

from geoloc.arrays import ByteArray, Float32Array, Float64Array
from geoloc.geometry.crs import LocalFrame
from geoloc.index.faiss_file import write_faiss
from geoloc.index.features.feature_map import (
    CELL_M,
    DESCRIPTOR,
    FEATURES_MANIFEST,
    FEATURES_VERSION,
    FeatureMap,
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
from geoloc.index.features.known import NAMES, Arrays, KnownFeatures
from geoloc.index.features.plan import Plan, owned_window
from geoloc.models.card import CARD_NAME, WEIGHTS_NAME
from geoloc.progress import Progress, Silent
from geoloc.storage.array_file import load_arrays, save_array, save_arrays
from geoloc.storage.atomic import replacing_folder, write_text
from geoloc.tiles.tile_set import TileSet

if TYPE_CHECKING:
    from geoloc.index.features.descriptor import PatchNetExtractor

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
    known: KnownFeatures | None = None,
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
        known: Features of the first tiles, which are taken as they are.
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
    plan = Plan.of(tiles, known=known.tiles if known else 0)
    _check_parts(parts_folder, f"{tiles.digest()} {kind.name} {kind.checksum}")
    detect = partial(_tile_features, tiles, plan, extractor)
    parts = [plan.tiles[i : i + _PART_TILES] for i in range(0, len(plan.tiles), _PART_TILES)]
    progress.start("computing local features", len(plan.tiles), "tiles")
    with ThreadPoolExecutor(workers) as pool:
        for number, part in enumerate(parts):
            path = _part_path(parts_folder, number)
            if not _is_whole(path, kind):
                _write_part(path, list(pool.map(detect, part)))
            progress.advance(len(part))
    merged = [] if known is None else [known.read(plan, kind)]
    merged += [_read_part(_part_path(parts_folder, number)) for number in range(len(parts))]
    count = _merge(merged, tiles, plan, folder, extractor)
    shutil.rmtree(parts_folder)
    return count


def _open_extractor(folder: Path, device: str) -> PatchNetExtractor:
    from geoloc.index.features.descriptor import PatchNetExtractor  # brings torch

    return PatchNetExtractor(folder, device=device)


def _kind_of(extractor: DescriptorExtractor | None) -> DescriptorKind:
    return ROOT_SIFT if extractor is None else extractor.kind


def _tile_features(
    tiles: TileSet, plan: Plan, extractor: DescriptorExtractor | None, tile: int
) -> Arrays:
    """Features on the ground that this tile owns."""
    pixels = tiles.read(tile)
    rows, cols = owned_window(tiles, plan, tile)
    crop = pixels[rows, cols]
    valid = np.asarray(crop.any(axis=2))
    find = detect_keypoints if extractor is None else find_keypoints
    keypoints = find(crop, valid=None if bool(valid.all()) else valid)
    offset = np.array([cols.start, rows.start], np.float32)
    keypoints = replace(keypoints, xy_px=keypoints.xy_px + offset)
    frame = plan.regions[plan.region_of[tile]].frame
    xy_m = _pixels_to_frame(tiles, tile, frame, keypoints.xy_px)
    mine = plan.owned(tiles, tile, xy_m)
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
    plan: Plan,
) -> Arrays:
    gsd_m, turn_deg = _tile_similarity(tiles, tile, frame)
    shape = np.stack([keypoints.size_px * gsd_m, (keypoints.angle_deg + turn_deg) % 360], axis=1)
    return {
        "xy": xy_m.astype(np.float32),
        "shape": shape.astype(np.float32),
        "region": np.full(len(xy_m), plan.region_of[tile], np.int16),
        "descriptors": keypoints.descriptors,
    }


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


def _part_path(parts_folder: Path, number: int) -> Path:
    return parts_folder / f"{number:06d}.npz"


def _write_part(path: Path, features: list[Arrays]) -> None:
    save_arrays(path, {k: np.concatenate([f[k] for f in features]) for k in features[0]})


def _is_whole(path: Path, kind: DescriptorKind) -> bool:
    """Whether a part of an earlier run can be trusted; a full disk may have spoilt it."""
    part = load_arrays(path)
    if part is None or set(part) != set(NAMES):
        return False
    return {len(part[name]) for name in NAMES} == {len(part["xy"])} and part["descriptors"].shape[
        1:
    ] == (kind.size,)


def _read_part(path: Path) -> Arrays:
    part = load_arrays(path)
    if part is None:
        raise OSError(errno.EIO, "damaged since it was written", str(path))
    return part


def _check_parts(parts_folder: Path, digest: str) -> None:
    """Drop parts that an earlier run made of other tiles."""
    stamp = parts_folder / "digest"
    if not stamp.exists() or stamp.read_text() != digest:
        for stale in parts_folder.glob("*.npz"):
            stale.unlink()
        write_text(stamp, digest)


def _merge(
    parts: Sequence[Arrays],
    tiles: TileSet,
    plan: Plan,
    folder: Path,
    extractor: PatchNetExtractor | None,
) -> int:
    """Sort all parts by cell and write the folder, complete or not at all."""
    merged = {name: np.concatenate([part[name] for part in parts]) for name in NAMES}
    keys = cell_keys(
        merged["region"].astype(np.int64), *np.floor(merged["xy"] / CELL_M).astype(np.int64).T
    )
    order = np.argsort(keys, kind="stable")
    with replacing_folder(folder) as draft:
        for name in NAMES:
            merged[name] = merged[name][order]
            save_array(draft / f"{name}.npy", merged[name])
        unique, starts = np.unique(keys[order], return_index=True)
        save_arrays(draft / "cells.npz", {"keys": unique, "starts": np.append(starts, len(keys))})
        write_faiss(_train(merged["descriptors"]), draft / "descriptors.faiss")
        _write_manifest(draft, tiles, plan, len(keys), _kind_of(extractor))
        if extractor is not None:
            _copy_model(extractor.card.folder, draft / DESCRIPTOR)
        FeatureMap(draft)  # whether all of it is there: libraries write short without a word
    return len(keys)


def _copy_model(source: Path, target: Path) -> None:
    """Copy what photos will be described with, so that the index is whole wherever it goes."""
    target.mkdir()
    for name in (CARD_NAME, WEIGHTS_NAME):
        shutil.copyfile(source / name, target / name)


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
    folder: Path, tiles: TileSet, plan: Plan, count: int, kind: DescriptorKind
) -> None:
    manifest = {
        "version": FEATURES_VERSION,
        "count": count,
        "gsd_m": plan.gsd_m,
        "tiles": tiles.digest(),
        "regions": [{**asdict(region), "origin": list(region.origin)} for region in plan.regions],
        DESCRIPTOR: asdict(kind),
    }
    (folder / FEATURES_MANIFEST).write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n")
