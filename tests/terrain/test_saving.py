"""A terrain is kept around a map, with the heights that it had."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio

from geoloc.errors import RasterError
from geoloc.terrain import saving
from geoloc.terrain.saving import save_terrain
from geoloc.terrain.terrain import open_terrain
from tests.fixtures.elevations import FRAME, plane_m, write_elevation

PLACES = FRAME.to_lonlat(np.array([[0.0, 0.0], [60.0, -40.0]]))


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saving, "MARGIN_M", 100.0)


def nodes() -> np.ndarray:
    places = np.linspace(-120, 120, 9)
    return np.stack(np.meshgrid(places, places), -1).reshape(-1, 2)


@pytest.mark.parametrize(
    "trait",
    [
        {"crs": "EPSG:32633"},
        {"crs": "EPSG:4326", "pixel": 1e-4},
        {"turned_deg": 30.0},
        {"south_up": True},
        {"unit": "ft", "change": lambda heights: heights / 0.3048},
        {"pixel": 0.5, "side_px": 700},
    ],
    ids=["utm", "degrees", "turned", "south-up", "feet", "fine"],
)
def test_heights_stay_as_they_are_in_metres(tmp_path: Path, trait: dict[str, object]) -> None:
    terrain = open_terrain(write_elevation(tmp_path / "dem.tif", **trait))  # type: ignore[arg-type]
    save_terrain(terrain, PLACES, 32.0, tmp_path / "kept.tif")
    kept = open_terrain(tmp_path / "kept.tif")
    found = kept.altitudes_m(FRAME.to_lonlat(nodes()))
    np.testing.assert_allclose(found, plane_m(nodes()), atol=0.06)
    with rasterio.open(tmp_path / "kept.tif") as dataset:
        assert dataset.units == ("metre",)
        assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert kept.rasters[0].pixel_m(FRAME.origin) >= 0.9
        # Little more than the places, their reach and the margin; degrees are not square.
        assert dataset.width * kept.rasters[0].pixel_m(FRAME.origin) < 450


def test_of_an_unturned_model_pixels_are_copied(tmp_path: Path) -> None:
    path = write_elevation(tmp_path / "dem.tif", change=lambda h: np.rint(h * 128) / 128)
    save_terrain(open_terrain(path), PLACES, 32.0, tmp_path / "kept.tif")
    with rasterio.open(path) as dem, rasterio.open(tmp_path / "kept.tif") as kept:
        window = dem.window(*kept.bounds).round()
        np.testing.assert_array_equal(dem.read(1, window=window), kept.read(1))


def test_what_no_place_is_near_stays_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saving, "_BLOCK_PX", 64)
    path = write_elevation(tmp_path / "dem.tif", side_px=400)
    far = FRAME.to_lonlat(np.array([[-1500.0, 1500.0], [1500.0, -1500.0]]))
    save_terrain(open_terrain(path), far, 32.0, tmp_path / "kept.tif")
    kept = open_terrain(tmp_path / "kept.tif")
    assert np.isfinite(kept.altitudes_m(far)).all()
    assert np.isnan(kept.altitudes_m(FRAME.to_lonlat(np.zeros((1, 2))))).all()


def test_a_model_of_elsewhere_is_refused(tmp_path: Path) -> None:
    terrain = open_terrain(write_elevation(tmp_path / "dem.tif"))
    with pytest.raises(RasterError, match=r"dem\.tif covers nothing of the map"):
        save_terrain(terrain, np.array([[20.0, 40.0]]), 32.0, tmp_path / "kept.tif")
    assert not (tmp_path / "kept.tif").exists()
