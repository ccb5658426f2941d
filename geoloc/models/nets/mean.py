"""MEAN: a ConvNeXt whose training is helped by branches that are not needed afterwards.

After Chen, Yang and Rong, "Multi-level Embedding and Alignment Network with Consistency and
Invariance Learning for Cross-View Geo-Localization" (arXiv 2412.14819, IEEE TGRS 2025), as the
authors' code computes it. The branches: part embeddings with classifiers from diversified maps
(PEE with DEG), a global one (GEE), and features weighted in a space that both views share (CEA
with MSF). All of them hang on the last stage of the backbone.

What an embedding is made of is the backbone alone: `MEAN.test_network` is all that a search needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from geoloc.models.nets.siamese import Siamese, SiameseOptions, build_backbone
from geoloc.models.view import View

_LOG_SCALE = 2.6592600369327779  # ln(1 / 0.07)
_IMAGENET_CLASSES = 1000


@dataclass(frozen=True)
class MeanOptions:
    """What a MEAN is built from.

    Attributes:
        backbone: Name of a timm ConvNeXt; the paper's (section III) is the tiny one.
        classes: Places in the training set: 701 in University-1652; the code uses 150 for
            SUES-200.
        diversity_dropout: Dropout of each of the two diversified maps, their only difference.
        projection_dropout: Dropout of the projection inside CEA.
        classifier_dropout: Dropout of the embeddings, before they are classified.
        unused_weights: Carry the weights that the authors' checkpoints hold and nothing uses (the
            backbone's ImageNet classifier, four scalars). With them a checkpoint goes in and out
            whole; without, every parameter gets a gradient.
        layer_scale: Start of the backbone's residual branches; 0 leaves it to the backbone, as
            the authors do, who begin with trained weights.
    """

    backbone: str = "convnext_tiny"
    classes: int = 701
    diversity_dropout: float = 0.01
    projection_dropout: float = 0.05
    classifier_dropout: float = 0.5
    unused_weights: bool = True
    layer_scale: float = 0.0


class MeanOutputs(NamedTuple):
    """What a training step needs of one view, for B images with n positions in the last stage.

    Attributes:
        aligned: (B, 512, n), the features that CEA aligns across the views.
        logits: Three (B, classes): of the two part embeddings, then of the global one.
        embeddings: Three (B, 512), in the same order.
        pooled: (B, C), the backbone's pooled and normalised features.
        features: (B, C, H, W) of the last stage.
    """

    aligned: Tensor
    logits: tuple[Tensor, Tensor, Tensor]
    embeddings: tuple[Tensor, Tensor, Tensor]
    pooled: Tensor
    features: Tensor


class DiversifiedEmbeddings(nn.Module):
    """DEG (section III): a map seen through three dilations, returned twice.

    In the paper the two are diverse by design; in the code nothing but their dropout differs.
    """

    def __init__(self, channels: int, *, dropout: float) -> None:
        super().__init__()
        self.dilated = nn.ModuleList(
            nn.Conv2d(channels, channels // 4, 3, padding=rate, dilation=rate, bias=False)
            for rate in (1, 2, 3)
        )
        self.widen = nn.Conv2d(channels // 4, channels, 1)
        self.dropout = nn.Dropout(dropout)
        for name, parameter in self.named_parameters():
            if name.endswith("bias"):
                nn.init.zeros_(parameter)
            else:
                nn.init.kaiming_normal_(parameter)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Two maps (B, C, H, W) of one."""
        narrow = torch.stack([convolution(features) for convolution in self.dilated]).sum(0) / 3
        mixed = (self.widen(functional.relu(narrow)) + features) / 2
        return self.dropout(mixed), self.dropout(mixed)


class EmbeddingClassifier(nn.Module):
    """One embedding of PEE or GEE and its classifier (section III).

    The channels are read as a sequence by four short convolutions, and averaged over it. Three of
    these are linear, so that their 384 averages hold seven numbers' worth of information; only
    the rectified ones carry more. We keep it, because it is the published network.
    """

    def __init__(self, classes: int, *, dropout: float) -> None:
        super().__init__()
        self.dilated = nn.ModuleList(
            nn.Conv1d(1, 128, 3, padding=rate, dilation=rate) for rate in (1, 2, 3)
        )
        self.rectified = nn.Conv1d(1, 128, 1)
        self.norm = nn.BatchNorm1d(512)
        self.dropout = nn.Dropout(dropout)
        self.classify = nn.Linear(512, classes)

    def forward(self, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (B, classes) and embeddings (B, 512) of vectors (B, C)."""
        sequence = vectors.unsqueeze(1)
        parts = [convolution(sequence) for convolution in self.dilated]
        parts.append(functional.relu(self.rectified(sequence)))
        embeddings = self.dropout(self.norm(torch.cat(parts, dim=1).mean(dim=2)))
        return self.classify(embeddings), embeddings


class CrossDomainAlignment(nn.Module):
    """CEA (section III): features beside weights from a space that both views share.

    The weights pass two softmaxes over the positions; the second sees numbers in [0, 1] and
    returns next to the same for all, so that little reaches the projection. So it is published.
    """

    def __init__(self, channels: int, *, dropout: float) -> None:
        super().__init__()
        self.widen = nn.Conv1d(channels, 2 * channels, 1, bias=False)
        self.norm = nn.BatchNorm1d(2 * channels)
        self.narrow = nn.Conv1d(2 * channels, 256, 1, bias=False)
        self.dropout = nn.Dropout(dropout)
        self.scale = nn.Conv1d(256, 256, 1)
        self.fuse = MultiScaleFusion(channels)
        for convolution in (self.widen, self.narrow):
            nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, features: Tensor) -> Tensor:
        """(B, 512, H*W) of features (B, C, H, W)."""
        flat = features.flatten(2)
        projected = self.dropout(self.narrow(functional.relu(self.norm(self.widen(flat)))))
        scaled = self.scale(functional.normalize(projected, dim=1)) / 0.1
        weights = scaled.softmax(dim=2).softmax(dim=2)
        fused: Tensor = self.fuse(flat, weights)
        return fused


class MultiScaleFusion(nn.Module):
    """MSF (section III): features and their weights, brought to one width and mixed."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.of_features = nn.Conv1d(channels, 512, 1)
        self.of_weights = nn.Conv1d(256, 512, 1)
        self.mix = nn.Conv1d(1024, 512, 1)
        self.norm = nn.BatchNorm1d(512)

    def forward(self, features: Tensor, weights: Tensor) -> Tensor:
        """(B, 512, n) of features (B, C, n) and weights (B, 256, n)."""
        joined = torch.cat([self.of_features(features), self.of_weights(weights)], dim=1)
        return functional.relu(self.norm(self.mix(joined)))


class MEAN(nn.Module):
    """The network of arXiv 2412.14819, section III, with all that its training needs.

    36,498,820 parameters as published, of which 27,820,128 make the embedding. Both views share
    all of them. The temperature (section III) is the network's own, as in its checkpoints.
    """

    def __init__(self, options: MeanOptions | None = None) -> None:
        super().__init__()
        self.options = options or MeanOptions()
        unused = self.options.unused_weights
        self.backbone: Any = build_backbone(
            self.options.backbone,
            layer_scale=self.options.layer_scale,
            classes=_IMAGENET_CLASSES if unused else 0,
        )
        channels, dropout = int(self.backbone.num_features), self.options.classifier_dropout
        self.diversify = DiversifiedEmbeddings(channels, dropout=self.options.diversity_dropout)
        self.classifiers = nn.ModuleList(
            EmbeddingClassifier(self.options.classes, dropout=dropout) for _ in range(3)
        )
        self.align = CrossDomainAlignment(channels, dropout=self.options.projection_dropout)
        self.log_scale = nn.Parameter(torch.tensor(_LOG_SCALE))
        if unused:
            self.unused = nn.ParameterDict(
                {
                    "log_scale_blocks": nn.Parameter(torch.tensor(_LOG_SCALE)),
                    **{f"block_{i}": nn.Parameter(torch.tensor(1.0)) for i in (1, 2, 3)},
                }
            )

    @property
    def dimension(self) -> int:
        """Length of an embedding."""
        return int(self.backbone.num_features)

    def set_grad_checkpointing(self, enable: bool = True) -> None:
        """Keep only what blocks of the backbone begin with; the branches keep all they need."""
        self.backbone.set_grad_checkpointing(enable)

    def forward_training(self, images: Tensor) -> MeanOutputs:
        """All that the losses of section III compare, for images (B, 3, H, W) of one view.

        Dropout and batch statistics follow the mode. The height and width of the images must be
        multiples of 32.
        """
        features = self.backbone.forward_features(images)
        pooled = self.backbone.forward_head(features, pre_logits=True)
        vectors = [each.mean(dim=(2, 3)) for each in self.diversify(features)]
        described = [
            classifier(vector)
            for classifier, vector in zip(self.classifiers, [*vectors, pooled], strict=True)
        ]
        (first, a), (second, b), (whole, c) = described
        aligned = self.align(features)
        return MeanOutputs(aligned, (first, second, whole), (a, b, c), pooled, features)

    def forward(self, images: Tensor, view: View) -> Tensor:
        """Unit vectors (B, dimension) float32 of images (B, 3, H, W) of one view.

        Section III-D: of the three levels only the backbone's is compared in a search.

        Raises:
            ValueError: if `view` is none of the known ones.
        """
        if view not in get_args(View):
            raise ValueError(f"view {view!r}; expected one of {get_args(View)}")
        features = self.backbone.forward_features(images)
        pooled = self.backbone.forward_head(features, pre_logits=True)
        return functional.normalize(pooled.float(), dim=1)

    def test_network(self) -> Siamese:
        """A copy of what is needed after training; its embeddings are the same (section III)."""
        network = Siamese(SiameseOptions(self.options.backbone))
        weights = self.backbone.state_dict()
        network.backbone.load_state_dict(
            {key: weights[key] for key in network.backbone.state_dict()}
        )
        return network.train(self.training)
