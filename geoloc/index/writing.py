"""Writing an index once its vectors are there: the store, the table, features, manifest last."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import geopandas
import numpy as np
import pandas

from geoloc.arrays import Float16Array
from geoloc.errors import InputError, TilesError
from geoloc.geometry.longitude import bounds_of
from geoloc.index.features.building import build_features, drop_blocks
from geoloc.index.features.feature_map import FeatureMap
from geoloc.index.features.keypoints import ROOT_SIFT
from geoloc.index.features.known import KnownFeatures
from geoloc.index.features.signatures import KnownSignatures, write_signatures
from geoloc.index.generation import sweep, sweep_finished
from geoloc.index.lance_store import dataset_address, write_dataset
from geoloc.index.manifest import IndexManifest
from geoloc.index.map_rasters import joined, rasters_of
from geoloc.index.resume import Base, Job
from geoloc.index.tile_vectors import TileVectors
from geoloc.index.tile_watch import TileWatch
from geoloc.index.vector_store import FaissStore, write_store
from geoloc.models.registry import find_model
from geoloc.options import FAISS, ONE_MACHINE, EngineOptions, IndexOptions
from geoloc.progress import Progress
from geoloc.storage.disk import create_array
from geoloc.tiles.location import relative_location
from geoloc.tiles.table_files import write_table
from geoloc.tiles.tile_set import TileSet


def check_tiles(job: Job, watch: TileWatch) -> None:
    """Make sure that the tiles are what they were at the start; drop what was made of others.

    Raises:
        TilesError: They are not.
    """
    try:
        watch.check()
    except TilesError:
        sweep(job.files.folder)
        raise


def write_index(
    job: Job,
    found: TileVectors,
    options: IndexOptions,
    progress: Progress,
    watch: TileWatch,
    *,
    engine: EngineOptions = ONE_MACHINE,
) -> None:
    """Write everything beside what serves, and ``index.json``, which names it, last."""
    folder = job.files.folder
    new = _relocate(job.tiles.table.iloc[found.rows], job.tiles.folder, folder)
    table, left_out = new, found.left_out
    if job.base is not None:
        table = pandas.concat([job.base.table, new], ignore_index=True)
        left_out += job.base.manifest.left_out
    if len(table) == 0:
        raise TilesError(
            f"not one of {found.left_out} tiles could be read; cut them again: geoloc tile RASTER "
            "--overwrite",
            path=job.tiles.folder,
        )
    store_version = _write_stores(job, new, table, found.vectors)
    if job.recipe.features:
        try:
            _write_features(job, table, options, progress, engine)
        except InputError:
            check_tiles(job, watch)  # knows more of it, and drops what was made of a gap
            raise
        check_tiles(job, watch)
    manifest = _manifest(job, table, left_out)
    replace(manifest, store_version=store_version).write(folder)
    sweep_finished(folder)


def _write_stores(
    job: Job, new: geopandas.GeoDataFrame, table: geopandas.GeoDataFrame, vectors: Float16Array
) -> int:
    """Keep tiles and vectors in the store that was chosen; the version of a dataset."""
    folder, base = job.files.folder, job.base
    if job.recipe.store != FAISS:
        behind = None if base is None else base.manifest.store_version
        address = dataset_address(job.recipe.store, folder)
        return write_dataset(address, new, vectors, behind=behind)
    if base is not None:
        vectors = _stack(_vectors_of(base), vectors, job.parts)
    write_store(folder, vectors, job.recipe.factory, name=job.files.store)
    write_table(folder, table, name=job.files.table.name)
    return 0


def _vectors_of(base: Base) -> Float16Array:
    store = FaissStore.open(base.files.folder, name=base.files.store)
    return store.vectors(np.arange(len(store)))


def _stack(first: Float16Array, second: Float16Array, parts: Path) -> Float16Array:
    """Both, one after the other, memory-mapped."""
    shape = (len(first) + len(second), first.shape[1])
    out = create_array(parts / "all.npy", np.float16, shape)
    out[: len(first)] = first
    out[len(first) :] = second
    return out


def _write_features(
    job: Job,
    table: geopandas.GeoDataFrame,
    options: IndexOptions,
    progress: Progress,
    engine: EngineOptions,
) -> None:
    """The local features of the tiles that are in the index; those of the base are at hand."""
    ids = "\n".join((*job.recipe.tile_digests, *table["tile_id"]))
    manifest = replace(
        job.tiles.manifest,
        rasters=rasters_of(job.tiles.manifest, job.tiles.folder, job.files.folder),
        digest=hashlib.sha256(ids.encode()).hexdigest(),
    )
    is_root_sift = job.recipe.descriptor == ROOT_SIFT.name
    base = job.base
    known = None if base is None else KnownFeatures(base.files.features, len(base.table))
    with TileSet(job.files.folder, manifest, table) as tiles:
        build_features(
            tiles,
            job.files.features,
            workers=options.workers,
            descriptor=None if is_root_sift else find_model(options.descriptor),
            device=options.device,
            known=known,
            engine=engine,
            progress=progress,
        )
    features = FeatureMap.open(job.files.features)
    if len(features) and not features.manifest.lazy:
        signed = None
        if base is not None:
            rows = np.arange(len(table))
            rows[len(base.table) :] = -1
            signed = KnownSignatures.of(base.files.features, rows)
        write_signatures(features, table, known=signed, progress=progress)
    if job.recipe.lazy_features:
        drop_blocks(features)


def _manifest(job: Job, table: geopandas.GeoDataFrame, left_out: int) -> IndexManifest:
    rasters = rasters_of(job.tiles.manifest, job.tiles.folder, job.files.folder)
    if job.base is not None:
        rasters = joined(job.base.manifest.rasters, rasters)
    west, south, east, north = (
        round(float(edge), 7) for edge in bounds_of(table.geometry.to_numpy())
    )
    return IndexManifest(
        recipe=job.recipe,
        count=len(table),
        left_out=left_out,
        ground_sizes_m=tuple(sorted(float(side) for side in set(table["ground_size_m"]))),
        overlap=job.tiles.manifest.scheme.overlap,
        size_px=job.tiles.size_px,
        crs=tuple(sorted(set(table["crs"]))),
        bounds=(west, south, east, north),
        rasters=rasters,
        generation=job.files.generation,
    )


def _relocate(table: geopandas.GeoDataFrame, source: Path, folder: Path) -> geopandas.GeoDataFrame:
    """The table with locations relative to the index instead of the tiles' folder."""
    return table.assign(
        **{
            name: [
                relative_location(str(location), folder, start=source) for location in table[name]
            ]
            for name in ("location", "raster")
        }
    ).reset_index(drop=True)
