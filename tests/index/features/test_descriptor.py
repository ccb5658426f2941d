"""The extractor: bytes that stand for unit vectors, from models that describe keypoints only."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from geoloc.errors import DependencyError, ModelError
from geoloc.index.features.descriptor import PatchNetExtractor
from geoloc.index.features.keypoints import Keypoints, detect_keypoints, find_keypoints, to_grey
from geoloc.index.features.patches import Pyramid, cut_patches
from tests.fixtures.extractors import write_extractor
from tests.fixtures.indexes import write_model
from tests.fixtures.search import speckled

GREY = to_grey(speckled(256, seed=5))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_extractor(tmp_path_factory.mktemp("models") / "patches")


@pytest.fixture(scope="module")
def extractor(folder: Path) -> PatchNetExtractor:
    return PatchNetExtractor(folder)


@pytest.fixture(scope="module")
def keypoints() -> Keypoints:
    return find_keypoints(GREY)


def test_bytes_stand_for_unit_vectors_but_for_rounding(
    extractor: PatchNetExtractor, keypoints: Keypoints
) -> None:
    described = extractor(GREY, keypoints)
    assert described.dtype == np.uint8
    assert described.shape == (len(keypoints), extractor.kind.size)
    at = (keypoints.xy_px, keypoints.size_px, keypoints.angle_deg)
    vectors = extractor.vectors(cut_patches(Pyramid.of(GREY), *at))
    units = extractor.kind.unit(described)
    np.testing.assert_allclose(np.linalg.norm(units, axis=1), 1, atol=1e-5)
    # Half a step of rounding in each number, but for the few that lie beyond the bytes.
    cosine = (units * vectors).sum(axis=1)
    assert np.median(cosine) > 0.9995
    assert cosine.min() > 0.97


def test_what_is_alike_is_alike_in_bytes(
    extractor: PatchNetExtractor, keypoints: Keypoints
) -> None:
    noise = np.random.default_rng(0).normal(0, 2, GREY.shape)
    again = np.clip(GREY + noise, 0, 255).astype(np.uint8)
    units = [extractor.kind.unit(extractor(grey, keypoints)) for grey in (GREY, again)]
    assert np.median((units[0] * units[1]).sum(axis=1)) > 0.95
    assert np.median((units[0] * np.roll(units[1], 7, axis=0)).sum(axis=1)) < 0.5


def test_the_kind_names_the_model_and_its_weights(extractor: PatchNetExtractor) -> None:
    kind = extractor.kind
    assert (kind.name, kind.size) == ("patches", 32)
    assert kind.checksum == extractor.card.weights_sha256


def test_detected_keypoints_are_those_of_sift_with_these_descriptors(
    extractor: PatchNetExtractor, keypoints: Keypoints
) -> None:
    found = detect_keypoints(cv2.cvtColor(GREY, cv2.COLOR_GRAY2RGB), extractor=extractor)
    np.testing.assert_array_equal(found.xy_px, keypoints.xy_px)
    np.testing.assert_array_equal(found.descriptors, extractor(GREY, keypoints))


def test_no_keypoints_have_no_descriptors(extractor: PatchNetExtractor) -> None:
    flat = np.full((64, 64, 3), 99, np.uint8)
    assert detect_keypoints(flat, extractor=extractor).descriptors.shape == (0, 32)


def test_threads_do_not_disturb_each_other(
    extractor: PatchNetExtractor, keypoints: Keypoints
) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: extractor(GREY, keypoints), range(8)))
    for each in found[1:]:
        np.testing.assert_array_equal(each, found[0])


def test_a_model_of_whole_images_is_refused_before_it_is_loaded(tmp_path: Path) -> None:
    clnet = write_model(tmp_path / "clnet", name="eye")
    (clnet / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"eye embeds whole images.*patchnet.*rootsift"):
        PatchNetExtractor(clnet)


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    folder = write_extractor(tmp_path / "patches")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4] + b"abcd")
    with pytest.raises(ModelError, match="checksum"):
        PatchNetExtractor(folder)


def test_a_device_that_is_not_there_is_told(folder: Path) -> None:
    with pytest.raises(DependencyError, match="cuda:77"):
        PatchNetExtractor(folder, device="cuda:77")
