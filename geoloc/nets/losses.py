"""The loss that the networks are trained with."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional


class SymmetricInfoNCE(nn.Module):
    """Cross-entropy of the right partner among all of the batch, in both directions.

    Sample4Geo (Deuser et al., ICCV 2023), section 3: label smoothing 0.1 and a learnable
    temperature that starts at 0.07.
    """

    def __init__(self, label_smoothing: float = 0.1, temperature: float = 0.07) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing
        self.log_scale = nn.Parameter(torch.tensor(math.log(1 / temperature)))

    def forward(self, queries: Tensor, references: Tensor) -> Tensor:
        """The loss of unit vectors (B, D) whose partners stand in the same row."""
        logits = self.log_scale.exp() * queries.float() @ references.float().T
        partners = torch.arange(len(logits), device=logits.device)
        smoothing = self.label_smoothing
        forth = functional.cross_entropy(logits, partners, label_smoothing=smoothing)
        back = functional.cross_entropy(logits.T, partners, label_smoothing=smoothing)
        return (forth + back) / 2
