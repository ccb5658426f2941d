"""Times as cameras and people write them, as ISO 8601."""

from __future__ import annotations

import re
from datetime import datetime

_COLON_DATE = re.compile(r"(\d{4})[:/](\d\d)[:/](\d\d)(?=\D|$)")
_GAP_BEFORE_ZONE = re.compile(r"\s+(?=(?:[zZ]|[+-]\d\d:?\d\d)$)")
_UNSET = re.compile(r"[0:/.\-TZ \s]*")


def iso_timestamp(written: str) -> str:
    """A time as ISO 8601, with the UTC offset where it is stated.

    Reads ISO 8601 and what EXIF writes, whose dates have colons, with a blank or a ``T`` between.

    Raises:
        ValueError: It is no time.
    """
    plain = _GAP_BEFORE_ZONE.sub("", written.strip()).replace("z", "Z")
    return datetime.fromisoformat(_COLON_DATE.sub(r"\1-\2-\3", plain, count=1)).isoformat()


def is_unset(written: str) -> bool:
    """Whether it is what cameras write whose clock was never set: ``0000:00:00 00:00:00``."""
    return "0" in written and _UNSET.fullmatch(written) is not None
