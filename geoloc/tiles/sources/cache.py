"""Where what map services have answered is kept, so that the same command asks for nothing twice.

The folder is ``GEOLOC_CACHE``, or geoloc's among the user's caches. GDAL keeps whole answers there
for a week, refusals never.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from xml.sax.saxutils import escape

# Together with two threads that cut, at most four requests are under way.
CONNECTIONS = 2
_TIMEOUT_S = 60
_MOST_BYTES = 1 << 30
_WEEK_S = 7 * 24 * 3600


def cache_folder() -> Path:
    """The folder of answers of map services; it may not be there yet."""
    return geoloc_cache() / "maps"


def geoloc_cache() -> Path:
    """The folder of all that geoloc keeps to save time; it may not be there yet."""
    chosen = os.environ.get("GEOLOC_CACHE")
    if chosen:
        return Path(chosen).absolute()
    if sys.platform == "win32":
        around = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        around = Path.home() / "Library" / "Caches"
    else:
        around = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return around / "geoloc"


def service_settings() -> str:
    """The part of a description for GDAL's drivers of map services that is always the same.

    What a server does not have (204, 404) is transparent; every other refusal is an error, so that
    no hole becomes black ground.
    """
    return (
        f"<Cache><Path>{escape(str(cache_folder()))}</Path><Expires>{_WEEK_S}</Expires>"
        f"<MaxSize>{_MOST_BYTES}</MaxSize></Cache>"
        f"<MaxConnections>{CONNECTIONS}</MaxConnections><Timeout>{_TIMEOUT_S}</Timeout>"
        "<ZeroBlockHttpCodes>204,404</ZeroBlockHttpCodes>"
        "<ZeroBlockOnServerException>false</ZeroBlockOnServerException>"
    )
