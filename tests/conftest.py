"""Fixtures that every room shares: built once a session, by the first test that asks.

Each process of pytest-xdist builds its own, which costs seconds. The folders are shared: read them,
never change them. What builds them is imported in the fixture's body, so that a test of geometry
does not wait for PyTorch.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from tests.fixtures.flights import Flight
    from tests.fixtures.map_server import MapServer
    from tests.fixtures.search import SearchWorld
    from tests.fixtures.small_maps import SmallMap
    from tests.fixtures.street import StreetWorld
    from tests.fixtures.whole_photos import WholeWorld
    from tests.fixtures.worlds import TinyWorld

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


@pytest.fixture(scope="session")
def tiny_world(tmp_path_factory: pytest.TempPathFactory) -> TinyWorld:
    """A world of one town quarter with its map and three photos as files."""
    from tests.fixtures.worlds import build_tiny_world

    return build_tiny_world(tmp_path_factory.mktemp("tiny_world"))


@pytest.fixture(scope="session")
def search_world(tiny_world: TinyWorld, tmp_path_factory: pytest.TempPathFactory) -> SearchWorld:
    """Tiles and an index of the tiny world."""
    from tests.fixtures.search import build_search_world

    return build_search_world(tiny_world, tmp_path_factory.mktemp("search_world"))


@pytest.fixture(scope="session")
def small_map(tmp_path_factory: pytest.TempPathFactory) -> SmallMap:
    """Tiles to adapt a model to, too few of them, and a tiny model."""
    from tests.fixtures.small_maps import build_small_map

    return build_small_map(tmp_path_factory.mktemp("small_map"))


@pytest.fixture(scope="session")
def street_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StreetWorld]:
    """An index for panoramas, and its hand-made network among the architectures."""
    from geoloc.models import registry
    from tests.fixtures.street import Rings, build_street_world

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(registry._BUILDERS, "rings", lambda options: Rings())
        yield build_street_world(tmp_path_factory.mktemp("street_world"))


@pytest.fixture(scope="session")
def whole_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeWorld]:
    """An index for photos that are taken whole, and its hand-made network."""
    from geoloc.models import registry
    from tests.fixtures.whole_photos import Pieces, build_whole_world

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(registry._BUILDERS, "pieces", lambda options: Pieces())
        yield build_whole_world(tmp_path_factory.mktemp("whole_world"))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """The folder of a disk of a megabyte, which is soon full; only root may make one."""
    from tests.fixtures.full_disk import mount_small_disk, unmount

    folder = tmp_path / "disk"
    folder.mkdir()
    if not mount_small_disk(folder):
        pytest.skip("only root may mount a small disk")
    yield folder
    unmount(folder)


@pytest.fixture
def flight(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Flight:
    """Four photos, c, a, b and d, on an index that is none."""
    from tests.fixtures.flights import Flight

    flight = Flight(tmp_path)
    monkeypatch.setattr("geoloc.locate.file_job.open_index", flight.open_index)
    monkeypatch.setattr("geoloc.locate.file_job.with_matcher", lambda options, _: options)
    monkeypatch.setattr("geoloc.locate.file_job.locate_on", flight.locate_on)
    monkeypatch.setattr("geoloc.locate.file_job.own_calibration", lambda _: flight.calibration)
    monkeypatch.setattr("geoloc.locate.file_job.own_street_calibration", lambda _: None)
    return flight


@pytest.fixture(scope="session")
def running_map_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MapServer]:
    """A server of tiles, WMS, WMTS and STAC over one small raster."""
    from tests.fixtures.map_server import map_server
    from tests.fixtures.served_town import write_town

    folder = tmp_path_factory.mktemp("town")
    write_town(folder)
    with map_server(folder) as server:
        yield server


@pytest.fixture
def server(
    running_map_server: MapServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> MapServer:
    """The map server without faults, with an empty cache before it; nobody waits for it."""
    from geoloc.tiles import patience

    running_map_server.recover()
    monkeypatch.setenv("GEOLOC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(patience, "pause", lambda seconds: None)
    return running_map_server


@pytest.fixture
def pauses(server: MapServer, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that somebody would have waited for the map server."""
    from geoloc.tiles import patience

    waited: list[float] = []
    monkeypatch.setattr(patience, "pause", waited.append)
    return waited
