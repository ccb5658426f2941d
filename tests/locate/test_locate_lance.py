"""Photos are located on a Lance store as they are on FAISS's files."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from geoloc.index.lance_store import DATASET
from geoloc.index.lance_writing import write_dataset
from geoloc.index.manifest import IndexManifest
from geoloc.index.map_index import MapIndex
from geoloc.locate.job import locate_photos
from geoloc.locate.locator import LOCATE_PARAMETERS
from geoloc.options import LANCE, LocateOptions
from tests.fixtures.search import SearchWorld
from tests.fixtures.tile_tables import rows_of

pytest.importorskip("lance", reason="the extra lance is not installed")


@pytest.fixture
def on_lance(search_world: SearchWorld, tmp_path: Path) -> Path:
    """The index of the tiny world, its vectors and tiles moved to a dataset."""
    folder = tmp_path / "index"
    shutil.copytree(search_world.folder / "model", tmp_path / "model")
    shutil.copytree(search_world.index, folder)
    index = MapIndex.open(folder)
    vectors = index.store.vectors(np.arange(len(index.store)))
    version = write_dataset(str(folder / DATASET), rows_of(index.tiles.frame()), vectors)
    recipe = replace(index.manifest.recipe, store=LANCE)
    replace(index.manifest, recipe=recipe, store_version=version).write(folder)
    for name in ("vectors.faiss", "tiles.parquet"):
        (folder / name).unlink()
    assert IndexManifest.read(folder).recipe.store == LANCE
    return folder


@pytest.mark.parametrize("prior", ["none", "exif"])
def test_a_photo_is_located_the_same(search_world: SearchWorld, on_lance: Path, prior: str) -> None:
    drone = replace(LOCATE_PARAMETERS.drone, whole_map_features=0)  # the network retrieves
    parameters = replace(LOCATE_PARAMETERS, drone=drone)
    options = LocateOptions(device="cpu", workers=1, prior=prior, matcher="none")
    photos = search_world.photos[:1]
    rows = [
        next(locate_photos(photos, index, options, parameters=parameters))
        for index in (search_world.index, on_lance)
    ]
    same = {"run_id": None, "index_id": None}
    assert replace(rows[0], **same) == replace(rows[1], **same)
    assert rows[0].status == "located"
