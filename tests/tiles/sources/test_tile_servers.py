"""Tile servers: positions, edges, zoom levels, and what goes wrong at the other end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from geoloc.errors import OptionError, RasterError
from geoloc.tiles.job import cut_tiles, plan_tiles
from geoloc.tiles.manifest import TileManifest
from geoloc.tiles.sources.xyz import zoom_for
from geoloc.tiles.tile_set import TileSet
from tests.fixtures.map_server import MapServer
from tests.fixtures.progress import RecordedProgress
from tests.fixtures.served_town import OPTIONS, WIDE, errors_px

TEMPLATES = {
    "rows from the north": "/xyz/{z}/{x}/{y}.png",
    "JPEG, without transparency": "/xyz/{z}/{x}/{y}.jpg",
    "rows from the south": "/tms/{z}/{x}/{-y}.png",
    "quadkeys": "/quad/{q}.png",
    "GDAL's way of writing": "/xyz/${z}/${x}/${y}.png",
    "512 pixels": "/large/{z}/{x}/{y}.png",
}


@pytest.mark.parametrize("trait", TEMPLATES)
def test_tiles_of_a_tile_server_lie_where_the_ground_lies(
    trait: str, server: MapServer, tmp_path: Path
) -> None:
    summary = cut_tiles([server.url + TEMPLATES[trait]], tmp_path / "tiles", OPTIONS)
    with TileSet.open(tmp_path / "tiles") as tiles:
        assert len(tiles) == summary.tiles >= 2
        assert summary.is_complete
        assert np.abs(errors_px(tiles, server.folder)).max() < 0.5


def test_the_zoom_level_is_the_coarsest_that_shows_what_the_model_asks_for(
    server: MapServer, tmp_path: Path
) -> None:
    # At 52.5 degrees a pixel of zoom 16 shows 1.45 m, one of zoom 15 2.9 m.
    for ground_size_m, zoom in ((100, 16), (200, 15), (50, 17)):
        options = replace(OPTIONS, ground_sizes_m=(ground_size_m,))
        server.recover()
        cut_tiles([f"{server.url}/xyz/{{z}}/{{x}}/{{y}}.png"], tmp_path / str(zoom), options)
        asked = server.requests("/xyz/")
        assert {line.split("/")[2] for line in asked} == {str(zoom)}
    assert zoom_for(156_543, 0) == 0
    assert zoom_for(1e-6, 80) == 23


def test_of_the_world_only_the_area_is_planned_and_asked_for(
    server: MapServer, tmp_path: Path
) -> None:
    options = replace(OPTIONS, ground_sizes_m=(20,), size_px=200)  # zoom 20: 10^12 tiles
    plan = plan_tiles([f"{server.url}/xyz/{{z}}/{{x}}/{{y}}.png"], tmp_path / "tiles", options)
    assert 20 <= plan.tiles <= 80
    assert 10 <= plan.requests <= 60
    assert len(server.requests("/xyz/")) <= plan.requests + 1


def test_ground_without_a_tile_is_not_valid_and_not_black(
    server: MapServer, tmp_path: Path
) -> None:
    # The town ends at 13.3788 degrees: west of it the server has no tile.
    options = replace(OPTIONS, bounds=(13.370, 52.5169, 13.3828, 52.5178), min_valid=0.9)
    cut_tiles([f"{server.url}/xyz/{{z}}/{{x}}/{{y}}.png"], tmp_path / "tiles", options)
    with TileSet.open(tmp_path / "tiles") as tiles:
        assert (tiles.table["lon"] > 13.3788).all()
        assert all(tiles.read(i).min(axis=(0, 1))[2] > 60 for i in range(len(tiles)))
        assert tiles.manifest.rasters[0].skipped > 4


def test_where_the_server_has_no_tile_at_all_the_message_says_so(
    server: MapServer, tmp_path: Path
) -> None:
    options = replace(OPTIONS, bounds=(14.0, 52.5169, 14.001, 52.5178))
    with pytest.raises(RasterError, match=r"the server has none for \d+ places.*\{-y\}"):
        cut_tiles([f"{server.url}/xyz/{{z}}/{{x}}/{{y}}.png"], tmp_path / "tiles", options)
    assert not (tmp_path / "tiles").exists()


def test_a_zoom_level_that_the_server_lacks_gives_way_to_a_coarser_one(
    server: MapServer, tmp_path: Path
) -> None:
    server.fail(404, path="/xyz/16/")
    told = RecordedProgress()
    template = f"{server.url}/xyz/{{z}}/{{x}}/{{y}}.png"
    summary = cut_tiles([template], tmp_path / "tiles", OPTIONS, progress=told)
    assert summary.tiles >= 1
    assert any("no zoom level 16 there: 15 is taken" in text for text in told.warnings)


@pytest.mark.parametrize("status", [503, 429])
def test_a_server_that_is_busy_costs_no_tile(
    status: int, server: MapServer, pauses: list[float], tmp_path: Path
) -> None:
    server.fail(status, times=2)
    template = f"{server.url}/xyz/{{z}}/{{x}}/{{y}}.png"
    summary = cut_tiles([template], tmp_path / "tiles", OPTIONS)
    assert summary.is_complete
    assert pauses[:2] == [0.5, 1.0]  # later each time


def test_a_server_says_when_it_wants_to_be_asked_again(
    server: MapServer, pauses: list[float], tmp_path: Path
) -> None:
    server.fail(429, times=1, **{"Retry-After": "7"})
    cut_tiles([f"{server.url}/xyz/{{z}}/{{x}}/{{y}}.png"], tmp_path / "tiles", OPTIONS)
    assert pauses[0] == 7


def test_who_asks_is_told_and_nothing_is_asked_twice(server: MapServer, tmp_path: Path) -> None:
    template = f"{server.url}/xyz/{{z}}/{{x}}/{{y}}.png"
    cut_tiles([template], tmp_path / "a", OPTIONS)
    asked = server.requests("/xyz/")
    assert asked
    assert all(line.split(" ", 1)[1].startswith("geoloc/") for line in asked)
    cut_tiles([template], tmp_path / "b", replace(OPTIONS, min_valid=0.3))
    added = server.requests("/xyz/")[len(asked) :]
    assert len(added) == 1  # whether it is there: the rest comes from the cache


def test_a_page_in_place_of_a_picture_is_named(server: MapServer, tmp_path: Path) -> None:
    server.fail(0)
    with pytest.raises(RasterError, match="answers with text/html where a picture was expected"):
        cut_tiles([f"{server.url}/xyz/{{z}}/{{x}}/{{y}}.png"], tmp_path / "tiles", OPTIONS)


def test_a_page_in_place_of_one_tile_costs_this_and_is_not_kept(
    server: MapServer, tmp_path: Path
) -> None:
    options = replace(OPTIONS, ground_sizes_m=(50,), bounds=WIDE)
    template = f"{server.url}/xyz/{{z}}/{{x}}/{{y}}.png"
    server.fail(0, path="/xyz/17/70407/")
    told = RecordedProgress()
    summary = cut_tiles([template], tmp_path / "tiles", options, progress=told)
    assert 0 < summary.unreadable < summary.tiles + summary.unreadable
    assert "the server answered with something that is no picture" in " ".join(told.warnings)
    server.recover()
    summary = cut_tiles([template], tmp_path / "tiles", options)
    assert summary.is_complete


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (401, "answered with 401 (Unauthorized); it asks for another user or key"),
        (403, "answered with 403 (Forbidden); it asks for another user or key"),
        (500, "answered with 500 (Internal Server Error); run the same command again"),
    ],
)
def test_a_refusal_is_named(status: int, why: str, server: MapServer, tmp_path: Path) -> None:
    server.fail(status)
    with pytest.raises(RasterError) as caught:
        cut_tiles([f"{server.url}/xyz/{{z}}/{{x}}/{{y}}.png"], tmp_path / "tiles", OPTIONS)
    assert why in str(caught.value)


def test_a_key_in_the_address_is_kept_nowhere(server: MapServer, tmp_path: Path) -> None:
    template = f"{server.url}/xyz/{{z}}/{{x}}/{{y}}.png?api_key=geheim"
    cut_tiles([template], tmp_path / "tiles", OPTIONS)
    written = [p for p in (tmp_path / "tiles").rglob("*") if p.is_file()]
    assert not [p for p in written if b"geheim" in p.read_bytes()]
    asked = server.requests("/xyz/")
    assert asked
    assert all("api_key=geheim" in line for line in asked)
    server.fail(403)
    with pytest.raises(RasterError, match=r"api_key=\*\*\*.*may have expired"):
        cut_tiles([template], tmp_path / "more", OPTIONS)


def test_a_host_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RasterError, match=r"cannot reach http://nowhere\.invalid.*check the addr"):
        cut_tiles(["http://nowhere.invalid/{z}/{x}/{y}.png"], tmp_path / "tiles", OPTIONS)


def test_a_service_without_an_area_is_refused_before_it_is_asked(tmp_path: Path) -> None:
    options = replace(OPTIONS, bounds=None)
    for source in ("http://nowhere.invalid/{z}/{x}/{y}.png", "http://nowhere.invalid/wms"):
        with pytest.raises(OptionError, match="say which part with --bounds W,S,E,N or --aoi"):
            cut_tiles([source], tmp_path / "tiles", options)


def test_a_template_that_names_no_tile_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="does not say where zoom, column and row go"):
        cut_tiles(["http://nowhere.invalid/{z}/{x}.png"], tmp_path / "tiles", OPTIONS)


def test_more_requests_than_allowed_are_refused_before_any_is_made(
    server: MapServer, tmp_path: Path
) -> None:
    options = replace(OPTIONS, ground_sizes_m=(20,), size_px=200, max_requests=5)
    with pytest.raises(RasterError, match=r"asked \d+ times, and --max-requests is 5"):
        cut_tiles([f"{server.url}/xyz/{{z}}/{{x}}/{{y}}.png"], tmp_path / "tiles", options)
    assert len(server.requests("/xyz/")) == 1


def test_windows_of_a_service_are_refused(server: MapServer, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="--virtual keeps no pixels"):
        cut_tiles(
            [f"{server.url}/xyz/{{z}}/{{x}}/{{y}}.png"],
            tmp_path / "tiles",
            replace(OPTIONS, virtual=True),
        )


def test_an_interrupted_run_goes_on_to_the_same_tiles(server: MapServer, tmp_path: Path) -> None:
    template = f"{server.url}/xyz/{{z}}/{{x}}/{{y}}.png"
    options = replace(OPTIONS, ground_sizes_m=(50,), bounds=WIDE)
    cut_tiles([template], tmp_path / "whole", options)
    server.fail(403, path="/xyz/17/70407/")
    (tmp_path / "cache").rename(tmp_path / "old")
    assert cut_tiles([template], tmp_path / "tiles", options).unreadable
    server.recover()
    cut_tiles([template], tmp_path / "tiles", options)
    read = TileManifest.read
    assert read(tmp_path / "tiles" / "tiles.json") == read(tmp_path / "whole" / "tiles.json")


def test_a_map_across_the_antimeridian_is_asked_for_on_both_sides(
    server: MapServer, tmp_path: Path
) -> None:
    options = replace(OPTIONS, bounds=(179.9995, 52.5169, -179.9995, 52.5178))
    with pytest.raises(RasterError, match="no tiles"):
        cut_tiles([f"{server.url}/xyz/{{z}}/{{x}}/{{y}}.png"], tmp_path / "tiles", options)
    cols = {line.split("/")[3] for line in server.requests("/xyz/16/")}
    assert {"0", str(2**16 - 1)} <= cols


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("/xyz/{z}/{x}/{y}.png?s={s}", "?s=a"),
        ("/xyz/{z}/{x}/{y}.png?s={a-c}", "?s=a"),
        ("/xyz/{z}/{x}/{y}.png?s={switch:mt0,mt1}", "?s=mt0"),
    ],
)
def test_of_several_servers_that_are_the_same_the_first_is_asked(
    template: str, path: str, server: MapServer, tmp_path: Path
) -> None:
    plan_tiles([server.url + template], tmp_path / "tiles", OPTIONS)
    assert server.requests("/xyz/")
    assert server.requests(path) == server.requests("/xyz/")
