"""Signatures of tiles: a photo is most like the tile of its own ground, whatever its turn."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from affine import Affine
from geopandas import GeoDataFrame
from numpy.typing import NDArray

from geoloc.errors import IndexFolderError
from geoloc.geometry.crs import LocalFrame, LonLat
from geoloc.index.features import building
from geoloc.index.features.building import build_features
from geoloc.index.features.feature_map import FeatureMap
from geoloc.index.features.keypoints import ROOT_SIFT, DescriptorKind, detect_keypoints
from geoloc.index.features.signatures import Signatures, aggregate, sign, write_signatures
from geoloc.index.features.vocabulary import VOCABULARY, Vocabulary, learn_vocabulary
from geoloc.index.job import build_index
from geoloc.index.map_index import MapIndex
from geoloc.locate.drone.locator import DroneLocator
from geoloc.locate.drone.parameters import DroneParameters
from geoloc.locate.locator import LocateParameters, Locator
from geoloc.options import LocateOptions, TileOptions
from geoloc.progress import Silent
from geoloc.tiles.job import cut_tiles
from geoloc.tiles.tile_set import TileSet
from tests.fixtures.indexes import folder_bytes, options_for, write_map, write_model, write_tiles
from tests.fixtures.progress import RecordedProgress
from tests.fixtures.rasters import write_raster
from tests.fixtures.search import SearchWorld, speckled
from tests.locate.test_locator import NUMBER, error_m, truth

GSD_M = 0.5
TILE_PX = 192
# Further from the last shape than a keypoint, a tile and the cells around it reach.
BLANK_PX = 3 * TILE_PX
SIDE_PX = 5 * TILE_PX
FILE = "signatures.npy"


class Town:
    """Tiles of a sheet of shapes whose eastern end is blank, with their signatures."""

    def __init__(self, folder: Path, *, shapes: int, side_px: int = SIDE_PX) -> None:
        picture = np.full((side_px, side_px + BLANK_PX, 3), 120, np.uint8)
        picture[:, :side_px] = speckled(side_px, count=shapes)
        sheet = write_raster(
            folder / "sheet.tif",
            picture.transpose(2, 0, 1),
            crs="EPSG:32633",
            transform=Affine(GSD_M, 0, 500_000, 0, -GSD_M, 5_800_000),
        )
        options = TileOptions(
            ground_sizes_m=(TILE_PX * GSD_M,), size_px=TILE_PX, overlap=0.0, workers=1
        )
        cut_tiles([str(sheet)], folder / "tiles", options)
        self.tiles = TileSet.open(folder / "tiles")
        build_features(self.tiles, folder / "features", workers=1)
        self.features = FeatureMap.open(folder / "features")
        write_signatures(self.features, self.tiles.rows, progress=Silent())
        self.rows = np.arange(len(self.tiles))

    def tiles_m(self, table: GeoDataFrame) -> NDArray[np.float64]:
        """Middles of the tiles, east and south of the first one's."""
        frame = LocalFrame(LonLat(table["lon"].min(), table["lat"].max()))
        places = frame.from_lonlat(table["lon"].to_numpy(float), table["lat"].to_numpy(float))
        return np.asarray(places * [1, -1])

    @property
    def signatures(self) -> Signatures:
        opened = Signatures.open(self.features.folder)
        assert opened is not None
        return opened

    def photo(self, row: int, *, turn_deg: float = 0.0, scale: float = 1.0) -> NDArray[np.float32]:
        """Descriptors of what lies around the middle of a tile, turned and scaled."""
        side = round(TILE_PX * scale)
        matrix = cv2.getRotationMatrix2D(((TILE_PX - 1) / 2,) * 2, turn_deg, scale)
        matrix[:, 2] += (side - TILE_PX) / 2
        turned = cv2.warpAffine(
            self.tiles.read(row), matrix, (side, side), flags=cv2.INTER_AREA | cv2.INTER_LINEAR
        )
        disc = cv2.circle(np.zeros((side, side), np.uint8), (side // 2,) * 2, side // 2 - 4, 1, -1)
        found = detect_keypoints(np.asarray(turned, np.uint8), valid=disc.astype(bool))
        return ROOT_SIFT.unit(found.descriptors)

    def likeness(self, row: int, **how: float) -> NDArray[np.float32]:
        return self.signatures.likeness(self.photo(row, **how), self.rows)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    """Read it, never change it."""
    return Town(tmp_path_factory.mktemp("town"), shapes=4000)


@pytest.fixture(scope="module")
def inner(town: Town) -> NDArray[np.int64]:
    """Rows of the tiles with shapes all around, far from the tile that the sheet's edge repeats."""
    table = town.tiles.table
    x, y = np.rint(town.tiles_m(table) / (TILE_PX * GSD_M)).T
    return np.flatnonzero((x < 4) & (y < 4))


@pytest.fixture
def folder(town: Town, tmp_path: Path) -> Path:
    """A copy of the folder, free to be spoilt."""
    return Path(shutil.copytree(town.features.folder, tmp_path / "features"))


@pytest.mark.slow
@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("turn_deg", [0.0, 37.0, 90.0, 200.0])
def test_a_photo_is_most_like_the_tile_of_its_own_ground(
    town: Town, inner: NDArray[np.int64], turn_deg: float, scale: float
) -> None:
    assert len(inner) == 16
    best = [town.likeness(row, turn_deg=turn_deg, scale=scale).argmax() for row in inner]
    assert len(town.rows) > 50
    assert np.sum(best == inner) >= 15


def test_a_tile_without_features_is_like_nothing(town: Town) -> None:
    stored = np.load(town.features.folder / FILE)
    is_blank = ~stored.any(axis=(1, 2))
    assert 0 < is_blank.sum() < len(town.rows) / 2
    likeness = town.likeness(0)
    assert (likeness[is_blank] == 0).all()
    assert (likeness[~is_blank] > 0).mean() > 0.9


def test_a_photo_without_features_is_like_nothing(town: Town) -> None:
    likeness = town.signatures.likeness(np.zeros((0, 128), np.float32), town.rows)
    assert likeness.tolist() == [0] * len(town.rows)


def test_only_the_rows_that_are_asked_about_answer_in_their_order(town: Town) -> None:
    asked, everywhere = town.photo(7), town.likeness(7)
    some = np.array([9, 7, 2, 7], np.int64)
    found = town.signatures.likeness(asked, some)
    np.testing.assert_array_equal(found, everywhere[some])
    assert town.signatures.likeness(asked, some[:0]).shape == (0,)


def test_many_rows_are_as_few(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = town.likeness(3)
    monkeypatch.setattr("geoloc.index.features.signatures._CHUNK", 4)
    np.testing.assert_allclose(town.likeness(3), whole, rtol=1e-6)


def test_likeness_is_what_the_signs_say(town: Town) -> None:
    """Against the sum over words and bits, written out."""
    vocabulary, stored = town.features.vocabulary, np.load(town.features.folder / FILE)
    asked = aggregate(town.photo(7), vocabulary)
    bits = asked.shape[1]
    signs = np.unpackbits(stored, axis=2, count=bits) * 2.0 - 1.0
    shown = stored.any(axis=2)
    cosines = np.einsum("twb,wb->tw", signs, asked) / np.sqrt(bits) * shown
    norms = np.sqrt(shown @ vocabulary.rarity).clip(1e-6)
    expected = cosines.clip(0) @ vocabulary.rarity / norms
    np.testing.assert_allclose(town.likeness(7), expected, rtol=1e-4, atol=1e-5)


def test_no_row_is_read_that_is_not_asked_about(town: Town) -> None:
    class Watched(np.ndarray):
        read: list[int] = []  # noqa: RUF012 - one test's notes

        def __getitem__(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:  # type: ignore[override]
            self.read.extend(rows.tolist())
            return np.asarray(np.ndarray.__getitem__(self, rows))

    stored = np.load(town.features.folder / FILE).view(Watched)
    signatures = Signatures(town.features.vocabulary, stored)
    signatures.likeness(town.photo(7), np.array([3, 1]))
    assert Watched.read == [3, 1]


def test_a_word_s_vector_is_of_unit_length_or_zero(town: Town) -> None:
    asked, vocabulary = town.photo(7), town.features.vocabulary
    vectors = aggregate(asked, vocabulary)
    used = np.unique((asked @ vocabulary.words.T).argmax(axis=1))
    lengths = np.linalg.norm(vectors, axis=1)
    assert np.flatnonzero(lengths).tolist() == used.tolist()
    np.testing.assert_allclose(lengths[used], 1, atol=1e-5)
    np.testing.assert_allclose(aggregate(asked[::-1], vocabulary), vectors, atol=1e-4)


def test_what_all_offsets_of_an_image_share_is_no_part_of_it() -> None:
    """Haze, say, moves every descriptor by the same."""
    rng = np.random.default_rng(0)
    words = np.eye(8, dtype=np.float32)
    even, whole = np.full(8, 0.9, np.float32), np.eye(8, dtype=np.float32)
    vocabulary = Vocabulary(np.zeros((1, 8), np.uint8), words, even, np.ones_like(even), whole)
    descriptors = (words[np.arange(80) % 8] + rng.normal(0, 0.05, (80, 8))).astype(np.float32)
    shifted = descriptors + np.linspace(-0.1, 0.1, 8, dtype=np.float32)
    np.testing.assert_allclose(
        aggregate(shifted, vocabulary), aggregate(descriptors, vocabulary), atol=1e-4
    )


def test_a_word_without_a_positive_sign_is_still_there() -> None:
    vectors = np.array([[-0.6, -0.8, 0, 0], [0, 0, 0, 0], [0, 1, 0, 0]], np.float32)
    assert sign(vectors).tolist() == [[128], [0], [64]]


@pytest.mark.slow
@pytest.mark.parametrize("shapes", [2, 60])
def test_tiles_of_few_features_have_a_likeness(tmp_path: Path, shapes: int) -> None:
    few = Town(tmp_path, shapes=shapes, side_px=TILE_PX)
    everything = ROOT_SIFT.unit(few.features.descriptors(np.arange(len(few.features))))
    likeness = few.signatures.likeness(everything, few.rows)
    assert np.isfinite(likeness).all()
    assert likeness.max() > 0


@pytest.mark.parametrize("size", [32, 64, 128])
def test_a_tile_takes_two_kilobytes_at_most(size: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    descriptors = rng.integers(0, 256, (12_000, size), dtype=np.uint8)
    kind = DescriptorKind("random", size, 128, 0.5)
    vocabulary = learn_vocabulary(descriptors, kind, np.arange(12_000) // 500)
    assert len(vocabulary.words) == 256
    signature = sign(aggregate(kind.unit(descriptors), vocabulary))
    assert (signature.dtype, signature.nbytes) == (np.uint8, min(size, 64) * 32)
    assert signature.nbytes <= 2048


def test_the_same_map_gives_the_same_bytes(town: Town, folder: Path) -> None:
    (folder / FILE).unlink()
    write_signatures(FeatureMap.open(folder), town.tiles.rows, progress=Silent())
    assert folder_bytes(folder) == folder_bytes(town.features.folder)


def test_each_tile_is_told(town: Town, folder: Path) -> None:
    progress = RecordedProgress()
    write_signatures(FeatureMap.open(folder), town.tiles.rows, progress=progress)
    assert progress.done == len(town.rows)


def test_a_folder_may_have_been_made_without(folder: Path) -> None:
    (folder / FILE).unlink()
    assert Signatures.open(folder) is None


@pytest.mark.parametrize("name", [FILE, VOCABULARY])
@pytest.mark.parametrize("kept", [0, 60, 2000])
def test_damaged_files_are_refused(folder: Path, name: str, kept: int) -> None:
    (folder / name).write_bytes((folder / name).read_bytes()[:kept])
    with pytest.raises(IndexFolderError, match="--overwrite"):
        Signatures.open(folder)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
def test_signatures_of_other_words_are_refused(folder: Path, dtype: type) -> None:
    stored = np.load(folder / FILE)
    np.save(folder / FILE, stored[:, 1:] if dtype is np.uint8 else stored.view(dtype))
    with pytest.raises(IndexFolderError, match=r"are not of \d+ words.*--overwrite"):
        Signatures.open(folder)


def test_signatures_without_a_vocabulary_are_refused(folder: Path) -> None:
    (folder / VOCABULARY).unlink()
    with pytest.raises(IndexFolderError, match=r"vocabulary\.safetensors.*--overwrite"):
        Signatures.open(folder)


def test_an_index_holds_a_signature_for_each_of_its_rows(search_world: SearchWorld) -> None:
    index = MapIndex.open(search_world.index)
    stored = np.load(search_world.features.folder / "signatures.npy")
    assert len(stored) == len(index.tiles)
    assert stored.any(axis=(1, 2)).all()
    assert Signatures.open(search_world.features.folder) is not None


@pytest.mark.slow
def test_tiles_that_are_added_get_signatures(tmp_path: Path) -> None:
    model, options = write_model(tmp_path / "model"), {"features": True}
    first = write_tiles(tmp_path / "first", write_map(tmp_path / "a.tif", columns=2, rows=2))
    more = write_tiles(tmp_path / "more", write_map(tmp_path / "b.tif", columns=2, east_m=500))
    build_index(first, tmp_path / "index", options_for(model, **options))
    build_index(more, tmp_path / "index", options_for(model, append=True, **options))
    index = MapIndex.open(tmp_path / "index")
    assert index.features_folder is not None
    stored = np.load(index.features_folder / "signatures.npy")
    assert len(stored) == len(index.tiles) == 12
    assert stored.any(axis=(1, 2)).all()


def test_a_map_of_nothing_has_no_signatures(tmp_path: Path) -> None:
    blank = write_raster(
        tmp_path / "blank.tif",
        np.full((3, 96, 96), 90, np.uint8),
        crs="EPSG:32633",
        transform=Affine(1, 0, 500_000, 0, -1, 5_800_000),
    )
    model = write_model(tmp_path / "model")
    tiles = write_tiles(tmp_path / "tiles", blank)
    build_index(tiles, tmp_path / "index", options_for(model, features=True))
    assert Signatures.open(tmp_path / "index" / "features") is None


def test_a_run_that_ended_between_features_and_signatures_is_completed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = options_for(write_model(tmp_path / "model"), features=True)
    tiles = write_tiles(tmp_path / "tiles", write_map(tmp_path / "a.tif", columns=2, rows=2))
    build_index(tiles, tmp_path / "whole", options)
    features = tmp_path / "cut" / "features"
    # Four tiles through the network, the same for their features, and two signatures.
    with pytest.raises(KeyboardInterrupt):
        build_index(tiles, tmp_path / "cut", options, progress=RecordedProgress(stop_after=10))
    assert (features / "features.json").exists()
    assert not (features / "signatures.npy").exists()
    assert not (tmp_path / "cut" / "index.json").exists()
    found_again: list[int] = []
    monkeypatch.setattr(building, "describe_tile", lambda *a: found_again.append(a[-1]))
    build_index(tiles, tmp_path / "cut", options)
    assert found_again == []
    assert folder_bytes(tmp_path / "cut") == folder_bytes(tmp_path / "whole")


def test_on_a_large_map_signatures_lead_to_the_place(
    search_world: SearchWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = MapIndex.open(search_world.index)
    retrieved = DroneParameters(whole_map_features=0)
    options = LocateOptions(top_k=3, device="cpu")
    locator = Locator(index, options, run_id="run", parameters=LocateParameters(drone=retrieved))
    assert isinstance(locator.drone, DroneLocator)
    # A network that likes every tile alike leaves the choice to the signatures.
    monkeypatch.setattr(index.store, "search", _all_alike(len(index.tiles)))
    result = locator.locate(search_world.photos[NUMBER])
    assert result.status == "located"
    assert error_m(result, truth(search_world)) < 5


def _all_alike(count: int):  # type: ignore[no-untyped-def]
    from geoloc.index.exact_search import SearchResult

    def search(queries: np.ndarray, k: int, *, rows: object = None) -> SearchResult:
        shape = (len(queries), min(k, count))
        ids = np.broadcast_to(np.arange(count)[::-1][: shape[1]], shape)
        return SearchResult(scores=np.full(shape, 0.5, np.float32), rows=ids)

    return search
