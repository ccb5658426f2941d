"""Write a Lance dataset of tiles: every run that changes it makes new versions of it.

``index.json`` names the version that serves, so that a reader sees all of the old rows or all of
the new ones, and what a killed run has made is left aside.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow

from geoloc.errors import IndexFolderError, ShortWriteError, first_line
from geoloc.index.exact_search import Vectors
from geoloc.index.lance_store import VECTOR, dataset_address, require_lance
from geoloc.index.manifest import IndexManifest
from geoloc.options import FAISS
from geoloc.progress import Progress
from geoloc.tiles.table_files import TABLE_SCHEMA, RowBatches
from geoloc.tiles.tile_table import GEOMETRY

# The RTREE cannot be built over a field that names its CRS (pylance 14); all are EPSG:4326.
_WKB = {"ARROW:extension:name": "geoarrow.wkb"}


def write_dataset(
    address: str,
    rows: RowBatches,
    vectors: Vectors,
    *,
    behind: int | None = None,
) -> int:
    """Write tiles and their vectors as a new version of a dataset; its number.

    Args:
        address: Folder or address of the dataset.
        rows: (N) tiles with footprints in EPSG:4326.
        vectors: (N, D).
        behind: Version whose rows stay, before these; None replaces whatever is there.

    Raises:
        DependencyError: pylance is not installed.
        OSError: The disk cannot be written.
        ShortWriteError: The dataset cannot be written.
    """
    lance = require_lance()
    with _refusing(address):
        if behind is None:
            mode = "overwrite" if _is_there(lance, address) else "create"  # else Lance warns
            batches = _batches(rows, vectors, _schema(vectors.shape[1]))
            dataset = lance.write_dataset(batches, address, mode=mode)
            dataset.create_scalar_index(GEOMETRY, "RTREE", replace=True)
            return int(dataset.version)
        served = _go_back(lance.dataset(address), behind)
        batches = _batches(rows, vectors, served.schema)
        dataset = lance.write_dataset(batches, address, mode="append")
        dataset.optimize.optimize_indices()
        return int(lance.dataset(address).version)


def remove_from_dataset(address: str, rasters: Iterable[str], *, version: int) -> int:
    """Make a version of a dataset without the tiles of some rasters; its number.

    All other rows stay in their order, and no place of a removed one is left among them.

    Args:
        address: Folder or address of the dataset.
        rasters: Locations of the rasters.
        version: Version to take them from.

    Raises:
        DependencyError: pylance is not installed.
        OSError: The disk cannot be written.
        ShortWriteError: The dataset cannot be written.
    """
    lance = require_lance()
    with _refusing(address):
        dataset = _go_back(lance.dataset(address), version)
        names = ", ".join("'" + name.replace("'", "''") + "'" for name in sorted(rasters))
        dataset.delete(f"raster IN ({names})")
        # Rows are counted by their place in a fragment: none may be marked as deleted and stay.
        dataset.optimize.compact_files(materialize_deletions_threshold=0.0)
        dataset.optimize.optimize_indices()
        return int(lance.dataset(address).version)


def drop_versions(address: str, *, but: Iterable[int]) -> None:
    """Remove versions of a dataset, and the files that no other version needs.

    Versions that carry a tag stay: somebody wants them.

    Args:
        address: Folder or address of the dataset.
        but: Versions that stay, the latest among them.

    Raises:
        DependencyError: pylance is not installed.
        OSError: The disk cannot be written.
        ShortWriteError: The dataset cannot be written.
    """
    with _refusing(address):
        dataset = require_lance().dataset(address)
        kept = {*but, dataset.latest_version}
        old = [each["version"] for each in dataset.versions() if each["version"] not in kept]
        if old:
            dataset.cleanup_old_versions(versions=old, error_if_tagged_old_versions=False)


def version_that_serves(folder: Path) -> int:
    """The version of a dataset that an index names; 0 where there is none."""
    with suppress(IndexFolderError):
        return IndexManifest.read(folder).store_version
    return 0


def sweep_versions(folder: Path, manifest: IndexManifest, before: int, progress: Progress) -> None:
    """Remove the versions of a dataset that no index names any more.

    That which served before stays until the next change: who has it open reads on, and Lance opens
    files only when it needs them.

    Args:
        folder: Folder of the index.
        manifest: That of the index that serves now.
        before: The version that served before; 0 is none.
        progress: Hears of versions that cannot be removed.
    """
    store = manifest.recipe.store
    if store == FAISS:
        return
    address = dataset_address(store, folder)
    try:
        drop_versions(address, but=(manifest.store_version, before))
    except (OSError, ShortWriteError) as error:
        progress.warn(f"the index is whole, but old versions of {address} stay: {error}")


@contextmanager
def _refusing(address: str) -> Iterator[None]:
    """Say what a failure of Lance means."""
    try:
        yield
    except (ValueError, RuntimeError, OSError) as error:
        if isinstance(error, OSError) and "://" not in address:
            raise  # a disk that is full, say, is known as that
        raise ShortWriteError(
            f"the dataset {address} cannot be written ({first_line(error)}); is it in reach, and "
            "allowed? Run the same command again, what was done is kept",
            path=address,
        ) from error


def _is_there(lance: Any, address: str) -> bool:
    try:
        lance.dataset(address)
    except ValueError:
        return False
    return True


def _go_back(dataset: Any, version: int) -> Any:
    """The dataset without what killed runs have made behind a version."""
    if dataset.version == version:
        return dataset
    earlier = dataset.checkout_version(version)
    earlier.restore()
    return earlier


def _schema(dimension: int) -> pyarrow.Schema:
    bare = [field for field in TABLE_SCHEMA if field.name != GEOMETRY]
    return pyarrow.schema(
        [
            *bare,
            pyarrow.field(GEOMETRY, pyarrow.binary(), metadata=_WKB),
            pyarrow.field(VECTOR, pyarrow.list_(pyarrow.float16(), dimension)),
        ]
    )


def _batches(
    rows: RowBatches, vectors: Vectors, schema: pyarrow.Schema
) -> pyarrow.RecordBatchReader:
    """Tiles with their vectors, a bounded part at a time."""
    bare = pyarrow.schema([field for field in schema if field.name != VECTOR])

    def parts() -> Iterator[pyarrow.RecordBatch]:
        start = 0
        for part in rows.batches(bare.names):
            (tiles,) = part.cast(bare).combine_chunks().to_batches()
            numbers = np.ascontiguousarray(vectors[start : start + len(part)]).ravel()
            unit = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(numbers), vectors.shape[1])
            yield pyarrow.RecordBatch.from_arrays([*tiles.columns, unit], schema=schema)
            start += len(part)

    return pyarrow.RecordBatchReader.from_batches(schema, parts())
