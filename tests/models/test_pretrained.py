"""Backbones begin with the weights that were asked for, or say plainly why they cannot."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from geoloc.errors import DependencyError, ModelError
from geoloc.models.nets.clnet import CLNet, CLNetOptions
from geoloc.models.nets.mean import MEAN, MeanOptions
from geoloc.models.nets.siamese import Siamese, SiameseOptions
from geoloc.models.nets.statewide import Statewide, StatewideOptions
from geoloc.models.pretrained import load_backbone_weights

BACKBONE = "convnext_atto"
NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "clnet": lambda: CLNet(CLNetOptions(BACKBONE)),
    "ring": lambda: CLNet(CLNetOptions(BACKBONE, circular=True)),
    "mean": lambda: MEAN(MeanOptions(BACKBONE, classes=3)),
    "siamese": lambda: Siamese(SiameseOptions(BACKBONE)),
    "towers": lambda: Siamese(SiameseOptions(BACKBONE, shared=False)),
    "statewide": lambda: Statewide(StatewideOptions(BACKBONE, heads=4, dimension=16)),
}
# What Meta calls the parts of a ConvNeXt, by what timm does; the particular first.
META = (
    ("stem.", "downsample_layers.0."),
    (".downsample.", "."),
    (".blocks.", "."),
    ("conv_dw", "dwconv"),
    ("mlp.fc", "pwconv"),
    ("head.norm", "norm"),
    ("head.fc", "head"),
)


@pytest.fixture(autouse=True)
def _seeded() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


@pytest.fixture
def published() -> dict[str, Tensor]:
    """Random weights of a backbone with its classifier, as timm would publish them."""
    network = timm.create_model(BACKBONE, pretrained=False)
    return {name: torch.randn_like(value) for name, value in network.state_dict().items()}


def meta_name(name: str) -> str:
    if ".downsample." in name:
        name = name.replace("stages.", "downsample_layers.")
    for ours, theirs in META:
        name = name.replace(ours, theirs)
    return name


def assert_holds(network: nn.Module, published: dict[str, Tensor]) -> None:
    for part in ("backbone", "satellite_backbone"):
        for name, value in getattr(network, part, nn.Module()).state_dict().items():
            assert torch.equal(value.flatten(), published[name].flatten()), name


@pytest.mark.parametrize("name", NETWORKS)
def test_a_file_in_the_layout_of_timm_is_loaded(
    name: str, published: dict[str, Tensor], tmp_path: Path
) -> None:
    path = tmp_path / "weights.safetensors"
    save_file(published, path)
    network = NETWORKS[name]()
    origin = load_backbone_weights(network, path)
    assert_holds(network, published)
    assert (origin.source, origin.licence) == ("weights.safetensors", None)


def test_a_file_in_the_layout_of_meta_is_loaded(
    published: dict[str, Tensor], tmp_path: Path
) -> None:
    path = tmp_path / "weights.pth"
    theirs = {meta_name(name): value for name, value in published.items()}
    linear = {n: v.flatten(1) for n, v in theirs.items() if "pwconv" in n and v.ndim == 4}
    assert linear
    torch.save({"model": theirs | linear}, path)
    network = NETWORKS["siamese"]()
    load_backbone_weights(network, str(path))
    assert_holds(network, published)


def test_a_classifier_of_another_size_stays_outside(
    published: dict[str, Tensor], tmp_path: Path
) -> None:
    path = tmp_path / "weights.safetensors"
    save_file({**published, "head.fc.weight": torch.ones(7, 320)}, path)
    network = MEAN(MeanOptions(BACKBONE, classes=3))
    before = network.backbone.head.fc.weight.detach().clone()
    load_backbone_weights(network, path)
    assert torch.equal(network.backbone.head.fc.weight, before)
    assert torch.equal(network.backbone.head.fc.bias, published["head.fc.bias"])


def test_a_tensor_that_is_missing_is_named(published: dict[str, Tensor], tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    del published["stages.2.blocks.1.norm.weight"]
    save_file(published, path)
    with pytest.raises(ModelError, match=r"missing stages\.2\.blocks\.1\.norm\.weight"):
        load_backbone_weights(NETWORKS["clnet"](), path)


def test_weights_of_another_backbone_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save_file(timm.create_model("convnext_femto", num_classes=0).state_dict(), path)
    with pytest.raises(ModelError, match="does not fit"):
        load_backbone_weights(NETWORKS["clnet"](), path)


def test_tensors_that_belong_nowhere_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save_file({"tower.weight": torch.ones(2, 2)}, path)
    with pytest.raises(ModelError, match=r"tower\.weight"):
        load_backbone_weights(NETWORKS["siamese"](), path)


def test_timms_weights_are_loaded_with_their_licence(
    published: dict[str, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def answer(repository: str) -> dict[str, Tensor]:
        asked.append(repository)
        return published

    monkeypatch.setattr(timm.models, "load_state_dict_from_hf", answer)
    network = NETWORKS["clnet"]()
    origin = load_backbone_weights(network, "pretrained")
    assert_holds(network, published)
    assert asked == [origin.source] == ["timm/convnext_atto.d2_in1k"]
    assert origin.licence == "apache-2.0"


def test_without_a_network_one_line_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(DependencyError) as raised:
        load_backbone_weights(NETWORKS["siamese"](), "pretrained")
    message = str(raised.value)
    assert "\n" not in message
    for part in (
        "timm/convnext_atto.d2_in1k",
        "HF_HUB_OFFLINE",
        "hf download",
        "--backbone-weights",
    ):
        assert part in message


def test_a_backbone_without_published_weights_is_told_apart() -> None:
    network = NETWORKS["siamese"]()
    network.backbone.pretrained_cfg = {"architecture": "convnext_own"}
    with pytest.raises(ModelError, match="no weights for convnext_own"):
        load_backbone_weights(network, "pretrained")
