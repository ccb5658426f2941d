"""Embedding of images: preprocessing, devices, half precision, and batches that fit in memory."""

from __future__ import annotations

import hashlib
import json
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch.nn import functional

from geoloc.arrays import Float32Array, RgbBatch
from geoloc.errors import DependencyError
from geoloc.models.card import ModelCard, check_embeds_images
from geoloc.models.device import autocast_type, is_out_of_memory, resolve_device
from geoloc.models.registry import LoadedModel, load_model
from geoloc.models.view import SATELLITE, View

# What fits the caches of a CPU, and fills a GPU; the sizes for cuda and mps are estimates.
_BATCH_SIZES = {"cpu": 16, "cuda": 256, "mps": 64}


@dataclass(frozen=True)
class Preprocessing:
    """What happens to the pixels of one view before the network sees them.

    Attributes:
        height_px: Height of the network's input; pictures are resized by area.
        width_px: Its width.
        mean: Mean of red, green and blue, in [0, 1].
        std: Their standard deviation.
    """

    height_px: int
    width_px: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    @classmethod
    def of(cls, card: ModelCard, view: View) -> Preprocessing:
        """What a model's card asks for.

        Raises:
            ModelError: The model knows no such view, or describes keypoints.
        """
        check_embeds_images(card)
        height_px, width_px = card.input_size(view)
        return cls(height_px, width_px, card.mean, card.std)

    def shrink(self, image: RgbBatch) -> RgbBatch:
        """Bring one (H, W, 3) picture to the input's size; cheap, and safe in threads.

        Bytes in, bytes out: rounding adds a noise of a third of a grey level, and what waits for
        the network takes a quarter of the memory.
        """
        if image.shape[:2] == (self.height_px, self.width_px):
            return image
        size = (self.width_px, self.height_px)
        smaller = image.shape[0] >= self.height_px and image.shape[1] >= self.width_px
        how = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
        return cv2.resize(image, size, interpolation=how)  # type: ignore[return-value]

    def normalise(self, images: RgbBatch, device: torch.device) -> torch.Tensor:
        """Put (B, H, W, 3) bytes on the device as normalised (B, 3, H, W), channels last."""
        # NHWC bytes seen as NCHW are channels-last already: no copy is made to get there.
        pixels = torch.from_numpy(images).to(device, non_blocking=True).permute(0, 3, 1, 2)
        std = torch.tensor(self.std, device=device).view(1, 3, 1, 1)
        mean = torch.tensor(self.mean, device=device).view(1, 3, 1, 1)
        return torch.addcmul(-mean / std, pixels.float(), 1 / (255 * std))

    def to_dict(self) -> dict[str, object]:
        """Plain values for a manifest."""
        values = {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self).items()}
        return {**values, "resize": "area"}


class Embedder:
    """A model, ready to embed pictures of any size and number.

    Args:
        model: The name of a bundled model, a model folder, or a model that is loaded already.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        batch_size: Pictures a step; None: by device.

    Raises:
        ModelError: The model is missing, describes keypoints, or its weights do not match its
            card.
        DependencyError: The device is not there.

    Attributes:
        device: Device that it runs on.
        card: The model's card.
        fingerprint: Fingerprint, as `fingerprint` returns it.
        batch_size: Pictures a step; halved for good when memory runs out.
        precision: The type of autocast; None is float32 throughout.
    """

    def __init__(
        self,
        model: str | Path | LoadedModel,
        *,
        device: str = "auto",
        batch_size: int | None = None,
    ) -> None:
        self.device = resolve_device(device)
        loaded = load_model(model) if isinstance(model, (str, Path)) else model
        self.card = loaded.card
        self.fingerprint = fingerprint(self.card)
        self.batch_size = batch_size or _BATCH_SIZES[self.device.type]
        self.precision = autocast_type(self.device)
        self._network = loaded.eval().to(self.device).to(memory_format=torch.channels_last)

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self.card.dimension

    def shrink(self, image: RgbBatch, view: View = SATELLITE) -> RgbBatch:
        """The part of preprocessing that threads can do ahead: (H, W, 3) to the input's size."""
        return Preprocessing.of(self.card, view).shrink(image)

    def embed(self, images: RgbBatch, view: View) -> Float32Array:
        """Embed pictures.

        Args:
            images: (N, H, W, 3) RGB bytes of any size.
            view: ``satellite``, ``drone`` or ``ground``.

        Returns:
            (N, D) float32, of unit length.

        Raises:
            ModelError: The model knows no such view.
            DependencyError: Memory does not suffice even for one picture.
        """
        ready = np.stack([self.shrink(image, view) for image in images]) if len(images) else images
        vectors = np.empty((len(ready), self.dimension), np.float32)
        start = 0
        while start < len(ready):
            batch = ready[start : start + self.batch_size]
            try:
                vectors[start : start + len(batch)] = self._embed_batch(batch, view)
            except (RuntimeError, MemoryError) as error:
                self._shrink_batches(error, len(batch))
                continue
            start += len(batch)
        return vectors

    def embed_ready(self, pixels: torch.Tensor, view: View) -> Float32Array:
        """Embed one batch (B, 3, H, W) that is normalised and on the device already."""
        with torch.inference_mode(), self._autocast():
            vectors = self._network(pixels, view).float()
        return functional.normalize(vectors, dim=1).cpu().numpy()

    def _embed_batch(self, images: RgbBatch, view: View) -> Float32Array:
        steps = Preprocessing.of(self.card, view)
        return self.embed_ready(steps.normalise(images, self.device), view)

    def _autocast(self) -> AbstractContextManager[object]:
        if self.precision is None:
            return nullcontext()
        return torch.autocast(self.device.type, self.precision)

    def _shrink_batches(self, error: Exception, tried: int) -> None:
        """Halve the batch if memory ran out; any other error goes on its way."""
        if not is_out_of_memory(error):
            raise error
        if tried <= 1:
            raise DependencyError(
                f"not enough memory on {self.device} to embed one picture; close other programs "
                "or choose another --device"
            ) from error
        self.batch_size = max(1, tried // 2)
        if self.device.type == "cuda":
            torch.cuda.empty_cache()


def fingerprint(card: ModelCard) -> str:
    """A checksum of what decides a map's vectors: the weights and the preprocessing of its tiles.

    Two indexes can be searched by the same queries only if theirs is the same.
    """
    facts = {
        "weights_sha256": card.weights_sha256,
        "preprocessing": Preprocessing.of(card, SATELLITE).to_dict(),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
