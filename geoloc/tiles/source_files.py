"""Find all files that a raster is made of: its sidecars, and the sources of a mosaic, recursively.

GDAL opens the sources of a mosaic when it reads them. Where one is missing it reports that once or
never, and gives zeros, which look like pixels. So who opens a mosaic looks at its sources first.
"""

from __future__ import annotations

import os
import warnings
import zipfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import rasterio
from rasterio.errors import NotGeoreferencedWarning, RasterioError

from geoloc.errors import RasterError
from geoloc.tiles.gdal import gdal_environment
from geoloc.tiles.location import is_address, is_remote, public_name
from geoloc.tiles.mosaic import Box, Source, mosaic_sources
from geoloc.tiles.read_failure import read_failure

# Sources are opened by so many threads: most of the time is waiting for a disk or a server.
_THREADS = 8
_NAMED = 3


class RasterFiles(NamedTuple):
    """The files of a raster.

    Attributes:
        files: Locations, each once, the raster's own first.
        problems: What is wrong with sources, each with the name of the source.
        sources: The sources that the problems are of.
    """

    files: tuple[str, ...]
    problems: tuple[str, ...]
    sources: tuple[Source, ...]


def find_files(location: str, *, remote: bool = True) -> RasterFiles:
    """The files that decide a raster's pixels and place, and what is wrong with its sources.

    Args:
        location: The raster, as GDAL opens it.
        remote: Whether to open what lies on a server.
    """
    files: dict[str, None] = {}
    problems: list[tuple[str, Source]] = []
    level, known = [Source(location)], {location}
    with ThreadPoolExecutor(_THREADS) as pool:
        while level:
            found: list[Source] = []
            for source, look in zip(level, pool.map(_look, level), strict=True):
                files.update(dict.fromkeys((source.location, *look.files)))
                problems += [(f"{source.location} {text}", source) for text in look.problems]
                # What a nested mosaic is made of shows where that shows.
                found += [
                    replace(child, box=source.box) if source.parent else child
                    for child in look.sources
                ]
            level = [
                source
                for source in _each_once(found)
                if source.location not in known and (remote or not is_remote(source.location))
            ]
            known.update(source.location for source in level)
    told, of = zip(*problems, strict=True) if problems else ((), ())
    return RasterFiles(tuple(files), tuple(told), tuple(of))


def _each_once(sources: list[Source]) -> Iterable[Source]:
    """The sources of all bands, each once; who shows in several places may show anywhere."""
    merged: dict[str, Source] = {}
    for source in sources:
        other = merged.get(source.location, source)
        box = source.box if source.box == other.box else None
        merged[source.location] = replace(source, band=max(source.band, other.band), box=box)
    return merged.values()


def check_sources(location: str, dataset: Any, within: Box | None = None) -> None:
    """Make sure that all sources of an open mosaic are there, so that no hole becomes pixels.

    Args:
        location: The raster, as GDAL opens it.
        dataset: Dataset of rasterio.
        within: The part of it that will be read, in pixels of the dataset; None is the whole.

    Raises:
        RasterError: One is missing, cannot be opened, or is not what the mosaic says.
    """
    if not _is_mosaic(dataset):
        return
    found = find_files(location)
    told = zip(found.problems, found.sources, strict=True)
    problems = [text for text, source in told if within is None or source.touches(within)]
    if problems:
        named = "; ".join(problems[:_NAMED])
        more = f"; and {len(problems) - _NAMED} more" if len(problems) > _NAMED else ""
        it = "it" if len(problems) == 1 else "them"
        name = public_name(location)
        raise RasterError(
            f"{name} is a mosaic with a hole: {named}{more}; put {it} back, "
            f"or make the mosaic again without {it}",
            path=name,
        )


def _is_mosaic(dataset: Any) -> bool:
    return dataset.driver in ("VRT", "GTI") or len(dataset.files) > 1


@dataclass(frozen=True)
class _Look:
    """What opening one file has shown."""

    files: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
    problems: tuple[str, ...] = ()


def _look(source: Source) -> _Look:
    """Open a source and ask for its files and sources."""
    of = f", which {Path(source.parent).name} is made of" if source.parent else ""
    if _is_missing(source.location):
        return _Look(problems=(f"is missing{of}",))
    if source.raw_bytes is not None:
        size = Path(source.location).stat().st_size if not is_address(source.location) else None
        short = size is not None and size < source.raw_bytes
        what = f"has {size} bytes where {source.raw_bytes} are expected{of}"
        return _Look(problems=(what,) if short else ())
    try:
        with gdal_environment(), warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with rasterio.open(source.location) as dataset:
                return _look_into(dataset, source, of)
    except (RasterioError, ValueError, TypeError, AttributeError, OSError) as error:
        # The raster itself is opened by whoever asks, and refused there.
        text = f"cannot be read{of}: {read_failure(source.location, error).partition('; ')[0]}"
        return _Look(problems=(text,) if source.parent else ())


def _look_into(dataset: Any, source: Source, of: str) -> _Look:
    sources = tuple(mosaic_sources(dataset, source.location))
    inside = {child.location for child in sources}
    inside |= {os.path.normpath(name) for name in inside}
    listed = {name: os.path.normpath(name) for name in map(str, dataset.files)}
    files = tuple(name for name, plain in listed.items() if plain not in inside)
    problems = [f"lacks its file {name}" for name in files if _is_missing(name)]
    size_px = (dataset.width, dataset.height)
    if source.size_px is not None and source.size_px != size_px:
        was, now = ("x".join(map(str, pair)) for pair in (source.size_px, size_px))
        problems.append(f"has {now} pixels where {was} are expected{of}")
    if source.band > dataset.count:
        problems.append(f"has no band {source.band}{of}")
    return _Look(files, sources, tuple(problems))


def _is_missing(location: str) -> bool:
    """Whether a plain path leads nowhere; what GDAL finds by itself is left to it."""
    if location.startswith("/vsizip/"):
        return zip_member(location) is None and _archive_of(location) is not None
    return not is_address(location) and ":" not in Path(location).name and not _exists(location)


def _exists(location: str) -> bool:
    try:
        return Path(location).exists()
    except (OSError, ValueError):  # a name that is too long, such as an inline VRT
        return True


def zip_member(location: str) -> zipfile.ZipInfo | None:
    """The entry of a file of a zip on a local disk (``/vsizip/ARCHIVE/MEMBER``); None if none."""
    found = _archive_of(location)
    if found is None:
        return None
    archive, member = found
    try:
        with zipfile.ZipFile(archive) as opened:
            return opened.getinfo(member)
    except (KeyError, OSError, zipfile.BadZipFile):
        return None


def _archive_of(location: str) -> tuple[Path, str] | None:
    """The archive on the disk, and the name of the member in it."""
    if not location.startswith("/vsizip/"):
        return None
    path = Path(location.removeprefix("/vsizip/").replace("{", "").replace("}", ""))
    for parent in path.parents:
        if parent.is_file():
            return parent, path.relative_to(parent).as_posix()
    return None


def local_part(location: str) -> Path | None:
    """The file on the disk that holds a location: itself, or its archive; None if there is none."""
    if not is_address(location):
        return Path(location) if Path(location).is_file() else None
    if not location.startswith("/vsi"):
        return None
    inside = Path(location.split("/", 2)[2].replace("{", "").replace("}", ""))
    return next((path for path in (inside, *inside.parents) if path.is_file()), None)
