"""Text for XML: escaped, without what XML cannot hold."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xml_text(text: str) -> str:
    """`text` for an element or a quoted attribute."""
    return escape(_NOT_XML.sub("?", text), {'"': "&quot;"})
