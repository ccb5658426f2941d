"""WMS, WMTS, descriptions for GDAL, and STAC: positions, choices, and what goes wrong."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from geoloc.errors import OptionError, RasterError
from geoloc.tiles.area import bounds_area
from geoloc.tiles.job import cut_tiles, plan_tiles
from geoloc.tiles.sources.finding import find_sources
from geoloc.tiles.sources.map_source import MapRequest
from geoloc.tiles.sources.terms import TERMS, terms_of, warnings_of
from geoloc.tiles.tile_set import TileSet
from tests.fixtures.map_server import MapServer
from tests.fixtures.mapserver import mapserver
from tests.fixtures.progress import RecordedProgress
from tests.fixtures.served_town import OPTIONS, errors_px, write_town

ADDRESSES = {
    "WMS in Web Mercator": ("/wms?", "Survey of the Town; CC-BY"),
    "WMS in degrees, latitude first": ("/wms?degrees=1", "Survey of the Town; CC-BY"),
    "WMS by its parameter": ("/wms?SERVICE=WMS&LAYERS=ortho", "Survey of the Town; CC-BY"),
    "WMTS": ("/wmts/1.0.0/WMTSCapabilities.xml", "Survey of the Town"),
    "WMTS by its parameter": ("/wmts?service=WMTS", "Survey of the Town"),
    "STAC item": ("/stac/item.json", "CC-BY-4.0"),
    "STAC search": ("/stac/search?collections=town", "CC-BY-4.0"),
    "STAC collection": ("/stac/collection.json", "CC-BY-4.0"),
}


@pytest.mark.parametrize("trait", ADDRESSES)
def test_tiles_of_a_service_lie_where_the_ground_lies(
    trait: str, server: MapServer, tmp_path: Path
) -> None:
    address, attribution = ADDRESSES[trait]
    options = replace(OPTIONS, layer="ortho" if "WMS" in trait else None)
    summary = cut_tiles([server.url + address], tmp_path / "tiles", options)
    with TileSet.open(tmp_path / "tiles") as tiles:
        assert len(tiles) == summary.tiles >= 2
        assert np.abs(errors_px(tiles, server.folder)).max() < 0.5
        assert tiles.manifest.rasters[0].attribution == attribution


def world_xml(path: Path, server: str) -> Path:
    """A description of a whole world of tiles of zoom 18, as GDAL's own examples are."""
    half = 20037508.342789244
    path.write_text(f"""<GDAL_WMS><Service name="TMS">
    <ServerUrl>{server}/xyz/${{z}}/${{x}}/${{y}}.png</ServerUrl></Service><DataWindow>
    <UpperLeftX>-{half}</UpperLeftX><UpperLeftY>{half}</UpperLeftY><LowerRightX>{half}</LowerRightX>
    <LowerRightY>-{half}</LowerRightY><TileLevel>18</TileLevel><TileCountX>1</TileCountX>
    <TileCountY>1</TileCountY><YOrigin>top</YOrigin></DataWindow><Projection>EPSG:3857</Projection>
    <BlockSizeX>256</BlockSizeX><BlockSizeY>256</BlockSizeY><BandsCount>4</BandsCount></GDAL_WMS>""")
    return path


@pytest.mark.parametrize("host", ["http://127.0.0.1:9", "http://nowhere.invalid"])
def test_a_server_that_is_gone_while_tiles_are_cut_is_named(host: str, tmp_path: Path) -> None:
    path = world_xml(tmp_path / "server.xml", host)
    with pytest.raises(RasterError) as caught:
        cut_tiles([str(path)], tmp_path / "tiles", OPTIONS)
    # How curl says that a name is unknown depends on what it remembers.
    assert re.search("does not answer: (Failed to connect|Could not resolve)", str(caught.value))
    assert "check the network, then run the same command again" in str(caught.value)


def test_a_description_of_the_whole_world_is_planned_for_the_area_only(
    server: MapServer, tmp_path: Path
) -> None:
    path = world_xml(tmp_path / "server.xml", server.url)
    with pytest.raises(OptionError, match="say which part with --bounds"):
        plan_tiles([str(path)], tmp_path / "tiles", replace(OPTIONS, bounds=None))
    plan = plan_tiles([str(path)], tmp_path / "tiles", OPTIONS)
    assert 2 <= plan.tiles <= 9
    assert 1 <= plan.requests <= 20
    # A folder gives it too.
    cut_tiles([str(tmp_path)], tmp_path / "tiles", OPTIONS)
    with TileSet.open(tmp_path / "tiles") as tiles:
        assert np.abs(errors_px(tiles, server.folder)).max() < 0.5


def test_the_terms_of_the_server_in_a_description_are_told(tmp_path: Path) -> None:
    path = tmp_path / "osm.xml"
    path.write_text(
        "<GDAL_WMS><Service name='TMS'><ServerUrl>https://tile.openstreetmap.org/${z}/${x}/${y}.png"
        "</ServerUrl></Service></GDAL_WMS>"
    )
    request = MapRequest(bounds_area(OPTIONS.bounds or (0, 0, 1, 1)), 1.0, 100.0, tmp_path)
    (source,) = find_sources([str(path)], request)
    assert source.attribution == "© OpenStreetMap contributors"
    assert "forbids bulk downloading" in source.notes[0]


def test_a_server_that_refuses_everything_is_soon_left_alone(
    server: MapServer, tmp_path: Path
) -> None:
    path = world_xml(tmp_path / "server.xml", server.url)
    options = replace(OPTIONS, ground_sizes_m=(20,), workers=1)
    server.fail(403)
    with pytest.raises(RasterError, match=r"no tiles: (\d+) could not be read.*403") as caught:
        cut_tiles([str(path)], tmp_path / "tiles", options)
    lost = int(str(caught.value).split("no tiles: ")[1].split()[0])
    assert lost > 20
    assert len(server.requests("/xyz/")) < 12


def test_which_layer_is_meant_has_to_be_said(server: MapServer, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="has 2 layers: ortho, roads; choose one with --layer"):
        cut_tiles([f"{server.url}/wms"], tmp_path / "tiles", OPTIONS)
    with pytest.raises(OptionError, match="no layer 'dem'; it has ortho, roads"):
        cut_tiles([f"{server.url}/wms"], tmp_path / "tiles", replace(OPTIONS, layer="dem"))


def test_what_a_wms_refuses_becomes_no_ground(server: MapServer, tmp_path: Path) -> None:
    with pytest.raises(RasterError, match=r"no tiles: \d+ could not be read.*no picture"):
        cut_tiles([f"{server.url}/wms"], tmp_path / "tiles", replace(OPTIONS, layer="roads"))


def test_a_page_in_place_of_capabilities_is_named(server: MapServer, tmp_path: Path) -> None:
    server.fail(0)
    with pytest.raises(RasterError, match=r"answers with.*open the address|expected the capab"):
        cut_tiles([f"{server.url}/wms"], tmp_path / "tiles", OPTIONS)


def test_the_asset_of_an_item_goes_by_name_or_role(server: MapServer, tmp_path: Path) -> None:
    item = f"{server.url}/stac/item.json"
    cut_tiles([item], tmp_path / "visual", replace(OPTIONS, asset="visual"))
    with pytest.raises(RasterError, match=r"nir\.tif.*404"):  # it has the role, and is not there
        cut_tiles([item], tmp_path / "tiles", replace(OPTIONS, asset="data"))
    with pytest.raises(
        OptionError, match="no asset or role 'dem'; choose --asset from visual, nir"
    ):
        cut_tiles([item], tmp_path / "tiles", replace(OPTIONS, asset="dem"))


def test_items_outside_the_area_are_left_alone(server: MapServer, tmp_path: Path) -> None:
    options = replace(OPTIONS, bounds=(100, 10, 101, 11))
    with pytest.raises(RasterError, match="has no items in the area"):
        cut_tiles([f"{server.url}/stac/search"], tmp_path / "tiles", options)
    assert not server.requests("/files/")


def test_an_item_on_the_disk_names_files_beside_it(server: MapServer, tmp_path: Path) -> None:
    item = server.folder / "item.json"
    cut_tiles([str(item)], tmp_path / "tiles", replace(OPTIONS, bounds=None))
    with TileSet.open(tmp_path / "tiles") as tiles:
        assert tiles.manifest.rasters[0].location.endswith("region.tif")
        assert np.abs(errors_px(tiles, server.folder)).max() < 0.5


def test_a_link_that_has_expired_is_named_without_its_signature(
    server: MapServer, tmp_path: Path
) -> None:
    document = json.loads((server.folder / "item.json").read_text())
    asset = document["assets"]["visual"]
    asset["href"] = f"{server.url}/files/region.tif?se=2020-01-01&sig=geheim"
    item = tmp_path / "item.json"
    item.write_text(json.dumps(document))
    cut_tiles([str(item)], tmp_path / "tiles", OPTIONS)
    assert "geheim" not in (tmp_path / "tiles" / "tiles.json").read_text()
    server.fail(403, path="/files/")
    asset["href"] = f"{server.url}/files/region.tif?se=2020-01-02&sig=geheim"
    item.write_text(json.dumps(document))
    with pytest.raises(RasterError) as caught:
        cut_tiles([str(item)], tmp_path / "later", OPTIONS)
    assert "may have expired: get the address, or the STAC item" in str(caught.value)
    assert "geheim" not in str(caught.value)


def test_hosts_whose_terms_forbid_it_are_warned_of_and_named(tmp_path: Path) -> None:
    assert warnings_of("https://example.org/{z}/{x}/{y}.png") == ()
    assert terms_of("https://notgoogle.com/{z}/{x}/{y}.png") is None
    for terms in TERMS:
        (text,) = warnings_of(f"https://a.{terms.host}/{{z}}/{{x}}/{{y}}.png")
        assert text.startswith(f"{terms.host}: its terms") or "policy" in text
        assert "make sure that you may" in text
        assert terms.attribution.startswith("©")


def test_a_warning_of_terms_is_said_before_tiles_are_read(
    server: MapServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("geoloc.tiles.sources.xyz.warnings_of", lambda address: ("mind terms",))
    told = RecordedProgress()
    template = f"{server.url}/xyz/{{z}}/{{x}}/{{y}}.png"
    plan_tiles([template], tmp_path / "tiles", OPTIONS, progress=told)
    assert told.warnings == ["mind terms"]


@pytest.mark.skipif(shutil.which("mapserv") is None, reason="no MapServer (cgi-mapserver) here")
def test_tiles_of_mapserver_lie_where_the_ground_lies(tmp_path: Path) -> None:
    write_town(tmp_path)
    with mapserver(tmp_path) as address:
        summary = cut_tiles([address], tmp_path / "tiles", replace(OPTIONS, layer="ortho"))
    with TileSet.open(tmp_path / "tiles") as tiles:
        assert len(tiles) == summary.tiles >= 2
        assert np.abs(errors_px(tiles, tmp_path)).max() < 0.5
        assert tiles.manifest.rasters[0].attribution == "Survey of the Town"
