"""The job `geoloc report`: results, photos and a map in, one HTML page out.

The page holds its pictures, and the map; where it would be larger than `max_mb`, both lie in
the folder ``NAME_files`` beside it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import shapely

from geoloc import __version__
from geoloc.errors import InputError, OptionError, OutputExistsError, RasterError, TilesError
from geoloc.geometry.crs import distances_m
from geoloc.geometry.longitude import near
from geoloc.index.map_index import MapIndex
from geoloc.options import ReportOptions
from geoloc.ortho.naming import photo_file
from geoloc.progress import Progress, Silent
from geoloc.report.entry import Entry, photo_entry
from geoloc.report.map_pyramid import build_pyramid
from geoloc.report.mercator import Disc
from geoloc.report.page_text import page_text
from geoloc.report.pictures import thumbnail
from geoloc.report.truth import ShownTruth, shown_truth
from geoloc.results.column_meanings import photo_columns
from geoloc.results.evaluation import Truth
from geoloc.results.schema import PhotoResult
from geoloc.storage.atomic import plain_target, replacing_folder, write_text
from geoloc.terrain.terrain import Terrain

_LEAST_REACH_M, _MOST_REACH_M = 150.0, 3_000.0
_AROUND = 1.5  # how much more than a photo's own ground is shown, finely
_FUZZ_REACH_M = 20_000.0
_FUZZ_GSD_M = 60.0
_BASE64 = 4 / 3


@dataclass(frozen=True)
class ReportSummary:
    """What was made.

    Attributes:
        page: The page.
        folder: Folder with its pictures; None where the page holds them.
        photos: Photos that it shows.
        pictures: Photos that it has a picture of.
        tiles: Tiles of its map.
        size: Bytes of the page.
    """

    page: Path
    folder: Path | None
    photos: int
    pictures: int
    tiles: int
    size: int


def check_page(page: Path, *, overwrite: bool) -> None:
    """Whether a page may be written; costs nothing.

    Raises:
        OptionError: Its name does not end in ``.html``, or its folder is not there.
        OutputExistsError: It, or the folder of its pictures, is there already.
    """
    if page.suffix.lower() not in (".html", ".htm"):
        raise OptionError(f"cannot write {page}: expected a name that ends in .html")
    if not plain_target(page).parent.is_dir():
        raise OptionError(f"cannot write {page}: its folder does not exist; create it first")
    for target in (page, _folder_of(page)):
        if target.exists() and not overwrite:
            raise OutputExistsError(
                f"{target} exists; choose another name or say --overwrite", path=target
            )


def write_report(
    results: Sequence[PhotoResult],
    page: Path,
    options: ReportOptions | None = None,
    *,
    index: MapIndex | None = None,
    truth: Sequence[Truth] | None = None,
    beside: Path | None = None,
    terrain: Terrain | None = None,
    progress: Progress | None = None,
) -> ReportSummary:
    """Write the page of results.

    Args:
        results: One a photo.
        page: The file to write.
        options: What it holds; None is the defaults.
        index: Index whose map is shown; None shows none. Neither does one whose tiles are gone.
        truth: Where photos were truly taken.
        beside: Folder of the file of results, from which photos are found that have moved with it.
        terrain: Heights of the ground on which photos are laid; None is level ground.
        progress: Hears of it.

    Raises:
        InputError: There are no results.
        MetadataError: The truth is of other photos.
        OptionError: As `check_page`.
        OutputExistsError: As `check_page`.
    """
    options = options or ReportOptions()
    progress = progress or Silent()
    check_page(page, overwrite=options.overwrite)
    if not results:
        raise InputError("there are no results to report; expected a row a photo")
    about_lon = next((row.longitude for row in results if row.longitude is not None), 0.0)
    true = ShownTruth({}) if truth is None else shown_truth(results, truth)
    entries = [
        photo_entry(
            row,
            about_lon=about_lon,
            truth=true.known.get(number),
            redact=options.redact,
            terrain=terrain,
        )
        for number, row in enumerate(results)
    ]
    pictures = _pictures(results, beside, options, progress)
    tiles = _tiles(index, results, entries, options, progress)
    about = {
        "id": _page_id(results),
        "version": __version__,
        "redact": options.redact,
        "described": photo_columns(),
        "truth": true.summary,
        "plot": true.plot,
    }
    return _write(page, options, {"about": about, "photos": entries}, pictures, tiles)


def _pictures(
    results: Sequence[PhotoResult],
    beside: Path | None,
    options: ReportOptions,
    progress: Progress,
) -> dict[str, bytes]:
    """Small pictures of the photos that can be read, by the number of their row."""
    if options.thumbnail_px == 0:
        return {}
    progress.start("reading photos", len(results), "photos")
    found = {}
    for number, row in enumerate(results):
        picture = thumbnail(photo_file(row, beside), side_px=options.thumbnail_px)
        if picture is not None:
            found[str(number)] = picture
        progress.advance()
    return found


def _tiles(
    index: MapIndex | None,
    results: Sequence[PhotoResult],
    entries: Sequence[Entry],
    options: ReportOptions,
    progress: Progress,
) -> dict[str, bytes]:
    """Tiles of the map by ``zoom/column/row``; none where there is none, which is said."""
    if index is None or options.redact == "drop":
        return {}
    is_fuzzy = options.redact == "fuzz"
    discs = [
        _disc(entry, _FUZZ_REACH_M if is_fuzzy else _reach_m(row))
        for row, entry in zip(results, entries, strict=True)
        if "at" in entry
    ]
    discs += [
        _disc(one, _LEAST_REACH_M) for entry in entries for one in entry.get("candidates", ())
    ]
    try:
        drawn = build_pyramid(
            index, discs, coarsest_gsd_m=_FUZZ_GSD_M if is_fuzzy else 0.0, progress=progress
        )
    except (TilesError, RasterError) as error:
        reason = str(error).split(";")[0]
        progress.warn(f"the report has no map: {reason}; put the map's tiles back for one")
        return {}
    return {"/".join(map(str, address)): tile for address, tile in drawn.items()}


def _disc(placed: Entry, reach_m: float) -> Disc:
    """What lies around a photo, or around a place that competes."""
    lon, lat = placed["at"]
    return Disc(lon, lat, reach_m)


def _reach_m(row: PhotoResult) -> float:
    """How far around its answer a photo's ground goes."""
    assert row.longitude is not None
    assert row.latitude is not None
    reach = max(row.ce90_m or 0.0, row.conf_radius_m or 0.0)
    if row.footprint:
        try:
            ends = shapely.get_coordinates(shapely.from_wkt(row.footprint))
        except shapely.errors.GEOSException:
            ends = np.empty((0, 2))
        if len(ends):
            lon = near(ends[:, 0], row.longitude)
            away = distances_m(row.longitude, row.latitude, lon, ends[:, 1])
            reach = max(reach, float(np.max(away)))
    return float(np.clip(_AROUND * reach, _LEAST_REACH_M, _MOST_REACH_M))


def _write(
    page: Path,
    options: ReportOptions,
    data: Mapping[str, Any],
    pictures: Mapping[str, bytes],
    tiles: Mapping[str, bytes],
) -> ReportSummary:
    """Write the page, and the folder beside it where one is needed, which comes first."""
    size = sum(map(len, pictures.values())) + sum(map(len, tiles.values()))
    folder = _folder_of(page) if size * _BASE64 > options.max_mb * 1e6 else None
    if folder is None:
        sources = [
            {name: _inline(file) for name, file in some.items()} for some in (tiles, pictures)
        ]
    else:
        sources = _write_folder(folder, tiles, pictures)
    data = {**data, "tiles": sources[0], "pictures": sources[1]}
    title = f"{page.stem} - geoloc report"
    write_text(page, page_text(title, data, has_folder=folder is not None))
    photos, size = len(data["photos"]), page.stat().st_size
    return ReportSummary(page, folder, photos, len(pictures), len(tiles), size)


def _page_id(results: Sequence[PhotoResult]) -> str:
    """A name that reviews are kept under: of these photos as one run located them."""
    text = "\n".join([str(results[0].run_id), *(row.photo for row in results)])
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:16]


def _write_folder(
    folder: Path, tiles: Mapping[str, bytes], pictures: Mapping[str, bytes]
) -> list[dict[str, str]]:
    """Write the pictures as files; the addresses of both kinds from the page."""
    sources = []
    with replacing_folder(folder) as draft:
        for kind, some in (("tiles", tiles), ("photos", pictures)):
            (draft / kind).mkdir()
            addresses = {}
            for name, data in some.items():
                file = f"{kind}/{name.replace('/', '-')}.webp"
                (draft / file).write_bytes(data)
                addresses[name] = f"{_quoted(folder.name)}/{file}"
            sources.append(addresses)
    return sources


def _quoted(name: str) -> str:
    """A file name as a part of an address."""
    return quote(name, errors="surrogateescape")


def _inline(data: bytes) -> str:
    """A WebP file as an address that holds it."""
    return f"data:image/webp;base64,{base64.b64encode(data).decode()}"


def _folder_of(page: Path) -> Path:
    """Folder of the pictures of a page."""
    return page.with_name(f"{page.stem}_files")
