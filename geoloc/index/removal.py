"""The job `geoloc index --remove`: an index without some of its rasters, and without their pixels.

What is left is written beside the index that serves, which it replaces at the end. Blocks of local
features that the rasters gave nothing to go over as they are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from geoloc.arrays import Int64Array
from geoloc.errors import OptionError
from geoloc.geometry.longitude import bounds_of
from geoloc.index.features.building import build_features
from geoloc.index.features.feature_map import FeatureMap
from geoloc.index.features.known import KnownFeatures
from geoloc.index.features.signatures import KnownSignatures, write_signatures
from geoloc.index.generation import IndexFiles, next_generation, sweep
from geoloc.index.resume import Base
from geoloc.index.vector_store import FaissStore, write_store
from geoloc.options import FAISS, IndexOptions
from geoloc.progress import Progress
from geoloc.storage.lock import locked_folder
from geoloc.tiles.location import resolve_location
from geoloc.tiles.manifest import TileManifest, TileScheme
from geoloc.tiles.table_files import write_table
from geoloc.tiles.tile_set import TileSet


def remove_rasters(
    folder: Path, rasters: Sequence[str], options: IndexOptions, progress: Progress
) -> int:
    """Write an index without the tiles of some rasters; it serves when it is whole.

    Args:
        folder: Folder of the index.
        rasters: Files, or names as the index has them.
        options: Workers and device.
        progress: Hears of the work.

    Returns:
        The number of tiles that were removed.

    Raises:
        IndexFolderError: The index is missing or damaged.
        OptionError: It holds no such raster, or nothing else.
        OutputBusyError: Another run writes there.
    """
    with locked_folder(folder):
        base = Base.open(folder)
        if base.manifest.recipe.store != FAISS:
            raise OptionError(
                f"{folder} keeps its tiles in a Lance dataset, from which rasters are not removed; "
                "build the index again without them"
            )
        if base.manifest.recipe.lazy_features:
            raise OptionError(
                f"{folder} was built with --features lazy, from which rasters are not removed; "
                "build it again without them, with --overwrite"
            )
        names = _found(base, rasters)
        rows = np.flatnonzero(~base.table["raster"].isin(names))
        if not len(rows):
            raise OptionError(
                f"{folder} holds nothing but {', '.join(sorted(names))}; delete the folder instead"
            )
        sweep(folder)
        _write(base, rows, names, options, progress)
        sweep(folder)
        return len(base.table) - len(rows)


def _found(base: Base, rasters: Sequence[str]) -> frozenset[str]:
    """The rasters that are meant, as the index calls them."""
    known = {str(name) for name in base.table["raster"]}
    by_path = {resolve_location(base.files.folder, name): name for name in known}
    found = set()
    for raster in rasters:
        path = Path(raster).resolve()
        same = [name for there, name in by_path.items() if Path(there).resolve() == path]
        same += [raster] if raster in known else []
        same = same or [name for name in known if Path(name).name == raster]
        if len(set(same)) != 1:
            some = ", ".join(sorted(known)[:5]) + (", ..." if len(known) > 5 else "")
            what = "no raster" if not same else "more than one raster"
            raise OptionError(
                f"{base.files.folder} holds {what} {raster!r}; it was built from {some}; name one "
                "of them (--remove)"
            )
        found |= set(same)
    return frozenset(found)


def _write(
    base: Base, rows: Int64Array, names: frozenset[str], options: IndexOptions, progress: Progress
) -> None:
    """Write all files of the next generation, and ``index.json``, which names it, last."""
    folder = base.files.folder
    files = IndexFiles(folder, next_generation(folder))
    table = base.table.iloc[rows].reset_index(drop=True)
    store = FaissStore.open(folder, name=base.files.store)
    recipe = base.manifest.recipe
    write_store(folder, store.vectors(rows), recipe.factory, name=files.store)
    write_table(folder, table, name=files.table.name)
    digest = hashlib.sha256("\n".join(table["tile_id"]).encode()).hexdigest()
    if recipe.features:
        _write_features(base, files, rows, names, digest, options, progress)
    west, south, east, north = (
        round(float(edge), 7) for edge in bounds_of(table.geometry.to_numpy())
    )
    manifest = base.manifest
    replace(
        manifest,
        recipe=replace(recipe, tile_digests=(digest,)),
        count=len(table),
        ground_sizes_m=tuple(sorted(float(side) for side in set(table["ground_size_m"]))),
        crs=tuple(sorted(set(table["crs"]))),
        bounds=(west, south, east, north),
        rasters=tuple(entry for entry in manifest.rasters if entry.location not in names),
        generation=files.generation,
    ).write(folder)


def _write_features(
    base: Base,
    files: IndexFiles,
    rows: Int64Array,
    names: frozenset[str],
    digest: str,
    options: IndexOptions,
    progress: Progress,
) -> None:
    manifest, table = base.manifest, base.table.iloc[rows].reset_index(drop=True)
    scheme = TileScheme(manifest.ground_sizes_m, manifest.overlap, manifest.size_px, 0.0)
    tile_manifest = TileManifest(scheme, manifest.rasters, digest=digest)
    known = KnownFeatures(base.files.features, len(table), without=names)
    with TileSet(files.folder, tile_manifest, table) as tiles:
        build_features(
            tiles,
            files.features,
            workers=options.workers,
            descriptor=known.features.descriptor_folder,
            device=options.device,
            known=known,
            progress=progress,
        )
    features = FeatureMap.open(files.features)
    if len(features):
        signed = KnownSignatures.of(base.files.features, rows)
        write_signatures(features, table, known=signed, progress=progress)
