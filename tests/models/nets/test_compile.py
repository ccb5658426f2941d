"""torch.compile: each branch as one graph, for any number of images, with eager's numbers.

That it becomes one graph is asked of the tracer alone, which is quick. That it keeps its numbers
in the operators that Inductor takes it apart into is asked of two networks more, and that its
machine code gives them, of what the networks have of their own: a ring with a map, and attention.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest
import torch
from torch import Tensor, nn

from geoloc.models.nets.clnet import CLNet, CLNetOptions
from geoloc.models.nets.mean import MEAN, MeanOptions
from geoloc.models.nets.neural_map import LatentGrid
from geoloc.models.nets.siamese import Siamese, SiameseOptions
from geoloc.models.view import View
from tests.fixtures.backbones import SHALLOW_CONVNEXT, SHALLOW_VIT

_TOLERANCE = 1e-3
_HAS_COMPILER = any(shutil.which(name) for name in ("g++", "clang++", "cl"))


class _Case(NamedTuple):
    """A network, one of its views, and the height and width of what it is shown."""

    build: Callable[[], nn.Module]
    view: View
    size_px: tuple[int, int]


def _clnet(**options: object) -> nn.Module:
    built = CLNetOptions(SHALLOW_CONVNEXT, layer_scale=0.1, **options)  # type: ignore[arg-type]
    return CLNet(built).fold()


def _grid() -> nn.Module:
    return _clnet(head="grid", grid_side=2, grid_width=8, dimension=16)


def _ring(**options: object) -> nn.Module:
    cells = LatentGrid(1, 4)
    return _clnet(
        head="grid",
        grid_width=8,
        dimension=16,
        circular=True,
        ground_cells=cells,
        ground_grid=cells,
        **options,
    )


def _ring_of_one_level() -> nn.Module:
    return _ring(levels=(3,))


def _test_network() -> nn.Module:
    return MEAN(MeanOptions(SHALLOW_CONVNEXT, classes=7)).eval().test_network()


def _vit() -> nn.Module:
    return Siamese(SiameseOptions(SHALLOW_VIT, image_side_px=64)).eval()


_CASES = {
    "clnet satellite": _Case(_clnet, "satellite", (64, 64)),
    "clnet ground": _Case(_clnet, "ground", (32, 128)),
    "clnet grid satellite": _Case(_grid, "satellite", (64, 64)),
    "clnet ring ground": _Case(_ring, "ground", (32, 128)),
    "mean test network": _Case(_test_network, "drone", (64, 64)),
    "siamese convnext": _Case(
        lambda: Siamese(SiameseOptions(SHALLOW_CONVNEXT)).eval(), "satellite", (64, 64)
    ),
    "siamese vit": _Case(_vit, "drone", (64, 64)),
}
# A kernel takes the C++ compiler a second.
_MACHINE_CODE_CASES = {
    "clnet ring ground": _Case(_ring_of_one_level, "ground", (32, 128)),
    "siamese vit": _CASES["siamese vit"],
}


@pytest.fixture(autouse=True)
def _fresh_tracer() -> Iterator[None]:
    """Forget compiled graphs: their number is limited for one piece of code."""
    torch.compiler.reset()
    yield
    torch.compiler.reset()


class _Counter:
    """A backend that runs a graph as it was traced, and counts the graphs."""

    def __init__(self) -> None:
        self.graphs = 0

    def __call__(self, graph: torch.fx.GraphModule, _: list[Tensor]) -> Callable[..., object]:
        self.graphs += 1
        return graph.forward


def _images(case: _Case, count: int) -> Tensor:
    """Noise of which only the number of images may change, as on a drone."""
    images = torch.randn(count, 3, *case.size_px, generator=torch.Generator().manual_seed(1))
    torch._dynamo.mark_dynamic(images, 0)
    return images


def _assert_like_eager(case: _Case, backend: object) -> None:
    """Compiled without a break, it gives eager's vectors, whatever the number of images."""
    torch.manual_seed(0)
    network = case.build()
    compiled = torch.compile(network, backend=backend, fullgraph=True)
    with torch.inference_mode():
        for count in (2, 3, 5):
            images = _images(case, count)
            torch.testing.assert_close(
                compiled(images, case.view),
                network(images, case.view),
                atol=_TOLERANCE,
                rtol=0,
            )


@pytest.mark.slow
@pytest.mark.parametrize("name", _CASES)
def test_a_branch_is_one_graph_for_every_batch(name: str) -> None:
    counter = _Counter()
    _assert_like_eager(_CASES[name], counter)
    assert counter.graphs == 1


@pytest.mark.slow
def test_one_network_can_be_compiled_for_both_views() -> None:
    torch.manual_seed(0)
    network, counter = _grid(), _Counter()
    compiled = torch.compile(network, backend=counter, fullgraph=True)
    images = _images(_CASES["clnet grid satellite"], 2)
    with torch.inference_mode():
        drone, satellite = compiled(images, "drone"), compiled(images, "satellite")
        torch.testing.assert_close(drone, network(images, "drone"))
        torch.testing.assert_close(satellite, network(images, "satellite"))
    assert counter.graphs == 2


@pytest.mark.slow
@pytest.mark.parametrize("name", ["clnet grid satellite", "mean test network"])
def test_inductors_operators_give_the_vectors_of_eager(name: str) -> None:
    _assert_like_eager(_CASES[name], "aot_eager_decomp_partition")


@pytest.mark.slow
@pytest.mark.skipif(not _HAS_COMPILER, reason="Inductor needs a C++ compiler")
@pytest.mark.parametrize("name", _MACHINE_CODE_CASES)
def test_machine_code_gives_the_vectors_of_eager(name: str) -> None:
    _assert_like_eager(_MACHINE_CODE_CASES[name], "inductor")
