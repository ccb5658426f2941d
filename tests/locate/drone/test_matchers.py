"""Loading of learned matchers: random weights, through files, strictly and without surprises."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from geoloc.errors import DependencyError, ModelError, OptionError
from geoloc.locate.drone.matchers import Matches, open_matcher
from tests.fixtures.search import speckled

feature: Any = pytest.importorskip("kornia.feature")


@pytest.fixture(scope="module")
def networks() -> dict[str, nn.Module]:
    torch.manual_seed(0)
    return {
        "loftr": feature.LoFTR(pretrained=None),
        "disk": feature.DISK(),
        "lightglue": feature.LightGlue(None, input_dim=128),
    }


@pytest.fixture(scope="module")
def files(
    networks: dict[str, nn.Module], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """The weights as their authors wrap and name them."""
    folder = tmp_path_factory.mktemp("weights")
    paths = {name: str(folder / f"{name}.pth") for name in networks}
    tensors = {name: network.state_dict() for name, network in networks.items()}
    loftr = {f"matcher.{key}": value for key, value in tensors["loftr"].items()}
    torch.save({"state_dict": loftr}, paths["loftr"])
    torch.save({"extractor": tensors["disk"]}, paths["disk"])
    old = {}
    for key, value in tensors["lightglue"].items():
        parts = key.split(".")
        if parts[0] == "transformers":
            parts[:3] = [parts[2], parts[1]]
        old[".".join(parts)] = value
    del old["confidence_thresholds"]
    torch.save(old, paths["lightglue"])
    return paths


def pictures() -> tuple[np.ndarray, np.ndarray]:
    """Two that overlap; no side is a multiple of 16, and they differ in size."""
    whole = speckled(150, count=150)
    return whole[:100, :120], whole[20:, 10:]


def lightglue(files: dict[str, str]) -> Any:
    return open_matcher("lightglue-disk", (files["disk"], files["lightglue"]), device="cpu")


@pytest.mark.slow
def test_lightglue_on_disk_matches_with_weights_from_files(files: dict[str, str]) -> None:
    matches = lightglue(files).match(*pictures())
    assert isinstance(matches, Matches)
    assert matches.first_px.shape == matches.second_px.shape == (len(matches), 2)
    assert matches.first_px.dtype == np.float64


def test_disk_s_points_are_pixel_centres_in_the_corner_convention(files: dict[str, str]) -> None:
    matcher = lightglue(files)
    picture = pictures()[0]
    pairs = torch.stack([torch.arange(5), torch.arange(5)], dim=1)
    matcher._glue = lambda _: {"matches": [pairs]}
    matches = matcher.match(picture, picture)
    assert np.array_equal(matches.first_px, matches.second_px)
    assert (matches.first_px % 1 == 0.5).all()


@pytest.mark.slow
def test_loftr_loads_from_its_authors_layout(
    files: dict[str, str], networks: dict[str, nn.Module]
) -> None:
    matcher: Any = open_matcher("loftr", (files["loftr"],), device="cpu")
    loaded = matcher._network.state_dict()
    assert all(torch.equal(loaded[k], v) for k, v in networks["loftr"].state_dict().items())
    assert not matcher._network.training
    matches = matcher.match(*pictures())
    assert matches.first_px.shape == matches.second_px.shape == (len(matches), 2)


def test_loftr_finds_a_moved_picture_to_the_pixel(files: dict[str, str]) -> None:
    """Its frame is the corner convention: no half pixel is added, nothing is turned over."""
    matcher: Any = open_matcher("loftr", (files["loftr"],), device="cpu")
    seen: dict[str, torch.Tensor] = {}

    def answer(data: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        seen.update(data)
        points = torch.tensor([[8.0, 16.0]])
        return {"keypoints0": points, "keypoints1": points + 1}

    matcher._network = answer
    first = np.zeros((40, 50, 3), np.uint8)
    first[16, 8] = 255
    matches = matcher.match(first, first)
    assert matches.first_px.tolist() == [[8.0, 16.0]]
    assert matches.second_px.tolist() == [[9.0, 17.0]]
    assert seen["image0"].shape == (1, 1, 48, 64)
    assert seen["image0"][0, 0, 16, 8] == pytest.approx(1.0)
    assert seen["image0"].sum() == pytest.approx(1.0)


def test_safetensors_are_read_too(networks: dict[str, nn.Module], tmp_path: Path) -> None:
    path = tmp_path / "loftr.safetensors"
    save_file({k: v.contiguous() for k, v in networks["loftr"].state_dict().items()}, path)
    open_matcher("loftr", (str(path),), device="cpu")


def test_files_in_the_wrong_order_are_refused(files: dict[str, str]) -> None:
    with pytest.raises(ModelError, match=r"does not fit DISK.*order of --matcher-weights"):
        open_matcher("lightglue-disk", (files["lightglue"], files["disk"]), device="cpu")


def test_a_tensor_of_another_shape_is_refused(
    networks: dict[str, nn.Module], files: dict[str, str], tmp_path: Path
) -> None:
    tensors = dict(networks["disk"].state_dict())
    key = next(iter(tensors))
    tensors[key] = tensors[key][..., :1].clone()
    torch.save(tensors, tmp_path / "disk.pth")
    with pytest.raises(ModelError, match=key):
        open_matcher(
            "lightglue-disk", (str(tmp_path / "disk.pth"), files["lightglue"]), device="cpu"
        )


@pytest.mark.parametrize(("name", "given"), [("loftr", 2), ("lightglue-disk", 1)])
def test_the_number_of_files_is_checked_first(name: Any, given: int) -> None:
    with pytest.raises(OptionError, match="--matcher-weights"):
        open_matcher(name, ("nowhere.pth",) * given, device="cpu")


def test_without_kornia_the_way_to_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kornia.feature", None)
    with pytest.raises(DependencyError, match=r"pip install 'geoloc-cli\[matchers\]'"):
        open_matcher("loftr", device="cpu")


@pytest.mark.parametrize("name", ["loftr", "lightglue-disk"])
def test_without_a_network_the_way_to_the_files_is_told(
    monkeypatch: pytest.MonkeyPatch, name: Any
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise URLError("no route to host")

    monkeypatch.setattr(feature, "LoFTR", fail)
    monkeypatch.setattr(feature.DISK, "from_pretrained", fail)
    with pytest.raises(DependencyError, match="no route to host") as caught:
        open_matcher(name, device="cpu")
    assert "from kornia.feature import" in str(caught.value)
    assert "--matcher-weights" in str(caught.value)
    assert "\n" not in str(caught.value)
