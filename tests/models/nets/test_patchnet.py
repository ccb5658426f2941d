"""PatchNet's vectors: of unit length, blind to light, the same folded and in any company."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from geoloc.models.nets.patchnet import PatchNet, PatchOptions


@pytest.fixture
def network() -> PatchNet:
    """Its batch norms are far from neutral and know what they are given, as after training."""
    torch.manual_seed(0)
    network = PatchNet(PatchOptions(dimension=24, width=8))
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.3)
    with torch.no_grad():
        for _ in range(30):
            network(torch.rand(64, 3, 32, 32))
    return network.eval()


@pytest.fixture
def patches() -> torch.Tensor:
    return torch.rand(6, 3, 32, 32, generator=torch.Generator().manual_seed(1))


@torch.inference_mode()
def test_vectors_are_of_unit_length_and_the_views_alike(
    network: PatchNet, patches: torch.Tensor
) -> None:
    vectors = network(patches)
    assert vectors.shape == (6, 24)
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(6))
    torch.testing.assert_close(network(patches, "drone"), network(patches, "satellite"))
    assert (vectors @ vectors.T - torch.eye(6)).abs().max() > 1e-3


@torch.inference_mode()
def test_folding_changes_next_to_nothing(network: PatchNet, patches: torch.Tensor) -> None:
    before = network(patches)
    network.fold()
    assert not any(isinstance(module, nn.BatchNorm2d) for module in network.modules())
    assert (network(patches) - before).abs().max() < 1e-4
    network.fold()  # nothing is left to fold
    assert (network(patches) - before).abs().max() < 1e-4


@torch.inference_mode()
def test_a_patch_is_described_alike_in_any_company(
    network: PatchNet, patches: torch.Tensor
) -> None:
    alone = torch.cat([network(patch[None]) for patch in patches])
    torch.testing.assert_close(alone, network(patches), atol=1e-5, rtol=0)


@torch.inference_mode()
def test_light_and_haze_of_each_width_do_not_matter(
    network: PatchNet, patches: torch.Tensor
) -> None:
    gain = torch.tensor([0.5, 0.8, 0.6]).view(1, 3, 1, 1)
    changed = network(patches * gain + 0.2)
    assert (network(patches) * changed).sum(dim=1).min() > 0.95
    mirrored = (network(patches) * network(patches.flip(3))).sum(dim=1)
    assert mirrored.max() < 0.9, "everything is alike, or this test says nothing"


@torch.inference_mode()
def test_a_flat_patch_is_no_division_by_zero(network: PatchNet) -> None:
    assert network(torch.full((2, 3, 32, 32), 0.4)).isfinite().all()


def test_the_network_is_the_one_that_weights_were_trained_for() -> None:
    shapes = {
        name: tuple(tensor.shape)
        for name, tensor in PatchNet().state_dict().items()
        if tensor.ndim == 4
    }
    assert shapes == {
        "body.0.weight": (32, 3, 5, 5),
        "body.3.weight": (32, 32, 3, 3),
        "body.6.weight": (64, 32, 3, 3),
        "body.9.weight": (64, 64, 3, 3),
        "body.12.weight": (128, 64, 3, 3),
        "head.weight": (64, 128, 4, 4),
    }
