"""Maps on an object store: GDAL reads them, and the tiles are those of the file."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from geoloc.tiles.tile_set import TileSet
from tests.fixtures.indexes import write_map, write_tiles
from tests.fixtures.object_store import object_store


@pytest.mark.slow
@pytest.mark.parametrize(
    ("address", "virtual"), [("{}/region.tif", False), ("/vsis3/maps/region.tif", True)]
)
def test_a_map_on_an_object_store_is_cut_as_the_file_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, virtual: bool
) -> None:
    region = write_map(tmp_path / "region.tif", columns=2, rows=2)
    (tmp_path / "bucket").mkdir()
    shutil.copy(region, tmp_path / "bucket")
    with object_store(tmp_path / "bucket", monkeypatch) as bucket:
        source = address.format(bucket)
        far = write_tiles(tmp_path / "far", source, virtual=virtual)  # type: ignore[arg-type]
        near = write_tiles(tmp_path / "near", region)
        with TileSet.open(far) as there, TileSet.open(near) as here:
            assert set(there.table["raster"]) == {source}
            assert there.table["tile_id"].tolist() == here.table["tile_id"].tolist()
            for row in range(4):
                np.testing.assert_array_equal(there.read(row), here.read(row))
