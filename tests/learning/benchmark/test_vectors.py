"""Image files to vectors: in order, kept, and never silently fewer."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from geoloc.errors import InputError, ModelError
from geoloc.learning.benchmark import vectors as module
from geoloc.learning.benchmark.vectors import PictureVectors
from geoloc.learning.datasets.crossview import Picture
from geoloc.models.embedder import Embedder
from geoloc.photos.photo import read_photo
from geoloc.progress import Silent
from tests.fixtures.dataset_layouts import write_image
from tests.fixtures.indexes import write_model


@pytest.fixture(scope="module")
def embedder(tmp_path_factory: pytest.TempPathFactory) -> Embedder:
    model = write_model(tmp_path_factory.mktemp("models") / "tiny")
    return Embedder(model, device="cpu", batch_size=2)


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Picture]:
    """Seven pictures, in shards of three."""
    monkeypatch.setattr(module, "_SHARD_PICTURES", 3)
    paths = [write_image(tmp_path / "images" / f"{n}.png", n, size=(20, 40)) for n in range(7)]
    return [Picture(path, path.stem) for path in paths]


def _embed(embedder: Embedder, pictures: list[Picture], folder: Path | None = None) -> np.ndarray:
    work = PictureVectors(embedder, workers=2, folder=folder, progress=Silent())
    return work.embed(pictures, "drone")


def _shards(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*.npy")}


def test_vectors_are_those_of_the_squashed_pictures_in_their_order(
    embedder: Embedder, pictures: list[Picture]
) -> None:
    found = _embed(embedder, pictures)
    images = [embedder.shrink(read_photo(picture.path).pixels, "drone") for picture in pictures]
    expected = embedder.embed(np.stack(images), "drone")
    assert ((found * expected).sum(axis=1) > 0.999).all()
    assert ((found @ expected.T).argmax(axis=1) == np.arange(7)).all()


def test_the_same_pictures_are_embedded_once(
    embedder: Embedder, pictures: list[Picture], monkeypatch: pytest.MonkeyPatch
) -> None:
    work = PictureVectors(embedder, workers=1, folder=None, progress=Silent())
    first = work.embed(pictures, "drone")
    monkeypatch.setattr(module, "read_photo", None)
    assert work.embed(list(pictures), "drone") is first


def test_kept_vectors_are_read_and_not_computed(
    embedder: Embedder, pictures: list[Picture], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = _embed(embedder, pictures, tmp_path / "kept")
    assert len(_shards(tmp_path / "kept")) == 3
    monkeypatch.setattr(module, "read_photo", None)
    np.testing.assert_array_equal(_embed(embedder, pictures, tmp_path / "kept"), first)


def test_an_interrupted_run_goes_on_with_the_same_bytes(
    embedder: Embedder, pictures: list[Picture], tmp_path: Path
) -> None:
    whole = _embed(embedder, pictures, tmp_path / "kept")
    lost, *others = sorted(_shards(tmp_path / "kept"))
    dates = _shards(tmp_path / "kept")
    lost.unlink()
    np.testing.assert_array_equal(_embed(embedder, pictures, tmp_path / "kept"), whole)
    assert lost.exists()
    assert all(_shards(tmp_path / "kept")[path] == dates[path] for path in others)


def test_a_picture_that_changed_is_embedded_again_with_its_shard_alone(
    embedder: Embedder, pictures: list[Picture], tmp_path: Path
) -> None:
    first = _embed(embedder, pictures, tmp_path / "kept")
    write_image(pictures[0].path, 99, size=(20, 40))
    os.utime(pictures[0].path, (1, 1))
    second = _embed(embedder, pictures, tmp_path / "kept")
    assert not np.array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[3:], second[3:])
    assert len(_shards(tmp_path / "kept")) == 4


def test_another_model_or_view_never_takes_the_kept_vectors(
    embedder: Embedder, pictures: list[Picture], tmp_path: Path
) -> None:
    _embed(embedder, pictures, tmp_path / "kept")
    other = Embedder(write_model(tmp_path / "other", seed=5), device="cpu", batch_size=2)
    assert not np.allclose(
        _embed(other, pictures, tmp_path / "kept"), _embed(embedder, pictures, tmp_path / "kept")
    )
    work = PictureVectors(embedder, workers=1, folder=tmp_path / "kept", progress=Silent())
    work.embed(pictures, "satellite")
    assert len(_shards(tmp_path / "kept")) == 9


def test_damaged_pictures_are_counted_and_the_first_is_named(
    embedder: Embedder, pictures: list[Picture], tmp_path: Path
) -> None:
    pictures[1].path.write_bytes(b"no picture")
    pictures[5].path.unlink()
    with pytest.raises(InputError, match=r"2 of 7 images cannot be read, .*1\.png") as caught:
        _embed(embedder, pictures, tmp_path / "kept")
    assert caught.value.path == pictures[1].path
    assert len(_shards(tmp_path / "kept")) == 1, "what is whole is kept"


def test_vectors_that_are_not_numbers_are_refused(
    embedder: Embedder, pictures: list[Picture], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing ranks above a right answer of NaN: its recall would be perfect."""
    monkeypatch.setattr(
        embedder, "embed", lambda images, view: np.full((len(images), 16), np.nan, np.float32)
    )
    with pytest.raises(ModelError, match="not finite"):
        _embed(embedder, pictures)


@pytest.mark.parametrize("share", [0.0, 0.9])
@pytest.mark.parametrize("filled", [False, True])
def test_kept_vectors_that_are_damaged_are_computed_again(
    embedder: Embedder, pictures: list[Picture], tmp_path: Path, share: float, filled: bool
) -> None:
    expected = _embed(embedder, pictures, tmp_path / "kept")
    for path in _shards(tmp_path / "kept"):
        whole = path.read_bytes()
        start = whole[: int(share * len(whole))]
        path.write_bytes(start + bytes(len(whole) - len(start)) * filled)
    before = _shards(tmp_path / "kept")
    np.testing.assert_array_equal(_embed(embedder, pictures, tmp_path / "kept"), expected)
    assert all(_shards(tmp_path / "kept")[path] != stamp for path, stamp in before.items())
