"""STAC: from items, collections of items and searches to the rasters of their assets."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from geoloc.errors import OptionError, RasterError, one_line
from geoloc.tiles.location import public_name
from geoloc.tiles.sources.capabilities import credit_of
from geoloc.tiles.sources.fetching import fetch
from geoloc.tiles.sources.map_source import Box, MapRequest, MapSource
from geoloc.tiles.sources.terms import warnings_of

_SEARCH = re.compile(r"/(?:search|items)/?$")
_RASTER_KIND = re.compile(r"image/(?:tiff|jp2|vnd\.stac\.geotiff)|geotiff|application/x-gdal", re.I)
_RASTER_NAME = re.compile(r"\.(?:tiff?|jp2|vrt|img)$", re.I)
# What a picture of the ground is called, the likeliest first; then any data.
_PICTURES = ("visual", "image", "ortho", "orthophoto", "rgb")
_NO_PICTURES = frozenset({"thumbnail", "overview", "metadata", "cloud", "snow-ice", "mask"})
_PAGE_ITEMS = 100
_MOST_ITEMS = 1000


def is_stac(item: str) -> bool:
    """Whether an input is, or may be, a STAC document: by its address, or by a file's content."""
    path = urlsplit(item).path if "://" in item else item
    is_json = path.lower().endswith((".json", ".geojson"))
    if item.startswith(("http://", "https://")):
        return is_json or bool(_SEARCH.search(path) or re.search(r"/items/[^/]+$", path))
    if not is_json or not Path(item).is_file():
        return False
    with Path(item).open("rb") as stream:
        return b'"stac_version"' in stream.read(1 << 20)


def stac_sources(item: str, request: MapRequest) -> Iterator[MapSource]:
    """The rasters of a STAC item, of items in a file, or of a search within the area.

    Args:
        item: Address of a document or a search, or a path.
        request: What is wanted; its `asset` chooses by name or role.

    Raises:
        OptionError: A search has no area, or which asset is meant is not clear.
        RasterError: There is no such document, or nothing in the area.
    """
    found = 0
    for number, (base, feature) in enumerate(_items(item, request)):
        href, asset = _asset_of(feature, request.asset, item)
        address = href if "://" in href or href.startswith("/vsi") else urljoin(base, href)
        found += 1
        yield replace(
            MapSource.of(address),
            attribution=_credit(feature, asset),
            notes=warnings_of(item) if number == 0 else (),
        )
    if not found:
        name = public_name(item)
        message = f"{name} has no items in the area"
        raise RasterError(f"{message}; check --bounds and the collection", path=name)


def _items(item: str, request: MapRequest) -> Iterator[tuple[str, dict[str, Any]]]:
    """The items that touch the area, each with the address that its links are relative to."""
    document = _document(_asked(item, request))
    kind, base = document.get("type"), item
    if kind in ("Collection", "Catalog"):
        base = urljoin(item, _link(document, "items") or "")
        if base in ("", item):
            name = public_name(item)
            message = f"{name} is a STAC {str(kind).lower()} without a link to its items"
            raise RasterError(f"{message}; give one of its items, or a search", path=name)
        document = _document(_asked(base, request))
    features = [document] if document.get("type") == "Feature" else _pages(document, base)
    boxes = None if request.area.shape is None else request.boxes(item)
    for number, feature in enumerate(features):
        if number == _MOST_ITEMS:
            message = f"{public_name(item)} has more than {_MOST_ITEMS} items in the area"
            raise OptionError(f"{message}; make --bounds smaller, or name a collection")
        if boxes is None or _touches(feature.get("bbox"), boxes):
            yield _link(feature, "self") or base, feature


def _asked(address: str, request: MapRequest) -> str:
    """The address with the area, where it is a search."""
    if not _SEARCH.search(urlsplit(address).path) or "://" not in address:
        return address
    box = request.boxes(address)[0]
    for other in request.boxes(address)[1:]:  # across 180 degrees, as GeoJSON writes it
        box = box._replace(east=other.east)
    more = {"bbox": ",".join(f"{value:.7f}" for value in box)}
    if "limit=" not in address:
        more["limit"] = str(_PAGE_ITEMS)
    return f"{address}{'&' if '?' in address else '?'}{urlencode(more, safe=',')}"


def _pages(document: dict[str, Any], base: str) -> Iterator[dict[str, Any]]:
    """The features of a document and of those that follow it."""
    seen = {base}
    while True:
        yield from document.get("features") or ()
        following = next((e for e in document.get("links") or () if e.get("rel") == "next"), None)
        if following is None or not document.get("features"):
            return
        address, body = urljoin(base, following["href"]), following.get("body")
        step = address + json.dumps(body)
        if step in seen:
            return
        seen.add(step)
        document = _document(address, body if following.get("method", "GET") == "POST" else None)


def _document(address: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A STAC document.

    Raises:
        RasterError: It cannot be had, or is none.
    """
    data, name = fetch(address, "a STAC item", body), public_name(address)
    try:
        document = json.loads(data)
    except ValueError as error:
        message = f"{name} answers with no JSON: {one_line(error, limit=80)}"
        raise RasterError(f"{message}; expected a STAC item or search", path=name) from error
    kinds = ("Feature", "FeatureCollection", "Collection", "Catalog")
    if not isinstance(document, dict) or document.get("type") not in kinds:
        raise RasterError(f"{name} is no STAC item, collection or search", path=name)
    return document


def _link(document: Mapping[str, Any], relation: str) -> str:
    links = document.get("links") or ()
    return next((str(e["href"]) for e in links if e.get("rel") == relation and "href" in e), "")


def _touches(bbox: Any, boxes: list[Box]) -> bool:
    """Whether the bbox of an item touches one of the boxes; it may be in three dimensions."""
    if not bbox or len(bbox) not in (4, 6):
        return True
    half = len(bbox) // 2
    west, south, east, north = bbox[0], bbox[1], bbox[half], bbox[half + 1]
    spans = [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]
    return any(
        box.south <= north and south <= box.north and box.west <= right and left <= box.east
        for box in boxes
        for left, right in spans
    )


def _asset_of(feature: Mapping[str, Any], wanted: str | None, item: str) -> tuple[str, Any]:
    """The address of the asset that is meant, and the asset.

    Raises:
        OptionError: There is none of that name or role, or several and none was chosen.
        RasterError: The item has no raster at all.
    """
    assets: dict[str, Any] = {n: a for n, a in (feature.get("assets") or {}).items() if "href" in a}
    called = f"the STAC item {feature.get('id', public_name(item))}"
    rasters = {name: asset for name, asset in assets.items() if _is_raster(name, asset)}
    if wanted is not None:
        by_role = [n for n, a in rasters.items() if wanted in (a.get("roles") or ())]
        chosen = [wanted] if wanted in assets else by_role
        if len(chosen) != 1:
            what = "several assets with the role" if chosen else "no asset or role"
            known = ", ".join(chosen or rasters or assets)
            raise OptionError(f"{called} has {what} {wanted!r}; choose --asset from {known}")
    else:
        chosen = _likeliest(rasters)
        if not chosen:
            raise RasterError(f"{called} has no raster among {', '.join(assets) or 'no assets'}")
        if len(chosen) > 1:
            known = ", ".join(chosen)
            raise OptionError(f"{called} has several rasters; choose --asset from {known}")
    return str(assets[chosen[0]]["href"]), assets[chosen[0]]


def _is_raster(name: str, asset: Mapping[str, Any]) -> bool:
    kind, path = str(asset.get("type") or ""), urlsplit(str(asset["href"])).path
    is_other = name in _NO_PICTURES or _NO_PICTURES & set(asset.get("roles") or ())
    return not is_other and bool(_RASTER_KIND.search(kind) or _RASTER_NAME.search(path))


def _likeliest(rasters: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The names of the assets that may be the picture, as few as can be told."""
    for word in (*_PICTURES, "data"):
        named = [n for n, a in rasters.items() if n == word or word in (a.get("roles") or ())]
        if len(named) == 1 or (named and word == "data"):
            return named
    return list(rasters)


def _credit(feature: Mapping[str, Any], asset: Mapping[str, Any]) -> str:
    """Whom to name, and the licence."""
    properties = feature.get("properties") or {}
    providers = asset.get("providers") or properties.get("providers") or ()
    names = [str(each.get("name", "")) for each in providers]
    licence = str(asset.get("license") or properties.get("license") or "")
    return credit_of(str(properties.get("attribution") or ""), *names, licence)
