"""How geoloc lets GDAL work, and what GDAL's errors say."""

from __future__ import annotations

import os
from contextlib import nullcontext
from typing import Any

import rasterio
from rasterio._err import CPLE_BaseError  # documented, though the module is not
from rasterio.env import getenv, hasenv
from rasterio.errors import RasterioError

from geoloc import __version__

# What rasterio raises when GDAL fails; when a file is copied that is GDAL's own error, unwrapped.
GDAL_ERRORS = (RasterioError, CPLE_BaseError)

# Who asks: operators of servers want to know whom to write to.
USER_AGENT = f"geoloc/{__version__} (+geoloc-cli)"

# A server that is busy for a moment costs no tile; a JPEG that ends early is no grey picture.
_OPTIONS = {
    "GDAL_HTTP_MAX_RETRY": "4",
    "GDAL_HTTP_RETRY_DELAY": "0.5",
    "GDAL_HTTP_RETRY_CODES": "429,500,502,503,504",
    "GDAL_HTTP_USERAGENT": USER_AGENT,
    "GDAL_ERROR_ON_LIBJPEG_WARNING": "TRUE",
}


def gdal_environment(**more: object) -> Any:
    """A context in which GDAL tries again what a server refuses for a moment, and takes no hole.

    What the user's environment variables, or an environment of rasterio around, say otherwise
    wins over it.

    Args:
        more: Further options of GDAL.
    """
    around = getenv() if hasenv() else {}
    ours = {k: v for k, v in _OPTIONS.items() if k not in os.environ and k not in around} | more
    if around and not ours:
        return nullcontext()  # entering one takes as long as opening a tile
    return rasterio.Env(**ours)
