"""Count what cutting tiles asks of a map service, before it is asked."""

from __future__ import annotations

import math
from collections.abc import Iterable

from geoloc.errors import RasterError
from geoloc.tiles.raster import MapRaster, PixelWindow


def count_blocks(raster: MapRaster, windows: Iterable[PixelWindow]) -> int:
    """How many blocks of a raster some windows touch: each is one request, or a few.

    Args:
        raster: The open raster.
        windows: The windows, in its pixels.
    """
    height, width = raster.dataset.block_shapes[0]
    last_row, last_col = raster.frame.height_px - 1, raster.frame.width_px - 1
    touched: set[tuple[int, int]] = set()
    for window in windows:
        left, top = max(0, math.floor(window.col_off)), max(0, math.floor(window.row_off))
        right = min(last_col, math.ceil(window.col_off + window.width) - 1)
        bottom = min(last_row, math.ceil(window.row_off + window.height) - 1)
        touched.update(
            (row, col)
            for row in range(top // height, bottom // height + 1)
            for col in range(left // width, right // width + 1)
        )
    return len(touched)


def check_requests(name: str, count: int, limit: int) -> None:
    """Refuse to ask more of a service than the user allows.

    Raises:
        RasterError: It would be more.
    """
    if count > limit:
        raise RasterError(
            f"{name} would be asked {count:,} times, and --max-requests is {limit:,}; take a "
            "smaller --bounds or --aoi, a larger --ground-size, or allow more",
            path=name,
        )
