"""The HTML page as text: library, scripts, styles and data in one file that trusts none of it.

What comes from photos and tables is data: JSON in script elements that no browser runs, with every
``<`` escaped so that none of them ends early. Only the scripts of this package run, named by their
digests in the page's Content-Security-Policy.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

_SCRIPTS = ("data", "symbols", "ground", "marks", "list", "detail", "review", "start")


def page_text(title: str, data: Mapping[str, Any], *, has_folder: bool) -> str:
    """The whole page.

    Args:
        title: Its title, any text.
        data: JSON values by the name of the element that holds them.
        has_folder: Whether pictures lie in files beside the page.
    """
    library = _asset("leaflet/leaflet.js")
    script = "\n".join(_asset(f"page/{name}.js") for name in _SCRIPTS)
    own = f'"use strict";\n(() => {{\n{script}\n}})();\n'
    styles = _asset("leaflet/leaflet.css"), _asset("page/report.css")
    blocks = "\n".join(
        f'<script type="application/json" id="report-{name}">{_json(value)}</script>'
        for name, value in data.items()
    )
    parts = {
        "POLICY": _policy((library, own), styles, has_folder=has_folder),
        "TITLE": html.escape(title),
        "STYLES": "\n".join(f"<style>{style}</style>" for style in styles),
        "LICENCE": html.escape(_asset("leaflet/LICENSE")),
        "DATA": blocks,
        "SCRIPTS": f"<script>{library}</script>\n<script>{own}</script>",
    }
    head, *sections = _asset("page/report.html").split("{{")
    text = [head]
    for section in sections:
        name, rest = section.split("}}", 1)
        text += [parts[name], rest]
    return "".join(text)


def _policy(scripts: tuple[str, ...], styles: tuple[str, ...], *, has_folder: bool) -> str:
    """What the page may do: run these scripts, show its own pictures, and reach nothing."""
    beside = " 'self' file:" if has_folder else ""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {' '.join(map(_digest, scripts))}",
            f"style-src {' '.join(map(_digest, styles))}",
            f"img-src data:{beside}",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _digest(text: str) -> str:
    """The source expression that lets exactly this text run."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _json(value: Any) -> str:
    """JSON that can stand in a script element, whatever texts it holds."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    # Inside JSON these characters stand in strings only.
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _asset(name: str) -> str:
    """A text file of this package."""
    return (files("geoloc.report") / name).read_text(encoding="utf-8")
