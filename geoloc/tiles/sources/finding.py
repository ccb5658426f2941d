"""From what the user typed to the rasters that GDAL opens: files, services and STAC alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import rasterio
from rasterio.errors import RasterioError

from geoloc.errors import OptionError
from geoloc.tiles.sources.capabilities import service_of
from geoloc.tiles.sources.files import expand_rasters, is_service_file, server_of, table_of
from geoloc.tiles.sources.map_source import MapRequest, MapSource
from geoloc.tiles.sources.stac import is_stac, stac_sources
from geoloc.tiles.sources.terms import terms_of, warnings_of
from geoloc.tiles.sources.wms import wms_sources
from geoloc.tiles.sources.wmts import wmts_sources
from geoloc.tiles.sources.xyz import is_template, xyz_sources


def find_sources(inputs: Sequence[str], request: MapRequest) -> list[MapSource]:
    """The rasters that are meant, each once, in order.

    Args:
        inputs: Files, folders, globs, archives, GDAL paths, and addresses of services and STAC.
        request: What is wanted of them.

    Raises:
        OptionError: A service has no area, or what is meant in it is not clear.
        RasterError: Something does not exist, does not answer, or holds no raster.
    """
    found: dict[str, MapSource] = {}
    for item in inputs:
        for source in _sources_of(item, request):
            found.setdefault(source.location, source)
    return list(found.values())


def _sources_of(item: str, request: MapRequest) -> Iterable[MapSource]:
    if is_template(item):
        return xyz_sources(item, request)
    service = service_of(item)
    if service:
        return (wms_sources if service == "WMS" else wmts_sources)(item, request)
    if item.startswith(("http://", "https://")) and is_stac(item):
        return stac_sources(item, request)
    return _from_files(item, request)


def _from_files(item: str, request: MapRequest) -> Iterator[MapSource]:
    """The rasters of files and what GDAL opens by itself."""
    for path in expand_rasters([item]):
        if is_stac(path) and "://" not in path:
            yield from stac_sources(path, request)
        elif is_service_file(path):
            if request.area.shape is None:
                request.boxes(path)  # refuses
            address = server_of(path)
            terms = terms_of(address)
            yield MapSource(
                path,
                path,
                is_service=True,
                attribution="" if terms is None else terms.attribution,
                notes=warnings_of(address),
            )
        elif path.lower().endswith((".gpkg", ".mbtiles")) and not path.startswith("/vsi"):
            credit = _attribution(path) if path.lower().endswith(".mbtiles") else ""
            yield MapSource(path, table_of(path, request.layer), attribution=credit)
        else:
            yield MapSource.of(path)


def _attribution(path: str) -> str:
    """Whom an MBTiles wants named."""
    try:
        with rasterio.open(path) as dataset:
            return str(dataset.tags().get("attribution", ""))
    except RasterioError:  # whoever opens it says why
        return ""


def refuse_virtual(sources: Iterable[MapSource], *, looks_around: bool = False) -> None:
    """Refuse windows of what is not there any more when somebody wants to see them.

    Args:
        sources: The maps.
        looks_around: Whether the model wants to see more than its tiles, which none can hold.

    Raises:
        OptionError: A map is not kept as a file.
    """
    for source in sources:
        if source.is_service or source.opened != source.location:
            fault, advice = (
                ("this model looks around its tiles, which takes a map that stays", "")
                if looks_around
                else ("--virtual keeps no pixels", "leave it out, or ")
            )
            raise OptionError(
                f"{fault}, and the pixels of {source.location} are fetched as they are cut; "
                f"{advice}keep the map with --save-map (and another --model) and cut that"
            )
