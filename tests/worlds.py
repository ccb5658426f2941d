"""A tiny fabricated world with its map and photos as files, built once for all tests.

    from tests.worlds import TinyWorld, tiny_world  # the import makes it a fixture of the module

    def test_something(tiny_world: TinyWorld) -> None: ...

The files are shared: read them, never change them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pytest

from geoloc.world import (
    Shot,
    World,
    drone_camera,
    plan_flight,
    write_map,
    write_photos,
    write_truth,
)

SIZE_M = 300.0
GSD_M = 0.5


@dataclass(frozen=True)
class TinyWorld:
    """300 by 300 m in summer at 0.5 m, and three photos of 640 x 480 in autumn and spring."""

    world: World
    shots: tuple[Shot, ...]
    folder: Path

    @property
    def region(self) -> Path:
        """The map, a GeoTIFF in UTM."""
        return self.folder / "region.tif"

    @property
    def photos(self) -> Path:
        """The folder of photos."""
        return self.folder / "photos"

    @property
    def truth(self) -> Path:
        """The table of the truth."""
        return self.folder / "truth.csv"


@lru_cache(maxsize=1)
def _build(folder: Path) -> TinyWorld:
    world = World(size_m=SIZE_M, seed=2)
    shots = plan_flight(world, 3, camera=drone_camera(640))
    tiny = TinyWorld(world, tuple(shots), folder)
    write_map(world, tiny.region, gsd_m=GSD_M)
    write_photos(world, shots, tiny.photos)
    write_truth(world, shots, tiny.truth)
    return tiny


@pytest.fixture(scope="session")
def tiny_world(tmp_path_factory: pytest.TempPathFactory) -> TinyWorld:
    """A world of one town quarter; built by the first test of the session that asks."""
    return _build(tmp_path_factory.getbasetemp() / "tiny_world")
