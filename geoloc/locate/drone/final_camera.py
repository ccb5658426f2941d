"""Final camera: the best place's camera, solved once more with all that its points leave open.

The search holds the lens fixed and the tilt near its hypothesis, because it fits many places to few
points each. The one that won is solved with both free, held by what is known of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from geoloc.geometry.camera import Camera
from geoloc.geometry.camera_solution import (
    CameraPriors,
    CameraSolution,
    misfits_m,
    solve_camera,
)
from geoloc.geometry.ground import FLAT_GROUND, Ground
from geoloc.locate.drone.camera_fit import PointPairs
from geoloc.locate.drone.verification import VerifiedPose
from geoloc.photos.metadata import PhotoMetadata
from geoloc.results.schema import LensKind

_ROUNDS = 3
# How far ahead of a tilted camera the ground that it shows lies, at most, in heights.
_FARTHEST_HEIGHTS = 5.0


@dataclass(frozen=True)
class FinalCameraParameters:
    """How far the final camera may leave what is known, and which points it takes."""

    # A lens that is stated is known to a tenth (EXIF says more than the photo shows, after lens
    # correction); the usual lenses of drones differ by twice as much.
    stated_focal_sd: float = 0.1
    assumed_focal_sd: float = 0.2
    # An assumed lens whose standard deviation falls below this was fitted.
    fitted_focal_sd: float = 0.1
    tilt_sd_deg: float = 5.0
    # Points farther than this from where the camera sees them are wrong, metres.
    reach_m: float = 4.0
    min_points: int = 8


FINAL_CAMERA = FinalCameraParameters()


@dataclass(frozen=True)
class FinalCamera:
    """The camera of a photo, and how its lens is known.

    Attributes:
        solution: Pose, lens and covariance, over the region's frame.
        lens_kind: How the lens is known.
        points: The points that agree with it, as many as it has residuals.
        ground: The ground that it was solved over.
    """

    solution: CameraSolution
    lens_kind: LensKind
    points: PointPairs
    ground: Ground = FLAT_GROUND


def final_camera(
    place: VerifiedPose,
    lens: Camera,
    metadata: PhotoMetadata,
    *,
    ground: Ground = FLAT_GROUND,
    parameters: FinalCameraParameters = FINAL_CAMERA,
) -> FinalCamera:
    """The camera of the best place; as the search left it where too few points hold another.

    Args:
        place: The best place.
        lens: Camera of the photo, as its metadata state it or as is usual.
        metadata: What is known of the photo.
        ground: The ground around the place, in the region's frame.
        parameters: How far it may leave what is known.
    """
    p = parameters
    is_stated = metadata.hfov_deg is not None
    priors = CameraPriors(
        pitch_deg=place.supposed_pitch_deg,
        tilt_sd_deg=p.tilt_sd_deg,
        focal_sd=p.stated_focal_sd if is_stated else p.assumed_focal_sd,
    )
    solved = _solve(place, lens, priors, ground, p)
    if solved is None:
        none = PointPairs(np.empty((0, 2)), np.empty((0, 2)))
        return FinalCamera(
            _as_searched(place, lens, priors), "stated" if is_stated else "assumed", none, ground
        )
    solution, points = solved
    kind: LensKind = "fitted" if solution.focal_sd < p.fitted_focal_sd else "assumed"
    return FinalCamera(solution, "stated" if is_stated else kind, points, ground)


def _solve(
    place: VerifiedPose,
    lens: Camera,
    priors: CameraPriors,
    ground: Ground,
    parameters: FinalCameraParameters,
) -> tuple[CameraSolution, PointPairs] | None:
    """The camera and the points that hold it; None when they are too few.

    Points are chosen by the last camera and fitted again, until they stay the same.
    """
    p, pairs = parameters, place.pairs
    ground_m = np.column_stack([pairs.ground_m, np.nan_to_num(ground.heights_m(pairs.ground_m))])
    camera, start = lens, place.resection.camera
    solution, kept = None, np.zeros(len(ground_m), bool)
    for _ in range(_ROUNDS):
        near = misfits_m(camera, start, pairs.photo_px, ground_m) < p.reach_m
        if near.sum() < p.min_points or (near == kept).all():
            break
        found = solve_camera(lens, pairs.photo_px[near], ground_m[near], start, priors)
        if found is None:
            break
        solution, kept = found, near
        camera, start = found.camera, found.placed
    return None if solution is None else (solution, pairs.select(kept))


def _as_searched(place: VerifiedPose, lens: Camera, priors: CameraPriors) -> CameraSolution:
    """The camera of the search, with what its points leave open as far as it is known."""
    found, p = place.resection, priors
    height_m = found.camera.pose.height_m
    ahead = min(_FARTHEST_HEIGHTS, 1 / max(1e-3, abs(np.tan(np.radians(p.pitch_deg)))))
    position_sd_m = np.hypot(found.position_sd_m, p.focal_sd * ahead * height_m)
    sds = [position_sd_m] * 2 + [p.focal_sd * height_m, found.heading_sd_deg]
    sds += [p.tilt_sd_deg, p.tilt_sd_deg, p.focal_sd]
    return CameraSolution(lens, found.camera, np.empty(0), np.diag(np.square(sds)))
