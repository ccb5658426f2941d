"""Read XMP packets as a flat table of values with their namespaces.

Pillow's own reader drops the namespaces, so that of ``Camera:Yaw`` and ``DLS:Yaw`` one is lost.
"""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from geoloc.photos.exif import degrees, number

DJI = "http://www.dji.com/drone-dji/1.0/"
GPANO = "http://ns.google.com/photos/1.0/panorama/"
EXIF = "http://ns.adobe.com/exif/1.0/"
CAMERA = ("http://pix4d.com/camera/1.0", "http://ns.sensefly.com/Camera/1.0")

MAX_PACKET_BYTES = 4 * 2**20

_PACKET = re.compile(rb"<(x:xmpmeta|rdf:RDF)\b.*</\1\s*>", re.DOTALL)

Xmp = dict[tuple[str, str], str]


class XmpError(ValueError):
    """A packet is not well-formed, or absurdly long; the readers turn it into a note.

    Not part of the tree in `errors`, since it never reaches a caller of the library.
    """


def parse_xmp(packet: bytes) -> Xmp:
    """The simple values of a packet by (namespace, name), attributes and elements alike.

    A namespace has no ``/`` or ``#`` at its end here, since writers differ in it. The first of
    several values wins. Padding and NULs around the packet are left out.

    Raises:
        XmpError: The packet is not well-formed XML, declares entities, or is over 4 MiB.
    """
    if len(packet) > MAX_PACKET_BYTES:
        raise XmpError(f"XMP of {len(packet)} bytes is longer than {MAX_PACKET_BYTES}: not read")
    found = _PACKET.search(packet)
    try:
        root: Element = fromstring(found.group(0) if found else packet.strip(b"\0 \r\n\t"))
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise XmpError(f"XMP is not well-formed XML ({error}): not read") from error
    values: Xmp = {}
    for element in root.iter():
        for name, text in [*element.attrib.items(), (str(element.tag), element.text or "")]:
            if text.strip("\0 \r\n\t") and name.startswith("{"):
                values.setdefault(_key(name), text.strip("\0 \r\n\t"))
    return values


def find_packet(head: bytes) -> bytes | None:
    """The first XMP packet in the bytes of a file, for containers that hide it; None without."""
    found = re.search(rb"<x:xmpmeta\b.*?</x:xmpmeta\s*>", head, re.DOTALL)
    return found.group(0) if found else None


def xmp_value(xmp: Xmp, namespace: str, name: str) -> str | None:
    """A value of a packet, whatever way its namespace ends; None where there is none."""
    return xmp.get((namespace.rstrip("/#"), name))


def _key(qualified: str) -> tuple[str, str]:
    namespace, _, name = qualified[1:].partition("}")
    return namespace.rstrip("/#"), name


def xmp_number(xmp: Xmp, namespace: str, name: str) -> float | None:
    """A finite number out of an XMP packet; None where there is none."""
    return number(xmp_value(xmp, namespace, name))


def xmp_coordinate(written: str | None) -> float | None:
    """A signed coordinate out of XMP's own notation, ``51,49.4802N`` or ``51,49,28.8N``."""
    found = re.fullmatch(r"([\d.]+),([\d.]+)(?:,([\d.]+))?([NSEW])", written or "")
    if found is None:
        return None
    size = degrees([part for part in found.groups()[:3] if part is not None])
    return -size if size is not None and found.group(4) in "SW" else size
