"""Writing an index once its vectors are there: the store, the table, features, manifest last."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from geoloc.errors import InputError, TilesError
from geoloc.index.exact_search import Vectors
from geoloc.index.features.building import build_features, drop_blocks
from geoloc.index.features.feature_map import FeatureMap
from geoloc.index.features.keypoints import ROOT_SIFT
from geoloc.index.features.known import KnownFeatures
from geoloc.index.features.signatures import SIGNING_BLOCKS, KnownSignatures, write_signatures
from geoloc.index.generation import sweep, sweep_finished
from geoloc.index.lance_store import dataset_address
from geoloc.index.lance_writing import sweep_versions, version_that_serves, write_dataset
from geoloc.index.manifest import IndexManifest
from geoloc.index.map_rasters import joined, rasters_of
from geoloc.index.resume import Job
from geoloc.index.stores import open_tile_table
from geoloc.index.tile_rows import RowPiece, RowPieces, digest_of, relocation
from geoloc.index.tile_vectors import TileVectors
from geoloc.index.tile_watch import TileWatch
from geoloc.index.vector_store import JoinedVectors, write_store
from geoloc.models.registry import find_model
from geoloc.options import FAISS, ONE_MACHINE, EngineOptions, IndexOptions
from geoloc.progress import Progress
from geoloc.tiles.table_files import write_rows
from geoloc.tiles.tile_set import TileSet
from geoloc.tiles.tile_table import TileTable


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
    folder, base = job.files.folder, job.base
    moved = relocation(job.tiles.folder, folder)
    new = RowPiece(job.tiles.rows, found.rows, moved)
    left_out = found.left_out + (0 if base is None else base.manifest.left_out)
    if len(new) == 0 and base is None:
        raise TilesError(
            f"not one of {found.left_out} tiles could be read; cut them again: geoloc tile RASTER "
            "--overwrite",
            path=job.tiles.folder,
        )
    store_version = _write_stores(job, new, found.vectors)
    tiles = open_tile_table(job.recipe.store, job.files, store_version)
    if job.recipe.features:
        try:
            _write_features(job, tiles, options, progress, engine)
        except InputError:
            check_tiles(job, watch)  # knows more of it, and drops what was made of a gap
            raise
        check_tiles(job, watch)
    manifest = replace(_manifest(job, tiles, left_out), store_version=store_version)
    served = version_that_serves(folder)
    manifest.write(folder)
    sweep_finished(folder)
    sweep_versions(folder, manifest, served, progress)


def _write_stores(job: Job, new: RowPiece, vectors: Vectors) -> int:
    """Keep tiles and vectors in the store that was chosen; the version of a dataset."""
    folder, base, name = job.files.folder, job.base, job.files.store
    if job.recipe.store != FAISS:
        behind = None if base is None else base.manifest.store_version
        address = dataset_address(job.recipe.store, folder)
        return write_dataset(address, new, vectors, behind=behind)
    if base is None:
        write_store(folder, vectors, job.recipe.factory, name=name)
        write_rows(folder, new, name=job.files.table.name)
        return 0
    old = base.vectors(np.arange(len(base.tiles)))
    write_store(folder, JoinedVectors((old, vectors)), job.recipe.factory, name=name)
    write_rows(folder, RowPieces((RowPiece(base.tiles), new)), name=job.files.table.name)
    return 0


def _write_features(
    job: Job,
    table: TileTable,
    options: IndexOptions,
    progress: Progress,
    engine: EngineOptions,
) -> None:
    """The local features of the tiles that are in the index; those of the base are at hand."""
    manifest = replace(
        job.tiles.manifest,
        rasters=rasters_of(job.tiles.manifest, job.tiles.folder, job.files.folder),
        digest=digest_of(RowPiece(table), after=job.recipe.tile_digests),
    )
    is_root_sift = job.recipe.descriptor == ROOT_SIFT.name
    base = job.base
    known = None if base is None else KnownFeatures(base.files.features, len(base.tiles))
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
    features = FeatureMap.open(job.files.features, open_blocks=SIGNING_BLOCKS)
    if len(features) and not features.manifest.lazy:
        signed = None
        if base is not None:
            rows = np.arange(len(table))
            rows[len(base.tiles) :] = -1
            signed = KnownSignatures.of(base.files.features, rows)
        write_signatures(features, table, known=signed, progress=progress)
    if job.recipe.lazy_features:
        drop_blocks(features)


def _manifest(job: Job, table: TileTable, left_out: int) -> IndexManifest:
    rasters = rasters_of(job.tiles.manifest, job.tiles.folder, job.files.folder)
    if job.base is not None:
        rasters = joined(job.base.manifest.rasters, rasters)
    west, south, east, north = (round(edge, 7) for edge in table.bounds())
    return IndexManifest(
        recipe=job.recipe,
        count=len(table),
        left_out=left_out,
        ground_sizes_m=tuple(table.ground_sizes_m),
        overlap=job.tiles.manifest.scheme.overlap,
        size_px=job.tiles.size_px,
        crs=tuple(sorted(set(table.column("crs")))),
        bounds=(west, south, east, north),
        rasters=rasters,
        generation=job.files.generation,
        terrain=None if job.base is None else job.base.manifest.terrain,
    )
