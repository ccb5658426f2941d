"""Embeddings by a network in training, without gradients: for validation and hard negatives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from geoloc.arrays import Float32Array, RgbBatch, RgbImage
from geoloc.learning.datasets.crossview import Picture
from geoloc.learning.training.data.image_reader import PictureReader
from geoloc.learning.training.processes import Processes
from geoloc.models.card import ModelCard
from geoloc.models.view import View

_CHUNK = 32


@dataclass(frozen=True)
class Normalisation:
    """Mean and scale of the channels, and the device."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    device: torch.device

    def __call__(self, images: RgbImage) -> Tensor:
        """Bytes (..., H, W, 3) as normalised (..., 3, H, W), channels last."""
        pixels = torch.from_numpy(images).to(self.device).movedim(-1, -3).float() / 255
        mean = torch.tensor(self.mean, device=self.device).view(3, 1, 1)
        std = torch.tensor(self.std, device=self.device).view(3, 1, 1)
        return (pixels - mean) / std


class TrainingEmbedder:
    """Embeds with a network as it stands; several processes share the images among them."""

    def __init__(
        self, network: nn.Module, card: ModelCard, processes: Processes, *, workers: int
    ) -> None:
        self._network, self._processes, self._workers = network, processes, workers
        self._reader = PictureReader(card.input_sizes, card.ground_fit)
        self.normalise = Normalisation(card.mean, card.std, processes.device)

    def images(self, images: RgbBatch, view: View) -> Float32Array:
        """Unit vectors (N, D) of images (N, H, W, 3) or crops (N, L, S, S, 3) of tiles."""
        own = images[self._own(len(images))]
        starts = range(0, len(own), _CHUNK)
        return self._embed((own[start : start + _CHUNK] for start in starts), view)

    def pictures(self, pictures: tuple[Picture, ...], view: View) -> Float32Array:
        """Unit vectors (N, D) of image files.

        Raises:
            PhotoError: One of them is missing or damaged.
        """
        own = pictures[self._own(len(pictures))]
        chunks = self._reader.chunks(own, view, size=_CHUNK, workers=self._workers)
        return self._embed(chunks, view)

    def _own(self, count: int) -> slice:
        """This process's part of `count` images; the last process's may be shorter."""
        index, each = self._processes.share.index, -(-count // self._processes.share.count)
        return slice(index * each, (index + 1) * each)

    def _embed(self, chunks: Iterator[RgbImage], view: View) -> Float32Array:
        with evaluating(self._network), torch.inference_mode(), self._arithmetic():
            vectors = [
                self._network(self.normalise(chunk), view).float().cpu().numpy() for chunk in chunks
            ]
        own: list[Float32Array] = [np.concatenate(vectors)] if vectors else []
        parts = [part for each in self._processes.collect(own) for part in each]
        return np.concatenate(parts)

    def _arithmetic(self) -> AbstractContextManager[object]:
        """Half precision where it is much quicker; full where results may be compared."""
        device = self._processes.device
        if device.type == "cuda":
            return torch.autocast("cuda", torch.float16)
        return nullcontext()


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """The network in evaluation mode, and afterwards in the mode it was in."""
    was_training = network.training
    network.eval()
    try:
        yield
    finally:
        network.train(was_training)
