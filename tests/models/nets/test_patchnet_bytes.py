"""PatchNet in whole numbers tells what the network in float32 tells, and steps aside elsewhere."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from geoloc.models.nets import patchnet_bytes
from geoloc.models.nets.patchnet import PatchNet, PatchOptions
from geoloc.models.nets.patchnet_bytes import BytePatchNet, in_bytes
from geoloc.models.nets.patchnet_input import PatchInput

needs_vnni = pytest.mark.skipif(
    not patchnet_bytes._multiplies_bytes(), reason="the processor has no VNNI"
)


def textured(count: int, *, seed: int) -> Tensor:
    """Patches (N, 32, 32, 3) of soft blobs, of all kinds of light and contrast."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand((count, 3, 6, 6), generator=generator)
    light, contrast = (torch.rand((count, 3, 1, 1), generator=generator) for _ in range(2))
    blobs = nn.functional.interpolate(coarse, size=32, mode="bicubic")
    pixels = ((blobs - 0.5) * contrast + light).clamp(0, 1)
    return (pixels * 255).byte().permute(0, 2, 3, 1).contiguous()


@pytest.fixture(scope="module")
def network() -> PatchNet:
    """Its batch norms are far from neutral and know what they are given, as after training."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = PatchNet(PatchOptions(dimension=24, width=8))
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.normal_(module.bias, 0, 0.3)
        with torch.no_grad():
            for seed in range(30):
                network(textured(64, seed=seed).permute(0, 3, 1, 2) / 255)
    return network.eval()


def describe(quick: BytePatchNet, patches: Tensor) -> Tensor:
    to_input = PatchInput([1.0, 1.0, 1.0], torch.device("cpu"))
    with torch.inference_mode():
        return quick(to_input.bytes(patches, steps=quick.steps))


@needs_vnni
@torch.inference_mode()
def test_vectors_are_those_of_the_network_but_for_rounding(network: PatchNet) -> None:
    patches = textured(64, seed=99)
    wanted = network(patches.permute(0, 3, 1, 2) / 255)
    found = describe(BytePatchNet(network), patches)
    torch.testing.assert_close(found.norm(dim=1), torch.ones(64))
    cosine = (found * wanted).sum(dim=1)
    assert cosine.median() > 0.998
    assert cosine.min() > 0.99
    assert (found * wanted.roll(1, dims=0)).sum(dim=1).median() < 0.9, "or this test says nothing"


@needs_vnni
def test_a_patch_gives_the_same_in_any_company(network: PatchNet) -> None:
    quick, patches = BytePatchNet(network), textured(9, seed=3)
    alone = torch.cat([describe(quick, patch[None]) for patch in patches])
    assert torch.equal(alone, describe(quick, patches))


@needs_vnni
def test_it_is_taken_where_it_tells_the_same(network: PatchNet) -> None:
    assert isinstance(in_bytes(network), BytePatchNet)


def test_it_is_not_taken_where_the_processor_multiplies_no_bytes(
    network: PatchNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_vnni_supported", lambda: False, raising=False)
    assert in_bytes(network) is None


def refuses(*_: object) -> Tensor:
    raise RuntimeError("no such operator")


def means_something_else(_: BytePatchNet, pixels: Tensor) -> Tensor:
    return torch.eye(24)[: len(pixels)]


@pytest.mark.parametrize("operation", [refuses, means_something_else])
def test_it_is_not_taken_where_pytorch_cannot(
    network: PatchNet, monkeypatch: pytest.MonkeyPatch, operation: Callable[..., Tensor]
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_vnni_supported", lambda: True, raising=False)
    monkeypatch.setattr(BytePatchNet, "__init__", lambda self, network: setattr(self, "steps", 25))
    monkeypatch.setattr(BytePatchNet, "__call__", operation)
    assert in_bytes(network) is None
