"""Both branches of a network and the loss of a batch, as one module."""

from __future__ import annotations

from contextlib import nullcontext
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from geoloc.errors import ModelError
from geoloc.learning.training.heading_negatives import draw_rolls, roll_rings
from geoloc.learning.training.losses import MeanLoss, MeanWeights, SymmetricInfoNCE, WeightedInfoNCE
from geoloc.learning.training.processes import Processes
from geoloc.learning.training.recipe import LossChoice
from geoloc.models.nets.mean import MEAN, MeanOutputs
from geoloc.models.view import View


class Sample(NamedTuple):
    """A batch on the device: images (B, 3, H, W), places (B,) int64, overlaps (B,) float32.

    References are (B, L, 3, S, S) where a network sees a tile in L crops.
    """

    queries: Tensor
    references: Tensor
    places: Tensor
    overlaps: Tensor


class Objective(nn.Module):
    """The loss of a batch of all processes, from the share that this one holds.

    The networks compute on their own share, in half precision where that is wanted. Then what the
    loss compares is gathered, so that every pair of every process is the negative of all others,
    and each process computes the same loss, in full precision.

    Batch norms (MEAN has some) see their own process's share only, as they do in the authors'
    training on several GPUs.

    Args:
        network: Both branches.
        loss: As `build_loss` makes it.
        processes: Which train it together.
        views: The branches that queries and references pass.
        precision: Of the networks' arithmetic; None is full.
        heading_negatives: Copies of every query, which are rings, at wrong headings.
        heading_least_deg: Least angle of these from the right heading.
    """

    def __init__(
        self,
        network: nn.Module,
        loss: nn.Module,
        processes: Processes,
        *,
        views: tuple[View, View],
        precision: torch.dtype | None,
        heading_negatives: int = 0,
        heading_least_deg: float = 30.0,
    ) -> None:
        super().__init__()
        self._copies, self._least_deg = heading_negatives, heading_least_deg
        self.network, self.loss = network, loss
        self._processes, self._views, self._precision = processes, views, precision

    def forward(self, sample: Sample) -> Tensor:
        """The loss, a scalar, of this process's share of a batch."""
        if isinstance(self.loss, MeanLoss):
            return self._mean_loss(self.loss, sample)
        of_query, of_reference = self._views
        count, gather = len(sample.queries), self._processes.gather
        with self._arithmetic():
            queries = self.network(self._with_wrong_headings(sample.queries), of_query)
            references = self.network(sample.references, of_reference)
        compared = [gather(queries[:count]), gather(references)]
        if isinstance(self.loss, WeightedInfoNCE):
            compared.append(gather(sample.overlaps))
        more = {"wrong_queries": gather(queries[count:])} if self._copies else {}
        return cast(Tensor, self.loss(*compared, places=gather(sample.places), **more))

    def _with_wrong_headings(self, rings: Tensor) -> Tensor:
        """Rings (B, 3, H, W) and behind them their copies at wrong headings, where such are wanted.

        What is black in a ring, because a photo did not show it, turns with it.
        """
        if not self._copies:
            return rings
        width = rings.shape[3]
        rolls = draw_rolls(len(rings), self._copies, width_px=width, least_deg=self._least_deg)
        return torch.cat([rings, roll_rings(rings, rolls)])

    def _mean_loss(self, loss: MeanLoss, sample: Sample) -> Tensor:
        assert isinstance(self.network, MEAN)
        with self._arithmetic():
            queries = self.network.forward_training(sample.queries)
            references = self.network.forward_training(sample.references)
        terms = loss(
            self._gathered(queries),
            self._gathered(references),
            self._processes.gather(sample.places),
            self.network.log_scale,
        )
        return cast(Tensor, terms.total)

    def _gathered(self, outputs: MeanOutputs) -> MeanOutputs:
        """What the loss compares, of all processes; the features themselves it does not."""
        gather = self._processes.gather
        first, second, whole = (gather(each) for each in outputs.logits)
        one, two, three = (gather(each) for each in outputs.embeddings)
        return outputs._replace(
            aligned=gather(outputs.aligned),
            logits=(first, second, whole),
            embeddings=(one, two, three),
            pooled=gather(outputs.pooled),
        )

    def _arithmetic(self) -> torch.autocast | nullcontext[None]:
        if self._precision is None:
            return nullcontext()
        return torch.autocast(self._processes.device.type, self._precision)


def build_loss(choice: LossChoice, network: nn.Module) -> nn.Module:
    """The loss that a recipe names, for a network that it fits.

    Raises:
        ModelError: if MEAN's loss is to train another network.
    """
    if choice.name == "mean":
        if not isinstance(network, MEAN):
            raise ModelError(
                'the loss "mean" compares what only MEAN computes; expected architecture = "mean" '
                'in [card], or another name in [loss]: "infonce" or "weighted-infonce"'
            )
        weights = MeanWeights(choice.contrast_weight, choice.places_weight, choice.alignment_weight)
        freeze_unused(network)
        return MeanLoss(weights, reading=choice.reading, label_smoothing=choice.label_smoothing)
    if choice.name == "weighted-infonce":
        return WeightedInfoNCE(choice.steepness, temperature=choice.temperature)
    return SymmetricInfoNCE(choice.label_smoothing, choice.temperature, decoupled=choice.decoupled)


def freeze_unused(network: MEAN) -> None:
    """Take what MEAN carries without using out of training.

    Several processes wait for the gradient of every parameter that has not been taken out.
    """
    for name, parameter in network.named_parameters():
        if name.startswith(("unused.", "backbone.head.fc.")):
            parameter.requires_grad_(False)
