"""Say why GDAL could not read a file, and what to do about it.

Rasterio says "Read failed. See previous exception for details." of a missing source, a busy server,
a file that ends early and a full disk alike; what GDAL said is in the causes of that.
"""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from http import HTTPStatus
from pathlib import Path

from geoloc.errors import cause_text, causes
from geoloc.tiles.gdal import USER_AGENT
from geoloc.tiles.location import is_remote, public_name

_FILE = re.compile(r"^(.+?), band \d+: IReadBlock failed")
_STATUS = re.compile(r"HTTP (?:response|error|status) code ?: ?([1-5]\d\d)")
# What GDAL's drivers of map services say of a server that does not answer, and of its answers.
_NO_ANSWER = re.compile(r"HTTP status code: 0, error: ([^\n]+?)\.?(?:\n|$)")
_NO_PICTURE = re.compile(r"GDALWMS: (?:ReadBlockFromFile|The server returned)")
_WAIT_S = 10

# What GDAL and its libraries say, and what there is to do then; the first that fits.
_ADVICE = (
    (
        r"No such file|does not exist in the file system|not exist",
        "put it back where it was",
    ),
    (r"Permission denied|Operation not permitted", "give this user the right to read it"),
    (r"No space left|[Dd]isk quota|disk is full", "make room on the disk"),
    (
        r"got \d+ bytes, expected|Premature end|[Uu]nexpected end|[Tt]runcated|"
        r"libpng: Read Error|Failed to read scanline|not enough data|end of file|not large enough",
        "the file ends early; copy or download it again",
    ),
    (r"[Cc]annot allocate|[Oo]ut of memory|MemoryError", "it needs more memory than there is"),
    (
        r"CURL error|Could not resolve|Could not connect|[Tt]imed? ?out",
        "check the network, then run the same command again",
    ),
)


def read_failure(location: str, error: BaseException) -> str:
    """Why a file could not be read, and what to do: a clause for the end of a message.

    Args:
        location: The raster, as GDAL opens it.
        error: What was raised.
    """
    chain = causes(error)
    text = _plain(cause_text(error), location)
    source = next((m[1] for e in chain if (m := _FILE.search(str(e)))), "")
    if source and source != Path(location).name and source not in text:
        text = f"{source}, which it is made of: {text}"
    told = next((int(m[1]) for e in chain if (m := _STATUS.search(str(e)))), None)
    unheard = next((m[1] for e in chain if (m := _NO_ANSWER.search(str(e)))), None)
    if unheard is not None:
        return f"the server does not answer: {unheard}; {_ADVICE[-1][1]}"
    is_service = any("GDALWMS" in str(cause) for cause in chain)
    if told is None and is_remote(location) and not is_service and "CURL error" not in text:
        answer = _ask_server(location)
        told, text = (answer, text) if isinstance(answer, int) else (None, answer or text)
    if told is not None:
        return status_failure(told, is_signed=public_name(location) != location)
    if any(_NO_PICTURE.search(str(cause)) for cause in chain):
        return (
            "the server answered with something that is no picture; open the address in a "
            "browser: it may want a key, or be down"
        )
    if is_remote(location) and not re.search(_ADVICE[-1][0], text):
        return f"{text}; the server may have been busy: run the same command again"
    return f"{text}; {_advice(text)}"


def status_failure(status: int, *, is_signed: bool = False) -> str:
    """What it means that a server answered with a status of HTTP, and what to do.

    Args:
        status: The status.
        is_signed: Whether the address carries a key or a signature.
    """
    if is_signed and status in (400, 401, 403):
        return (
            f"{_status_text(status)}; the key or the signature in the address may have expired: "
            "get the address, or the STAC item that it is from, anew"
        )
    return f"{_status_text(status)}; {_status_advice(status)}"


def _advice(text: str) -> str:
    for pattern, advice in _ADVICE:
        if re.search(pattern, text):
            return advice
    return "is it damaged?"


def _plain(text: str, location: str) -> str:
    """The text without what helps only those who program GDAL, and without the name told before."""
    names = (location, f"/vsicurl/{location}", Path(location).name)
    name = "|".join(map(re.escape, names))
    text = re.sub(rf"^(?:'?(?:{name})'?:? ?)+", "", text) or text
    text = re.sub(r" \(this error can be turned .*", "", text)
    return text.replace("at row 4294967295, col 4294967295; ", "")


def _status_text(status: int) -> str:
    try:
        phrase = f" ({HTTPStatus(status).phrase})"
    except ValueError:
        phrase = ""
    return f"the server answered with {status}{phrase}"


def _status_advice(status: int) -> str:
    if status in (401, 403, 407):
        return "it asks for another user or key"
    if status in (404, 410):
        return "check the address"
    return "run the same command again when it is well"


def _ask_server(location: str) -> int | str | None:
    """The status with which a server refuses a file, or why there is no answer; None if it serves.

    GDAL keeps that to itself when a read fails.
    """
    address = location.removeprefix("/vsicurl/")
    if not address.startswith(("http://", "https://")):
        return None
    request = urllib.request.Request(
        address, headers={"Range": "bytes=-1", "User-Agent": USER_AGENT}
    )
    try:
        with urllib.request.urlopen(request, timeout=_WAIT_S):
            return None
    except urllib.error.HTTPError as error:
        return error.code
    except (OSError, ValueError) as error:
        return f"Could not connect to the server: {getattr(error, 'reason', error)}"
