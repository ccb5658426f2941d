"""Learned verification: the best places of a drone photo compared by LoFTR or LightGlue.

The photo's ground, north up, is compared with the map's pixels around a place. The camera is
fitted to the points that both share. A matcher that sees likeness everywhere is found out by a
control: the same map mirrored, which shows no place on Earth. Only what agrees far better than
there counts, and a place keeps its evidence from SIFT where that is stronger.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from geoloc.arrays import Float64Array, Mask, RgbImage
from geoloc.errors import OptionError
from geoloc.geometry.camera import (
    Camera,
    GroundCamera,
    GroundPoint,
    footprint,
    ground_homography,
    project,
)
from geoloc.geometry.rectification import MAX_REACH, RectifiedPhoto, rectify
from geoloc.geometry.resection import Resection, resect
from geoloc.index.features.feature_map import FeatureMap
from geoloc.index.map_index import MapIndex
from geoloc.index.map_pixels import MapPixels, MapWindow
from geoloc.locate.drone.camera_fit import (
    CAMERA_FIT,
    CameraFitParameters,
    PointPairs,
    fit_similarity,
    refit,
)
from geoloc.locate.drone.hypotheses import HYPOTHESES
from geoloc.locate.drone.matchers import Matcher, open_matcher
from geoloc.locate.drone.posterior import POSTERIOR
from geoloc.locate.drone.verification import SCORE, CandidatePose, ScoreParameters, VerifiedPose
from geoloc.locate.drone.voting import log_likelihood_ratio
from geoloc.options import LocateOptions, MatcherName


@dataclass(frozen=True)
class LearnedVerificationParameters:
    """Which places a learned matcher verifies, and what it finds there counts as evidence."""

    camera_fit: CameraFitParameters = CAMERA_FIT
    score: ScoreParameters = SCORE
    tilt_sd_deg: float = HYPOTHESES.tilt_sd_deg
    # So many places that SIFT bears out are verified, and so many that only votes speak for.
    verified: int = 3
    only_voted: int = 3
    # Places nearer to each other than this are one.
    same_place_m: float = POSTERIOR.same_place_m
    # Larger pictures make a network's cost grow without bounds: it compares all with all.
    max_side_px: int = 640
    # How far the map reaches beyond the photo: a peak may be so far off.
    margin_m: float = 30.0
    # A fit that moves the camera's height by more than this factor is no fit.
    max_zoom: float = 1.6
    # One hint for each square of the photo, whatever the number of matches in it: neighbouring
    # answers of a dense matcher are one answer.
    patch_px: int = 24
    # Chance gives so many hints at least, and as many as twice the control's.
    least_hints: float = 5.0
    control_factor: float = 2.0


LEARNED_VERIFICATION = LearnedVerificationParameters()


class LearnedVerification:
    """Verifies places with a learned matcher; safe to use from several threads.

    Args:
        matcher: The network that compares.
        name: Name of the matcher, for the results.
        pixels: Pixels of the map.
        features: Features of the map, for its regions.
        parameters: Which places are verified, and what counts as evidence.
    """

    def __init__(
        self,
        matcher: Matcher,
        name: MatcherName,
        *,
        pixels: MapPixels,
        features: FeatureMap,
        parameters: LearnedVerificationParameters = LEARNED_VERIFICATION,
    ) -> None:
        self._matcher = matcher
        self._name = name
        self._pixels = pixels
        self._features = features
        self._parameters = parameters

    def verify(
        self,
        photo: RgbImage,
        camera: Camera,
        *,
        verified: Sequence[VerifiedPose],
        candidates: Sequence[CandidatePose],
        check: Callable[[], None],
    ) -> list[VerifiedPose]:
        """The evidence that the matcher finds at the best of some places.

        Args:
            photo: (H, W, 3) uint8, upright.
            camera: Camera of the photo.
            verified: Places that SIFT bears out.
            candidates: Places that votes speak for.
            check: Called before each place; may raise to end the work.

        Raises:
            TilesError: The map's pixels are not there any more.
        """
        found = []
        for place in best_places(verified, candidates, self._parameters):
            check()
            found.append(self._verify_place(photo, camera, place))
        return [evidence for evidence in found if evidence is not None]

    def _verify_place(
        self, photo: RgbImage, camera: Camera, place: CandidatePose
    ) -> VerifiedPose | None:
        """The evidence at one place, if the matcher finds more there than on the mirrored map."""
        p = self._parameters
        pictures = self._pictures(photo, camera, place)
        if pictures is None:
            return None
        rectified, window = pictures
        fit, pairs, hints = self._compare(rectified, window, place.camera)
        if fit is None or hints < p.least_hints:
            return None
        # The mirror image keeps the colours, the textures and the frame, and shows nowhere.
        mirrored = replace(
            window, pixels=window.pixels[:, ::-1].copy(), valid=window.valid[:, ::-1]
        )
        *_, hints_of_control = self._compare(rectified, mirrored, place.camera)
        by_chance = max(p.least_hints, p.control_factor * hints_of_control)
        hint_llr = float(log_likelihood_ratio(float(hints), by_chance))
        if hint_llr <= 0:
            return None
        return VerifiedPose(
            region=place.peak.region,
            resection=fit,
            n_inliers=hints,
            n_spots=max(hints, round(_ground_px(rectified) / p.patch_px**2)),
            inlier_z=0.0,
            vote_llr=hint_llr,
            peak=place.peak,
            pairs=pairs,
            supposed_pitch_deg=place.camera.pose.pitch_deg,
            matcher=self._name,
            parameters=p.score,
        )

    def _pictures(
        self, photo: RgbImage, camera: Camera, place: CandidatePose
    ) -> tuple[RectifiedPhoto, MapWindow] | None:
        """The photo and the map around a place, north up at one scale; None for a photo of sky."""
        p, start = self._parameters, place.camera
        outline = footprint(camera, start.pose, max_distance_m=MAX_REACH * start.pose.height_m)
        if len(outline) < 3:
            return None
        low, high = outline.min(axis=0) + start.position, outline.max(axis=0) + start.position
        gsd_m = max(self._features.gsd_m, float((high - low).max()) / p.max_side_px)
        rectified = rectify(photo, camera, start.pose, gsd_m=gsd_m, north_up=True)
        if rectified is None:
            return None
        frame = self._features.regions[place.peak.region].frame
        window = self._pixels.around(frame, low - p.margin_m, high + p.margin_m, gsd_m=gsd_m)
        return rectified, window

    def _compare(
        self, rectified: RectifiedPhoto, window: MapWindow, start: GroundCamera
    ) -> tuple[Resection | None, PointPairs, int]:
        """The camera that the shared points speak for, the points, and how many hints agree."""
        p = self._parameters
        matches = self._matcher.match(rectified.pixels, window.pixels)
        known = _inside(matches.first_px, rectified.pixels.shape[:2], rectified.valid)
        known &= _inside(matches.second_px, window.valid.shape, window.valid)
        view_px, ground_m = matches.first_px[known], window.to_ground(matches.second_px[known])
        pairs = PointPairs(project(rectified.to_photo, view_px), ground_m)
        fit = fit_camera(rectified.camera, pairs, start, p)
        if fit is None:
            return None, pairs, 0
        agree = pairs.misfit_m(fit) < p.camera_fit.inlier_m
        return fit, pairs, len(np.unique(np.floor(view_px[agree] / p.patch_px), axis=0))


def open_learned_verification(
    index: MapIndex,
    features: FeatureMap,
    options: LocateOptions,
    *,
    parameters: LearnedVerificationParameters = LEARNED_VERIFICATION,
) -> LearnedVerification | None:
    """The learned verification that was asked for; None for plain SIFT.

    Raises:
        DependencyError: The matcher's package or weights are not there.
        ModelError: Its file of weights is of another network.
        OptionError: Its files are too few or too many, or belong to no matcher.
        TilesError: The map's pixels are not there any more.
    """
    if options.matcher == "sift":
        if options.matcher_weights:
            raise OptionError(
                "--matcher-weights is given without a matcher that has any; expected the one they "
                "are of; add --matcher, or leave the weights out"
            )
        return None
    pixels = MapPixels(index)
    matcher = open_matcher(options.matcher, options.matcher_weights, device=options.device)
    return LearnedVerification(
        matcher, options.matcher, pixels=pixels, features=features, parameters=parameters
    )


def best_places(
    verified: Sequence[VerifiedPose],
    candidates: Sequence[CandidatePose],
    parameters: LearnedVerificationParameters = LEARNED_VERIFICATION,
) -> list[CandidatePose]:
    """The few places worth a learned matcher's time, no two of them the same."""
    p = parameters
    borne_out = [
        CandidatePose(one.peak, one.resection.camera)
        for one in sorted(verified, key=lambda one: -one.score)
    ]
    voted = sorted(candidates, key=lambda place: -place.peak.strength)
    kept = _distinct([], borne_out, p.verified, p.same_place_m)
    return _distinct(kept, voted, len(kept) + p.only_voted, p.same_place_m)


def _distinct(
    kept: list[CandidatePose], more: Sequence[CandidatePose], count: int, same_place_m: float
) -> list[CandidatePose]:
    """As many of `more` added as fit, without those at the place of one that is kept."""
    kept = list(kept)
    for place in more:
        if len(kept) == count:
            break
        same = any(
            place.peak.region == other.peak.region
            and math.dist(place.camera.position, other.camera.position) < same_place_m
            for other in kept
        )
        if not same:
            kept.append(place)
    return kept


def fit_camera(
    camera: Camera,
    pairs: PointPairs,
    start: GroundCamera,
    parameters: LearnedVerificationParameters = LEARNED_VERIFICATION,
) -> Resection | None:
    """The camera that most pairs of photo and ground agree on; None when too few do.

    Args:
        camera: Camera of the photo.
        pairs: Points that the matcher finds in both, wrong ones too.
        start: Where the camera is looked for.
        parameters: Which pairs agree, how many must, and how far the camera may be off.
    """
    p = parameters
    expected = project(ground_homography(camera, start.pose), pairs.photo_px) + start.position
    known = np.asarray(np.isfinite(expected).all(axis=1))  # (N,): sees ground
    if not known.any():
        return None
    moved, is_inlier = _move(start, expected[known], pairs.ground_m[known], p)
    if moved is None:
        return None
    inliers = pairs.select(known).select(is_inlier)
    fit = resect(camera, inliers.photo_px, inliers.ground_m, moved, tilt_sd_deg=p.tilt_sd_deg)
    if fit is None:
        return None
    return refit(camera, pairs, fit, tilt_sd_deg=p.tilt_sd_deg, parameters=p.camera_fit)


def _move(
    start: GroundCamera,
    expected_m: Float64Array,
    ground_m: Float64Array,
    parameters: LearnedVerificationParameters,
) -> tuple[GroundCamera | None, Mask]:
    """The camera after the similarity that takes most expected points to their partners."""
    none = np.zeros(len(ground_m), bool)
    middle = ground_m.mean(axis=0)
    similarity = fit_similarity(expected_m - middle, ground_m - middle, parameters.camera_fit)
    if similarity is None:
        return None, none
    zoom, matrix = similarity.scale, similarity.matrix
    if not 1 / parameters.max_zoom < zoom < parameters.max_zoom:
        return None, none
    east, north = matrix[:, :2] @ (np.array(start.position) - middle) + matrix[:, 2] + middle
    yaw_deg = (start.pose.yaw_deg - similarity.turn_deg) % 360
    pose = replace(start.pose, yaw_deg=yaw_deg, height_m=zoom * start.pose.height_m)
    return GroundCamera(pose, GroundPoint(float(east), float(north))), similarity.is_inlier


def _ground_px(rectified: RectifiedPhoto) -> float:
    """Number of the rectified photo's pixels that show ground."""
    height_px, width_px = rectified.pixels.shape[:2]
    return float(height_px * width_px if rectified.valid is None else np.sum(rectified.valid))


def _inside(xy_px: Float64Array, shape: tuple[int, ...], valid: Mask | None) -> Mask:
    """Which points (N, 2) lie in a picture, where it shows ground."""
    cell = np.floor(xy_px).astype(int)
    inside = np.asarray(((cell >= 0) & (cell < [shape[1], shape[0]])).all(axis=1), np.bool_)
    if valid is not None:
        inside[inside] = valid[cell[inside, 1], cell[inside, 0]]
    return np.asarray(inside)
