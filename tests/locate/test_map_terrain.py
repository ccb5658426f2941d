"""Which elevation models photos are located over, and what is said of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from geoloc.cli import cli
from geoloc.errors import DependencyError, RasterError
from geoloc.index.map_index import MapIndex
from geoloc.locate.locator import Locator
from geoloc.locate.map_terrain import terrain_notes, terrain_of
from geoloc.locate.run_facts import options_text
from geoloc.options import LocateOptions
from tests.fixtures.elevations import FRAME, HEIGHT_M, ORIGIN, write_elevation
from tests.fixtures.search import SearchWorld


def height_m(options: LocateOptions) -> float:
    terrain = terrain_of(options)
    assert terrain is not None
    return float(terrain.altitudes_m(np.array([ORIGIN]))[0])


def test_surfaces_come_before_the_bare_ground(tmp_path: Path) -> None:
    dem = str(write_elevation(tmp_path / "dem.tif"))
    dsm = str(write_elevation(tmp_path / "dsm.tif", change=lambda h: h + 12))
    assert terrain_of(LocateOptions()) is None
    assert height_m(LocateOptions(dem=(dem,))) == pytest.approx(HEIGHT_M, abs=0.01)
    assert height_m(LocateOptions(dem=(dem,), dsm=(dsm,))) == pytest.approx(HEIGHT_M + 12, abs=0.01)
    both = terrain_of(LocateOptions(dem=(dem,), dsm=(dsm,)))
    assert both is not None
    assert both.is_surface


class Tiles:
    """What is asked of a table of tiles: their middles."""

    def __init__(self, east_m: list[float]) -> None:
        lonlat = FRAME.to_lonlat(np.column_stack([east_m, np.zeros(len(east_m))]))
        self.lon, self.lat = lonlat.T


@pytest.mark.parametrize(
    ("east_m", "said"),
    [
        ([0.0, 100, 200, 500], None),
        ([0.0, 100, 200, 900], "dem.tif covers 75% of the map; elsewhere the ground is taken"),
        ([900.0, 1000], "dem.tif covers nothing of the map"),
    ],
)
def test_a_model_that_covers_a_part_of_the_map_is_told_of(
    tmp_path: Path, east_m: list[float], said: str | None
) -> None:
    terrain = terrain_of(LocateOptions(dem=(str(write_elevation(tmp_path / "dem.tif")),)))
    tiles = Tiles(east_m)
    notes = terrain_notes(terrain, tiles)  # type: ignore[arg-type]
    assert len(notes) == (said is not None)
    assert said is None or said in notes[0]


def test_the_content_of_a_model_decides_whether_a_run_goes_on(tmp_path: Path) -> None:
    def chosen(path: Path) -> str:
        text = options_text(LocateOptions(dem=(str(path),)))
        assert text is not None
        return str(json.loads(text)["dem"])

    one = write_elevation(tmp_path / "a" / "dem.tif")
    moved = write_elevation(tmp_path / "b" / "dem.tif")
    other = write_elevation(tmp_path / "c" / "dem.tif", change=lambda h: h + 1)
    assert chosen(one).startswith("dem.tif (")
    assert chosen(one) == chosen(moved) != chosen(other)
    assert chosen(tmp_path / "none.tif") != chosen(one)


def test_the_locator_opens_it_and_hands_it_on(search_world: SearchWorld, tmp_path: Path) -> None:
    index = MapIndex.open(search_world.index)
    assert Locator(index, LocateOptions(), run_id="run").terrain is None
    path = str(write_elevation(tmp_path / "dem.tif"))
    locator = Locator(index, LocateOptions(dem=(path,)), run_id="run")
    assert locator.drone is not None
    assert locator.drone._terrain is locator.terrain is not None
    assert "covers nothing of the map" in locator.notes[0]
    with pytest.raises(RasterError, match=r"none\.tif"):
        Locator(index, LocateOptions(dem=(str(tmp_path / "none.tif"),)), run_id="run")


def test_without_the_geoid_altitudes_above_the_ellipsoid_are_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_grid(*_: object) -> None:
        raise DependencyError("the grid of EGM96 is not installed")

    path = write_elevation(tmp_path / "dem.tif", crs="EPSG:4979", pixel=1e-4, GEOTIFF_VERSION="1.1")
    monkeypatch.setattr("geoloc.terrain.terrain.geoid_heights_m", no_grid)
    terrain = terrain_of(LocateOptions(dem=(str(path),)))
    assert terrain is not None
    assert terrain.reference == "ellipsoid"
    assert "altitudes are above the ellipsoid" in terrain.notes[-1]


def test_the_command_refuses_what_holds_no_heights(
    search_world: SearchWorld, tmp_path: Path
) -> None:
    typed = ["locate", str(search_world.photos[0]), "--index", str(search_world.index)]
    out = tmp_path / "out.geojson"
    wrong = ["-o", str(out), "--dem", str(search_world.tiny.region)]
    result = CliRunner().invoke(cli, [*typed, *wrong])
    assert result.exit_code == 3
    assert "region.tif shows a picture, 3 bands of uint8; expected one band of heights" in " ".join(
        result.output.split()
    )
    assert not out.exists()
