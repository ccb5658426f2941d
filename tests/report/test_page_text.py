"""The text of the page: what it trusts, what may run, what it embeds."""

from __future__ import annotations

import base64
import hashlib
import json
import re

from geoloc.report.page_text import page_text

_HOSTILE = "</script><script>alert(1)</script><!-- \"'\u202e\u2028&"


def _page(value: object = None, **options: bool) -> str:
    return page_text(_HOSTILE, {"photos": value}, has_folder=options.get("has_folder", False))


def test_hostile_texts_stay_data() -> None:
    page = _page([_HOSTILE])
    assert "<script>alert" not in page
    block = re.search(r'id="report-photos">(.*?)</script>', page, re.DOTALL)
    assert block is not None
    assert json.loads(block[1]) == [_HOSTILE]


def test_only_the_scripts_and_styles_of_the_page_may_run() -> None:
    page = _page()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    assert "unsafe" not in policy[1]
    assert policy[1].startswith("default-src 'none'")
    for tag in ("script", "style"):
        texts = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digests = [base64.b64encode(hashlib.sha256(t.encode()).digest()).decode() for t in texts]
        assert len(texts) == 2
        assert f"{tag}-src " + " ".join(f"'sha256-{each}'" for each in digests) in policy[1]


def test_nothing_is_linked_and_the_licence_of_the_library_is_told() -> None:
    page = _page()
    assert not re.findall(r"<(?:script|img|link)[^>]* (?:src|href)=", page)
    assert "sourceMappingURL" not in page
    assert "Vladimir Agafonkin" in page


def test_pictures_come_from_beside_the_page_only_where_they_lie_there() -> None:
    assert "img-src data:;" in _page()
    assert "img-src data: 'self' file:;" in _page(has_folder=True)
