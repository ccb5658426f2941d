"""Overlap of two photos of one track: what both show, and the camera of one by that of the other.

Consecutive photos show the same ground in the same light, so that features which no map confirms
(furrows, tree crowns, shadows) agree between them. Where they lie on the ground follows from the
camera that is known; from there the other camera is solved, as from points of a map.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from geoloc.arrays import Float64Array, Int64Array
from geoloc.geometry.camera import (
    Camera,
    GroundCamera,
    GroundPoint,
    attitude,
    ground_homography,
    pose_from_homography,
)
from geoloc.geometry.camera_solution import CameraPriors, CameraSolution, solve_camera
from geoloc.geometry.ground import points_on_ground
from geoloc.index.features.keypoints import ROOT_SIFT, Keypoints
from geoloc.results.solved_camera import SolvedCamera


@dataclass(frozen=True)
class OverlapParameters:
    """What counts as the same ground in two photos."""

    # Photos are reduced to this, of which the strongest keypoints are kept.
    side_px: int = 1000
    keypoints: int = 2500
    # The best partner has to be so much nearer than the second (Lowe 2004, section 7.1).
    ratio: float = 0.8
    # Pairs agree with one plane seen from two places to so many pixels of a reduced photo.
    inlier_px: float = 3.0
    least_pairs: int = 25
    # Ground farther ahead than this many heights is seen too flat.
    farthest_heights: float = 5.0
    # A vehicle neither dives nor climbs more than this between two photos that overlap.
    height_factor: float = 2.0
    # A narrow strip of ground is seen alike from low and flat and from high and steep; a gimbal
    # holds its pitch better than this. Of 24 ways between frames of a real flight 10 s apart two
    # were off by 46 and 70 m, with a pitch 15 and 18 degrees away; the others by 16 m at most, but
    # for one from a camera that was itself wrong. Twice the standard deviation of the known pitch,
    # 1 to 2 degrees on that flight, is allowed for besides.
    largest_tilt_deg: float = 12.0
    tilt_sds: float = 2.0
    # The lens is the neighbour's, whose focal length is known to this share of it.
    focal_sd: float = 0.02


OVERLAP = OverlapParameters()


@dataclass(frozen=True)
class Overlap:
    """Points that two photos share, in pixels of the upright photos.

    Attributes:
        known_px: (N, 2) in the photo whose camera is known.
        other_px: (N, 2) in the other one.
        to_known: The homography (3, 3) from the other one's pixels.
    """

    known_px: Float64Array
    other_px: Float64Array
    to_known: Float64Array

    def reversed(self) -> Overlap:
        """The same where the other photo's camera is the known one."""
        to_other = np.linalg.inv(self.to_known).astype(np.float64)
        return Overlap(self.other_px, self.known_px, to_other)


def find_overlap(
    known: Keypoints, other: Keypoints, parameters: OverlapParameters = OVERLAP
) -> Overlap | None:
    """What two photos share; None where they share too little to be of one ground."""
    p = parameters
    if min(len(known), len(other)) < p.least_pairs:
        return None
    at_other, at_known = _pairs(other, known, p.ratio).T
    if len(at_other) < p.least_pairs:
        return None
    other_px = other.xy_px[at_other].astype(np.float64)
    known_px = known.xy_px[at_known].astype(np.float64)
    found, mask = cv2.findHomography(
        other_px, known_px, cv2.USAC_MAGSAC, p.inlier_px, maxIters=5000, confidence=0.999
    )
    if found is None or mask.sum() < p.least_pairs or np.linalg.matrix_rank(found) < 3:
        return None
    agrees = mask.ravel().astype(bool)
    return Overlap(known_px[agrees], other_px[agrees], np.asarray(found, np.float64))


def _pairs(one: Keypoints, other: Keypoints, ratio: float) -> Int64Array:
    """Positions (N, 2) of keypoints that are each other's best partner, and clearly so."""
    similar = ROOT_SIFT.unit(one.descriptors) @ ROOT_SIFT.unit(other.descriptors).T
    best = similar.argmax(axis=1)
    rows = np.arange(len(best))
    # Unit vectors: the square of a distance is 2 - 2 cos.
    nearest = 2 - 2 * similar[rows, best]
    is_mutual = similar.argmax(axis=0)[best] == rows
    similar[rows, best] = -1
    second = 2 - 2 * similar.max(axis=1)
    kept = is_mutual & (nearest < ratio**2 * second)
    return np.column_stack([rows[kept], best[kept]]).astype(np.int64)


def solve_by_overlap(
    known: SolvedCamera,
    overlap: Overlap,
    lens: Camera,
    *,
    pitch_sd_deg: float = 0.0,
    parameters: OverlapParameters = OVERLAP,
) -> CameraSolution | None:
    """The camera of the other photo in the frame below the known one; None where none fits.

    Args:
        known: The camera that is known; the ground below it counts as level.
        overlap: What the photos share, in pixels of the full photos.
        lens: Camera of the other photo.
        pitch_sd_deg: Standard deviation of the known camera's pitch.
        parameters: What counts.
    """
    p = parameters
    below = GroundCamera(known.pose, GroundPoint(0.0, 0.0))
    ground_m = points_on_ground(known.camera, below, overlap.known_px)
    reach_m = p.farthest_heights * known.pose.height_m
    with np.errstate(invalid="ignore"):
        near = np.hypot(ground_m[:, 0], ground_m[:, 1]) <= reach_m
    to_ground = ground_homography(known.camera, known.pose) @ overlap.to_known
    start = pose_from_homography(lens, to_ground)
    if start is None or near.sum() < p.least_pairs:
        return None
    factor = start.pose.height_m / known.pose.height_m
    if not 1 / p.height_factor < factor < p.height_factor:
        return None
    pitch_deg = attitude(known.pose).pitch_deg
    priors = CameraPriors(pitch_deg=pitch_deg, focal_sd=p.focal_sd)
    found = solve_camera(lens, overlap.other_px[near], ground_m[near], start, priors)
    largest_deg = np.hypot(p.largest_tilt_deg, p.tilt_sds * pitch_sd_deg)
    if found is None or abs(found.attitude.pitch_deg - pitch_deg) > largest_deg:
        return None
    return found
