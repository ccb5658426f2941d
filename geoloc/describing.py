"""A learned descriptor of keypoints, ready to describe those of maps and photos."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from geoloc.embed import resolve_device
from geoloc.errors import ModelError
from geoloc.keypoints import DescriptorKind, Keypoints
from geoloc.nets.patch import PatchNet
from geoloc.patches import SIDE_PX, Pyramid, cut_patches
from geoloc.zoo import ModelCard, load_model

ARCHITECTURE = "patchnet"
# The byte of a component is 128 plus so much times it; components of a unit vector of 64 numbers
# have a spread of 1/8, so that one in three thousand is cut off.
_QUANTISER = 280.0
_ZERO = 128
_LEAST_SIMILARITY = 0.5
_CHUNK = 512


class PatchDescriber:
    """Describes keypoints with a PatchNet; safe to use from several threads.

    Args:
        model: A name on the shelf or a model folder.
        device: As of `geoloc.embed.resolve_device`.

    Raises:
        ModelError: The model is missing, is no descriptor, or its weights do not match its card.
        DependencyError: The device is not there.

    Attributes:
        kind: What the bytes mean.
        card: Of the model.
    """

    def __init__(self, model: str | Path, *, device: str = "cpu") -> None:
        loaded = load_model(model)
        self.card: ModelCard = loaded.card
        if self.card.architecture != ARCHITECTURE:
            raise ModelError(
                f"model {self.card.name} embeds whole images and describes no keypoints; expected "
                f"one of architecture {ARCHITECTURE}; name such a one, or rootsift",
                path=self.card.folder,
            )
        self._device = resolve_device(device)
        network = loaded.eval()
        assert isinstance(network, PatchNet)
        network.fold()
        self._network = network.to(self._device).to(memory_format=torch.channels_last)
        self.kind = DescriptorKind(
            self.card.name, self.card.dimension, _ZERO, _LEAST_SIMILARITY, self.card.weights_sha256
        )

    def __call__(self, grey: NDArray[np.uint8], keypoints: Keypoints) -> NDArray[np.uint8]:
        """Descriptors (N, size) of the keypoints of an image (H, W) uint8."""
        patches = cut_patches(
            Pyramid.of(grey), keypoints.xy_px, keypoints.size_px, keypoints.angle_deg
        )
        assert patches.shape[1:3] == (SIDE_PX, SIDE_PX)
        starts = range(0, len(patches), _CHUNK)
        described = [self._describe(patches[start : start + _CHUNK]) for start in starts]
        empty = np.zeros((0, self.kind.size), np.uint8)
        return np.concatenate([empty, *described])

    def _describe(self, patches: NDArray[np.uint8]) -> NDArray[np.uint8]:
        with torch.inference_mode():
            # Bytes of (N, H, W, C) seen as (N, C, H, W) are channels-last already.
            pixels = torch.from_numpy(patches).to(self._device).permute(0, 3, 1, 2)
            vectors = self._network(pixels.float() / 255).cpu().numpy()
        return np.clip(np.rint(vectors * _QUANTISER) + _ZERO, 0, 255).astype(np.uint8)
