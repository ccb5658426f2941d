"""An index of a map across the antimeridian: one region, its bounds, and its pixels."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from geoloc.cli import cli
from geoloc.geometry.crs import LocalFrame, LonLat
from geoloc.index.features.feature_map import FeatureMap
from geoloc.index.job import build_index
from geoloc.index.map_index import MapIndex
from geoloc.index.map_pixels import MapPixels
from geoloc.options import TileOptions
from geoloc.tiles.job import cut_tiles
from tests.fixtures.fiji import LAT, write_fiji
from tests.fixtures.indexes import options_for, write_model


@pytest.fixture(scope="module", params=["utm_1s", "degrees_0_to_360"])
def index(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fiji")
    raster = write_fiji(folder, request.param)
    options = TileOptions(ground_sizes_m=(128.0,), size_px=64, overlap=0.25)
    cut_tiles([str(raster)], folder / "tiles", options)
    model = write_model(folder / "model")
    build_index(folder / "tiles", folder / "index", options_for(model, features=True))
    return folder / "index"


def test_its_bounds_cross_the_line(index: Path) -> None:
    result = CliRunner().invoke(cli, ["info", str(index), "--json"])
    west, south, east, north = json.loads(result.stdout)["facts"]["bounds"]
    assert (west, east) == pytest.approx((179.9976, -179.9976), abs=2e-4)
    assert south < LAT < north


def test_both_sides_are_one_region_with_its_features_in_place(index: Path) -> None:
    features = FeatureMap.open(index / "features")
    (region,) = features.regions
    assert -180 <= region.origin.lon < 180
    assert 360 - 2 * abs(region.origin.lon) == pytest.approx(0, abs=1e-3)
    assert region.reach_m < 450
    east_m = features.read().xy_m[:, 0]
    assert np.abs(east_m).max() < 270
    assert min((east_m < 0).sum(), (east_m > 0).sum()) > 10


@pytest.mark.parametrize("lon", [179.999, -180.0, -179.999])
def test_its_pixels_are_found_on_both_sides(index: Path, lon: float) -> None:
    low, high = np.array([-40.0, -40.0]), np.array([40.0, 40.0])
    window = MapPixels(MapIndex.open(index)).around(
        LocalFrame(LonLat(lon, LAT)), low, high, gsd_m=2
    )
    assert window.valid.mean() > 0.95
