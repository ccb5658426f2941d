"""The rasters that files, folders, globs and archives hold."""

from __future__ import annotations

import re
import tarfile
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import rasterio
from rasterio.errors import NotGeoreferencedWarning, RasterioError

from geoloc.clutter import is_clutter
from geoloc.errors import OptionError, RasterError, first_line
from geoloc.glob_pattern import glob_matches, has_magic
from geoloc.tiles.location import is_address
from geoloc.tiles.sources.stac import is_stac

RASTER_SUFFIXES = frozenset({".tif", ".tiff", ".gtiff", ".vrt", ".jp2", ".img", ".ntf", ".nitf"})
ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz")
# Files that may hold a raster, and may hold something else.
_TILE_INDEXES = (".gti", ".gti.gpkg", ".gti.fgb")
_ADDRESS = re.compile(r"<(?:ServerUrl|GetCapabilitiesUrl)>\s*(https?://[^<\s]+)")
_SERVICES = (b"<GDAL_WMS>", b"<GDAL_WMTS>")


def expand_rasters(inputs: Sequence[str]) -> list[str]:
    """The rasters that are meant by files, folders, globs, archives and GDAL paths, in order.

    Folders give what lies directly in them, sorted by name: rasters, MBTiles and GeoPackages,
    archives, descriptions of services, STAC items, and tile indexes (GTI) where there is nothing
    else. Archives give the rasters anywhere in them.

    Raises:
        RasterError: Something does not exist, or holds no raster.
    """
    found: list[str] = []
    for item in inputs:
        found.extend(_expand(item))
    return list(dict.fromkeys(found))


def is_service_file(path: str) -> bool:
    """Whether a file describes a map service to GDAL."""
    if is_address(path) or not path.lower().endswith(".xml") or not Path(path).is_file():
        return False
    with Path(path).open("rb") as stream:
        head = stream.read(512)
    return any(word in head for word in _SERVICES)


def server_of(path: str) -> str:
    """The address of the server that a description for GDAL names; empty if it names none."""
    found = _ADDRESS.search(Path(path).read_text(encoding="utf-8", errors="replace"))
    return "" if found is None else found[1]


def table_of(path: str, layer: str | None) -> str:
    """What GDAL opens for a GeoPackage: the file, or one of several tables of tiles in it.

    Args:
        path: The file.
        layer: Table to take; None takes the only one.

    Raises:
        OptionError: It has several and none was chosen, or none of that name.
    """
    tables = {name.rpartition(":")[2]: name for name in _subdatasets(path)}
    if not tables or not path.lower().endswith(".gpkg"):
        return path
    if layer in tables:
        return tables[str(layer)]
    known = ", ".join(tables)
    if layer is None:
        message = f"{path} has {len(tables)} rasters: {known}"
        raise OptionError(f"{message}; choose one with --layer NAME")
    raise OptionError(f"{path} has no raster {layer!r}; it has {known}")


def _expand(item: str) -> list[str]:
    if is_address(item):
        return [item]
    path = Path(item)
    if path.is_dir():
        found = _in_folder(path)
    elif path.is_file():
        found = _in_archive(path) if item.lower().endswith(ARCHIVES) else [item]
    elif has_magic(item):
        found = [raster for match in glob_matches(item) for raster in _in_match(match)]
    else:
        raise RasterError(f"no such file or folder: {item}; expected a raster", path=item)
    if not found:
        known = " ".join(sorted(RASTER_SUFFIXES))
        raise RasterError(f"no rasters in {item}; expected files that end in {known}", path=item)
    return found


def _in_folder(folder: Path) -> list[str]:
    """The rasters directly in a folder, and those in what lies there."""
    found, indexes = list[str](), list[str]()
    for path in sorted(each for each in folder.iterdir() if not is_clutter(each.name)):
        name, text = path.name.lower(), str(path)
        if not path.is_file():
            continue
        if name.endswith(_TILE_INDEXES):
            indexes.append(text)
        elif name.endswith(ARCHIVES):
            # What was unpacked beside its archive is one map, not two.
            found.extend(f for f in _in_archive(path) if not (folder / Path(f).name).exists())
        elif path.suffix.lower() in RASTER_SUFFIXES or _is_container(text):
            found.append(text)
    return found or indexes


def _is_container(path: str) -> bool:
    """Whether a file of another kind gives rasters: tiles in a database, a service, an item."""
    name = path.lower()
    is_geopackage = name.endswith(".gpkg") and has_raster(path)
    return name.endswith(".mbtiles") or is_geopackage or is_service_file(path) or is_stac(path)


def _in_match(match: str) -> list[str]:
    """The rasters of one path that a glob names: itself, or those in an archive."""
    return _in_archive(Path(match)) if match.lower().endswith(ARCHIVES) else [match]


def _in_archive(path: Path) -> list[str]:
    is_zip = path.name.lower().endswith(".zip")
    try:
        if is_zip:
            with zipfile.ZipFile(path) as archive:
                names = archive.namelist()
        else:
            with tarfile.open(path) as packed:
                names = [member.name for member in packed if member.isfile()]
    except (zipfile.BadZipFile, tarfile.TarError, OSError, EOFError) as error:
        kind = "zip" if is_zip else "tar"
        why = first_line(error).rstrip(":")
        raise RasterError(f"cannot open {path}: {why}; expected a {kind}", path=path) from error
    prefix = "/vsizip" if is_zip else "/vsitar"
    return sorted(
        f"{prefix}/{path}/{name.removeprefix('./')}" for name in names if _is_raster_name(name)
    )


def _is_raster_name(name: str) -> bool:
    """Whether a name in an archive is that of a raster."""
    return Path(name).suffix.lower() in RASTER_SUFFIXES and not is_clutter(name)


@contextmanager
def _quietly() -> Iterator[None]:
    """Without warnings of files that only list their rasters, and so have no place."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        yield


def has_raster(path: str | Path) -> bool:
    """Whether GDAL finds a raster in a file."""
    try:
        with _quietly(), rasterio.open(path):
            return True
    except RasterioError:
        return False


def _subdatasets(path: str) -> list[str]:
    try:
        with _quietly(), rasterio.open(path) as dataset:
            return [str(name) for name in dataset.subdatasets]
    except RasterioError:
        return []
