"""The plan of local features: regions, owners and blocks, of a table that comes in parts."""

from __future__ import annotations

from pathlib import Path

import geopandas
import numpy as np
import pandas
import pytest

from geoloc.index.features.block_plan import BlockPlan
from geoloc.index.features.plan import Plan
from geoloc.tiles.manifest import TileManifest, TileScheme
from geoloc.tiles.tile_set import TileSet
from tests.fixtures.tile_tables import table_of
from tests.tiles.test_tile_table import SIDE_M, frame_at


def tiles_of(frame: geopandas.GeoDataFrame) -> TileSet:
    manifest = TileManifest(TileScheme((SIDE_M,), 0.5, 320, 0.5))
    return TileSet(Path(), manifest, table_of(frame))


def two_pieces(lon: float, lat: float) -> geopandas.GeoDataFrame:
    """A map of two rasters, and one of a third some kilometres in the east."""
    west, east = frame_at(lon, lat), frame_at(lon + 0.1, lat, columns=4, rows=3)
    east["raster"], east["ground_size_m"] = "c.tif", SIDE_M
    return pandas.concat([west, east], ignore_index=True)


@pytest.mark.parametrize("lonlat", [(14.2, 52.4), (179.95, -16.8), (180.0, 71.0)])
def test_the_plan_does_not_depend_on_the_parts_that_the_table_comes_in(
    lonlat: tuple[float, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    tiles = tiles_of(two_pieces(*lonlat))
    whole = Plan.of(tiles)
    blocks = BlockPlan.of(tiles, whole.tiles)
    monkeypatch.setattr("geoloc.tiles.tile_table._BLOCK_ROWS", 7)
    parts = Plan.of(tiles)
    assert [set(region.rasters) for region in parts.regions] == [{"a.tif", "b.tif"}, {"c.tif"}]
    assert parts.regions == whole.regions
    assert parts.region_of.tolist() == whole.region_of.tolist() == [0] * 120 + [1] * 12
    np.testing.assert_array_equal(parts.centres_m, whole.centres_m)
    again = BlockPlan.of(tiles, parts.tiles)
    assert again.homes_of == blocks.homes_of
    assert [rows.tolist() for rows in again.tiles_of.values()] == [
        rows.tolist() for rows in blocks.tiles_of.values()
    ]
    assert sorted(np.concatenate(list(again.tiles_of.values()))) == parts.tiles.tolist()


def test_a_region_is_as_large_as_its_ground() -> None:
    frame = frame_at(14.2, 52.4)
    frame["ground_size_m"] = SIDE_M
    (region,) = Plan.of(tiles_of(frame)).regions
    # 12 by 10 tiles that overlap by half, every third twice as wide, and a hair around them.
    hair_m = 7.0 + 11.0
    ground_m2 = (13 / 2 + 1) * (11 / 2 + 1) * SIDE_M**2
    assert 0.9 * ground_m2 < region.area_m2 < ground_m2 + 2 * hair_m * 14 * SIDE_M
    assert abs(region.origin.lon - 14.2) < 2e-3


def test_only_rasters_with_tiles_to_read_are_asked_for_owners() -> None:
    frame = two_pieces(14.2, 52.4)
    plan = Plan.of(tiles_of(frame), known=120)
    assert plan.tiles.tolist() == list(range(120, 132))
    assert list(plan.trees) == [2]
    tree, owners = plan.trees[2]
    assert owners.tolist() == plan.tiles.tolist()
    assert tree.n == 12
    assert plan.known_ground == {}


def test_the_ground_of_known_tiles_of_the_same_raster_stays_theirs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("geoloc.tiles.tile_table._BLOCK_ROWS", 7)
    frame = frame_at(14.2, 52.4)
    frame["raster"], frame["ground_size_m"] = "a.tif", SIDE_M
    tiles = tiles_of(frame)
    plan = Plan.of(tiles, known=60)
    assert list(plan.known_ground) == [(0, 0)]
    # The middle of a known tile's ground, and ground that no known tile shows.
    new = 119
    places = np.stack([plan.centres_m[30], plan.centres_m[new]])
    assert plan.owned(tiles, new, places).tolist() == [False, True]
