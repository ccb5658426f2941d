"""The geoid EGM96: how far the sea level lies above the ellipsoid, which GPS counts heights from.

Its grid is PROJ's where that is installed, else that of the package egm96; neither comes along.
"""

from __future__ import annotations

import importlib
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from pyproj import Transformer
from pyproj.exceptions import ProjError

from geoloc.arrays import Float64Array
from geoloc.errors import DependencyError


def geoid_heights_m(lon: ArrayLike, lat: ArrayLike) -> Float64Array:
    """Heights (N,) of the geoid above the ellipsoid WGS84, metres, at degrees.

    A height above the ellipsoid, less this, is one above the sea.

    Raises:
        DependencyError: The grid of EGM96 is not installed.
    """
    x, y = (np.atleast_1d(np.asarray(v, np.float64)).ravel() for v in (lon, lat))
    if (way := _by_proj()) is not None:
        return -np.asarray(way.transform(x, y, np.zeros_like(x))[2], np.float64)
    return np.asarray(_package().undulation(y, x), np.float64)


def geoid_grid() -> str | None:
    """Who brings the grid of EGM96; None where nobody does."""
    if _by_proj() is not None:
        return "PROJ's grid"
    try:
        _package()
    except DependencyError:
        return None
    return "the package egm96"


@lru_cache(maxsize=1)
def _by_proj() -> Transformer | None:
    """PROJ's way from the ellipsoid to the geoid; None without its grid."""
    try:
        return Transformer.from_crs(
            "EPSG:4979", "EPSG:4326+5773", always_xy=True, allow_ballpark=False
        )
    except ProjError:
        return None


def _package() -> Any:
    """The package egm96, which brings the grid; its first release had none yet."""
    try:
        package = importlib.import_module("egm96")
        package.undulation  # noqa: B018
    except (ImportError, AttributeError) as error:
        raise DependencyError(
            "heights above the ellipsoid become heights above the sea by the grid of EGM96, which "
            "is not installed; pip install 'geoloc-cli[egm96]' (Python 3.12 or later), or give "
            "PROJ its own: projsync --file us_nga_egm96_15.tif"
        ) from error
    return package
