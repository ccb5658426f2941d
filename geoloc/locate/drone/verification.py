"""Whether a photo really lies where the votes say, and exactly where: geometry decides.

Around a peak every photo feature knows where on the ground to expect its partner. It takes the
most similar map feature there; partners that agree with one similarity transform, then with one
camera over the ground, are the evidence.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from scipy.spatial import cKDTree

from geoloc.arrays import Float32Array, Float64Array, Int64Array, Mask
from geoloc.geometry.camera import GroundCamera, GroundPoint, Pose, project, scene_point
from geoloc.geometry.rectification import RectifiedPhoto
from geoloc.geometry.resection import Resection, resect
from geoloc.index.features.feature_map import FeatureMap
from geoloc.index.features.keypoints import DescriptorKind, Keypoints
from geoloc.locate.drone.hypotheses import VoteHypothesis
from geoloc.locate.drone.voting import (
    VOTING,
    Peak,
    Votes,
    independent_pairs,
    log_likelihood_ratio,
    offsets_on_ground,
    scale_and_turn_agree,
)
from geoloc.options import MatcherName

# How far from its expected place a partner is looked for: before and after the camera is known.
_FIRST_RADIUS_M = 10.0
_SECOND_RADIUS_M = 6.0
_INLIER_M = 2.5
_VOTE_M = 4.0
_MIN_PAIRS = 8
# True places have at least this share of the photo's spots agree; wrong ones rarely do.
_ENOUGH_SHARE = 0.04
# Two inliers within this many pixels of each other are one piece of evidence.
_SPOT_PX = 6.0


@dataclass(frozen=True, kw_only=True)
class VerifiedPose:
    """One place for one photo, with its evidence.

    Attributes:
        region: Region of the map.
        resection: The camera, in the region's frame.
        n_inliers: Separate spots of the photo whose partner lies within 2.5 m of the fit.
        n_spots: Separate spots of the photo that have keypoints at all.
        inlier_z: How far `n_inliers` exceeds what chance gives, in standard deviations.
        vote_llr: Log-likelihood ratio of the votes that agree with the fit (`voting`); it knows
            nothing of the guided partners, so that the two are nearly independent.
        peak: Where the search began.
        matcher: Whose correspondences these are; belief was only ever set for SIFT's.
    """

    region: int
    resection: Resection
    n_inliers: int
    n_spots: int
    inlier_z: float
    vote_llr: float
    peak: Peak
    matcher: MatcherName = "sift"

    @property
    def score(self) -> float:
        """One number for ranking: vote_llr, raised by inlier_z, lowered where few spots agree."""
        enough = min(1.0, self.n_inliers / (_ENOUGH_SHARE * max(1, self.n_spots)))
        return self.vote_llr * (1 + max(0.0, self.inlier_z) / 5) * enough


@dataclass(frozen=True)
class _Pairs:
    """Partners: positions of photo keypoints, places of map features."""

    photo: Int64Array
    ground_m: Float64Array

    def __len__(self) -> int:
        return len(self.photo)

    def select(self, mask: Mask) -> _Pairs:
        return _Pairs(self.photo[mask], self.ground_m[mask])


def verify_peak(
    view: RectifiedPhoto,
    keypoints: Keypoints,
    features: FeatureMap,
    *,
    votes: Votes,
    peak: Peak,
    tilt_sd_deg: float,
) -> VerifiedPose | None:
    """The evidence for one peak; None when no camera over the ground explains it.

    Args:
        view: The photo from above.
        keypoints: Of the view.
        features: Of the map.
        votes: Of the view, as they made the peak.
        peak: The place to look at.
        tilt_sd_deg: How far the tilt may be from the view's pose.
    """
    around = _Surroundings.of(features, peak, view)
    if around is None:
        return None
    expected = _expected_at(view, keypoints, peak)
    vote_hypothesis = VoteHypothesis(peak.yaw_deg, peak.gsd_m)
    pairs = _partners(keypoints, around, expected, vote_hypothesis, _FIRST_RADIUS_M)
    start, inside = _similarity(view, keypoints, pairs)
    if start is None or inside.sum() < _MIN_PAIRS:
        return None
    photo_px = project(view.to_photo, keypoints.xy_px.astype(float))
    fit = _fit(view, photo_px, pairs.select(inside), start, tilt_sd_deg)
    if fit is None:
        return None
    refined = VoteHypothesis(fit.camera.pose.heading_deg, _gsd_of(view, start))
    expected = project(fit.homography, photo_px)
    pairs = _partners(keypoints, around, expected, refined, _SECOND_RADIUS_M)
    near = np.hypot(*(pairs.ground_m - expected[pairs.photo]).T) < 1.6 * _INLIER_M
    if near.sum() < _MIN_PAIRS:
        return None
    fit = _fit(view, photo_px, pairs.select(near), fit.camera, tilt_sd_deg)
    if fit is None:
        return None
    case = _Case(view=view, keypoints=keypoints, votes=votes, features=features, peak=peak)
    return _judge(case, pairs, fit, photo_px)


@dataclass(frozen=True, kw_only=True)
class _Case:
    """All that a peak is judged by."""

    view: RectifiedPhoto
    keypoints: Keypoints
    votes: Votes
    features: FeatureMap
    peak: Peak


def _judge(case: _Case, pairs: _Pairs, fit: Resection, photo_px: Float64Array) -> VerifiedPose:
    """Count what agrees with the final fit, each spot once, against what chance would give."""
    expected = project(fit.homography, photo_px)
    away = np.hypot(*(pairs.ground_m - expected[pairs.photo]).T)
    spots = _spots(case.keypoints.xy_px[pairs.photo])
    hits = len(np.unique(spots[away < _INLIER_M]))
    tried = len(np.unique(spots))
    # A wrong partner lies anywhere in the search radius; the fit itself bends towards some.
    chance = 1.5 * (_INLIER_M / _SECOND_RADIUS_M) ** 2
    inlier_z = (hits - chance * tried) / math.sqrt(max(1.0, tried * chance * (1 - chance)))
    vote_hypothesis = VoteHypothesis(fit.camera.pose.heading_deg, _gsd_of(case.view, fit.camera))
    return VerifiedPose(
        region=case.peak.region,
        resection=fit,
        n_inliers=hits,
        n_spots=len(np.unique(_spots(case.keypoints.xy_px))),
        inlier_z=inlier_z,
        vote_llr=_vote_llr(case, vote_hypothesis, expected),
        peak=case.peak,
    )


def _vote_llr(case: _Case, vote_hypothesis: VoteHypothesis, expected: Float64Array) -> float:
    """Log-likelihood ratio of the votes near where the fit puts them, each spot once."""
    votes, region = case.votes, case.peak.region
    here = votes.region == region
    away = np.full(len(votes), np.inf)
    away[here] = np.hypot(*(votes.xy_m[here] - expected[votes.photo[here]]).T)
    agree = np.flatnonzero(np.nan_to_num(away, nan=np.inf) < _VOTE_M)
    agree = agree[scale_and_turn_agree(votes, agree, vote_hypothesis)]
    if len(agree) == 0:
        return 0.0
    photo_px = case.keypoints.xy_px[votes.photo[agree]]
    agree = agree[independent_pairs(photo_px, votes.xy_m[agree], votes.weight[agree])]
    mass = votes.weight[agree].sum() / votes.weight.mean()
    area = case.features.regions[region].area_m2
    # About a tenth of the votes that are wrong agree in scale and turn by chance.
    return float(log_likelihood_ratio(mass, 0.1 * here.sum() * math.pi * _VOTE_M**2 / area))


def _spots(xy_px: Float32Array) -> Int64Array:
    """A number for the piece of the photo that each keypoint lies in."""
    cell = np.floor(xy_px / _SPOT_PX).astype(np.int64)
    return np.asarray(cell[:, 0] * 100_003 + cell[:, 1])


@dataclass(frozen=True)
class _Surroundings:
    """The map features around a peak."""

    xy_m: Float64Array
    size_m: Float32Array
    angle_deg: Float32Array
    unit: Float32Array
    kind: DescriptorKind
    tree: cKDTree

    @classmethod
    def of(cls, features: FeatureMap, peak: Peak, view: RectifiedPhoto) -> _Surroundings | None:
        reach = peak.gsd_m * view.reach_px + 2 * _FIRST_RADIUS_M
        middle = np.array([peak.x_m, peak.y_m])
        ids = features.in_box(peak.region, middle - reach, middle + reach)
        if len(ids) < _MIN_PAIRS:
            return None
        xy = features.xy_m[ids].astype(float)
        return cls(
            xy,
            features.size_m[ids],
            features.angle_deg[ids],
            features.kind.unit(features.descriptors[ids]),
            features.kind,
            cKDTree(xy),
        )


def _expected_at(view: RectifiedPhoto, keypoints: Keypoints, peak: Peak) -> Float64Array:
    """Where (N, 2) the keypoints lie on the ground if the peak is right."""
    offsets = keypoints.xy_px - view.centre_px
    ground = offsets_on_ground(offsets, VoteHypothesis(peak.yaw_deg, peak.gsd_m))
    return np.asarray(ground + np.array([peak.x_m, peak.y_m]))


def _partners(
    keypoints: Keypoints,
    around: _Surroundings,
    expected: Float64Array,
    vote_hypothesis: VoteHypothesis,
    radius_m: float,
) -> _Pairs:
    """For each keypoint the most similar map feature near its expected place, one to one."""
    known = np.flatnonzero(np.isfinite(expected).all(axis=1))
    # Two trees meet in half the time that asking one point by point takes.
    near = cKDTree(expected[known]).sparse_distance_matrix(
        around.tree, radius_m, output_type="ndarray"
    )
    photo, feature = known[near["i"]], near["j"]
    ratio = around.size_m[feature] / keypoints.size_px[photo] / vote_hypothesis.gsd_m
    turn = around.angle_deg[feature] - keypoints.angle_deg[photo] - vote_hypothesis.yaw_deg
    fits = np.abs(np.log(ratio)) < math.log(VOTING.max_scale_ratio)
    fits &= np.abs((turn + 180) % 360 - 180) < VOTING.max_turn_deg
    photo, feature = photo[fits], feature[fits]
    unit = around.kind.unit(keypoints.descriptors)
    similarity = np.einsum("ij,ij->i", unit[photo], around.unit[feature])
    good = similarity > around.kind.least_similarity
    photo, feature, similarity = photo[good], feature[good], similarity[good]
    for of in ("photo", "feature"):
        order = np.lexsort((-similarity, photo if of == "photo" else feature))
        named = (photo if of == "photo" else feature)[order]
        first = np.append(True, named[1:] != named[:-1])[: len(named)]
        keep = np.sort(order[first])
        photo, feature, similarity = photo[keep], feature[keep], similarity[keep]
    return _Pairs(photo, around.xy_m[feature])


def _similarity(
    view: RectifiedPhoto, keypoints: Keypoints, pairs: _Pairs
) -> tuple[GroundCamera | None, Mask]:
    """The camera that the best similarity transform of the view speaks for, and its inliers."""
    nobody = np.zeros(len(pairs), bool)
    if len(pairs) < _MIN_PAIRS:
        return None, nobody
    middle = pairs.ground_m.mean(axis=0)
    offsets = keypoints.xy_px[pairs.photo] - view.centre_px
    matrix, inside = cv2.estimateAffinePartial2D(
        offsets.astype(np.float64) * [1, -1],
        pairs.ground_m - middle,
        method=cv2.RANSAC,
        ransacReprojThreshold=_INLIER_M,
        maxIters=2000,
    )
    if matrix is None:  # type: ignore[redundant-expr, unused-ignore]
        return None, nobody  # type: ignore[unreachable]
    gsd_m = math.hypot(matrix[0, 0], matrix[1, 0])
    yaw_deg = -math.degrees(math.atan2(matrix[1, 0], matrix[0, 0]))
    centre = matrix[:, 2] + middle
    return camera_over(view, centre, yaw_deg, gsd_m), inside.ravel().astype(bool)


def camera_over(
    view: RectifiedPhoto, centre_m: Float64Array, yaw_deg: float, gsd_m: float
) -> GroundCamera | None:
    """The view's camera, moved so that the photo's middle lies at a point of the ground."""
    scene = scene_point(view.camera, view.pose)
    if scene is None or gsd_m <= 0:
        return None
    zoom = gsd_m / view.gsd_m
    # Offsets in a view go to the right and down; the scene lies right and up of the camera.
    ahead = offsets_on_ground(
        np.array([[scene.east_m, -scene.north_m]]), VoteHypothesis(yaw_deg, zoom)
    )[0]
    pose = Pose(yaw_deg % 360, view.pose.pitch_deg, view.pose.roll_deg, view.pose.height_m * zoom)
    return GroundCamera(pose, GroundPoint(*(float(v) for v in centre_m - ahead)))


def _gsd_of(view: RectifiedPhoto, camera: GroundCamera) -> float:
    return view.gsd_m * camera.pose.height_m / view.pose.height_m


def _fit(
    view: RectifiedPhoto,
    photo_px: Float64Array,
    pairs: _Pairs,
    start: GroundCamera,
    tilt_sd_deg: float,
) -> Resection | None:
    return resect(
        view.camera, photo_px[pairs.photo], pairs.ground_m, start, tilt_sd_deg=tilt_sd_deg
    )
