"""Edit values of an XMP packet in its text, so that all else of it stays as its writer put it.

Some readers go by prefixes and by the first ``rdf:Description``: what is there is replaced where it
stands, and what is new joins the attributes of the first one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from geoloc.export.photo_copies.edit_refused import EditRefusedError
from geoloc.export.photo_copies.stated import Stated, XmpName
from geoloc.photos.xmp import CAMERA, DJI, Xmp, XmpError, parse_xmp

_EMPTY = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
    ' <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
    '  <rdf:Description rdf:about=""/>\n'
    " </rdf:RDF>\n</x:xmpmeta>\n"
    '<?xpacket end="w"?>'
)
_ATTRIBUTE = r"\s+[\w:.-]+\s*=\s*(?:\"[^\"]*\"|'[^']*')"
_DESCRIPTION = re.compile(rf"<rdf:Description((?:{_ATTRIBUTE})*)(\s*/?>)")
_PREFIXES = {DJI: "drone-dji", CAMERA[0]: "Camera"}
_UNREADABLE = "its XMP cannot be edited safely"


def edit_xmp(packet: bytes | None, stated: Stated) -> bytes | None:
    """A packet that states what it should, read back; None where there is nothing to state.

    Args:
        packet: The packet that is there.
        stated: What it should state.

    Raises:
        EditRefusedError: It is no XMP, or would not say what it should.
    """
    text, old = _read(packet)
    wanted = {**stated.xmp_if_there, **stated.xmp}
    wanted = {_as_there(name, old): value for name, value in wanted.items()}
    there = {name: value for name, value in wanted.items() if name in old}
    always = {_as_there(name, old) for name in stated.xmp}
    new = {name: value for name, value in wanted.items() if name in always - old.keys()}
    if not there and not new:
        return None
    for (namespace, name), value in there.items():
        text = _replaced(text, namespace, name, value)
    text = _joined(text, new)
    edited = text.encode()
    try:
        is_right = parse_xmp(edited) == {**old, **there, **new}
    except XmpError as error:
        raise EditRefusedError(_UNREADABLE) from error
    if not is_right:
        raise EditRefusedError(_UNREADABLE)
    return edited


def _read(packet: bytes | None) -> tuple[str, Xmp]:
    """The text and the values of a packet, or of an empty one."""
    try:
        text = _EMPTY if packet is None else packet.decode("utf-8")
        return text, parse_xmp(text.encode())
    except (UnicodeDecodeError, XmpError) as error:
        raise EditRefusedError(_UNREADABLE) from error


def _as_there(name: XmpName, old: Xmp) -> XmpName:
    """A name as the packet has it: without the namespace's last stroke, and in senseFly's dialect
    where that is the one."""
    namespace, local = name
    namespaces = CAMERA if namespace in CAMERA else (namespace,)
    keys = [(each.rstrip("/#"), local) for each in namespaces]
    return next((key for key in keys if key in old), keys[0])


def _prefixes(text: str, namespace: str) -> list[str]:
    """The prefixes that stand for a namespace, however it ends."""
    found = re.findall(rf"xmlns:([\w.-]+)\s*=\s*[\"']{re.escape(namespace)}[/#]?[\"']", text)
    return list(dict.fromkeys(found))


def _replaced(text: str, namespace: str, name: str, value: str) -> str:
    """The text with another value wherever the name stands, as attribute or as element."""
    for prefix in _prefixes(text, namespace):
        qualified = re.escape(f"{prefix}:{name}")
        text = re.sub(rf"(\s{qualified}\s*=\s*)(?:\"[^\"]*\"|'[^']*')", rf'\g<1>"{value}"', text)
        text = re.sub(rf"(<{qualified}\s*>)[^<]*(</{qualified}\s*>)", rf"\g<1>{value}\g<2>", text)
    return text


def _joined(text: str, values: Mapping[XmpName, str]) -> str:
    """The text with new attributes in its first description."""
    if not values:
        return text
    found = _DESCRIPTION.search(text)
    if found is None or any(_is_structure(text, *name) for name in values):
        raise EditRefusedError(_UNREADABLE)
    added = ""
    for namespace in dict.fromkeys(namespace for namespace, _ in values):
        known = _prefixes(found.group(1), namespace)
        prefix = known[0] if known else _free_prefix(text, namespace)
        if not known:
            uri = next((each for each in _PREFIXES if each.rstrip("/#") == namespace), namespace)
            added += f' xmlns:{prefix}="{uri}"'
        added += "".join(
            f' {prefix}:{name}="{value}"'
            for (each, name), value in values.items()
            if each == namespace
        )
    return text[: found.end(1)] + added + text[found.end(1) :]


def _is_structure(text: str, namespace: str, name: str) -> bool:
    """Whether a name stands there after all, with more in it than a value."""
    return any(f"<{prefix}:{name}" in text for prefix in _prefixes(text, namespace))


def _free_prefix(text: str, namespace: str) -> str:
    """The usual prefix of a namespace, unless it stands for another one."""
    usual = next((p for uri, p in _PREFIXES.items() if uri.rstrip("/#") == namespace), "geoloc")
    bound = re.findall(rf"xmlns:{re.escape(usual)}\s*=\s*[\"']([^\"']*)[\"']", text)
    return usual if all(each.rstrip("/#") == namespace for each in bound) else f"{usual}2"
