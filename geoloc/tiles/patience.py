"""Ask a busy server again, later each time: what may be asked again, and after how long."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any, TypeVar

from rasterio.errors import RasterioError

from geoloc.errors import causes
from geoloc.progress import raise_lost_interrupt

Result = TypeVar("Result")

TRIES = 5
BUSY = frozenset({429, 500, 502, 503, 504})
_FIRST_WAIT_S = 0.5
# A server that wants to be left alone for longer is not waited for.
_LONGEST_WAIT_S = 60.0
# GDAL tries again what it reads through /vsicurl/, but not what its drivers of map services ask.
SERVICE_DRIVERS = frozenset({"WMS", "WMTS"})
_MAY_PASS = re.compile(
    rf"HTTP status code: (?:{'|'.join(map(str, sorted(BUSY)))})\b"
    r"|timed? ?out|Empty reply|[Cc]onnection (?:was )?reset|Recv failure"
)


def wait_s(attempt: int, retry_after: str | None = None) -> float | None:
    """Seconds to wait before asking again; None if the server wants to be left alone for long.

    Args:
        attempt: How often it was asked, from 1.
        retry_after: The header of that name in its answer; seconds are obeyed.
    """
    wanted = retry_after or ""
    waited: float = max(
        _FIRST_WAIT_S * 2 ** (attempt - 1), float(wanted) if wanted.isdigit() else 0
    )
    return waited if waited <= _LONGEST_WAIT_S else None


def pause(seconds: float) -> None:
    """Wait, and hear of an interrupt afterwards."""
    time.sleep(seconds)
    raise_lost_interrupt()


def read_patiently(dataset: Any, read: Callable[[], Result]) -> Result:
    """What `read` gives; tried again while the server of a map service is busy.

    What has come is in GDAL's caches, so another try asks only for what is missing.

    Args:
        dataset: Dataset of rasterio that is read.
        read: What reads it.

    Raises:
        RasterioError: It cannot be read; the last try says why.
    """
    if dataset.driver not in SERVICE_DRIVERS:
        return read()
    for attempt in range(1, TRIES):
        try:
            return read()
        except RasterioError as error:
            if not any(_MAY_PASS.search(str(cause)) for cause in causes(error)):
                raise
            pause(wait_s(attempt) or 0)
    return read()
