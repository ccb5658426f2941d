"""SIFT keypoints of a map or of a photo, described by RootSIFT or by a learned descriptor.

Weak local features that vote together find a photo on a map of another date without any training
(geoloc/README.md, "Why weak local features vote"). The detector is tuned for many weak
features, not for few strong ones: a low contrast threshold, no ratio test afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from geoloc.arrays import ByteArray, Float32Array, GreyImage, Mask, RgbImage

CONTRAST_THRESHOLD = 0.02
EDGE_THRESHOLD = 12.0
# RootSIFT components lie in [0, 1] with a mean of 0.09; 512 keeps them in a byte, as SIFT's own
# 8-bit form does.
_QUANTISER = 512.0


@dataclass(frozen=True)
class DescriptorKind:
    """What the bytes of a descriptor mean.

    Attributes:
        name: ``rootsift``, or of the model that described.
        size: Bytes of one.
        zero: The byte that stands for 0.
        least_similarity: Cosine of two descriptors below which they are no pair.
        checksum: Checksum of the model's weights; empty for RootSIFT.
    """

    name: str
    size: int
    zero: int
    least_similarity: float
    checksum: str = ""

    def unit(self, descriptors: ByteArray) -> Float32Array:
        """Descriptors (N, size) as unit vectors."""
        values = descriptors.astype(np.float32) - np.float32(self.zero)
        norms = np.linalg.norm(values, axis=1, keepdims=True)
        return np.asarray(values / np.maximum(norms, 1e-6), np.float32)


ROOT_SIFT = DescriptorKind("rootsift", 128, 0, 0.75)


@dataclass(frozen=True)
class Keypoints:
    """Keypoints of one image.

    Attributes:
        xy_px: (N, 2) float32, column and row in the corner convention.
        size_px: (N,) float32, diameter of the neighbourhood.
        angle_deg: (N,) float32 in [0, 360), clockwise from the image's x axis.
        descriptors: (N, size) uint8, of one `DescriptorKind`.
    """

    xy_px: Float32Array
    size_px: Float32Array
    angle_deg: Float32Array
    descriptors: ByteArray

    def __len__(self) -> int:
        return len(self.xy_px)

    def select(self, which: NDArray[Any]) -> Keypoints:
        """The keypoints at the positions, or where the mask, `which` says."""
        return Keypoints(
            self.xy_px[which], self.size_px[which], self.angle_deg[which], self.descriptors[which]
        )


class DescriptorExtractor(Protocol):
    """Describes keypoints in place of RootSIFT.

    Attributes:
        kind: Meaning of its bytes.
    """

    kind: DescriptorKind

    def __call__(self, grey: GreyImage, keypoints: Keypoints) -> ByteArray:
        """Descriptors (N, size) of the keypoints of an image (H, W)."""


def detect_keypoints(
    pixels: RgbImage,
    *,
    valid: Mask | None = None,
    limit: int = 0,
    extractor: DescriptorExtractor | None = None,
) -> Keypoints:
    """Keypoints of an image, the strongest `limit` of them (0: all).

    Args:
        pixels: (H, W, 3) RGB or (H, W) grey, uint8.
        valid: (H, W) bool; keypoints whose neighbourhood leaves it are dropped, since the edge
            of the data is no feature of the ground.
        limit: Number of keypoints to keep, strongest contrast first.
        extractor: Extractor of their descriptors; None is RootSIFT.
    """
    grey = to_grey(pixels)
    if extractor is None:
        found, raw = _sift(limit).detectAndCompute(grey, None)
        described = (
            root_sift(np.asarray(raw, np.float32))
            if found
            else np.zeros((0, ROOT_SIFT.size), np.uint8)
        )
        return _within(_keypoints(found, described), valid)
    keypoints = find_keypoints(grey, valid=valid, limit=limit)
    return replace(keypoints, descriptors=extractor(grey, keypoints))


def find_keypoints(pixels: RgbImage, *, valid: Mask | None = None, limit: int = 0) -> Keypoints:
    """Keypoints as `detect_keypoints` gives them, without a descriptor: (N, 0) bytes."""
    found = _sift(limit).detect(to_grey(pixels), None)
    return _within(_keypoints(found, np.zeros((len(found), 0), np.uint8)), valid)


def to_grey(pixels: RgbImage) -> GreyImage:
    """The image (H, W), of (H, W, 3) RGB or as it is."""
    if pixels.ndim == 2:
        return pixels
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)


def _sift(limit: int) -> cv2.SIFT:
    return cv2.SIFT_create(  # type: ignore[attr-defined,no-any-return]
        nfeatures=limit,
        contrastThreshold=CONTRAST_THRESHOLD,
        edgeThreshold=EDGE_THRESHOLD,
        enable_precise_upscale=True,  # without it every keypoint lies 0.25 px right and down
    )


def _keypoints(found: Sequence[cv2.KeyPoint], descriptors: ByteArray) -> Keypoints:
    # OpenCV puts (0, 0) at the centre of the first pixel; the corner convention adds a half.
    xy_px = np.array([k.pt for k in found], np.float32).reshape(-1, 2) + np.float32(0.5)
    return Keypoints(
        xy_px=xy_px,
        size_px=np.array([k.size for k in found], np.float32),
        angle_deg=np.array([k.angle for k in found], np.float32),
        descriptors=descriptors,
    )


def _within(keypoints: Keypoints, valid: Mask | None) -> Keypoints:
    """The keypoints whose neighbourhood is valid."""
    if valid is None or not len(keypoints):
        return keypoints
    return keypoints.select(_is_inside(keypoints, valid))


def root_sift(raw: Float32Array) -> ByteArray:
    """RootSIFT (Arandjelovic and Zisserman, CVPR 2012, section 3) as bytes."""
    share = raw / np.maximum(raw.sum(axis=1, keepdims=True), 1e-9)
    return np.asarray(np.minimum(np.rint(np.sqrt(share) * _QUANTISER), 255), np.uint8)


def _is_inside(keypoints: Keypoints, valid: Mask) -> Mask:
    """Which keypoints lie further than their radius from anything invalid."""
    padded = np.pad(valid.astype(np.uint8), 1, constant_values=1)
    clearance = cv2.distanceTransform(padded, cv2.DIST_L2, 3)[1:-1, 1:-1]
    height, width = valid.shape
    cols = keypoints.xy_px[:, 0].astype(int).clip(0, width - 1)
    rows = keypoints.xy_px[:, 1].astype(int).clip(0, height - 1)
    return np.asarray(clearance[rows, cols] > keypoints.size_px, dtype=bool)
