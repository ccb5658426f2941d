"""An index that keeps no local features: they are found again in the map's pixels, once."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from geoloc.cli import cli
from geoloc.errors import TilesError
from geoloc.index.features import lazy_map
from geoloc.index.features.feature_map import FeatureMap
from geoloc.index.job import build_index
from geoloc.index.map_index import MapIndex
from geoloc.locate.locator import Locator
from geoloc.options import LocateOptions
from tests.fixtures.indexes import folder_bytes, options_for
from tests.fixtures.search import SearchWorld
from tests.locate.test_locator import NUMBER, error_m, truth


@pytest.fixture(scope="module")
def world(search_world: SearchWorld, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with tiles, the model, and a lazy index of them."""
    folder = tmp_path_factory.mktemp("lazy")
    shutil.copytree(search_world.folder / "tiles", folder / "tiles")
    shutil.copytree(search_world.folder / "model", folder / "model")
    build_index(folder / "tiles", folder / "index", _options(folder))
    return folder


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GEOLOC_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def _options(folder: Path, **changes: object):  # type: ignore[no-untyped-def]
    return options_for(folder / "model", **{"features": True, "lazy_features": True, **changes})


def _opened(folder: Path) -> FeatureMap:
    features = MapIndex.open(folder / "index").open_features()
    assert features is not None
    return features


def test_it_keeps_signatures_and_no_features(world: Path, search_world: SearchWorld) -> None:
    kept = {path.name for path in (world / "index" / "features").iterdir()}
    assert "signatures.npy" in kept
    assert "blocks" not in kept
    assert len(_opened(world)) == len(search_world.features)
    np.testing.assert_array_equal(_opened(world).counts, search_world.features.counts)


def test_a_photo_is_located_as_with_stored_features(world: Path, search_world: SearchWorld) -> None:
    locator = Locator(MapIndex.open(world / "index"), LocateOptions(), run_id="run")
    result = locator.locate(search_world.photos[NUMBER])
    assert result.status == "located"
    assert error_m(result, truth(search_world)) < 5


def test_what_it_finds_is_what_would_be_stored(world: Path, search_world: SearchWorld) -> None:
    stored, lazy = search_world.features, _opened(world)
    low, high = np.array([-60.0, -50.0]), np.array([70.0, 80.0])
    found = lazy.read(lazy.in_box(0, low, high))
    all_of_it = stored.read()
    inside = ((all_of_it.xy_m >= low) & (all_of_it.xy_m <= high)).all(axis=1)
    expected = all_of_it.select(inside)
    for a, b in ((found, expected), (expected, found)):
        key = {(*place, bytes(d)) for place, d in zip(b.xy_m.tolist(), b.descriptors, strict=True)}
        same = [
            (*place, bytes(d)) in key
            for place, d in zip(a.xy_m.tolist(), a.descriptors, strict=True)
        ]
        assert len(a) > 300
        assert np.mean(same) > 0.99


def test_squares_give_what_lies_in_them_once(world: Path) -> None:
    lazy = _opened(world)
    offsets_m = np.array([[-20.0, 10.0], [-10.0, 10.0]])
    lon, lat = lazy.regions[0].frame.to_lonlat(offsets_m).T
    ids = lazy.in_squares(lon, lat, np.full(2, 30.0))
    xy_m = lazy.read(ids).xy_m
    inside = (np.abs(xy_m[:, None] - offsets_m) <= 30.01).all(axis=2).any(axis=1)
    assert inside.all()
    assert 50 < len(ids) == len(set(ids.tolist()))
    assert lazy.areas_m2(ids)[0] == pytest.approx(lazy.regions[0].area_m2 * len(ids) / len(lazy))
    assert len(lazy.in_squares(lon[:0], lat[:0], np.zeros(0))) == 0


def test_a_tile_is_described_once_and_kept_in_the_cache(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    described: list[int] = []
    whole = lazy_map.describe_tile
    monkeypatch.setattr(
        lazy_map, "describe_tile", lambda t, p, d, i: described.append(i) or whole(t, p, d, i)
    )
    low, high = np.array([-30.0, -30.0]), np.array([30.0, 30.0])
    first = _opened(world)
    ids = first.in_box(0, low, high)
    count = len(described)
    assert count > 0
    assert first.in_box(0, low, high).tolist() == ids.tolist()
    again = _opened(world)
    found = again.in_box(0, low, high)
    assert len(described) == count
    np.testing.assert_array_equal(again.read(found).xy_m, first.read(ids).xy_m)


def test_pixels_that_are_gone_are_named(world: Path, tmp_path: Path) -> None:
    moved = Path(shutil.copytree(world, tmp_path / "moved"))
    shutil.rmtree(moved / "tiles" / "pixels")
    with pytest.raises(TilesError, match="cannot read the tile"):
        _opened(moved).in_box(0, np.array([-9.0, -9.0]), np.array([9.0, 9.0]))


def test_the_same_command_does_nothing_and_another_is_refused(world: Path) -> None:
    before = folder_bytes(world / "index")
    assert build_index(world / "tiles", world / "index", _options(world)).added == 0
    arguments = ["index", str(world / "tiles"), "-o", str(world / "index"), "--device", "cpu"]
    model = ["--model", str(world / "model"), "--descriptor", "rootsift"]
    for more, reason in (
        ([], "built with --features lazy"),
        (["--features", "lazy", "--append"], "cannot add to an index with --features lazy"),
    ):
        done = CliRunner().invoke(cli, [*arguments, *model, *more])
        assert (done.exit_code, done.output.count("\n")) == (2, 1)
        assert reason in done.output
    gone = CliRunner().invoke(cli, ["index", "-o", str(world / "index"), "--remove", "x.tif"])
    assert (gone.exit_code, gone.output.count("\n")) == (2, 1)
    assert folder_bytes(world / "index") == before
