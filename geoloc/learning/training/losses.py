"""The losses that the networks are trained with."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from geoloc.models.nets.mean import MeanOutputs

Reading = Literal["code", "paper"]
# A candidate that is nearly all of its row's sum leaves something to compare with, all the same.
_WHOLE = 1 - 1e-6


def info_nce(
    queries: Tensor,
    references: Tensor,
    log_scale: Tensor,
    *,
    label_smoothing: float | Tensor = 0.1,
    places: Tensor | None = None,
    decoupled: bool = False,
    wrong_queries: Tensor | None = None,
) -> Tensor:
    """Cross-entropy of the right partner among all of the batch, in both directions.

    Sample4Geo (Deuser et al., ICCV 2023), section 3: the mean of both directions.

    Args:
        queries: (B, D) of unit length.
        references: (B, D) of unit length; partners stand in the same row.
        log_scale: Logarithm of the inverse temperature, a scalar.
        label_smoothing: Share of the target that all of the batch divide among them, the partner
            among them; one for all pairs, or (B,), one a pair.
        places: (B,) numbers of the places that the pairs show. Two pairs of one place are then
            no rivals: what is right for one is not held to be wrong for the other.
        decoupled: Compare a candidate with all others and not with itself (Yeh et al., ECCV 2022):
            pairs that are told apart well already go on pulling. Batches may be smaller.
        wrong_queries: (B * K, D) of unit length, K a query, those of a query one after the other:
            what a reference is compared with besides, and is never right, as a ring at a wrong
            heading. They take no part in the smoothing.
    """
    logits = log_scale.exp() * queries.float() @ references.float().T
    rivals = torch.ones_like(logits, dtype=torch.bool)
    if places is not None:
        rivals = places[:, None] != places[None, :]
        rivals = rivals | torch.eye(len(places), dtype=torch.bool, device=places.device)
    forth = _cross_entropy(logits, label_smoothing, rivals, decoupled=decoupled)
    wrong = None
    if wrong_queries is not None:
        wrong = log_scale.exp() * references.float() @ wrong_queries.float().T
        # Another pair of the place may be turned otherwise: what is wrong here is right there.
        copies = len(wrong_queries) // len(queries)
        wrong = wrong.masked_fill(~rivals.repeat_interleave(copies, dim=1), -math.inf)
    back = _cross_entropy(logits.T, label_smoothing, rivals, decoupled=decoupled, wrong=wrong)
    return (forth + back) / 2


def _cross_entropy(
    logits: Tensor,
    smoothing: float | Tensor,
    rivals: Tensor,
    *,
    decoupled: bool,
    wrong: Tensor | None = None,
) -> Tensor:
    """Cross entropy of the diagonal, mean over the rows; (B, B), scalar or (B,), rivals (B, B).

    As torch's, which has but one smoothing for all rows, and cannot leave out what is smoothed.
    Logits (B, N) in `wrong` join the sum of their row alone.
    """
    candidates = logits.masked_fill(~rivals, -math.inf)
    largest = (candidates if wrong is None else torch.cat([candidates, wrong], 1)).logsumexp(dim=1)
    if decoupled:
        # What the logarithm of a row's sum loses where one candidate leaves the sum.
        share = (logits - largest[:, None]).exp().masked_fill(~rivals, 0.0)
        logits = logits - (-share.clamp(max=_WHOLE)).log1p()
    mean = logits.masked_fill(~rivals, 0.0).sum(dim=1) / rivals.sum(dim=1)
    return (largest - (1 - smoothing) * logits.diagonal() - smoothing * mean).mean()


class SymmetricInfoNCE(nn.Module):
    """Cross-entropy of the right partner among all of the batch, in both directions.

    Sample4Geo (Deuser et al., ICCV 2023), section 3: label smoothing 0.1 and a learnable
    temperature that starts at 0.07.
    """

    def __init__(
        self, label_smoothing: float = 0.1, temperature: float = 0.07, *, decoupled: bool = False
    ) -> None:
        super().__init__()
        self.label_smoothing, self.decoupled = label_smoothing, decoupled
        self.log_scale = nn.Parameter(torch.tensor(math.log(1 / temperature)))

    def forward(
        self,
        queries: Tensor,
        references: Tensor,
        *,
        places: Tensor | None = None,
        wrong_queries: Tensor | None = None,
    ) -> Tensor:
        """The loss of unit vectors (B, D) whose partners stand in the same row.

        Args:
            queries: (B, D) of unit length.
            references: (B, D) of unit length.
            places: (B,); pairs of one place are no rivals. None: all pairs are.
            wrong_queries: (B * K, D), see `info_nce`.
        """
        return info_nce(
            queries,
            references,
            self.log_scale,
            label_smoothing=self.label_smoothing,
            places=places,
            decoupled=self.decoupled,
            wrong_queries=wrong_queries,
        )


class WeightedInfoNCE(nn.Module):
    """InfoNCE that trusts a pair as far as its two images show the same ground.

    Game4Loc (Ji et al., arXiv 2409.16925), weighted-InfoNCE, as its code computes it: the label
    smoothing of a pair falls with the overlap w of its footprints, 1 - 1 / (1 + exp(-k w)). A
    pair that shares nothing (w = 0) has a smoothing of one half, a whole one 0.7 % for k = 5.
    """

    def __init__(self, steepness: float = 5.0, temperature: float = 0.07) -> None:
        super().__init__()
        self.steepness = steepness
        self.log_scale = nn.Parameter(torch.tensor(math.log(1 / temperature)))

    def forward(
        self,
        queries: Tensor,
        references: Tensor,
        overlaps: Tensor,
        *,
        places: Tensor | None = None,
    ) -> Tensor:
        """The loss of unit vectors whose partners stand in the same row.

        Args:
            queries: (B, D) of unit length.
            references: (B, D) of unit length.
            overlaps: (B,) in [0, 1], intersection over union of the footprints of a pair.
            places: (B,); pairs of one place are no rivals. None: all pairs are.
        """
        smoothing = 1 - torch.sigmoid(self.steepness * overlaps.float())
        return info_nce(
            queries, references, self.log_scale, label_smoothing=smoothing, places=places
        )


def alignment_loss(queries: Tensor, references: Tensor, *, reading: Reading = "code") -> Tensor:
    """CDA, how far the aligned features of partners are apart (arXiv 2412.14819, section III).

    The paper adds a cosine term and a mean square error. In the code the second is, written
    otherwise, the cosine again: 2 (1 - mean cosine). ``paper`` computes the mean square error
    between unit vectors instead, which is 2 (1 - cosine) over their length: next to nothing.

    Args:
        queries: (B, channels, positions).
        references: (B, channels, positions); partners stand in the same row.
        reading: Which of the two.
    """
    # Position by position, as the code flattens them; the order is the same for both views.
    one, other = (each.float().transpose(1, 2).flatten(1) for each in (queries, references))
    cosine = functional.cosine_similarity(one, other, dim=1).mean()
    if reading == "code":
        return 2 * (1 - cosine)
    one, other = functional.normalize(one, dim=1), functional.normalize(other, dim=1)
    return 1 - cosine + functional.mse_loss(one, other)


def classification_loss(outputs: MeanOutputs, places: Tensor) -> Tensor:
    """Cross-entropy of the place, mean over the three heads (arXiv 2412.14819, section III).

    Args:
        outputs: Outputs of one view.
        places: (B,) int64, the number of each image's place.
    """
    losses = [functional.cross_entropy(logits.float(), places) for logits in outputs.logits]
    return torch.stack(losses).mean()


@dataclass(frozen=True)
class MeanWeights:
    """What the terms of MEAN's loss are multiplied with (arXiv 2412.14819, section III).

    Attributes:
        contrast: Weight of InfoNCE.
        places: Weight of the classification of both views together.
        alignment: Weight of CDA: 1.3 for University-1652 and 0.75 for SUES-200 in the code.
    """

    contrast: float = 1.0
    places: float = 0.1
    alignment: float = 1.3


class MeanTerms(NamedTuple):
    """MEAN's loss and the three terms that it is made of, not yet weighted; scalars."""

    total: Tensor
    contrast: Tensor
    places: Tensor
    alignment: Tensor


class MeanLoss(nn.Module):
    """The loss of MEAN, of both views of a batch (arXiv 2412.14819, section III).

    Paper and code differ twice, and `reading` chooses. In the code InfoNCE compares the pooled
    features of the backbone, and CDA is a cosine, twice. In the paper's figure 2 InfoNCE compares
    the part embeddings of PEE (here the mean over the two), and CDA has a mean square error.
    """

    def __init__(
        self,
        weights: MeanWeights | None = None,
        *,
        reading: Reading = "code",
        label_smoothing: float = 0.1,
    ) -> None:
        super().__init__()
        self.weights = weights or MeanWeights()
        self.reading: Reading = reading
        self.label_smoothing = label_smoothing

    def forward(
        self, queries: MeanOutputs, references: MeanOutputs, places: Tensor, log_scale: Tensor
    ) -> MeanTerms:
        """The loss of a batch whose partners stand in the same row.

        Args:
            queries: Of the drone view (or of the satellite's: the loss is symmetric).
            references: Of the other view.
            places: (B,) int64, no number twice.
            log_scale: The network's temperature, `MEAN.log_scale`.
        """
        contrast = self._contrast(queries, references, log_scale)
        heads = classification_loss(queries, places) + classification_loss(references, places)
        alignment = alignment_loss(queries.aligned, references.aligned, reading=self.reading)
        total = (
            self.weights.contrast * contrast
            + self.weights.places * heads
            + self.weights.alignment * alignment
        )
        return MeanTerms(total, contrast, heads, alignment)

    def _contrast(self, queries: MeanOutputs, references: MeanOutputs, log_scale: Tensor) -> Tensor:
        pairs = [(queries.pooled, references.pooled)]
        if self.reading == "paper":
            parts = slice(0, 2)
            pairs = list(zip(queries.embeddings[parts], references.embeddings[parts], strict=True))
        losses = [
            info_nce(
                functional.normalize(one.float(), dim=1),
                functional.normalize(other.float(), dim=1),
                log_scale,
                label_smoothing=self.label_smoothing,
            )
            for one, other in pairs
        ]
        return torch.stack(losses).mean()
