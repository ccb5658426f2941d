"""The job `geoloc index --remove`: an index without some of its rasters, and without their pixels.

What is left is written beside the index that serves, which it replaces at the end. Blocks of local
features that the rasters gave nothing to go over as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from geoloc.arrays import Int64Array
from geoloc.errors import OptionError, ShortWriteError
from geoloc.index.features.building import build_features
from geoloc.index.features.feature_map import FeatureMap
from geoloc.index.features.known import KnownFeatures
from geoloc.index.features.signatures import SIGNING_BLOCKS, KnownSignatures, write_signatures
from geoloc.index.generation import IndexFiles, next_generation, sweep
from geoloc.index.lance_store import dataset_address
from geoloc.index.lance_writing import remove_from_dataset, sweep_versions
from geoloc.index.manifest import IndexManifest
from geoloc.index.resume import Base
from geoloc.index.stores import open_tile_table
from geoloc.index.tile_rows import RowPiece, digest_of
from geoloc.index.vector_store import write_store
from geoloc.options import FAISS, IndexOptions
from geoloc.progress import Progress
from geoloc.storage.lock import locked_folder
from geoloc.tiles.location import resolve_location
from geoloc.tiles.manifest import TileManifest, TileScheme
from geoloc.tiles.table_files import write_rows
from geoloc.tiles.tile_set import TileSet
from geoloc.tiles.tile_table import TileTable


@dataclass(frozen=True)
class _Left:
    """What is left of an index.

    Attributes:
        tiles: Its tiles.
        rows: (M,) their rows in the index before.
        without: The rasters that are removed.
        digest: Checksum of the tiles.
    """

    tiles: TileTable
    rows: Int64Array
    without: frozenset[str]
    digest: str


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
        if base.manifest.recipe.lazy_features:
            raise OptionError(
                f"{folder} was built with --features lazy, from which rasters are not removed; "
                "build it again without them, with --overwrite"
            )
        names = _found(base, rasters)
        rows = np.flatnonzero(~base.tiles.is_of(names))
        if not len(rows):
            raise OptionError(
                f"{folder} holds nothing but {', '.join(sorted(names))}; delete the folder instead"
            )
        sweep(folder)
        manifest = _write(base, rows, names, options, progress)
        sweep(folder)
        sweep_versions(folder, manifest, base.manifest.store_version, progress)
        return len(base.tiles) - len(rows)


def _found(base: Base, rasters: Sequence[str]) -> frozenset[str]:
    """The rasters that are meant, as the index calls them."""
    known = set(base.tiles.rasters)
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
) -> IndexManifest:
    """Write all files of the next generation, and ``index.json``, which names it, last."""
    folder = base.files.folder
    files = IndexFiles(folder, next_generation(folder))
    recipe = base.manifest.recipe
    store_version = _write_stores(base, files, rows, names)
    tiles = open_tile_table(recipe.store, files, store_version)
    digest = digest_of(RowPiece(tiles))
    if digest != digest_of(RowPiece(base.tiles, rows)):
        raise ShortWriteError(
            f"{len(tiles)} tiles are left of {len(base.tiles)} in {folder}, and not those that "
            "were to stay; is its disk well? The index is as it was; run the same command again",
            path=folder,
        )
    if recipe.features:
        left = _Left(tiles, rows, names, digest)
        _write_features(base, files, left, options, progress)
    west, south, east, north = (round(edge, 7) for edge in tiles.bounds())
    manifest = replace(
        base.manifest,
        recipe=replace(recipe, tile_digests=(digest,)),
        count=len(tiles),
        ground_sizes_m=tuple(tiles.ground_sizes_m),
        crs=tuple(sorted(set(tiles.column("crs")))),
        bounds=(west, south, east, north),
        rasters=tuple(e for e in base.manifest.rasters if e.location not in names),
        generation=files.generation,
        store_version=store_version,
    )
    manifest.write(folder)
    return manifest


def _write_stores(base: Base, files: IndexFiles, rows: Int64Array, names: frozenset[str]) -> int:
    """Keep tiles and vectors that stay; the version of a dataset."""
    folder, recipe = files.folder, base.manifest.recipe
    if recipe.store != FAISS:
        address = dataset_address(recipe.store, folder)
        return remove_from_dataset(address, names, version=base.manifest.store_version)
    write_store(folder, base.vectors(rows), recipe.factory, name=files.store)
    write_rows(folder, RowPiece(base.tiles, rows), name=files.table.name)
    return 0


def _write_features(
    base: Base, files: IndexFiles, left: _Left, options: IndexOptions, progress: Progress
) -> None:
    manifest = base.manifest
    scheme = TileScheme(manifest.ground_sizes_m, manifest.overlap, manifest.size_px, 0.0)
    tile_manifest = TileManifest(scheme, manifest.rasters, digest=left.digest)
    known = KnownFeatures(base.files.features, len(left.tiles), without=left.without)
    with TileSet(files.folder, tile_manifest, left.tiles) as tiles:
        build_features(
            tiles,
            files.features,
            workers=options.workers,
            descriptor=known.features.descriptor_folder,
            device=options.device,
            known=known,
            progress=progress,
        )
    features = FeatureMap.open(files.features, open_blocks=SIGNING_BLOCKS)
    if len(features):
        signed = KnownSignatures.of(base.files.features, left.rows)
        write_signatures(features, left.tiles, known=signed, progress=progress)
