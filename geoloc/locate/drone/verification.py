"""Geometric verification of a peak of the votes: the camera there, and the evidence for it.

Around a peak every photo feature knows where on the ground to expect its partner. It takes the
most similar map feature there; partners that agree with one similarity transform, then with one
camera over the ground, are the evidence.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from geoloc.arrays import Float32Array, Float64Array, Int64Array, Mask
from geoloc.geometry.camera import GroundCamera, GroundPoint, Pose, project, scene_point
from geoloc.geometry.rectification import RectifiedPhoto
from geoloc.geometry.resection import Resection, resect
from geoloc.index.features.feature_map import FeatureMap
from geoloc.locate.drone.camera_fit import (
    CAMERA_FIT,
    CameraFitParameters,
    PointPairs,
    fit_similarity,
    refit,
)
from geoloc.locate.drone.hypotheses import VoteHypothesis
from geoloc.locate.drone.pairing import MapPartners, Surroundings, map_partners
from geoloc.locate.drone.view import PhotoView
from geoloc.locate.drone.voting import (
    VOTING,
    Peak,
    Votes,
    VotingParameters,
    independent_pairs,
    log_likelihood_ratio,
    offsets_on_ground,
    scale_and_turn_agree,
)

# More columns of spots than any photo has, which makes one number of column and row.
_SPOT_ROWS = 100_003


@dataclass(frozen=True)
class ScoreParameters:
    """How the evidence for a pose becomes one score."""

    # True places have at least this share of the photo's spots agree; wrong ones rarely do.
    enough_share: float = 0.04
    # So many standard deviations of inliers beyond chance double the score of the votes.
    doubling_z: float = 5.0


SCORE = ScoreParameters()


@dataclass(frozen=True)
class VerificationParameters:
    """How a peak is verified: where partners are looked for, and what is evidence."""

    camera_fit: CameraFitParameters = CAMERA_FIT
    score: ScoreParameters = SCORE
    # How far from its expected place a partner is looked for: before and after the camera is
    # known.
    first_radius_m: float = 10.0
    second_radius_m: float = 6.0
    # A vote this near to where the fit puts it agrees with the fit.
    vote_m: float = 4.0
    # Two inliers within this many pixels of each other are one piece of evidence.
    spot_px: float = 6.0
    # A wrong partner lies anywhere in the search radius; the fit itself bends towards some, so
    # that this many times as many agree by chance.
    fit_bias: float = 1.5
    # About a tenth of the votes that are wrong agree in scale and turn by chance.
    random_agreement: float = 0.1


VERIFICATION = VerificationParameters()


class CandidatePose(NamedTuple):
    """A place that votes speak for, before geometry has decided.

    Attributes:
        peak: Peak of the votes.
        camera: Camera that would see the peak in the photo's middle.
    """

    peak: Peak
    camera: GroundCamera


@dataclass(frozen=True, kw_only=True)
class VerifiedPose:
    """One place for one photo, with its evidence.

    Attributes:
        region: Region of the map.
        resection: The camera, in the region's frame.
        n_inliers: Separate spots of the photo whose partner agrees with the fit.
        n_spots: Separate spots of the photo that have keypoints at all.
        inlier_z: How far `n_inliers` exceeds what chance gives, in standard deviations.
        vote_llr: Log-likelihood ratio of the votes that agree with the fit (`voting`); it knows
            nothing of the guided partners, so that the two are nearly independent.
        peak: Where the search began.
        pairs: The points of the photo and of the map that it was fitted to, wrong ones too.
        supposed_pitch_deg: Pitch of the hypothesis that it was found under, degrees.
        view: The photo under that hypothesis; None where it was not paired by its keypoints.
        matcher_llr: Log-likelihood ratio of right against wrong by a learned matcher; None where
            none was asked. The camera and the pairs are the matcher's where it speaks for them.
        parameters: How the evidence becomes a score.
    """

    region: int
    resection: Resection
    n_inliers: int
    n_spots: int
    inlier_z: float
    vote_llr: float
    peak: Peak
    pairs: PointPairs
    supposed_pitch_deg: float
    view: PhotoView | None = None
    matcher_llr: float | None = None
    parameters: ScoreParameters = SCORE

    @property
    def is_fitted_by_matcher(self) -> bool:
        """Whether the camera and the pairs are a learned matcher's."""
        return self.matcher_llr is not None and self.matcher_llr > 0

    @property
    def agreeing_share(self) -> float:
        """Share of the photo's spots that agree with the fit."""
        return self.n_inliers / max(1, self.n_spots)

    @property
    def score(self) -> float:
        """One number for ranking: vote_llr, raised by inlier_z, lowered where few spots agree."""
        p = self.parameters
        enough = min(1.0, self.n_inliers / (p.enough_share * max(1, self.n_spots)))
        return self.vote_llr * (1 + max(0.0, self.inlier_z) / p.doubling_z) * enough


@dataclass(frozen=True, kw_only=True)
class _Case:
    """A peak of one view, and all that it is judged by."""

    view: PhotoView
    votes: Votes
    features: FeatureMap
    peak: Peak
    parameters: VerificationParameters
    voting: VotingParameters

    @cached_property
    def photo_px(self) -> Float64Array:
        """Places (N, 2) of the view's keypoints in the photo, pixels."""
        return self.view.photo_px

    def surroundings(self) -> Surroundings | None:
        """The map as far as the view reaches; None when hardly any feature lies there."""
        reach_m = self.peak.gsd_m * self.view.rectified.reach_px
        reach_m += 2 * self.parameters.first_radius_m
        middle = np.array([self.peak.x_m, self.peak.y_m])
        least = self.parameters.camera_fit.min_pairs
        return Surroundings.of(self.features, self.peak.region, middle, reach_m, least=least)

    def partners(
        self,
        around: Surroundings,
        expected_m: Float64Array,
        hypothesis: VoteHypothesis,
        radius_m: float,
    ) -> MapPartners:
        """The partners of the view's keypoints near where they are expected."""
        return map_partners(
            self.view, around, expected_m, hypothesis, radius_m=radius_m, voting=self.voting
        )


def verify_peak(
    view: PhotoView,
    features: FeatureMap,
    *,
    votes: Votes,
    peak: Peak,
    parameters: VerificationParameters = VERIFICATION,
    voting: VotingParameters = VOTING,
) -> VerifiedPose | None:
    """The evidence for one peak; None when no camera over the ground explains it.

    Args:
        view: The photo from above, with its features.
        features: Features of the map.
        votes: Votes of the view, as they made the peak.
        peak: The place to verify.
        parameters: Where partners are looked for, and what is evidence.
        voting: How the votes were cast.
    """
    case = _Case(
        view=view,
        votes=votes,
        features=features,
        peak=peak,
        parameters=parameters,
        voting=voting,
    )
    around = case.surroundings()
    first = None if around is None else _first_fit(case, around)
    if around is None or first is None:
        return None
    fit, gsd_m = first
    refined = VoteHypothesis(fit.camera.pose.heading_deg, gsd_m)
    expected = project(fit.homography, case.photo_px)
    partners = case.partners(around, expected, refined, parameters.second_radius_m)
    second = refit(
        view.rectified.camera,
        partners.pairs(case.photo_px),
        fit,
        tilt_sd_deg=view.hypothesis.tilt_sd_deg,
        parameters=parameters.camera_fit,
    )
    return None if second is None else _judge(case, partners, second)


def _first_fit(case: _Case, around: Surroundings) -> tuple[Resection, float] | None:
    """The camera fitted to partners near where the peak puts them, and the view's metres a pixel.

    None when too few partners agree with one similarity, or with a camera above the ground.
    """
    view, peak = case.view, case.peak
    hypothesis = VoteHypothesis(peak.yaw_deg, peak.gsd_m)
    radius_m = case.parameters.first_radius_m
    partners = case.partners(around, _expected_at(view, peak), hypothesis, radius_m)
    start, is_inlier = _start(case, partners)
    if start is None:
        return None
    points = partners.pairs(case.photo_px).select(is_inlier)
    fit = resect(
        view.rectified.camera,
        points.photo_px,
        points.ground_m,
        start,
        tilt_sd_deg=view.hypothesis.tilt_sd_deg,
    )
    return None if fit is None else (fit, _gsd_m(view.rectified, start))


def _judge(case: _Case, partners: MapPartners, fit: Resection) -> VerifiedPose:
    """Count what agrees with the final fit, each spot once, against what chance would give."""
    view, p = case.view, case.parameters
    away = partners.pairs(case.photo_px).misfit_m(fit)  # (N,), a partner
    spots = _spots(view.keypoints.xy_px[partners.photo], p.spot_px)
    hits = len(np.unique(spots[away < p.camera_fit.inlier_m]))
    tried = len(np.unique(spots))
    chance = p.fit_bias * (p.camera_fit.inlier_m / p.second_radius_m) ** 2
    fitted = VoteHypothesis(fit.camera.pose.heading_deg, _gsd_m(view.rectified, fit.camera))
    return VerifiedPose(
        region=case.peak.region,
        resection=fit,
        n_inliers=hits,
        n_spots=len(np.unique(_spots(view.keypoints.xy_px, p.spot_px))),
        inlier_z=(hits - chance * tried) / math.sqrt(max(1.0, tried * chance * (1 - chance))),
        vote_llr=_vote_llr(case, fitted, project(fit.homography, case.photo_px)),
        peak=case.peak,
        pairs=partners.pairs(case.photo_px),
        supposed_pitch_deg=view.rectified.pose.pitch_deg,
        view=view,
        parameters=p.score,
    )


def _vote_llr(case: _Case, fitted: VoteHypothesis, expected: Float64Array) -> float:
    """Log-likelihood ratio of the votes near where the fit puts them, each spot once."""
    votes, region, p = case.votes, case.peak.region, case.parameters
    here = votes.region == region  # (M,), a vote
    away = np.full(len(votes), np.inf)
    away[here] = np.hypot(*(votes.xy_m[here] - expected[votes.photo[here]]).T)
    agree = np.flatnonzero(np.nan_to_num(away, nan=np.inf) < p.vote_m)
    agree = agree[scale_and_turn_agree(votes, agree, fitted, case.voting)]
    if len(agree) == 0:
        return 0.0
    photo_px = case.view.keypoints.xy_px[votes.photo[agree]]
    agree = agree[independent_pairs(photo_px, votes.xy_m[agree], votes.weight[agree], case.voting)]
    mass = votes.weight[agree].sum() / votes.weight.mean()
    area_m2 = case.features.regions[region].area_m2
    expected_votes = p.random_agreement * here.sum() * math.pi * p.vote_m**2 / area_m2
    return float(log_likelihood_ratio(mass, expected_votes, case.voting.least_expected))


def _spots(xy_px: Float32Array, spot_px: float) -> Int64Array:
    """A number (N,) for the piece of the photo that each keypoint lies in."""
    cell = np.floor(xy_px / spot_px).astype(np.int64)
    return np.asarray(cell[:, 0] * _SPOT_ROWS + cell[:, 1])


def _expected_at(view: PhotoView, peak: Peak) -> Float64Array:
    """Where (N, 2) the keypoints lie on the ground if the peak is right."""
    offsets = view.keypoints.xy_px - view.rectified.centre_px
    ground = offsets_on_ground(offsets, VoteHypothesis(peak.yaw_deg, peak.gsd_m))
    return np.asarray(ground + np.array([peak.x_m, peak.y_m]))


def _start(case: _Case, partners: MapPartners) -> tuple[GroundCamera | None, Mask]:
    """The camera that the best similarity of the view speaks for, and the pairs that agree."""
    rectified = case.view.rectified
    middle = partners.ground_m.mean(axis=0) if len(partners.photo) else np.zeros(2)
    offsets = case.view.keypoints.xy_px[partners.photo] - rectified.centre_px
    similarity = fit_similarity(
        offsets.astype(np.float64) * [1, -1],
        partners.ground_m - middle,
        case.parameters.camera_fit,
    )
    if similarity is None:
        return None, np.zeros(len(partners.photo), bool)
    centre_m = similarity.matrix[:, 2] + middle
    camera = camera_over(rectified, centre_m, -similarity.turn_deg, similarity.scale)
    return camera, similarity.is_inlier


def camera_over(
    rectified: RectifiedPhoto, centre_m: Float64Array, yaw_deg: float, gsd_m: float
) -> GroundCamera | None:
    """The view's camera, moved so that the photo's middle lies at a point of the ground."""
    scene = scene_point(rectified.camera, rectified.pose)
    if scene is None or gsd_m <= 0:
        return None
    zoom = gsd_m / rectified.gsd_m
    # Offsets in a view go to the right and down; the scene lies right and up of the camera.
    offset = np.array([[scene.east_m, -scene.north_m]])
    ahead = offsets_on_ground(offset, VoteHypothesis(yaw_deg, zoom))[0]
    pose = rectified.pose
    pose = Pose(yaw_deg % 360, pose.pitch_deg, pose.roll_deg, pose.height_m * zoom)
    return GroundCamera(pose, GroundPoint(*(float(v) for v in centre_m - ahead)))


def _gsd_m(rectified: RectifiedPhoto, camera: GroundCamera) -> float:
    """Ground sampling distance of the view if the camera is right."""
    return rectified.gsd_m * camera.pose.height_m / rectified.pose.height_m
