"""From a tile server to positions: the network is for `geoloc tile` alone."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path
from typing import NoReturn

import pytest

from geoloc.geometry.crs import LonLat, distance_m
from geoloc.index.job import build_index
from geoloc.locate.job import locate_photos
from geoloc.options import LocateOptions, TileOptions
from geoloc.tiles.job import cut_tiles
from tests.fixtures.indexes import options_for, write_model
from tests.fixtures.map_server import map_server
from tests.fixtures.worlds import TinyWorld


@pytest.mark.slow
def test_photos_are_located_on_the_tiles_of_a_server_without_a_network(
    tiny_world: TinyWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEOLOC_CACHE", str(tmp_path / "cache"))
    served = tmp_path / "served"
    served.mkdir()
    shutil.copy(tiny_world.region, served / "region.tif")
    shot = tiny_world.shots[0]
    lon, lat = tiny_world.world.lonlat(shot.at)
    bounds = (lon - 0.002, lat - 0.0012, lon + 0.002, lat + 0.0012)
    with map_server(served) as server:
        options = TileOptions(ground_sizes_m=(160.0,), size_px=320, bounds=bounds)
        cut_tiles([f"{server.url}/xyz/{{z}}/{{x}}/{{y}}.png"], tmp_path / "tiles", options)
        asked = server.requests()
        _cut_the_network(monkeypatch)
        model = write_model(tmp_path / "model")
        build_index(tmp_path / "tiles", tmp_path / "index", options_for(model, features=True))
        settings = LocateOptions(device="cpu", workers=1)
        (row,) = locate_photos([tiny_world.photos / shot.name], tmp_path / "index", settings)
        assert server.requests() == asked
    assert row.longitude is not None
    assert row.latitude is not None
    assert distance_m(LonLat(row.longitude, row.latitude), LonLat(lon, lat)) < 15


def _cut_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection of Python, and send those of GDAL nowhere."""

    def refuse(*_: object) -> NoReturn:
        raise AssertionError("somebody wants a network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setenv("GDAL_HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
