"""Embedding: preprocessing, devices, half precision, and batches that fit in memory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from geoloc.errors import DependencyError, ModelError
from geoloc.models import embedder
from geoloc.models.device import autocast_type, resolve_device
from geoloc.models.embedder import Embedder, Preprocessing, fingerprint
from geoloc.models.registry import load_model, read_card
from tests.fixtures.indexes import write_model
from tests.fixtures.tiny_models import TINY_STATEWIDE, write_tiny_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def crop_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sees a tile in three crops of 64 pixels, a photo whole on black."""
    return write_tiny_model(tmp_path_factory.mktemp("models") / "crops", TINY_STATEWIDE)


def _crops(count: int, levels: int = 3) -> np.ndarray:
    return _pictures(count * levels).reshape(count, levels, 64, 64, 3)


def _pictures(count: int, side_px: int = 64) -> np.ndarray:
    rng = np.random.default_rng(count)
    small = rng.integers(0, 255, (count, side_px // 8, side_px // 8, 3), dtype=np.uint8)
    return small.repeat(8, axis=1).repeat(8, axis=2)


def _cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a * b).sum(axis=1)


def test_vectors_are_of_unit_length(model: Path) -> None:
    vectors = Embedder(model, device="cpu").embed(_pictures(3), "satellite")
    assert vectors.shape == (3, 16)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_no_pictures_give_no_vectors(model: Path) -> None:
    assert Embedder(model, device="cpu").embed(_pictures(0), "drone").shape == (0, 16)


def test_batch_of_one_equals_batch_of_many(model: Path) -> None:
    pictures = _pictures(5)
    one = Embedder(model, device="cpu", batch_size=1).embed(pictures, "satellite")
    many = Embedder(model, device="cpu", batch_size=5).embed(pictures, "satellite")
    assert _cosines(one, many).min() > 0.9999


def test_preprocessing_is_what_the_card_asks_for(model: Path) -> None:
    card = read_card(model)
    steps = Preprocessing.of(card, "satellite")
    picture = _pictures(1)[0]
    ready = steps.normalise(steps.shrink(picture)[None], torch.device("cpu"))
    mean = picture.reshape(32, 2, 32, 2, 3).mean(axis=(1, 3)) / 255
    expected = (mean - np.array(card.mean)) / np.array(card.std)
    assert ready.is_contiguous(memory_format=torch.channels_last)
    np.testing.assert_allclose(ready[0].permute(1, 2, 0).numpy(), expected, atol=0.5 / 255 / 0.2)


def test_a_smaller_picture_is_enlarged(model: Path) -> None:
    assert Embedder(model, device="cpu").shrink(_pictures(1, 16)[0]).shape == (32, 32, 3)


def test_an_unknown_view_is_refused(model: Path) -> None:
    with pytest.raises(ModelError, match="ground"):
        Embedder(model, device="cpu").embed(_pictures(1), "ground")


@pytest.mark.parametrize("name", ["clnet-aerial", "tiny"])
def test_half_precision_agrees_with_float32(name: str, model: Path) -> None:
    embedder = Embedder(model if name == "tiny" else name, device="auto")
    if embedder.precision is None:
        pytest.skip("no half precision on this device")
    pictures = _pictures(6, 256)
    half = embedder.embed(pictures, "satellite")
    embedder.precision = None
    assert _cosines(half, embedder.embed(pictures, "satellite")).min() > 0.999


def test_half_precision_of_a_processor_is_bfloat16_or_none() -> None:
    assert autocast_type(torch.device("cpu")) in (torch.bfloat16, None)


@pytest.mark.parametrize("error", [torch.OutOfMemoryError, MemoryError, RuntimeError])
def test_batches_halve_when_memory_runs_out(
    model: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    embedder = Embedder(model, device="cpu", batch_size=16)
    expected = embedder.embed(_pictures(20), "satellite")
    normalise = Preprocessing.normalise
    sizes: list[int] = []

    def choke(self: Preprocessing, images: np.ndarray, device: torch.device) -> torch.Tensor:
        sizes.append(len(images))
        if len(images) > 5:
            raise error("[enforce fail] DefaultCPUAllocator: can't allocate memory")
        return normalise(self, images, device)

    monkeypatch.setattr(Preprocessing, "normalise", choke)
    found = embedder.embed(_pictures(20), "satellite")
    assert sizes == [16, 8, 4, 4, 4, 4, 4]
    assert embedder.batch_size == 4
    assert _cosines(found, expected).min() > 0.9999


def test_memory_for_not_even_one_picture_is_one_clear_error(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def choke(*_: object) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(Preprocessing, "normalise", choke)
    with pytest.raises(DependencyError, match="one picture"):
        Embedder(model, device="cpu").embed(_pictures(4), "satellite")


def test_other_errors_are_not_taken_for_lack_of_memory(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> torch.Tensor:
        raise RuntimeError("shapes do not fit")

    monkeypatch.setattr(Preprocessing, "normalise", fail)
    with pytest.raises(RuntimeError, match="do not fit"):
        Embedder(model, device="cpu").embed(_pictures(4), "satellite")


@pytest.mark.parametrize("name", ["cuda:99", "tpu", "", "cuda:-1"])
def test_a_missing_device_is_named_with_those_that_are_there(name: str) -> None:
    with pytest.raises(DependencyError, match="cpu") as caught:
        resolve_device(name)
    assert caught.value.exit_code == 5


def test_auto_takes_a_gpu_when_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedder.torch.cuda, "device_count", lambda: 2)
    assert resolve_device("auto") == torch.device("cuda:0")
    assert resolve_device("cuda:1") == torch.device("cuda:1")
    monkeypatch.setattr(embedder.torch.cuda, "device_count", lambda: 0)
    assert resolve_device("cpu") == torch.device("cpu")


def test_the_fingerprint_tells_weights_and_preprocessing_apart(model: Path, tmp_path: Path) -> None:
    same = write_model(tmp_path / "same")
    weights = write_model(tmp_path / "weights", seed=1)
    pixels = write_model(tmp_path / "pixels", mean=0.4)
    prints = [fingerprint(read_card(folder)) for folder in (model, same, weights, pixels)]
    assert prints[0] == prints[1]
    assert len(set(prints)) == 3


def test_a_loaded_model_is_taken_as_it_is(model: Path) -> None:
    given = Embedder(load_model(model), device="cpu").embed(_pictures(2), "drone")
    named = Embedder(model, device="cpu").embed(_pictures(2), "drone")
    np.testing.assert_array_equal(given, named)


def test_half_precision_is_not_emulated(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu = torch.device("cpu")
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False, raising=False)
    assert autocast_type(cpu) is None
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True, raising=False)
    assert autocast_type(cpu) is torch.bfloat16


def test_a_tile_is_embedded_from_its_crops(crop_model: Path) -> None:
    embedder = Embedder(crop_model, device="cpu", batch_size=4)
    embedder.precision = None
    vectors = embedder.embed_crops(_crops(3))
    assert vectors.shape == (3, 16)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    alone = np.concatenate([embedder.embed_crops(crops[None]) for crops in _crops(3)])
    np.testing.assert_allclose(vectors, alone, atol=1e-5)
    assert embedder.embed_crops(_crops(0)).shape == (0, 16)


def test_shared_features_of_crops_make_the_vectors_of_their_tiles(crop_model: Path) -> None:
    embedder = Embedder(crop_model, device="cpu", batch_size=4)
    embedder.precision = None
    features = np.stack(
        [np.stack([embedder.shared_features(crop) for crop in cell]) for cell in _crops(2)]
    )
    np.testing.assert_allclose(
        embedder.embed_shared(features), embedder.embed_crops(_crops(2)), atol=1e-5
    )


def test_shared_features_of_a_picture_of_any_shape_are_rows_and_columns(crop_model: Path) -> None:
    picture = np.concatenate([*_pictures(3)], axis=1)[:, :170]
    embedder = Embedder(crop_model, device="cpu")
    height, width = (side_px // embedder.shared_stride_px for side_px in picture.shape[:2])
    assert embedder.shared_features(picture).shape[:2] == (height, width)


def test_batches_of_tiles_halve_when_memory_runs_out(
    crop_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedder = Embedder(crop_model, device="cpu", batch_size=16)
    expected = embedder.embed_crops(_crops(6))
    normalise = Preprocessing.normalise
    sizes: list[int] = []

    def choke(self: Preprocessing, images: np.ndarray, device: torch.device) -> torch.Tensor:
        sizes.append(len(images))
        if len(images) > 6:
            raise MemoryError
        return normalise(self, images, device)

    monkeypatch.setattr(Preprocessing, "normalise", choke)
    found = embedder.embed_crops(_crops(6))
    assert sizes == [15, 6, 6, 6]
    assert _cosines(found, expected).min() > 0.9999


def test_memory_for_not_even_one_tile_is_one_clear_error(
    crop_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def choke(*_: object) -> torch.Tensor:
        raise MemoryError

    embedder = Embedder(crop_model, device="cpu")
    monkeypatch.setattr(Preprocessing, "normalise", choke)
    with pytest.raises(DependencyError, match="one picture"):
        embedder.embed_crops(_crops(2))
    with pytest.raises(DependencyError, match="one picture"):
        embedder.shared_features(_pictures(1)[0])


def test_tiles_and_crops_are_not_taken_for_each_other(model: Path, crop_model: Path) -> None:
    with pytest.raises(ModelError, match="in 3 crops"):
        Embedder(crop_model, device="cpu").embed(_pictures(1), "satellite")
    with pytest.raises(ModelError, match="sees a tile whole"):
        Embedder(model, device="cpu").embed_crops(_crops(1))
    with pytest.raises(ModelError, match="sees a tile whole"):
        Embedder(model, device="cpu").shared_features(_pictures(1)[0])


def test_a_photo_is_letterboxed_where_the_card_says_so(crop_model: Path) -> None:
    embedder = Embedder(crop_model, device="cpu")
    photo = np.full((640, 320, 3), 255, np.uint8)
    fitted = embedder.shrink(photo, "ground")
    assert fitted.shape == (64, 96, 3)
    assert np.flatnonzero(fitted.any(axis=(0, 2))).tolist() == list(range(32, 64))
    assert Preprocessing.of(embedder.card, "ground").to_dict()["resize"] == "letterbox"
    assert Preprocessing.of(embedder.card, "satellite").to_dict()["resize"] == "area"


def test_the_fingerprint_tells_crops_apart(crop_model: Path) -> None:
    card = read_card(crop_model)
    assert card.crops is not None
    turned = replace(card, crops=replace(card.crops, bearing_deg=180.0))
    assert fingerprint(turned) != fingerprint(card)
