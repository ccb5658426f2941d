"""PatchNet descriptors of keypoints: a learned descriptor for those of maps and photos."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import numpy as np
import torch

from geoloc.arrays import ByteArray, Float32Array, GreyImage
from geoloc.index.features.keypoints import DescriptorKind, Keypoints
from geoloc.index.features.patches import Pyramid, cut_patches
from geoloc.models.card import ModelCard, check_describes_keypoints
from geoloc.models.device import has_quick_bfloat16, resolve_device
from geoloc.models.nets.patchnet import PatchNet
from geoloc.models.nets.patchnet_bytes import in_bytes
from geoloc.models.nets.patchnet_input import PatchInput
from geoloc.models.registry import load_model, read_card

# The byte of a component is 128 plus it in units of so many to its spread, which is one over the
# root of their number: what is more than 3.6 spreads, one in three thousand, is cut off.
_STEPS_PER_SPREAD = 35.0
_ZERO = 128
_LEAST_SIMILARITY = 0.5
_CHUNK = 512


class PatchNetExtractor:
    """Describes keypoints with a PatchNet; safe to use from several threads.

    Args:
        model: The name of a bundled model or a model folder.
        device: As of `geoloc.models.embedder.resolve_device`.

    Raises:
        ModelError: The model is missing, is no descriptor, or its weights do not match its card.
        DependencyError: The device is not there.

    Attributes:
        kind: Meaning of the bytes.
        card: Card of the model.
    """

    def __init__(self, model: str | Path, *, device: str = "cpu") -> None:
        check_describes_keypoints(read_card(model))
        loaded = load_model(model)
        self.card: ModelCard = loaded.card
        self._device = resolve_device(device)
        network = loaded.eval()
        assert isinstance(network, PatchNet)
        self._in_bytes = in_bytes(network) if self._device.type == "cpu" else None
        network.fold()
        self._network = network.to(self._device).to(memory_format=torch.channels_last)
        self._input = PatchInput(self.card.std, self._device)
        self._quantiser = np.float32(_STEPS_PER_SPREAD * np.sqrt(self.card.dimension))
        self.kind = DescriptorKind(
            self.card.name, self.card.dimension, _ZERO, _LEAST_SIMILARITY, self.card.weights_sha256
        )

    def __call__(self, grey: GreyImage, keypoints: Keypoints) -> ByteArray:
        """Descriptors (N, size) of the keypoints of an image (H, W) uint8."""
        patches = cut_patches(
            Pyramid.of(grey), keypoints.xy_px, keypoints.size_px, keypoints.angle_deg
        )
        scaled = np.rint(self.vectors(patches) * self._quantiser) + _ZERO
        return np.asarray(scaled.clip(0, 255), np.uint8)

    def vectors(self, patches: ByteArray) -> Float32Array:
        """Unit vectors (N, size) of patches (N, 32, 32, 3)."""
        starts = range(0, len(patches), _CHUNK)
        described = [self._vectors(patches[start : start + _CHUNK]) for start in starts]
        return np.concatenate([np.zeros((0, self.kind.size), np.float32), *described])

    def _vectors(self, patches: ByteArray) -> Float32Array:
        with torch.inference_mode():
            pixels = torch.from_numpy(patches).to(self._device)
            if self._in_bytes is not None:
                described = self._in_bytes(self._input.bytes(pixels, steps=self._in_bytes.steps))
            else:
                normalised = self._input.floats(pixels)
                with self._arithmetic():
                    described = self._network.describe(normalised).float()
            return np.asarray(described.cpu().numpy(), np.float32)

    def _arithmetic(self) -> AbstractContextManager[object]:
        """Half precision where it is quicker: it moves a descriptor less than its bytes do."""
        if self._device.type == "cpu" and not has_quick_bfloat16():
            return nullcontext()
        return torch.autocast(self._device.type, torch.bfloat16)
