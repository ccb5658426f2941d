"""Heights of the geoid, whoever brings its grid."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from geoloc.errors import DependencyError
from geoloc.geometry import geoid
from geoloc.geometry.geoid import geoid_grid, geoid_heights_m


@pytest.fixture
def no_grid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(geoid, "_by_proj", lambda: None)
    monkeypatch.setitem(sys.modules, "egm96", None)


def test_the_grid_says_how_high_the_sea_is() -> None:
    try:
        heights = geoid_heights_m([11.58, 77.0], [48.14, 3.0])
    except DependencyError:
        pytest.skip("no grid of EGM96")
    np.testing.assert_allclose(heights, [45.5, -104.0], atol=3)


@pytest.mark.usefixtures("no_grid")
def test_without_a_grid_it_is_said_what_to_install() -> None:
    with pytest.raises(DependencyError, match=r"pip install 'geoloc-cli\[egm96\]'"):
        geoid_heights_m(11.0, 48.0)


@pytest.mark.usefixtures("no_grid")
def test_who_brings_the_grid_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert geoid_grid() is None
    monkeypatch.setitem(sys.modules, "egm96", SimpleNamespace(undulation=None))
    assert geoid_grid() == "the package egm96"
    monkeypatch.setattr(geoid, "_by_proj", lambda: object())
    assert geoid_grid() == "PROJ's grid"


@pytest.mark.usefixtures("no_grid")
def test_the_package_is_asked_by_latitude_first(monkeypatch: pytest.MonkeyPatch) -> None:
    package = SimpleNamespace(undulation=lambda lat, lon: 100 * lat + lon)
    monkeypatch.setitem(sys.modules, "egm96", package)
    np.testing.assert_allclose(geoid_heights_m([11, 12], [48, 49]), [4811, 4912])


@pytest.mark.usefixtures("no_grid")
def test_a_package_without_a_grid_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "egm96", SimpleNamespace())
    with pytest.raises(DependencyError):
        geoid_heights_m(11.0, 48.0)


def test_proj_says_the_height_of_the_ellipsoid_below_the_sea(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    way = SimpleNamespace(transform=lambda lon, lat, z: (lon, lat, z - 45.5))
    monkeypatch.setattr(geoid, "_by_proj", lambda: way)
    np.testing.assert_allclose(geoid_heights_m(11, 48), [45.5])
