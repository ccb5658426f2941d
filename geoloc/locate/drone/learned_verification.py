"""Verify the best places of a drone photo with a learned matcher (LoFTR, LightGlue).

The photo's ground, north up, is compared with the map's pixels around a place. The camera is
fitted to the points that both share. A matcher that sees likeness everywhere is found out by a
control: the same map mirrored, which shows no place on Earth. Only what agrees far better than
there counts, and a place keeps its evidence from SIFT where that is stronger.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import cv2
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
from geoloc.locate.drone.matchers import Matcher, open_matcher
from geoloc.locate.drone.verification import VerifiedPose
from geoloc.locate.drone.voting import Peak, log_likelihood_ratio
from geoloc.options import LocateOptions, MatcherName

Proposed = tuple[Peak, GroundCamera]

# So many places that SIFT bears out are looked at again, and so many that only votes speak for.
_VERIFIED = 3
_ONLY_VOTED = 3
_SAME_PLACE_M = 40.0
# Larger pictures make a network's cost grow without bounds: it compares all with all.
_MOST_PX = 640
# How far the map reaches beyond the photo: a peak may be so far off.
_MARGIN_M = 30.0
_INLIER_M = 2.5
_MIN_PAIRS = 8
_MOST_ZOOM = 1.6
# One hint for each square of the photo, whatever the number of matches in it: neighbouring
# answers of a dense matcher are one answer.
_PATCH_PX = 24
# Chance gives so many hints at least, and as many as twice the control's.
_FLOOR = 5.0
_CONTROL = 2.0


class LearnedVerification:
    """Looks at places again; safe to use from several threads.

    Args:
        matcher: Who compares.
        name: Its name, for the answers.
        pixels: Of the map.
        features: Of the map, for its regions.
    """

    def __init__(
        self, matcher: Matcher, name: MatcherName, *, pixels: MapPixels, features: FeatureMap
    ) -> None:
        self._matcher = matcher
        self._name = name
        self._pixels = pixels
        self._features = features

    def over(
        self,
        photo: RgbImage,
        camera: Camera,
        *,
        verified: Sequence[VerifiedPose],
        proposed: Sequence[Proposed],
        check: Callable[[], None],
    ) -> list[VerifiedPose]:
        """The evidence that the matcher finds at the best of some places.

        Args:
            photo: (H, W, 3) uint8, upright.
            camera: Of the photo.
            verified: Places that SIFT bears out.
            proposed: Places that votes speak for.
            check: Called before each place; may raise to end the work.

        Raises:
            TilesError: The map's pixels are not there any more.
        """
        found = []
        for place in best_places(verified, proposed):
            check()
            found.append(self._look(photo, camera, place))
        return [evidence for evidence in found if evidence is not None]

    def _look(self, photo: RgbImage, camera: Camera, place: Proposed) -> VerifiedPose | None:
        peak, hung = place
        outline = footprint(camera, hung.pose, max_distance_m=MAX_REACH * hung.pose.height_m)
        if len(outline) < 3:
            return None
        low, high = outline.min(axis=0) + hung.position, outline.max(axis=0) + hung.position
        gsd_m = max(self._features.gsd_m, float((high - low).max()) / _MOST_PX)
        view = rectify(photo, camera, hung.pose, gsd_m=gsd_m, north_up=True)
        if view is None:
            return None
        frame = self._features.regions[peak.region].frame
        map_window = self._pixels.around(frame, low - _MARGIN_M, high + _MARGIN_M, gsd_m=gsd_m)
        fit, hints = self._compare(view, map_window, hung)
        if fit is None or hints < _FLOOR:
            return None
        # The mirror image keeps the colours, the textures and the frame, and shows nowhere.
        mirrored = replace(
            map_window, pixels=map_window.pixels[:, ::-1].copy(), valid=map_window.valid[:, ::-1]
        )
        by_chance = max(_FLOOR, _CONTROL * self._compare(view, mirrored, hung)[1])
        vote_llr = float(log_likelihood_ratio(float(hints), by_chance))
        ground = view.pixels.shape[0] * view.pixels.shape[1] if view.valid is None else view.valid
        spots = max(hints, round(float(np.sum(ground)) / _PATCH_PX**2))
        evidence = VerifiedPose(
            region=peak.region,
            resection=fit,
            n_inliers=hints,
            n_spots=spots,
            inlier_z=0.0,
            vote_llr=vote_llr,
            peak=peak,
            matcher=self._name,
        )
        return evidence if vote_llr > 0 else None

    def _compare(
        self, view: RectifiedPhoto, map_window: MapWindow, hung: GroundCamera
    ) -> tuple[Resection | None, int]:
        """The camera that the shared points speak for, and how many hints agree with it."""
        matches = self._matcher.match(view.pixels, map_window.pixels)
        known = _inside(matches.first_px, view.pixels.shape[:2], view.valid)
        known &= _inside(matches.second_px, map_window.valid.shape, map_window.valid)
        view_px, ground = matches.first_px[known], map_window.to_ground(matches.second_px[known])
        photo_px = project(view.to_photo, view_px)
        fit = fit_camera(view.camera, photo_px, ground, hung)
        if fit is None:
            return None, 0
        agree = np.hypot(*(project(fit.homography, photo_px) - ground).T) < _INLIER_M
        return fit, len(np.unique(np.floor(view_px[agree] / _PATCH_PX), axis=0))


def open_learned_verification(
    index: MapIndex, features: FeatureMap, options: LocateOptions
) -> LearnedVerification | None:
    """The second look that was asked for; None for plain SIFT.

    Raises:
        DependencyError: The matcher's package or weights are not there.
        ModelError: Its file of weights is of another network.
        OptionError: Its files are too few or too many, or are nobody's.
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
    return LearnedVerification(matcher, options.matcher, pixels=pixels, features=features)


def best_places(verified: Sequence[VerifiedPose], proposed: Sequence[Proposed]) -> list[Proposed]:
    """The few places worth another look, no two of them the same."""
    borne_out = [
        (one.peak, one.resection.camera) for one in sorted(verified, key=lambda one: -one.score)
    ]
    voted = sorted(proposed, key=lambda place: -place[0].strength)
    kept = _distinct([], borne_out, _VERIFIED)
    return _distinct(kept, voted, len(kept) + _ONLY_VOTED)


def _distinct(kept: list[Proposed], more: Sequence[Proposed], count: int) -> list[Proposed]:
    """As many of `more` added as fit, without those at the place of one that is kept."""
    kept = list(kept)
    for peak, hung in more:
        if len(kept) == count:
            break
        same = any(
            peak.region == other.region
            and math.dist(hung.position, camera.position) < _SAME_PLACE_M
            for other, camera in kept
        )
        if not same:
            kept.append((peak, hung))
    return kept


def fit_camera(
    camera: Camera, photo_px: Float64Array, ground_m: Float64Array, hung: GroundCamera
) -> Resection | None:
    """The camera that most pairs (N, 2) of photo and ground agree on; None when too few do."""
    supposed = project(ground_homography(camera, hung.pose), photo_px) + hung.position
    known = np.isfinite(supposed).all(axis=1)
    if known.sum() < _MIN_PAIRS:
        return None
    start, agree = _moved(hung, supposed[known], ground_m[known])
    if start is None or agree.sum() < _MIN_PAIRS:
        return None
    near = np.flatnonzero(known)[agree]
    fit = resect(camera, photo_px[near], ground_m[near], start)
    if fit is None:
        return None
    away = np.hypot(*(project(fit.homography, photo_px) - ground_m).T)
    near = np.flatnonzero(away < 1.6 * _INLIER_M)
    if len(near) < _MIN_PAIRS:
        return None
    return resect(camera, photo_px[near], ground_m[near], fit.camera)


def _moved(
    hung: GroundCamera, supposed: Float64Array, ground_m: Float64Array
) -> tuple[GroundCamera | None, Mask]:
    """The camera after the similarity that takes most supposed points to their partners."""
    middle = ground_m.mean(axis=0)
    matrix, inside = cv2.estimateAffinePartial2D(
        supposed - middle, ground_m - middle, ransacReprojThreshold=_INLIER_M
    )
    nobody = np.zeros(len(ground_m), bool)
    if matrix is None:  # type: ignore[redundant-expr, unused-ignore]
        return None, nobody  # type: ignore[unreachable, unused-ignore]
    zoom = math.hypot(matrix[0, 0], matrix[1, 0])
    if not 1 / _MOST_ZOOM < zoom < _MOST_ZOOM:
        return None, nobody
    turn_deg = math.degrees(math.atan2(matrix[1, 0], matrix[0, 0]))  # counter-clockwise
    east, north = matrix[:, :2] @ (np.array(hung.position) - middle) + matrix[:, 2] + middle
    yaw_deg = (hung.pose.yaw_deg - turn_deg) % 360
    pose = replace(hung.pose, yaw_deg=yaw_deg, height_m=zoom * hung.pose.height_m)
    return GroundCamera(pose, GroundPoint(float(east), float(north))), inside.ravel().astype(bool)


def _inside(xy_px: Float64Array, shape: tuple[int, ...], valid: Mask | None) -> Mask:
    """Which points (N, 2) lie in a picture, where it shows ground."""
    cell = np.floor(xy_px).astype(int)
    inside = np.asarray(((cell >= 0) & (cell < [shape[1], shape[0]])).all(axis=1), np.bool_)
    if valid is not None:
        inside[inside] = valid[cell[inside, 1], cell[inside, 0]]
    return np.asarray(inside)
