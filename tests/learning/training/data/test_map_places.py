"""Tiles are laid back to where they were cut; pixel values are their own coordinates here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from affine import Affine

from geoloc.errors import TilesError
from geoloc.learning.training.data import map_places
from geoloc.learning.training.data.map_places import MapScale, read_map, scale_of
from geoloc.options import TileOptions
from geoloc.progress import Silent
from geoloc.tiles.job import cut_tiles
from geoloc.tiles.tile_set import TileSet
from tests.fixtures.rasters import BLUE, coded_bands, write_raster

SIDE_PX = 240
UTM = "EPSG:32633"
WEST, NORTH = 500_000.0, 5_400_000.0


def survey(folder: Path, *, west: float = WEST, name: str = "map", **cutting: object) -> TileSet:
    """A raster of 240 m a side, 1 m a pixel, in tiles of 60 m and 60 pixels."""
    raster = write_raster(
        folder / f"{name}.tif",
        coded_bands(SIDE_PX),
        crs=UTM,
        transform=Affine(1, 0, west, 0, -1, NORTH),
    )
    return cut([raster], folder / "tiles", **cutting)


def cut(rasters: list[Path], folder: Path, **options: object) -> TileSet:
    chosen = {"ground_sizes_m": (60.0,), "size_px": 60} | options
    cut_tiles([str(each) for each in rasters], folder, TileOptions(**chosen))  # type: ignore[arg-type]
    return TileSet.open(folder)


@pytest.mark.parametrize("overlap", [0.0, 0.5])
@pytest.mark.parametrize("virtual", [False, True], ids=["pixels", "virtual"])
def test_a_map_is_put_together_as_it_was(tmp_path: Path, overlap: float, virtual: bool) -> None:
    tiles = survey(tmp_path, overlap=overlap, virtual=virtual)
    (place,) = read_map(tiles, MapScale(60.0, 1.0), seed=0)
    (image,) = place.dates
    # UTM is 0.4 per mille short here; a tile of 60 m is 60 pixels, so the whole is 240.
    assert image.shape == (SIDE_PX, SIDE_PX, 3)
    error = image.astype(int) - np.moveaxis(coded_bands(SIDE_PX), 0, -1)
    assert np.abs(error).max() <= 1


def test_finer_tiles_are_shrunk_to_the_scale(tmp_path: Path) -> None:
    (place,) = read_map(survey(tmp_path), MapScale(60.0, 2.0), seed=0)
    rows, cols = np.indices((120, 120)) * 2 + 0.5
    image = place.dates[0].astype(float)
    assert np.abs(image[..., 0] - cols).max() <= 1
    assert np.abs(image[..., 1] - rows).max() <= 1


def test_blocks_share_no_ground_and_miss_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(map_places, "_BLOCK_SIDES", 2)
    places = read_map(survey(tmp_path), MapScale(60.0, 1.0), seed=0)
    assert len(places) == 4
    seen = np.concatenate([place.dates[0].reshape(-1, 3) for place in places])
    where = seen[:, 1].astype(int) * SIDE_PX + seen[:, 0]
    assert len(np.unique(where)) == len(where) == SIDE_PX**2


def test_a_huge_map_is_sampled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(map_places, "_BLOCK_SIDES", 2)
    monkeypatch.setattr(map_places, "MAX_PIXELS", 2 * 120**2)
    tiles = survey(tmp_path)
    kept = [read_map(tiles, MapScale(60.0, 1.0), seed=seed) for seed in (0, 0, 1, 2, 3)]
    assert {len(each) for each in kept} == {2}
    corners = [tuple(tuple(place.dates[0][0, 0]) for place in each) for each in kept]
    assert corners[0] == corners[1]
    assert len(set(corners)) > 1


def test_ground_of_two_rasters_is_read_once(tmp_path: Path) -> None:
    """Two dates of one place would be each other's negatives."""
    rasters = [
        write_raster(
            tmp_path / f"{name}.tif",
            coded_bands(SIDE_PX),
            crs=UTM,
            transform=Affine(1, 0, west, 0, -1, NORTH),
        )
        for name, west in (("first", WEST), ("again", WEST + 3), ("beside", WEST + SIDE_PX))
    ]
    tiles = cut(rasters, tmp_path / "tiles", overlap=0.0)
    places = read_map(tiles, MapScale(60.0, 1.0), seed=0)
    assert sorted(Path(place.name).stem for place in places) == ["beside", "first"]


def test_what_no_tile_shows_is_black(tmp_path: Path) -> None:
    bands = coded_bands(SIDE_PX)
    bands[:, :120, :120] = 0
    raster = write_raster(
        tmp_path / "map.tif",
        bands,
        crs=UTM,
        transform=Affine(1, 0, WEST, 0, -1, NORTH),
        nodata=0,
    )
    (place,) = read_map(cut([raster], tmp_path / "tiles"), MapScale(60.0, 1.0), seed=0)
    assert place.is_patchy
    assert not place.dates[0][:118, :118].any()
    assert (place.dates[0][122:, 122:, 2] == BLUE).all()


def test_a_damaged_tile_leaves_a_gap_and_a_warning(tmp_path: Path) -> None:
    tiles = survey(tmp_path, overlap=0.0)
    (tmp_path / "tiles" / tiles.table["location"].iloc[0]).write_bytes(b"")

    class Ear(Silent):
        said: list[str] = []  # noqa: RUF012 - one ear, one test

        def warn(self, message: str) -> None:
            self.said.append(message)

    (place,) = read_map(tiles, MapScale(60.0, 1.0), seed=0, progress=Ear())
    assert len(Ear.said) == 1
    assert not place.dates[0][:60, :60].any()
    assert place.dates[0][60:].any(axis=2).all()


def test_the_tiles_that_the_model_is_for_are_read(tmp_path: Path) -> None:
    tiles = survey(tmp_path, ground_sizes_m=(60.0, 120.0))
    assert scale_of(tiles, wanted_m=160.0, side_px=60) == MapScale(120.0, 1.0)
    assert scale_of(tiles, wanted_m=50.0, side_px=60) == MapScale(60.0, 0.5)


def test_no_tiles_are_refused(tmp_path: Path) -> None:
    tiles = survey(tmp_path)
    none = TileSet(tiles.folder, tiles.manifest, tiles.rows.subset([]))
    with pytest.raises(TilesError, match="geoloc tile"):
        scale_of(none, wanted_m=160.0, side_px=32)
