from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from geoloc.errors import ModelError
from geoloc.learning.training.objective import Objective, Sample, build_loss
from geoloc.learning.training.processes import OneProcess
from geoloc.learning.training.recipe import LossChoice
from geoloc.models.nets.clnet import CLNet, CLNetOptions
from geoloc.models.nets.mean import MEAN, MeanOptions

ALONE = OneProcess(torch.device("cpu"))
MEAN_TINY = MeanOptions(backbone="convnext_zepto_rms", classes=9)


class _FirstPixel(nn.Module):
    """Embeds an image as the colour of its first pixel; remembers the views."""

    def __init__(self) -> None:
        super().__init__()
        self.views: list[str] = []

    def forward(self, images: Tensor, view: str) -> Tensor:
        self.views.append(view)
        return nn.functional.normalize(images[:, :, 0, 0], dim=1)


def sample(side: int = 32, count: int = 4) -> Sample:
    draw = torch.Generator().manual_seed(3)
    images = torch.randn(2, count, 3, side, side, generator=draw)
    return Sample(images[0], images[1], torch.arange(count) + 2, torch.linspace(0, 1, count))


def objective(network: nn.Module, choice: LossChoice) -> Objective:
    loss = build_loss(choice, network)
    return Objective(network, loss, ALONE, views=("drone", "satellite"), precision=None)


def test_each_side_passes_its_own_branch() -> None:
    network = _FirstPixel()
    objective(network, LossChoice())(sample())
    assert network.views == ["drone", "satellite"]


@torch.no_grad()
def test_pairs_that_overlap_less_are_trusted_less() -> None:
    network, batch = _FirstPixel(), sample()
    weighted = objective(network, LossChoice("weighted-infonce"))
    trusting = batch._replace(overlaps=torch.ones(4))
    doubting = batch._replace(overlaps=torch.zeros(4))
    partners = [each._replace(references=each.queries) for each in (trusting, doubting)]
    trusted, doubted = (float(weighted(each)) for each in partners)
    assert trusted < doubted


def test_means_loss_reaches_every_parameter_that_is_not_frozen() -> None:
    torch.manual_seed(0)
    network = MEAN(MEAN_TINY)
    module = objective(network.train(), LossChoice("mean"))
    module(sample(32)).backward()
    without = [
        name
        for name, parameter in network.named_parameters()
        if parameter.requires_grad and parameter.grad is None
    ]
    assert not without
    frozen = [name for name, p in network.named_parameters() if not p.requires_grad]
    assert {name.split(".")[0] for name in frozen} == {"unused", "backbone"}


def test_means_loss_trains_mean_only() -> None:
    with pytest.raises(ModelError, match="architecture"):
        build_loss(LossChoice("mean"), CLNet(CLNetOptions()))


def test_half_precision_stays_inside_the_networks() -> None:
    network = CLNet(CLNetOptions(layer_scale=0.1))
    whole = objective(network, LossChoice())
    half = Objective(
        network, whole.loss, ALONE, views=("drone", "satellite"), precision=torch.bfloat16
    )
    with torch.no_grad():
        losses = [float(each(sample())) for each in (whole, half)]
    assert half(sample()).dtype is torch.float32
    assert losses[0] == pytest.approx(losses[1], rel=0.02)
    assert losses[0] != losses[1]
