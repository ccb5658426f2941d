"""What tells one way of building an index from another."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from geoloc.index.job import build_index
from geoloc.index.manifest import IndexManifest
from tests.fixtures.indexes import options_for


def test_every_way_recipes_differ_has_its_words(tiles: Path, model: Path, tmp_path: Path) -> None:
    build_index(tiles, tmp_path / "index", options_for(model))
    recipe = IndexManifest.read(tmp_path / "index").recipe
    assert recipe.difference(recipe) is None
    for change in (
        {"model": "x"},
        {"weights_sha256": "0" * 64},
        {"preprocessing": {}},
        {"dimension": 3},
        {"factory": "Flat"},
        {"features": True},
        {"tile_digests": ()},
    ):
        assert recipe.difference(dataclasses.replace(recipe, **change))
