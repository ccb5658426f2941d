"""Fixtures that every room shares."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples every time: a red run can be run again.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.load_profile("steady")

_SHARED = Path(os.environ.get("GEOLOC_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real imagery; tests that need it skip where it is absent."""
    if not _SHARED.is_dir():
        pytest.skip("no real imagery here (set GEOLOC_SHARED_DATA)")
    return _SHARED
