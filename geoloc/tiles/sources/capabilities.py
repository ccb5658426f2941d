"""Read what WMS and WMTS servers say of themselves (GetCapabilities)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from geoloc.errors import OptionError, RasterError, one_line
from geoloc.tiles.location import public_name
from geoloc.tiles.sources.fetching import fetch

_PREFIX = re.compile(r"^WM(?:T)?S:", re.IGNORECASE)
_WMS_PATH = re.compile(r"/(?:wms|wmsserver|mapserv(?:\.\w+)?)/?$", re.IGNORECASE)
_WMTS_PATH = re.compile(r"/(?:wmts/?|wmtscapabilities\.xml)$", re.IGNORECASE)
_NAMED = 12


def service_of(item: str) -> str:
    """``WMS`` or ``WMTS`` where an input is the address of such a service, else nothing."""
    prefix = _PREFIX.match(item)
    if prefix:
        return prefix[0].rstrip(":").upper()
    if not item.startswith(("http://", "https://")):
        return ""
    told = query_of(item).get("service", "").upper()
    if told in ("WMS", "WMTS"):
        return told
    path = urlsplit(item).path
    return "WMTS" if _WMTS_PATH.search(path) else "WMS" if _WMS_PATH.search(path) else ""


def query_of(item: str) -> dict[str, str]:
    """The parameters of an address, by their names in lower case."""
    pairs = parse_qsl(urlsplit(address_of(item)).query, keep_blank_values=True)
    return {name.lower(): value for name, value in pairs}


def address_of(item: str) -> str:
    """The address without the prefix of the service."""
    return _PREFIX.sub("", item)


def with_query(item: str, *, drop: frozenset[str], **more: str) -> str:
    """The address with other parameters.

    Args:
        item: The address.
        drop: Parameters to leave out, in lower case.
        more: Parameters to add.
    """
    parts = urlsplit(address_of(item))
    pairs = [
        (name, value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
        if name.lower() not in drop
    ]
    query = urlencode([*pairs, *more.items()], safe=":/,", quote_via=quote)
    return urlunsplit(parts._replace(query=query))


def read_capabilities(address: str, what: str) -> Element:
    """The document of a server, its tags without namespaces.

    Raises:
        RasterError: It cannot be had, or is something else.
    """
    data, name = fetch(address, f"the capabilities of a {what}"), public_name(address)
    try:
        root: Element = fromstring(data)
    except (ParseError, DefusedXmlException, ValueError) as error:
        message = f"{name} answers with no capabilities of a {what}: {one_line(error, limit=80)}"
        raise RasterError(f"{message}; open the address in a browser", path=name) from error
    for element in root.iter():
        element.tag = str(element.tag).rpartition("}")[2]
    if "Exception" in root.tag:
        text = " ".join("".join(root.itertext()).split())[:200]
        raise RasterError(f"{name} answers: {text}; check the address", path=name)
    if "Capabilities" not in root.tag:
        message = f"{name} answers with <{root.tag}>"
        raise RasterError(f"{message}; expected the capabilities of a {what}", path=name)
    return root


def text_of(element: Element, path: str) -> str:
    """The text at a path, in one line; empty if there is none."""
    return " ".join((element.findtext(path) or "").split())


def credit_of(*texts: str) -> str:
    """Whom to name, from what a server says; words for nothing are left out."""
    said = dict.fromkeys(t for t in texts if t and t.lower() not in ("none", "unknown", "nil"))
    return "; ".join(said)


def chosen_layer(item: str, names: Iterator[str], wanted: str | None) -> str:
    """The layer that is meant.

    Raises:
        OptionError: There is none of that name, or several and none was chosen.
    """
    known = list(dict.fromkeys(names))
    named = ", ".join(known[:_NAMED]) + (", ..." if len(known) > _NAMED else "")
    if wanted is None and len(known) == 1:
        return known[0]
    name = public_name(address_of(item))
    if wanted is None:
        raise OptionError(f"{name} has {len(known)} layers: {named}; choose one with --layer NAME")
    if any(each not in known for each in wanted.split(",")):
        raise OptionError(f"{name} has no layer {wanted!r}; it has {named or 'none'}")
    return wanted
