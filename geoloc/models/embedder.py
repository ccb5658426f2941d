"""Embedding of images: preprocessing, devices, half precision, and batches that fit in memory."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, TypeVar

import cv2
import numpy as np
import torch
from torch.nn import functional

from geoloc.arrays import Float32Array, RgbBatch
from geoloc.errors import DependencyError, ModelError
from geoloc.image_size import ImageSize
from geoloc.models.card import ModelCard, check_embeds_images
from geoloc.models.crop_network import CropNetwork
from geoloc.models.device import autocast_type, is_out_of_memory, resolve_device
from geoloc.models.letterbox import letterbox
from geoloc.models.registry import LoadedModel, load_model
from geoloc.models.view import GROUND, SATELLITE, View

# What fits the caches of a CPU, and fills a GPU; the sizes for cuda and mps are estimates.
_BATCH_SIZES = {"cpu": 16, "cuda": 256, "mps": 64}

# Pictures, or features of pictures.
_Items = TypeVar("_Items", RgbBatch, Float32Array)


@dataclass(frozen=True)
class Preprocessing:
    """What happens to the pixels of one view before the network sees them.

    Attributes:
        height_px: Height of the network's input.
        width_px: Its width.
        mean: Mean of red, green and blue, in [0, 1].
        std: Their standard deviation.
        resize: By ``area``, whatever becomes of a picture's shape, or as a ``letterbox``.
    """

    height_px: int
    width_px: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    resize: Literal["area", "letterbox"] = "area"

    @classmethod
    def of(cls, card: ModelCard, view: View) -> Preprocessing:
        """What a model's card asks for.

        Raises:
            ModelError: The model knows no such view, or describes keypoints.
        """
        check_embeds_images(card)
        height_px, width_px = card.input_size(view)
        is_letterbox = view == GROUND and card.ground_fit == "letterbox"
        resize: Literal["area", "letterbox"] = "letterbox" if is_letterbox else "area"
        return cls(height_px, width_px, card.mean, card.std, resize)

    def shrink(self, image: RgbBatch) -> RgbBatch:
        """Bring one (H, W, 3) picture to the input's size; cheap, and safe in threads.

        Bytes in, bytes out: rounding adds a noise of a third of a grey level, and what waits for
        the network takes a quarter of the memory.
        """
        if image.shape[:2] == (self.height_px, self.width_px):
            return image
        if self.resize == "letterbox":
            return letterbox(image, ImageSize(self.height_px, self.width_px))
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
        return {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self).items()}


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
            ModelError: The model knows no such view, or sees tiles in several crops.
            DependencyError: Memory does not suffice even for one picture.
        """
        if view == SATELLITE and self.card.crops is not None:
            raise ModelError(
                f"model {self.card.name} sees a tile in {len(self.card.crops.ground_sizes_m)} "
                "crops of the map; expected these, not one picture of it; use embed_crops",
                path=self.card.folder,
            )
        ready = np.stack([self.shrink(image, view) for image in images]) if len(images) else images
        return self._in_batches(ready, lambda batch: self._embed_batch(batch, view))

    def embed_crops(self, crops: RgbBatch) -> Float32Array:
        """Embed tiles, each from its crops of several ground sizes, by the satellite's branch.

        Args:
            crops: (N, L, S, S, 3) RGB bytes, each turned as the card says.

        Returns:
            (N, D) float32, of unit length.

        Raises:
            ModelError: The model sees no crops.
            DependencyError: Memory does not suffice even for one tile.
        """
        self._crop_network()
        levels = crops.shape[1]
        return self._in_batches(crops, self._embed_crops_batch, per_item=levels)

    @property
    def shared_stride_px(self) -> int:
        """Pixels a side of the map that one of the `shared_features` stands for.

        Raises:
            ModelError: The model sees no crops.
        """
        return self._crop_network().shared_stride_px

    def shared_features(self, image: RgbBatch) -> Float32Array:
        """What the first part of the satellite's branch makes of one picture of the map.

        Tiles whose crops lie in the picture can share it; `embed_shared` makes vectors of it.

        Args:
            image: (H, W, 3) RGB bytes; rows and columns beyond a multiple of the stride are lost.

        Returns:
            (h, w, C) float32.

        Raises:
            ModelError: The model sees no crops.
            DependencyError: Memory does not suffice for the picture.
        """
        network = self._crop_network()
        steps = Preprocessing.of(self.card, SATELLITE)
        try:
            pixels = steps.normalise(image[None], self.device)
            with torch.inference_mode(), self._autocast():
                features = network.shared_features(pixels)
        except (RuntimeError, MemoryError) as error:
            self._shrink_batches(error, 1)
            raise
        return features[0].permute(1, 2, 0).float().cpu().numpy()

    def embed_shared(self, features: Float32Array) -> Float32Array:
        """Embed tiles from the `shared_features` of their crops.

        Args:
            features: (N, L, s, s, C); those of each crop by itself give what `embed_crops` gives.

        Returns:
            (N, D) float32, of unit length.

        Raises:
            ModelError: The model sees no crops.
            DependencyError: Memory does not suffice even for one tile.
        """
        network = self._crop_network()

        def embed(batch: Float32Array) -> Float32Array:
            ready = torch.from_numpy(batch).to(self.device).permute(0, 1, 4, 2, 3)
            with torch.inference_mode(), self._autocast():
                return network.embed_shared(ready).cpu().numpy()

        return self._in_batches(features, embed, per_item=features.shape[1])

    def _crop_network(self) -> CropNetwork:
        """The network, if it sees tiles in several crops."""
        if not isinstance(self._network, CropNetwork):
            raise ModelError(
                f"model {self.card.name} ({self.card.architecture}) sees a tile whole; expected "
                "one that sees it in several crops, of architecture statewide; use embed",
                path=self.card.folder,
            )
        return self._network

    def _in_batches(
        self,
        items: _Items,
        embed_batch: Callable[[_Items], Float32Array],
        *,
        per_item: int = 1,
    ) -> Float32Array:
        """Vectors of items of `per_item` pictures each, in batches that fit in memory."""
        vectors = np.empty((len(items), self.dimension), np.float32)
        start = 0
        while start < len(items):
            batch = items[start : start + max(1, self.batch_size // per_item)]
            try:
                vectors[start : start + len(batch)] = embed_batch(batch)
            except (RuntimeError, MemoryError) as error:
                self._shrink_batches(error, len(batch), per_item=per_item)
                continue
            start += len(batch)
        return vectors

    def embed_ready(self, pixels: torch.Tensor, view: View) -> Float32Array:
        """Embed one batch that is normalised and on the device already.

        Args:
            pixels: (B, 3, H, W), or (B, L, 3, S, S) crops of tiles.
            view: As in `embed`.
        """
        with torch.inference_mode(), self._autocast():
            vectors = self._network(pixels, view).float()
        return functional.normalize(vectors, dim=1).cpu().numpy()

    def _embed_batch(self, images: RgbBatch, view: View) -> Float32Array:
        steps = Preprocessing.of(self.card, view)
        return self.embed_ready(steps.normalise(images, self.device), view)

    def _embed_crops_batch(self, crops: RgbBatch) -> Float32Array:
        steps = Preprocessing.of(self.card, SATELLITE)
        pixels = steps.normalise(crops.reshape(-1, *crops.shape[2:]), self.device)
        return self.embed_ready(pixels.reshape(*crops.shape[:2], *pixels.shape[1:]), SATELLITE)

    def _autocast(self) -> AbstractContextManager[object]:
        if self.precision is None:
            return nullcontext()
        return torch.autocast(self.device.type, self.precision)

    def _shrink_batches(self, error: Exception, tried: int, *, per_item: int = 1) -> None:
        """Halve the batch if memory ran out; any other error goes on its way."""
        if not is_out_of_memory(error):
            raise error
        if tried <= 1:
            raise DependencyError(
                f"not enough memory on {self.device} to embed one picture; close other programs "
                "or choose another --device"
            ) from error
        self.batch_size = max(1, tried // 2) * per_item
        if self.device.type == "cuda":
            torch.cuda.empty_cache()


def fingerprint(card: ModelCard) -> str:
    """A checksum of what decides a map's vectors: the weights and the preprocessing of its tiles.

    Two indexes can be searched by the same queries only if theirs is the same.
    """
    facts: dict[str, object] = {
        "weights_sha256": card.weights_sha256,
        "preprocessing": Preprocessing.of(card, SATELLITE).to_dict(),
    }
    if card.crops is not None:
        facts["crops"] = asdict(card.crops)
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
