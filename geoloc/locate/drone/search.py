"""Search of a map for one view of a drone photo: vote, vote again near the peaks, verify."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from geoloc.arrays import Int64Array, RgbImage
from geoloc.geometry.camera import Camera
from geoloc.index.features.feature_map import FeatureMap
from geoloc.index.features.keypoints import DescriptorExtractor
from geoloc.locate.drone.hypotheses import ViewHypothesis
from geoloc.locate.drone.verification import (
    VERIFICATION,
    CandidatePose,
    VerificationParameters,
    VerifiedPose,
    camera_over,
    verify_peak,
)
from geoloc.locate.drone.view import MIN_KEYPOINTS, PhotoView, view_photo
from geoloc.locate.drone.voting import (
    VOTING,
    Peak,
    Votes,
    VotingParameters,
    cast_votes,
    find_peaks,
)


@dataclass(frozen=True)
class SearchParameters:
    """How many features and places of the map are looked at for one view."""

    min_keypoints: int = MIN_KEYPOINTS
    # So many places are voted on again on a large map, and so many are verified.
    voted_again: int = 24
    verified: int = 6
    # Peaks weaker than this share of the strongest are not verified.
    least_strength: float = 0.15
    # A map with fewer features than this needs no second vote: nothing crowds out true neighbours.
    crowded_features: int = 120_000
    # The second vote reaches so far beyond what the view shows.
    window_margin_m: float = 60.0
    # Neighbours are asked for so that every square kilometre gets about eight of its own.
    block_features: int = 120_000
    max_blocks: int = 12


SEARCH = SearchParameters()


@dataclass(frozen=True)
class Proposals:
    """The places that the votes of one view propose, before geometry has decided.

    Attributes:
        view: The photo under one hypothesis.
        votes: Its votes; None where there was no feature to vote with.
        peaks: The places, strongest first.
    """

    view: PhotoView
    votes: Votes | None
    peaks: tuple[Peak, ...]

    def poses(self) -> list[CandidatePose]:
        """The peaks, each with the camera that would see it."""
        rectified = self.view.rectified
        cameras = (
            camera_over(rectified, np.array([peak.x_m, peak.y_m]), peak.yaw_deg, peak.gsd_m)
            for peak in self.peaks
        )
        pairs = zip(self.peaks, cameras, strict=True)
        return [CandidatePose(peak, camera) for peak, camera in pairs if camera is not None]


class DroneSearch:
    """Searches the features of a map for a photo, one view hypothesis at a time.

    Args:
        features: Features of the map.
        extractor: What described them; None is RootSIFT.
        parameters: How many features and places are looked at.
        voting: How pairs of features vote.
        verification: How peaks of the votes are verified.
    """

    def __init__(
        self,
        features: FeatureMap,
        *,
        extractor: DescriptorExtractor | None = None,
        parameters: SearchParameters = SEARCH,
        voting: VotingParameters = VOTING,
        verification: VerificationParameters = VERIFICATION,
    ) -> None:
        self.features = features
        self._extractor = extractor
        self._parameters = parameters
        self._voting = voting
        self._verification = verification

    def view(self, photo: RgbImage, camera: Camera, hypothesis: ViewHypothesis) -> PhotoView | None:
        """The photo (H, W, 3) uint8 under a hypothesis; None when it shows too little."""
        return view_photo(
            photo,
            camera,
            hypothesis,
            extractor=self._extractor,
            min_keypoints=self._parameters.min_keypoints,
        )

    def propose(self, view: PhotoView, *, among: Int64Array | None = None) -> Proposals:
        """The places that the votes of a view propose.

        On a large map a feature's true partner is often crowded out of its nearest eight by chance.
        So the strongest places of the first vote are voted on again, with partners from there only.

        Args:
            view: The photo under one hypothesis.
            among: Ids of the features to choose from; None is the whole map.
        """
        p = self._parameters
        count = len(self.features) if among is None else len(among)
        if count == 0:
            return Proposals(view, None, ())
        is_crowded = count > p.crowded_features
        votes, peaks = self._vote(view, among, p.voted_again if is_crowded else p.verified)
        if is_crowded and peaks:
            votes, peaks = self._vote(view, self._around(view, peaks), p.verified)
        strong = (peak for peak in peaks if peak.strength >= p.least_strength * peaks[0].strength)
        return Proposals(view, votes, tuple(strong))

    def verify(self, proposals: Proposals) -> list[VerifiedPose]:
        """Those of the proposed places that geometry bears out, with their evidence."""
        if proposals.votes is None:
            return []
        found = (
            verify_peak(
                proposals.view,
                self.features,
                votes=proposals.votes,
                peak=peak,
                parameters=self._verification,
                voting=self._voting,
            )
            for peak in proposals.peaks
        )
        return [verified for verified in found if verified is not None]

    def _vote(
        self, view: PhotoView, among: Int64Array | None, count: int
    ) -> tuple[Votes, list[Peak]]:
        """The votes of a view, and their `count` strongest peaks."""
        p, features = self._parameters, self.features
        blocks = (len(features) if among is None else len(among)) / p.block_features
        k = self._voting.neighbours * min(p.max_blocks, max(1, math.ceil(blocks)))
        nearest = features.nearest(view.keypoints.descriptors, k, among=among)
        votes = cast_votes(view.keypoints, features, nearest, parameters=self._voting)
        peaks = find_peaks(
            votes,
            view.offsets_px,
            view.hypothesis.vote_hypotheses(view.rectified.gsd_m),
            features.areas_m2(among),
            count=count,
            parameters=self._voting,
        )
        return votes, peaks

    def _around(self, view: PhotoView, peaks: list[Peak]) -> Int64Array:
        """Ids of the features that the photo may show if one of the peaks is right."""
        ids = []
        for peak in peaks:
            middle = np.array([peak.x_m, peak.y_m])
            reach_m = view.rectified.reach_px * peak.gsd_m + self._parameters.window_margin_m
            ids.append(self.features.in_box(peak.region, middle - reach_m, middle + reach_m))
        return self.features.each_once(ids)
