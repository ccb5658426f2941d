"""What lies in the folder of an index while it is built, and how it is cleared.

A run keeps its recipe in ``index.partial.json`` and its vectors in ``parts/`` until the index is
whole; ``index.json`` is written last.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from geoloc.index_manifest import MANIFEST, PARTIAL_MANIFEST, IndexManifest, read_partial

FEATURES = "features"
CALIBRATION = "calibration.json"
PARTS = "parts"
BASE_TABLE = "base.parquet"
BASE_VECTORS = "base.npy"


def discard_index(folder: Path) -> None:
    """Remove what an index consists of, and nothing else that may lie there."""
    (folder / MANIFEST).unlink(missing_ok=True)
    (folder / CALIBRATION).unlink(missing_ok=True)
    (folder / PARTIAL_MANIFEST).unlink(missing_ok=True)
    for name in (PARTS, FEATURES, f"{FEATURES}.parts"):
        shutil.rmtree(folder / name, ignore_errors=True)


def tidy_index(folder: Path) -> None:
    """Remove what a finished run leaves behind, unless it belongs to another one."""
    begun = read_partial(folder)
    if begun is None or begun == IndexManifest.read(folder).recipe:
        (folder / PARTIAL_MANIFEST).unlink(missing_ok=True)
        shutil.rmtree(folder / PARTS, ignore_errors=True)


def relative_location(location: str, folder: Path, *, start: Path | None = None) -> str:
    """A location relative to `folder`; addresses and other drives stay as they are."""
    if location.startswith("/vsi") or "://" in location:
        return location
    path = os.path.join(start, location) if start else location  # noqa: PTH118 - keeps ".."
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # another drive of Windows
        return str(path)
