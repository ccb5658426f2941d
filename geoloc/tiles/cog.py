"""Cloud-optimised GeoTIFFs: copied from a file that is whole, on disks that may be full."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import rasterio
import rasterio.shutil

from geoloc.errors import ShortWriteError
from geoloc.storage.atomic import draft_name
from geoloc.storage.disk import check_room, explain_failure
from geoloc.tiles.gdal import GDAL_ERRORS

LOSSLESS = {
    "COMPRESS": "DEFLATE",
    "PREDICTOR": "YES",
    "OVERVIEW_RESAMPLING": "AVERAGE",
    "BIGTIFF": "IF_SAFER",
}

# Of GDAL's compressions, those that give back the same pixels whatever else is asked of them.
_EXACT = ("NONE", "LZW", "DEFLATE", "ZSTD")


@contextmanager
def cog_draft(path: Path, draft: Path, creation: dict[str, str] = LOSSLESS) -> Iterator[Path]:
    """A GeoTIFF to write, which becomes a COG when the block ends; it is gone afterwards.

    GDAL makes a COG only of a file that is whole. That one lies beside the draft, under a name that
    the next run removes if this one is killed.

    Args:
        path: What the file will be called, for messages.
        draft: The COG to write.
        creation: Creation options of GDAL's COG driver.

    Raises:
        OSError: The disk is full.
        ShortWriteError: The COG does not hold what was written.
        RasterioError: GDAL cannot write either file.
    """
    whole = draft_name(draft.parent / path.name)
    try:
        yield whole
        rasterio.shutil.copy(whole, draft, driver="COG", **creation)
        _check_copy(whole, draft, path, is_lossless=creation.get("COMPRESS") in _EXACT)
    except GDAL_ERRORS as error:
        # While the files still take the room: afterwards the disk is not full any more. GDAL has
        # removed the copy already, which with its overviews takes as much again, and more.
        reason = explain_failure(error, whole, path)
        if reason is None and whole.exists():
            check_room(whole.parent, 2 * whole.stat().st_size)
        raise reason or error from error
    finally:
        whole.unlink(missing_ok=True)


def _check_copy(whole: Path, draft: Path, path: Path, *, is_lossless: bool) -> None:
    """Read the COG back: where the disk was full at its last blocks, GDAL tells of no failure."""
    with rasterio.open(whole) as source, rasterio.open(draft) as copy:
        for _, window in copy.block_windows(1):
            pixels = copy.read(window=window)
            if is_lossless and not np.array_equal(pixels, source.read(window=window)):
                raise ShortWriteError(f"{path} does not hold what was written", path=path)
