"""Gradient checkpointing saves memory and changes no gradient, whichever network it is."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

from geoloc.learning.training.losses import SymmetricInfoNCE
from geoloc.models.nets.clnet import CLNet, CLNetOptions
from geoloc.models.nets.mean import MEAN, MeanOptions
from geoloc.models.nets.neural_map import LatentGrid
from geoloc.models.nets.siamese import Siamese, SiameseOptions

BACKBONE = "test_convnext"
GRID = LatentGrid(2, 4)


def _clnet(**options: object) -> CLNet:
    return CLNet(CLNetOptions(BACKBONE, GRID, layer_scale=0.1, **options))  # type: ignore[arg-type]


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "clnet": _clnet,
    "ring": lambda: _clnet(circular=True, head="grid", ground_cells=GRID, dimension=8),
    "siamese": lambda: Siamese(SiameseOptions(BACKBONE)),
    "towers": lambda: Siamese(SiameseOptions(BACKBONE, shared=False)),
    "mean": lambda: MEAN(MeanOptions(BACKBONE, classes=3, unused_weights=False)),
}


def gradients(network: nn.Module, enable: bool) -> dict[str, Tensor]:
    """Of one training step: the ring first, then the tiles, and back through both."""
    network.set_grad_checkpointing(enable)  # type: ignore[operator]
    network.zero_grad()
    generator = torch.Generator().manual_seed(5)
    rings = torch.randn(3, 3, 64, 128, generator=generator)
    tiles = torch.randn(3, 3, 64, 64, generator=generator)
    loss = SymmetricInfoNCE()(network(rings, "ground"), network(tiles, "satellite"))
    loss.backward()
    return {name: p.grad.clone() for name, p in network.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_are_the_same_with_and_without(name: str) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = NETWORKS[name]().train()
        kept, again, kept_again = (gradients(network, enable) for enable in (False, True, False))
    for one, other in pairwise((kept, again, kept_again)):
        assert set(one) == set(other)
        for parameter, gradient in one.items():
            assert torch.allclose(gradient, other[parameter], rtol=1e-4, atol=1e-6), parameter


@pytest.mark.parametrize("name", NETWORKS)
def test_less_is_kept_for_the_way_back(name: str) -> None:
    network = NETWORKS[name]().train()
    kept = [_kept_bytes(network, enable) for enable in (False, True)]
    assert kept[1] < 0.5 * kept[0]


def _kept_bytes(network: nn.Module, enable: bool) -> int:
    """Size of the activations that autograd keeps after a forward pass."""
    network.set_grad_checkpointing(enable)  # type: ignore[operator]
    sizes: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        if not isinstance(tensor, nn.Parameter):
            sizes[tensor.data_ptr()] = tensor.numel() * tensor.element_size()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        network(torch.randn(2, 3, 64, 128), "ground")
    return sum(sizes.values())


def test_an_untrained_stem_may_be_checkpointed_too() -> None:
    """A frozen beginning gives blocks inputs without a gradient."""
    network = _clnet().train()
    network.set_grad_checkpointing()
    for parameter in network.backbone.stem.parameters():
        parameter.requires_grad_(False)
    network(torch.randn(1, 3, 64, 64), "drone").sum().backward()
    assert network.backbone.stages[0].blocks[0].conv_dw.weight.grad is not None
