"""A drone photo rectified under one hypothesis, with its keypoints."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from geoloc.arrays import Float32Array, RgbImage
from geoloc.geometry.camera import Camera
from geoloc.geometry.rectification import RectifiedPhoto, rectify
from geoloc.index.features.keypoints import (
    ROOT_SIFT,
    DescriptorExtractor,
    DescriptorKind,
    Keypoints,
    detect_keypoints,
)
from geoloc.locate.drone.hypotheses import ViewHypothesis

_MIN_KEYPOINTS = 12


@dataclass(frozen=True)
class PhotoView:
    """A photo from above under one hypothesis, with its features.

    Attributes:
        view: From above.
        keypoints: Of the view.
        hypothesis: What is supposed.
        kind: What the keypoints' descriptors are.
    """

    view: RectifiedPhoto
    keypoints: Keypoints
    hypothesis: ViewHypothesis
    kind: DescriptorKind = ROOT_SIFT

    def near_middle(self, radius_m: float) -> Float32Array:
        """Descriptors as unit vectors (N, D), of what lies so near to the photo's middle."""
        away = np.hypot(*(self.keypoints.xy_px - self.view.centre_px).T) * self.view.gsd_m
        return self.kind.unit(self.keypoints.descriptors[away < radius_m])


def view_photo(
    photo: RgbImage,
    camera: Camera,
    hypothesis: ViewHypothesis,
    *,
    extractor: DescriptorExtractor | None = None,
) -> PhotoView | None:
    """A photo from above, with its features; None when it shows too little.

    Args:
        photo: (H, W, 3) uint8, upright.
        camera: Of the photo.
        hypothesis: What is supposed.
        extractor: What described the map's features; None is RootSIFT.
    """
    view = rectify(photo, camera, hypothesis.pose, gsd_m=hypothesis.gsd_m)
    if view is None:
        return None
    keypoints = detect_keypoints(
        view.pixels, valid=view.valid, limit=hypothesis.keypoints, extractor=extractor
    )
    if len(keypoints) < _MIN_KEYPOINTS:
        return None
    return PhotoView(
        view, keypoints, hypothesis, ROOT_SIFT if extractor is None else extractor.kind
    )
