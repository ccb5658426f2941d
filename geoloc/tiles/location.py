"""Locations of rasters in tables: relative to the folder of the table, or addresses of GDAL.

A local file is named as seen from the folder, so that both can move together. What GDAL opens by
itself (``/vsizip/``, ``s3://`` and the like) has no place in a folder.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

# GDAL's names for what is packed in a file that may lie anywhere.
_ARCHIVES = ("/vsizip/", "/vsitar/", "/vsigzip/", "/vsi7z/", "/vsirar/", "/vsisubfile/")

# Names of parameters of an address that hold what nobody else should know.
_SECRET = re.compile(
    r"(?i)([?&;](?:[\w.-]*(?:key|token|secret|passw(?:or)?d|sig|signature)|x-amz-[\w-]+)=)[^&;#]*"
)
_USER = re.compile(r"(?<=//)[^/@\s]+@")


def is_address(location: str) -> bool:
    """Whether GDAL opens a location by itself, so that it is no path of a file."""
    return location.startswith("/vsi") or "://" in location


def resolve_location(folder: Path, location: str) -> str:
    """The location of a table in `folder`, for GDAL."""
    return location if is_address(location) else os.path.normpath(folder / location)


def relative_location(location: str, folder: Path, *, start: Path | None = None) -> str:
    """A location as seen from `folder`; addresses stay as they are, other drives absolute.

    Args:
        location: A file or an address.
        folder: Folder of the table that will name it.
        start: Folder that `location` is relative to; None is the current one.
    """
    if is_address(location):
        return location
    path = os.path.join(start, location) if start else location  # noqa: PTH118 - keeps ".."
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # another drive of Windows
        return Path(path).absolute().as_posix()


def is_remote(location: str) -> bool:
    """Whether a location lies on a server, so that opening it takes a network."""
    inner = location.replace("{", "").replace("}", "")
    while inner.startswith(_ARCHIVES):
        inner = inner.split("/", 2)[2]
        inner = inner if inner.startswith("/vsi") or "://" in inner else "/" + inner
    return is_address(inner) and not inner.startswith(("/vsimem/", "vrt://", "file://"))


def public_name(address: str) -> str:
    """An address without user, password, key and token; paths stay as they are."""
    if "://" not in address:
        return address
    return _SECRET.sub(r"\1***", _USER.sub("", address))
