"""Final camera: the best place's camera, solved once more with all that its points leave open.

The search holds the lens fixed and the tilt near its hypothesis, because it fits many places to few
points each. The one that won is solved with both free, held by what is known of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from geoloc.arrays import Float64Array
from geoloc.geometry.camera import Camera, GroundCamera
from geoloc.geometry.camera_solution import (
    CameraPriors,
    CameraSolution,
    misfits_m,
    solve_camera,
)
from geoloc.geometry.ground import FLAT_GROUND, Ground, points_on_ground
from geoloc.geometry.lens import PINHOLE, Lens, distortion_text, for_focal
from geoloc.geometry.terrain import TerrainGround
from geoloc.index.features.feature_map import FeatureMap
from geoloc.locate.drone.camera_fit import PointPairs
from geoloc.locate.drone.hypotheses import VoteHypothesis
from geoloc.locate.drone.pairing import Surroundings, map_partners
from geoloc.locate.drone.verification import VerifiedPose
from geoloc.locate.drone.view import PhotoView
from geoloc.photos.metadata import PhotoMetadata
from geoloc.results.schema import LensKind

_ROUNDS = 3
# So often more points are looked for under the camera that was solved.
_PAIRED_AGAIN = 2
NO_PAIRS = PointPairs(np.empty((0, 2)), np.empty((0, 2)))
# How far ahead of a tilted camera the ground that it shows lies, at most, in heights.
_FARTHEST_HEIGHTS = 5.0


@dataclass(frozen=True)
class FinalCameraParameters:
    """How far the final camera may leave what is known, and which points it takes."""

    # A lens that is stated is known to a tenth (EXIF says more than the photo shows, after lens
    # correction); the usual lenses of drones differ by twice as much.
    stated_focal_sd: float = 0.1
    assumed_focal_sd: float = 0.2
    # Whoever states the distortion of a lens has calibrated it.
    calibrated_focal_sd: float = 0.02
    # An assumed lens whose standard deviation falls below this was fitted.
    fitted_focal_sd: float = 0.1
    tilt_sd_deg: float = 5.0
    # Points farther than this from where the camera sees them are wrong, metres.
    reach_m: float = 4.0
    first_reach: float = 2.5
    min_points: int = 8
    # Without a terrain the ground is taken for level, which moves the camera: on slopes of 10 % by
    # this share of its height, each way.
    level_sd: float = 0.04
    # How far from where the camera sees it a point's partner is looked for, metres.
    pair_radius_m: float = 6.0


FINAL_CAMERA = FinalCameraParameters()


@dataclass(frozen=True)
class FinalCamera:
    """The camera of a photo, and how its lens is known.

    Attributes:
        solution: Pose, lens and covariance, over the region's frame.
        lens_kind: How the lens is known.
        points: The points that agree with it, as many as it has residuals.
        ground: The ground that it was solved over.
        stated: The camera as it was stated or assumed, which the photo was undistorted with.
        lens: What the lens does to a pinhole's picture.
    """

    solution: CameraSolution
    lens_kind: LensKind
    points: PointPairs
    ground: Ground = FLAT_GROUND
    stated: Camera | None = None
    lens: Lens = PINHOLE

    @property
    def distortion(self) -> str | None:
        """The distortion of the lens for the fitted focal length, as its column states it."""
        if self.stated is None:
            return None
        factor = self.solution.camera.focal_px / self.stated.focal_px
        return distortion_text(for_focal(self.lens, factor))

    def in_photo(self, pixels: Float64Array) -> Float64Array:
        """Where the photo shows (N, 2) what a pinhole would show at `pixels` (N, 2)."""
        if self.stated is None:
            return pixels
        middle = np.array([self.stated.width_px, self.stated.height_px]) / 2
        focal_px = self.stated.focal_px
        return self.lens.distorted((pixels - middle) / focal_px) * focal_px + middle

    def altitude_m(self, height_m: float) -> float | None:
        """The height above the sea of a height of the frame; None without a terrain."""
        if not isinstance(self.ground, TerrainGround) or not np.isfinite(height_m):
            return None
        return self.ground.base_m + height_m


def final_camera(
    place: VerifiedPose,
    lens: Camera,
    metadata: PhotoMetadata,
    *,
    features: FeatureMap | None = None,
    ground: Ground = FLAT_GROUND,
    parameters: FinalCameraParameters = FINAL_CAMERA,
) -> FinalCamera:
    """The camera of the best place; as the search left it where too few points hold another.

    Args:
        place: The best place.
        lens: Camera of the photo, as its metadata state it or as is usual.
        metadata: What is known of the photo.
        features: Features of the map, to look for more points under the solved camera; None: the
            place's own points are all.
        ground: The ground around the place, in the region's frame.
        parameters: How far it may leave what is known.
    """
    p = parameters
    is_stated = metadata.hfov_deg is not None
    priors = CameraPriors(
        pitch_deg=place.supposed_pitch_deg,
        tilt_sd_deg=p.tilt_sd_deg,
        focal_sd=_focal_sd(metadata, p),
    )
    start_lens = lens if place.view is None else place.view.rectified.camera
    found = _Found(start_lens, place.resection.camera, None, NO_PAIRS)
    case = _Case(lens, priors, ground, p)
    found = case.solve(found, place.pairs)
    # A matcher's pairs, which spoke where keypoints did not, are not given up for theirs.
    view = None if place.is_fitted_by_matcher else place.view
    if features is not None and view is not None and found.solution is not None:
        for _ in range(_PAIRED_AGAIN):
            pairs = _pairs_under(found, view, features, place.region, ground, p)
            found = case.solve(found, pairs)
    if found.solution is None:
        kind: LensKind = "stated" if is_stated else "assumed"
        return FinalCamera(_as_searched(place, lens, priors), kind, NO_PAIRS, ground)
    kind = "fitted" if found.solution.focal_sd < p.fitted_focal_sd else "assumed"
    solution = found.solution
    if ground is FLAT_GROUND:
        solution = solution.widened(p.level_sd * solution.placed.pose.height_m)
    return FinalCamera(solution, "stated" if is_stated else kind, found.points, ground)


def _focal_sd(metadata: PhotoMetadata, parameters: FinalCameraParameters) -> float:
    """How well the focal length is known beforehand, as a share of it."""
    if metadata.distortion is not None:
        return parameters.calibrated_focal_sd
    is_stated = metadata.hfov_deg is not None
    return parameters.stated_focal_sd if is_stated else parameters.assumed_focal_sd


class _Found(NamedTuple):
    """What is known of the camera so far, and the points that hold it."""

    lens: Camera
    placed: GroundCamera
    solution: CameraSolution | None
    points: PointPairs


class _Case(NamedTuple):
    """What all fits of one photo share."""

    lens: Camera
    priors: CameraPriors
    ground: Ground
    parameters: FinalCameraParameters

    def solve(self, found: _Found, pairs: PointPairs) -> _Found:
        """The camera fitted to the pairs near the last one, until they stay the same."""
        p = self.parameters
        heights_m = np.nan_to_num(self.ground.heights_m(pairs.ground_m))
        ground_m = np.column_stack([pairs.ground_m, heights_m])
        kept = np.zeros(len(ground_m), bool)
        for _ in range(_ROUNDS):
            # The search knows no relief: what lies high or low is off until the first fit.
            is_first = found.solution is None and self.ground is not FLAT_GROUND
            reach_m = p.reach_m * (p.first_reach if is_first else 1.0)
            near = misfits_m(found.lens, found.placed, pairs.photo_px, ground_m) < reach_m
            if near.sum() < p.min_points or (near == kept).all():
                break
            solution = solve_camera(
                self.lens, pairs.photo_px[near], ground_m[near], found.placed, self.priors
            )
            if solution is None:
                break
            kept = near
            found = _Found(solution.camera, solution.placed, solution, pairs.select(near))
        return found


def _pairs_under(
    found: _Found,
    view: PhotoView,
    features: FeatureMap,
    region: int,
    ground: Ground,
    parameters: FinalCameraParameters,
) -> PointPairs:
    """The view's keypoints and the map features near where a camera sees them."""
    expected_m = points_on_ground(found.lens, found.placed, view.photo_px, ground)[:, :2]
    known = np.isfinite(expected_m).all(axis=1)
    if not known.any():
        return NO_PAIRS
    low, high = expected_m[known].min(axis=0), expected_m[known].max(axis=0)
    reach_m = float((high - low).max()) / 2 + parameters.pair_radius_m
    around = Surroundings.of(
        features, region, (low + high) / 2, reach_m, least=parameters.min_points
    )
    if around is None:
        return NO_PAIRS
    rectified, pose = view.rectified, found.placed.pose
    gsd_m = rectified.gsd_m * pose.height_m / rectified.pose.height_m
    gsd_m *= rectified.camera.focal_px / found.lens.focal_px
    hypothesis = VoteHypothesis(pose.heading_deg, gsd_m)
    radius_m = parameters.pair_radius_m
    partners = map_partners(view, around, expected_m, hypothesis, radius_m=radius_m)
    return partners.pairs(view.photo_px)


def _as_searched(place: VerifiedPose, lens: Camera, priors: CameraPriors) -> CameraSolution:
    """The camera of the search, with what its points leave open as far as it is known."""
    found, p = place.resection, priors
    height_m = found.camera.pose.height_m
    ahead = min(_FARTHEST_HEIGHTS, 1 / max(1e-3, abs(np.tan(np.radians(p.pitch_deg)))))
    position_sd_m = np.hypot(found.position_sd_m, p.focal_sd * ahead * height_m)
    sds = [position_sd_m] * 2 + [p.focal_sd * height_m, found.heading_sd_deg]
    sds += [p.tilt_sd_deg, p.tilt_sd_deg, p.focal_sd]
    return CameraSolution(lens, found.camera, np.empty(0), np.diag(np.square(sds)))
