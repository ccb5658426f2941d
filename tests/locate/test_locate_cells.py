"""Street photos on cells of the map, end to end: a small statewide network of random weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from affine import Affine
from PIL import ExifTags

from geoloc.geometry.crs import LonLat, distance_m
from geoloc.index.job import build_index
from geoloc.index.map_index import MapIndex
from geoloc.index.vector_store import EXACT_FACTORY, write_store
from geoloc.locate.explain.evidence import find_evidence
from geoloc.locate.explain.job import explain_photo
from geoloc.locate.explain.picture import draw_explanation
from geoloc.locate.job import locate_photos
from geoloc.models.embedder import Embedder
from geoloc.models.registry import load_model
from geoloc.models.view import GROUND
from geoloc.options import ExplainOptions, IndexOptions, LocateOptions, TileOptions
from geoloc.photos.photo import read_photo
from geoloc.results.files import read_results, write_results
from geoloc.tiles.job import cut_tiles
from tests.fixtures.photos import exif, write_photo
from tests.fixtures.rasters import write_raster
from tests.fixtures.street import write_panorama
from tests.fixtures.tiny_models import TINY_STATEWIDE, write_tiny_model

CELL_M = 32
# The cell whose vector becomes that of the photo.
FOUND = 210
CPU = LocateOptions(device="cpu")


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some 400 cells of 32 m, seen in crops of 32, 64 and 128 m."""
    folder = tmp_path_factory.mktemp("cells")
    colours = np.random.default_rng(8).integers(0, 255, (3, 80, 80), np.uint8)
    place = Affine(0.5, 0, 500_000, 0, -0.5, 5_800_000)
    bands = colours.repeat(16, axis=1).repeat(16, axis=2)
    town = write_raster(folder / "town.tif", bands, crs="EPSG:32633", transform=place)
    model = write_tiny_model(folder / "model", TINY_STATEWIDE)
    tiles = TileOptions(model=str(model), ground_sizes_m=(float(CELL_M),), workers=1)
    cut_tiles([str(town)], folder / "tiles", tiles)
    options = IndexOptions(model=str(model), device="cpu", workers=1)
    build_index(folder / "tiles", folder / "index", options)
    return folder / "index"


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A phone's photo, upright, of a shape that the network does not take."""
    pixels = np.random.default_rng(9).integers(0, 255, (40, 30, 3), np.uint8)
    phone = {ExifTags.Base.Make: "Apple", ExifTags.Base.Model: "iPhone 13"}
    path = tmp_path_factory.mktemp("photos") / "IMG_1.png"
    return write_photo(path, pixels=pixels.repeat(12, axis=0).repeat(12, axis=1), exif=exif(phone))


@pytest.fixture(scope="module")
def taught(index: Path, photo: Path) -> Path:
    """The index, with the photo's own vector in place of that of one cell."""
    opened = MapIndex.open(index)
    vectors = opened.store.vectors(np.arange(len(opened.tiles))).copy()
    embedder = Embedder(opened.card.folder, device="cpu")
    (vectors[FOUND],) = embedder.embed(read_photo(photo).pixels[None], GROUND)
    write_store(index, vectors, EXACT_FACTORY)
    return index


def test_a_photo_whose_vector_is_a_cell_s_is_found_there(
    taught: Path, photo: Path, tmp_path: Path
) -> None:
    opened = MapIndex.open(taught)
    rows = list(locate_photos([photo], taught, CPU))
    (row,) = rows
    assert row.view == "street"
    assert row.longitude is not None
    assert row.latitude is not None
    cell = LonLat(float(opened.tiles.lon[FOUND]), float(opened.tiles.lat[FOUND]))
    assert distance_m(LonLat(row.longitude, row.latitude), cell) < CELL_M
    assert row.tile_id == opened.tiles.records([FOUND], ["tile_id"])[0]["tile_id"]
    assert row.heading is None
    assert row.conf_kind == "uncalibrated"
    assert row.conf_radius_m == pytest.approx(CELL_M / 2**0.5, abs=0.1)
    write_results(rows, tmp_path / "out.gpkg")
    (read,) = read_results(tmp_path / "out.gpkg")
    assert (read.status, read.candidates) == (row.status, row.candidates)


def test_a_panorama_ends_in_a_row_without_a_heading(index: Path, tmp_path: Path) -> None:
    pixels = np.random.default_rng(3).integers(0, 255, (18, 36, 3), np.uint8)
    path = write_panorama(tmp_path / "pano.jpg", pixels.repeat(10, axis=0).repeat(10, axis=1))
    (row,) = locate_photos([path], index, CPU)
    assert (row.view, row.heading) == ("panorama", None)
    assert row.status in ("located", "ambiguous", "rejected")
    assert json.loads(row.candidates or "[]")


def test_a_match_with_a_cell_is_explained_by_all_its_crops(
    index: Path, photo: Path, tmp_path: Path
) -> None:
    explanation = explain_photo(photo, index, ExplainOptions(device="cpu"))
    assert (explanation.kind, explanation.supposed) == ("street", "the whole photo")
    assert explanation.tile.pixels.shape == (64, 3 * 64, 3)
    assert explanation.tile.evidence.parts.shape == (2, 3 * 2)
    for side in (explanation.photo, explanation.tile):
        assert side.evidence.is_exact
        assert side.evidence.total == pytest.approx(explanation.cosine, abs=1e-4)
    assert "squares of 32, 64, 128 m around its middle" in explanation.tile_shown
    assert draw_explanation(explanation).size[0] > 3 * 64


def test_evidence_of_a_crop_is_what_it_adds(index: Path, photo: Path) -> None:
    """Without the constants of the value layer, parts alone make the cosine."""
    network = load_model(MapIndex.open(index).card.folder).eval()
    crops = torch.randn(1, 3, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        network.satellite_pool.value.bias.zero_()
        network.satellite_pool.norm.bias.zero_()
        vector = network(crops, "satellite")[0]
    evidence = find_evidence(network, crops, "satellite", toward=vector)
    assert evidence.rest == pytest.approx(0, abs=1e-4)
    assert evidence.parts.sum() == pytest.approx(1, abs=1e-4)
