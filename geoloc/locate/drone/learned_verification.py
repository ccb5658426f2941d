"""Learned verification: places in doubt of a drone photo, compared by a learned matcher.

The photo's ground, north up, is compared with the map's pixels around a place. The camera is
fitted to the points that both share. A matcher that sees likeness everywhere is found out by a
control: the same map mirrored, which shows no place on Earth. What it says for or against a place
(`geoloc.locate.drone.matcher_evidence`) is added to what keypoints say.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

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
from geoloc.locate.drone.matcher_evidence import Hints, matcher_llr
from geoloc.locate.drone.matchers import Matcher, open_matcher
from geoloc.locate.drone.posterior import POSTERIOR, distinct_places, is_same_place
from geoloc.locate.drone.verification import CandidatePose, VerifiedPose
from geoloc.options import LearnedMatcher, LocateOptions


@dataclass(frozen=True)
class LearnedVerificationParameters:
    """Which places a learned matcher is asked about, and what of its matches is counted."""

    camera_fit: CameraFitParameters = CAMERA_FIT
    tilt_sd_deg: float = HYPOTHESES.tilt_sd_deg
    # So many places that the keypoints bear out are compared, and so many that only votes speak
    # for.
    verified: int = 3
    only_voted: int = 3
    # Only these are worth it: of 13 places of photos that lie nowhere, or were not found, none came
    # near, and those of photos that are found have more (`DroneParameters.hint_score`).
    least_score: float = 20.0
    least_strength: float = 80.0
    # Larger pictures make a network's cost grow without bounds: it compares all with all.
    max_side_px: int = 640
    # How far the map reaches beyond the photo: a peak may be so far off.
    margin_m: float = 30.0
    # A fit that moves the camera's height by more than this factor is no fit.
    max_zoom: float = 1.6
    # One hint for each square of the photo, whatever the number of matches in it: neighbouring
    # answers of a dense matcher are one answer.
    patch_px: int = 24
    # Fewer hints need no comparison with the mirrored map: they are none.
    least_hints: int = 5


LEARNED_VERIFICATION = LearnedVerificationParameters()


class PlaceInDoubt(NamedTuple):
    """A place to ask a learned matcher about.

    Attributes:
        pose: The place, and the camera that would see it.
        verified: The evidence of its keypoints; None where only votes speak for it.
    """

    pose: CandidatePose
    verified: VerifiedPose | None


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What a matcher finds where a photo would show the map.

    Attributes:
        fit: The camera that its matches speak for; None when too few agree on one.
        pairs: Points of the photo and of the map that it matches, wrong ones too.
        hints: How many squares of the photo agree with the fit, there and on the mirrored map.
    """

    fit: Resection | None
    pairs: PointPairs
    hints: Hints


class LearnedVerification:
    """Weighs places with a learned matcher; safe to use from several threads.

    Args:
        matcher: The network that compares.
        name: Name of the matcher, whose evidence is weighed by its own curve.
        pixels: Pixels of the map.
        features: Features of the map, for its regions.
        parameters: Which places are compared, and what is counted.
    """

    def __init__(
        self,
        matcher: Matcher,
        name: LearnedMatcher,
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

    def weigh(
        self,
        photo: RgbImage,
        camera: Camera,
        *,
        verified: Sequence[VerifiedPose],
        candidates: Sequence[CandidatePose],
        check: Callable[[], None],
    ) -> list[VerifiedPose]:
        """The places with what the matcher says of the best of them.

        Where it speaks for a place, the camera is the one that its matches were fitted with.

        Args:
            photo: (H, W, 3) uint8, upright.
            camera: Camera of the photo.
            verified: Places that keypoints bear out.
            candidates: Places that votes speak for.
            check: Called before each place; may raise to end the work.

        Raises:
            TilesError: The map's pixels are not there any more.
        """
        weighed = list(verified)
        for place in places_in_doubt(verified, candidates, self._parameters):
            check()
            found = self.compare(photo, camera, place)
            if found is not None:
                weighed = _with_comparison(weighed, place, found, self._name)
        return weighed

    def compare(self, photo: RgbImage, camera: Camera, place: PlaceInDoubt) -> Comparison | None:
        """What the matcher finds at one place; None where the photo would show the sky.

        The map mirrored is the control: it keeps the colours, the textures and the frame, and shows
        no place on Earth.

        Args:
            photo: (H, W, 3) uint8, upright.
            camera: Camera of the photo, where the place does not know it better.
            place: The place.

        Raises:
            TilesError: The map's pixels are not there any more.
        """
        start = place.pose.camera
        view = None if place.verified is None else place.verified.view
        pictures = self._pictures(
            photo, camera if view is None else view.rectified.camera, place.pose
        )
        if pictures is None:
            return None
        rectified, window = pictures
        fit, pairs, hints = self._match(rectified, window, start)
        by_chance = 0
        if hints >= self._parameters.least_hints:
            mirrored = replace(
                window, pixels=window.pixels[:, ::-1].copy(), valid=window.valid[:, ::-1]
            )
            *_, by_chance = self._match(rectified, mirrored, start)
        return Comparison(fit=fit, pairs=pairs, hints=Hints(hints, by_chance))

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

    def _match(
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


def _with_comparison(
    places: Sequence[VerifiedPose], asked: PlaceInDoubt, found: Comparison, name: LearnedMatcher
) -> list[VerifiedPose]:
    """The places, those at the one that was asked about with what the matcher says of it."""
    llr = matcher_llr(name, found.hints)
    if found.fit is None or llr <= 0:
        if asked.verified is None:
            return list(places)
        return [
            replace(one, matcher_llr=llr) if is_same_place(one, asked.verified) else one
            for one in places
        ]
    fields: dict[str, Any] = {"resection": found.fit, "pairs": found.pairs, "matcher_llr": llr}
    if asked.verified is not None:
        return [*places, replace(asked.verified, **fields)]
    voted = VerifiedPose(
        region=asked.pose.peak.region,
        n_inliers=found.hints.agreeing,
        n_spots=found.hints.agreeing,
        inlier_z=0.0,
        vote_llr=0.0,
        peak=asked.pose.peak,
        supposed_pitch_deg=asked.pose.camera.pose.pitch_deg,
        **fields,
    )
    return [*places, voted]


def open_learned_verification(
    index: MapIndex,
    features: FeatureMap,
    options: LocateOptions,
    *,
    parameters: LearnedVerificationParameters = LEARNED_VERIFICATION,
) -> LearnedVerification | None:
    """The learned verification that was asked for; None for none.

    Raises:
        DependencyError: The matcher's package or weights are not there.
        ModelError: Its file of weights is of another network.
        OptionError: Its files are too few or too many, or belong to no matcher.
        TilesError: The map's pixels are not there any more.
    """
    name = options.matcher
    if name == "none" or name == "auto":
        if options.matcher_weights:
            raise OptionError(
                "--matcher-weights is given without a matcher that has any; expected the one they "
                "are of; add --matcher, or leave the weights out"
            )
        return None
    pixels = MapPixels(index)
    matcher = open_matcher(name, options.matcher_weights, device=options.device)
    return LearnedVerification(
        matcher, name, pixels=pixels, features=features, parameters=parameters
    )


def places_in_doubt(
    verified: Sequence[VerifiedPose],
    candidates: Sequence[CandidatePose],
    parameters: LearnedVerificationParameters = LEARNED_VERIFICATION,
) -> list[PlaceInDoubt]:
    """The few places worth a learned matcher's time, no two of them the same."""
    p = parameters
    kept = [
        PlaceInDoubt(CandidatePose(one.peak, one.resection.camera), one)
        for one in distinct_places(verified)[: p.verified]
        if max(one.score / p.least_score, one.peak.strength / p.least_strength) >= 1
    ]
    most = len(kept) + p.only_voted
    for pose in sorted(candidates, key=lambda one: -one.peak.strength):
        if len(kept) == most or pose.peak.strength < p.least_strength:
            break
        if not any(_is_near(pose, place.pose) for place in kept):
            kept.append(PlaceInDoubt(pose, None))
    return kept


def _is_near(a: CandidatePose, b: CandidatePose) -> bool:
    """Whether two places are one."""
    away_m = math.dist(a.camera.position, b.camera.position)
    return a.peak.region == b.peak.region and away_m < POSTERIOR.same_place_m


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


def _inside(xy_px: Float64Array, shape: tuple[int, ...], valid: Mask | None) -> Mask:
    """Which points (N, 2) lie in a picture, where it shows ground."""
    cell = np.floor(xy_px).astype(int)
    inside = np.asarray(((cell >= 0) & (cell < [shape[1], shape[0]])).all(axis=1), np.bool_)
    if valid is not None:
        inside[inside] = valid[cell[inside, 1], cell[inside, 0]]
    return np.asarray(inside)
