"""Rings: nothing in the network knows where a panorama was cut open."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from geoloc.models.nets.circular import SeamConv2d, make_seams, resize_ring
from geoloc.models.nets.clnet import CLNet, CLNetOptions
from geoloc.models.nets.neural_map import LatentGrid
from geoloc.models.view import View

BACKBONE = "convnext_atto"
COLUMN_PX = 32
RING = (1, 3, 64, 8 * COLUMN_PX)


@pytest.fixture(autouse=True)
def _seeded() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def network(*, circular: bool = True, **options: object) -> CLNet:
    """A small CLNet whose residual branches and maps act."""
    built = CLNetOptions(BACKBONE, circular=circular, layer_scale=0.5, **options)  # type: ignore[arg-type]
    net = CLNet(built).eval()
    with torch.no_grad():
        for parameter in net.ground_maps.parameters():
            parameter.normal_()
    return net


def stages_of(net: CLNet, images: Tensor, view: View = "ground") -> list[Tensor]:
    with torch.no_grad():
        return net.forward_features(images, view)


def furthest_after_rolling(net: CLNet, columns: int, view: View = "ground") -> float:
    """How far the features of a rolled ring are from the rolled features of the ring."""
    ring = torch.randn(RING)
    plain = stages_of(net, ring, view)
    rolled = stages_of(net, ring.roll(columns * COLUMN_PX, dims=3), view)
    return max(
        float((one.roll(columns * 8 // 2**level, dims=3) - other).abs().max())
        for level, (one, other) in enumerate(zip(plain, rolled, strict=True))
    )


@pytest.mark.parametrize("columns", [1, 3, -2])
def test_a_rolled_ring_has_rolled_features(columns: int) -> None:
    assert furthest_after_rolling(network(levels=()), columns) < 1e-4


def test_without_closed_seams_a_rolled_ring_has_others() -> None:
    assert furthest_after_rolling(network(levels=(), circular=False), 1) > 0.1


@pytest.mark.parametrize("view", ["drone", "satellite"])
def test_only_the_ground_view_is_a_ring(view: View) -> None:
    net, flat = network(levels=()), network(levels=(), circular=False)
    flat.load_state_dict(net.state_dict())
    ring = torch.randn(RING)
    stages_of(net, ring, "ground")
    for one, other in zip(stages_of(net, ring, view), stages_of(flat, ring, view), strict=True):
        assert torch.equal(one, other)


def test_maps_that_are_rolled_with_the_ring_roll_its_features() -> None:
    net = network(ground_grid=LatentGrid(2, 8))
    ring = torch.randn(RING)
    plain = stages_of(net, ring)
    with torch.no_grad():
        for parameter in net.ground_maps.parameters():
            parameter.copy_(parameter.roll(3, dims=3))
    for level, rolled in enumerate(stages_of(net, ring.roll(3 * COLUMN_PX, dims=3))):
        expected = plain[level].roll(3 * 8 // 2**level, dims=3)
        assert torch.allclose(rolled, expected, atol=1e-4), level


def test_one_column_of_cells_is_blind_to_where_the_ring_begins() -> None:
    net = network(
        levels=(0, 2),
        ground_grid=LatentGrid(2, 1),
        head="grid",
        ground_cells=LatentGrid(2, 1),
        dimension=16,
    )
    ring = torch.randn(RING)
    with torch.no_grad():
        begun, elsewhere = net(ring, "ground"), net(ring.roll(5 * COLUMN_PX, dims=3), "ground")
    assert torch.allclose(begun, elsewhere, atol=1e-5)


def test_a_ring_that_is_too_narrow_is_refused() -> None:
    with pytest.raises(ValueError, match="2 columns wide"):
        stages_of(network(levels=()), torch.randn(1, 3, 64, 64))
    assert stages_of(network(levels=()), torch.randn(1, 3, 64, 96))[-1].shape[-1] == 3


def test_being_a_ring_changes_no_tensor_of_a_network() -> None:
    ring, flat = network(), network(circular=False)
    assert list(ring.state_dict()) == list(flat.state_dict())
    flat.load_state_dict(ring.state_dict(), strict=True)


def test_every_padding_convolution_of_the_backbone_closes_seams() -> None:
    net = network()
    others = [
        module
        for module in net.backbone.modules()
        if isinstance(module, torch.nn.Conv2d) and not isinstance(module, SeamConv2d)
    ]
    assert {tuple(module.padding) for module in others} == {(0, 0)}
    assert make_seams(torch.nn.Sequential(torch.nn.Conv2d(1, 1, 1))) == 0


@pytest.mark.parametrize("size", [(3, 24), (6, 8), (2, 5), (7, 11)])
def test_a_resized_ring_is_bilinear_and_only_its_seam_is_another(size: tuple[int, int]) -> None:
    grid = torch.randn(1, 3, 3, 8)
    found = resize_ring(grid, *size)
    thrice = functional.interpolate(
        torch.cat([grid] * 3, dim=3), (size[0], 3 * size[1]), mode="bilinear"
    )
    assert torch.allclose(found, thrice[..., size[1] : 2 * size[1]], atol=1e-5)
