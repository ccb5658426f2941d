"""Folders with fabricated data of both kinds, and a recipe for each."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fixtures.training_data import (
    PAIRS_RECIPE,
    RECIPE,
    STREETS_RECIPE,
    write_aerial,
    write_pairs,
    write_streets,
)


@pytest.fixture
def recipe_path(tmp_path: Path) -> Path:
    path = tmp_path / "recipe.toml"
    path.write_text(RECIPE)
    return path


@pytest.fixture
def pairs_recipe(tmp_path: Path) -> Path:
    path = tmp_path / "pairs.toml"
    path.write_text(PAIRS_RECIPE)
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """What `write_aerial` writes."""
    write_aerial(tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """What `write_pairs` writes."""
    write_pairs(tmp_path / "pairs")
    return tmp_path / "pairs"


@pytest.fixture
def streets_recipe(tmp_path: Path) -> Path:
    path = tmp_path / "streets.toml"
    path.write_text(STREETS_RECIPE)
    return path


@pytest.fixture
def streets(tmp_path: Path) -> Path:
    """What `write_streets` writes."""
    write_streets(tmp_path / "streets")
    return tmp_path / "streets"
