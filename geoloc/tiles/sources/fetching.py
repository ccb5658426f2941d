"""Fetch a document or a picture over HTTP: named, patient, and clear about what went wrong."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from geoloc.errors import RasterError
from geoloc.tiles import patience
from geoloc.tiles.gdal import USER_AGENT
from geoloc.tiles.location import public_name
from geoloc.tiles.patience import BUSY, TRIES, wait_s
from geoloc.tiles.read_failure import status_failure

_TIMEOUT_S = 30
_MOST_BYTES = 64 << 20


class Answer(NamedTuple):
    """What a server has answered.

    Attributes:
        status: Status of HTTP.
        kind: Type of the content, such as ``image/png``; empty for files.
        data: The content.
    """

    status: int
    kind: str
    data: bytes


def ask(address: str, body: Mapping[str, Any] | None = None) -> Answer:
    """What a server answers, be it a refusal; asked again while it is busy.

    Args:
        address: An address of http or https.
        body: JSON to send; None asks without.

    Raises:
        RasterError: There is no answer at all.
    """
    data = None if body is None else json.dumps(body).encode()
    headers = {"User-Agent": USER_AGENT} | ({"Content-Type": "application/json"} if data else {})
    attempt = 0
    while True:
        attempt += 1
        try:
            request = urllib.request.Request(address, data=data, headers=headers)
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as reply:
                kind = reply.headers.get_content_type()
                return Answer(reply.status, kind, reply.read(_MOST_BYTES))
        except urllib.error.HTTPError as error:
            waited = wait_s(attempt, error.headers.get("Retry-After"))
            if error.code not in BUSY or attempt == TRIES or waited is None:
                return Answer(error.code, "", b"")
            patience.pause(waited)
        except (OSError, ValueError) as error:
            raise unreachable(address, error) from error


def fetch(address: str, what: str, body: Mapping[str, Any] | None = None) -> bytes:
    """The content at an address or of a file.

    Args:
        address: An address of http or https, or a path.
        what: What is expected there, for messages.
        body: JSON to send.

    Raises:
        RasterError: It cannot be had; the message says why.
    """
    if "://" not in address:
        try:
            return Path(address).read_bytes()
        except OSError as error:
            message = f"cannot read {address}: {error}"
            raise RasterError(f"{message}; expected {what}", path=address) from error
    answer = ask(address, body)
    if answer.status >= 300:
        raise refused(address, answer.status)
    return answer.data


def refused(address: str, status: int) -> RasterError:
    """The error of a server that answers with a status."""
    name = public_name(address)
    why = status_failure(status, is_signed=name != address)
    return RasterError(f"cannot read {name}: {why}", path=name)


def unreachable(address: str, error: BaseException) -> RasterError:
    """The error of a server that does not answer."""
    name, reason = public_name(address), getattr(error, "reason", error)
    text = getattr(reason, "strerror", None) or str(reason)
    advice = "check the address and the network"
    return RasterError(f"cannot reach {name}: {text.strip()}; {advice}", path=name)
