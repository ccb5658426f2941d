"""CLNet: it starts as its backbone, keeps the views apart, and its maps reach what they should."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import timm
import torch
from torch import Tensor

from geoloc.models.nets.clnet import CLNet, CLNetOptions, Head
from geoloc.models.nets.neural_map import (
    ChannelGate,
    LatentGrid,
    NonlinearEmbeddingConverter,
    recalibrate,
)

BACKBONE = "test_convnext"


@pytest.fixture(autouse=True)
def _seeded() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def network(*, head: Head = "pool", **options: object) -> CLNet:
    """A small CLNet whose residual branches act, so that the features are not trivial."""
    return CLNet(CLNetOptions(backbone=BACKBONE, head=head, layer_scale=0.1, **options)).eval()  # type: ignore[arg-type]


def images(count: int = 2, side: int = 64) -> Tensor:
    return torch.randn(count, 3, side, side)


def stir(net: CLNet) -> CLNet:
    """Large maps, so that what they do shows."""
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            if "_maps." in name or ".narrow." in name:
                parameter.normal_(std=1.0)
    return net


def silence(net: CLNet) -> CLNet:
    """Maps of zeros on both sides."""
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            if "_maps." in name or ".narrow." in name:
                parameter.zero_()
    return net


@pytest.mark.parametrize("view", ["satellite", "drone"])
def test_zero_maps_reproduce_the_timm_backbone(view: str) -> None:
    net = silence(network())
    reference = timm.create_model(BACKBONE, num_classes=0, ls_init_value=0.1).eval()
    reference.load_state_dict(net.backbone.state_dict())
    pictures = images()
    with torch.no_grad():
        expected = torch.nn.functional.normalize(reference(pictures), dim=1)
        assert torch.allclose(net(pictures, view), expected, atol=1e-4)


def test_fresh_maps_hardly_change_the_backbone() -> None:
    net = network()
    bare = CLNet(CLNetOptions(backbone=BACKBONE, levels=(), layer_scale=0.1)).eval()
    bare.backbone.load_state_dict(net.backbone.state_dict())
    pictures = images()
    with torch.no_grad():
        cosines = (net(pictures, "drone") * bare(pictures, "drone")).sum(dim=1)
    assert cosines.min() > 0.999


def test_the_satellite_embedding_knows_nothing_of_the_query() -> None:
    net = stir(network())
    tile = images(1)
    with torch.no_grad():
        before = net(tile, "satellite")
        net(images(3), "drone")
        assert torch.equal(net(tile, "satellite"), before)


def test_views_are_told_apart_and_ground_is_the_drones() -> None:
    net = stir(network())
    pictures = images()
    with torch.no_grad():
        drone = net(pictures, "drone")
        assert not torch.allclose(drone, net(pictures, "satellite"), atol=1e-3)
        assert torch.equal(drone, net(pictures, "ground"))


def test_an_unknown_view_is_refused() -> None:
    with pytest.raises(ValueError, match="street"):
        network()(images(), "street")  # type: ignore[arg-type]


@pytest.mark.parametrize("view", ["satellite", "drone"])
def test_gradients_reach_the_ground_map(view: str) -> None:
    net = network().train()
    net(images(), view).sum(dim=0).square().sum().backward()
    for level in net.options.levels:
        gradient = net.ground_maps[str(level)].grad
        assert gradient is not None
        assert gradient.abs().max() > 0, level


def test_gradients_reach_the_converter_through_satellites_only() -> None:
    net = network().train()
    net(images(), "drone").sum(dim=0).square().sum().backward()
    assert all(parameter.grad is None for parameter in net.converters.parameters())
    net(images(), "satellite").sum(dim=0).square().sum().backward()
    assert all(parameter.grad is not None for parameter in net.converters.parameters())


@pytest.mark.parametrize("converter", ["nec", "separate"])
def test_folding_changes_nothing(converter: str) -> None:
    net = stir(network(converter=converter))
    pictures = images()
    with torch.no_grad():
        before = net(pictures, "satellite")
        keys = set(net.state_dict())
        net.fold()
        assert torch.allclose(net(pictures, "satellite"), before, atol=1e-6)
    assert set(net.state_dict()) == keys


def test_training_takes_folded_maps_back() -> None:
    net = network().fold().train()
    net(images(), "satellite").sum(dim=0).square().sum().backward()
    assert next(net.converters.parameters()).grad is not None


def test_a_map_that_all_channels_share_is_cancelled_by_the_next_stage() -> None:
    """The trap for which the maps are per channel."""
    net = network()
    stage = net.backbone.stages[1]
    features = torch.randn(2, net.channels[0], 16, 16)
    shared, apart = torch.randn(1, 1, 8, 8), torch.randn(1, net.channels[0], 8, 8)
    with torch.no_grad():
        plain = stage.downsample[0](features)
        weighted = stage.downsample[0](recalibrate(features, shared, "softmax"))
        per_channel = stage.downsample[0](recalibrate(features, apart, "softmax"))
    assert torch.allclose(plain, weighted, atol=1e-3)
    assert (plain - per_channel).abs().max() > 0.1


@pytest.mark.parametrize("normalisation", ["softmax", "sigmoid"])
def test_recalibration_doubles_features_under_a_map_of_zeros(normalisation: str) -> None:
    features = torch.randn(2, 5, 6, 7)
    doubled = recalibrate(features, torch.zeros(1, 5, 3, 3), normalisation)  # type: ignore[arg-type]
    assert torch.allclose(doubled, 2 * features, atol=1e-6)


def test_weights_of_a_map_have_a_mean_of_one() -> None:
    weighted = recalibrate(torch.ones(1, 4, 9, 5), torch.randn(1, 4, 8, 8), "softmax") - 1.0
    assert torch.allclose(weighted.mean(dim=(2, 3)), torch.ones(1, 4), atol=1e-5)


def test_the_converter_goes_from_one_grid_to_another() -> None:
    converter = NonlinearEmbeddingConverter(LatentGrid(4, 24), LatentGrid(12, 12), width=16)
    assert converter(torch.randn(1, 7, 4, 24)).shape == (1, 7, 12, 12)


@pytest.mark.parametrize("head", ["pool", "grid"])
def test_a_batch_of_one_equals_a_batch_of_many(head: Head) -> None:
    net = stir(network(head=head, dimension=32))
    pictures = images(3)
    with torch.no_grad():
        together = net(pictures, "drone")
        alone = torch.cat([net(each[None], "drone") for each in pictures])
    assert torch.allclose(together, alone, atol=1e-5)
    assert together.shape == (3, net.dimension) == (3, 32)
    assert torch.allclose(together.norm(dim=1), torch.ones(3), atol=1e-5)


def test_half_precision_agrees() -> None:
    net = network(head="grid", dimension=32)
    pictures = images()
    with torch.no_grad():
        full = net(pictures, "satellite")
        with torch.autocast("cpu", torch.bfloat16):
            half = net(pictures, "satellite")
    assert half.dtype == torch.float32
    assert (full * half).sum(dim=1).min() > 0.999


def test_stage_features_are_given_fine_to_coarse() -> None:
    net = network()
    shapes = [tuple(each.shape) for each in net.forward_features(images(1, 128), "drone")]
    assert shapes == [(1, c, 32 // 2**n, 32 // 2**n) for n, c in enumerate(net.channels)]


def test_images_need_not_be_square() -> None:
    assert network(head="grid")(torch.randn(1, 3, 64, 160), "ground").shape == (1, 64)


def test_the_ground_view_may_have_cells_of_its_own() -> None:
    net = network(head="grid", dimension=24, grid_side=3, ground_cells=LatentGrid(2, 5))
    assert net.embed.project.in_features == 64 * 9
    assert net.embed_ground.project.in_features == 64 * 10
    ring, tile = torch.randn(1, 3, 64, 160), images(1)
    assert net(ring, "ground").shape == net(tile, "satellite").shape == (1, 24)
    net(ring, "ground").sum().backward()
    assert net.embed.project.weight.grad is None
    assert net.embed_ground.project.weight.grad is not None


def test_cells_of_the_ground_without_a_grid_are_refused() -> None:
    with pytest.raises(ValueError, match="expected head 'grid'"):
        network(ground_cells=LatentGrid(2, 5))


def test_temperature_and_gates_change_nothing_at_the_start() -> None:
    net, plain = network(temperature=True, gate=True), network()
    plain.load_state_dict({k: v for k, v in net.state_dict().items() if k in plain.state_dict()})
    pictures = images()
    with torch.no_grad():
        for view in ("drone", "satellite"):
            assert torch.allclose(net(pictures, view), plain(pictures, view), atol=1e-6)


def test_a_temperature_divides_its_map_for_both_views_folded_or_not() -> None:
    net = stir(network(temperature=True))
    before = {view: net.neural_map(2, view) for view in ("drone", "satellite")}
    with torch.no_grad():
        net.log_temperatures["2"].fill_(0.5)
        for folded in (False, True):
            if folded:
                net.fold()
            for view, neural_map in before.items():
                expected = neural_map / torch.tensor(0.5).exp()
                assert torch.allclose(net.neural_map(2, view), expected)


def test_temperature_and_gates_learn() -> None:
    net = stir(network(temperature=True, gate=True)).train()
    net(images(), "drone")[:, 0].sum().backward()
    for level in "0123":
        assert net.log_temperatures[level].grad.abs() > 0
        assert net.gates[level].excite.weight.grad.abs().max() > 0


def test_a_gate_reads_what_the_map_points_at() -> None:
    gate = ChannelGate(16, reduction=4)
    with torch.no_grad():
        gate.excite.weight.normal_()
    features, pointer = torch.randn(1, 16, 4, 4), torch.full((1, 16, 4, 4), -9.0)
    pointer[..., 1, 2] = 9.0
    elsewhere, there = features.clone(), features.clone()
    elsewhere[..., 3, 3] += 5.0
    there[..., 1, 2] += 5.0
    gates = [
        gate(each, recalibrate(each, pointer, "softmax"))[..., 0, 0] / features[..., 0, 0]
        for each in (features, elsewhere, there)
    ]
    assert torch.allclose(gates[0], gates[1], atol=1e-4)
    assert not torch.allclose(gates[0], gates[2], atol=1e-2)
