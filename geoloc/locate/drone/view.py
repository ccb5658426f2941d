"""View of a drone photo under one hypothesis: rectified, with its keypoints."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from geoloc.arrays import Float32Array, Float64Array, RgbImage
from geoloc.geometry.camera import Camera, project
from geoloc.geometry.rectification import RectifiedPhoto, rectify
from geoloc.index.features.keypoints import (
    ROOT_SIFT,
    DescriptorExtractor,
    DescriptorKind,
    Keypoints,
    detect_keypoints,
)
from geoloc.locate.drone.hypotheses import ViewHypothesis

# A view with fewer keypoints shows too little.
MIN_KEYPOINTS = 12


@dataclass(frozen=True)
class PhotoView:
    """A photo from above under one hypothesis, with its features.

    Attributes:
        rectified: The photo warped to the ground.
        keypoints: Keypoints of the rectified photo.
        hypothesis: Height, pitch, yaws and scales that the view stands for.
        kind: What the keypoints' descriptors are.
    """

    rectified: RectifiedPhoto
    keypoints: Keypoints
    hypothesis: ViewHypothesis
    kind: DescriptorKind = ROOT_SIFT

    @property
    def offsets_px(self) -> Float32Array:
        """Offsets (N, 2) from each keypoint to the photo's middle, right and down."""
        return (self.rectified.centre_px - self.keypoints.xy_px).astype(np.float32)

    @property
    def photo_px(self) -> Float64Array:
        """Places (N, 2) of the keypoints in the photo, pixels."""
        return project(self.rectified.to_photo, self.keypoints.xy_px.astype(float))

    def near_middle(self, radius_m: float) -> Float32Array:
        """Descriptors as unit vectors (N, D), of what lies so near to the photo's middle."""
        away = self.keypoints.xy_px - self.rectified.centre_px
        away_m = np.hypot(*away.T) * self.rectified.gsd_m
        return self.kind.unit(self.keypoints.descriptors[away_m < radius_m])


def view_photo(
    photo: RgbImage,
    camera: Camera,
    hypothesis: ViewHypothesis,
    *,
    extractor: DescriptorExtractor | None = None,
    min_keypoints: int = MIN_KEYPOINTS,
) -> PhotoView | None:
    """The view of a photo under a hypothesis; None when it shows too little.

    Args:
        photo: (H, W, 3) uint8, upright.
        camera: Camera of the photo.
        hypothesis: Height and pitch of the camera.
        extractor: What described the map's features; None is RootSIFT.
        min_keypoints: Number of keypoints that a view has at least.
    """
    rectified = rectify(photo, camera, hypothesis.pose, gsd_m=hypothesis.gsd_m)
    if rectified is None:
        return None
    keypoints = detect_keypoints(
        rectified.pixels,
        valid=rectified.valid,
        limit=hypothesis.keypoints,
        extractor=extractor,
    )
    if len(keypoints) < min_keypoints:
        return None
    kind = ROOT_SIFT if extractor is None else extractor.kind
    return PhotoView(rectified, keypoints, hypothesis, kind)
