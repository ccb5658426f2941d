"""Hosts whose terms forbid bulk reading are warned of, however they are written."""

from __future__ import annotations

import pytest

from geoloc.tiles.sources.terms import terms_of


@pytest.mark.parametrize("prefix", ["", "WMS:", "wms:", "wmts:"])
def test_a_host_is_known_behind_any_prefix(prefix: str) -> None:
    terms = terms_of(f"{prefix}https://a.tile.openstreetmap.org/service?x=1")
    assert terms is not None
    assert "openstreetmap.org" in terms.host


def test_a_host_of_a_similar_name_is_another() -> None:
    assert terms_of("https://notopenstreetmap.org.example/x") is None
