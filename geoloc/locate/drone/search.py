"""One hypothesis of a photo on the features of a map: vote, look again near the peaks, verify."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from geoloc.arrays import Int64Array
from geoloc.geometry.camera import GroundCamera
from geoloc.index.features.feature_map import FeatureMap
from geoloc.locate.drone.verification import VerifiedPose, camera_over, verify_peak
from geoloc.locate.drone.view import PhotoView
from geoloc.locate.drone.voting import VOTING, Peak, Votes, cast_votes, find_peaks

# So many places are looked at again on a large map, and so many are verified.
_SECOND_LOOKS = 24
_PEAKS = 6
# Peaks weaker than this share of the strongest are not verified.
_WORTH = 0.15
# A map with fewer features than this needs no second look: nothing crowds out true neighbours.
_CROWDED = 120_000
_WINDOW_MARGIN_M = 60.0
# Neighbours are asked for so that every square kilometre gets about eight of its own.
_BLOCK_FEATURES = 120_000
_MOST_BLOCKS = 12


@dataclass(frozen=True)
class Proposals:
    """The places that the votes of one hypothesis propose, before geometry has decided.

    There are no votes where there was no feature to vote with.
    """

    photo: PhotoView
    votes: Votes | None
    peaks: tuple[Peak, ...]

    def cameras(self) -> list[tuple[Peak, GroundCamera]]:
        """The peaks, each with the camera that would see it."""
        view = self.photo.view
        hung = (
            (peak, camera_over(view, np.array([peak.x_m, peak.y_m]), peak.yaw_deg, peak.gsd_m))
            for peak in self.peaks
        )
        return [(peak, camera) for peak, camera in hung if camera is not None]


def propose(features: FeatureMap, seen: PhotoView, *, among: Int64Array | None = None) -> Proposals:
    """The places that one hypothesis of a photo speaks for.

    On a large map a feature's true partner is often crowded out of its nearest eight by chance.
    So the strongest places of the first vote are looked at again, with partners from there only.

    Args:
        features: Of the map.
        seen: The photo, as `view_photo` gives it.
        among: Ids of the features to choose from; None is the whole map.
    """
    crowd = len(features) if among is None else len(among)
    if crowd == 0:
        return Proposals(seen, None, ())
    votes, peaks = _vote(features, seen, among, _SECOND_LOOKS if crowd > _CROWDED else _PEAKS)
    if crowd > _CROWDED and peaks:
        near = _around(features, seen, peaks)
        votes, peaks = _vote(features, seen, near, _PEAKS)
    worth = (peak for peak in peaks if peak.strength >= _WORTH * peaks[0].strength)
    return Proposals(seen, votes, tuple(worth))


def verify(features: FeatureMap, proposals: Proposals) -> list[VerifiedPose]:
    """Those of the proposed places that geometry bears out, with their evidence."""
    seen, votes = proposals.photo, proposals.votes
    if votes is None:
        return []
    found = (
        verify_peak(
            seen.view,
            seen.keypoints,
            features,
            votes=votes,
            peak=peak,
            tilt_sd_deg=seen.hypothesis.tilt_sd_deg,
        )
        for peak in proposals.peaks
    )
    return [verified for verified in found if verified is not None]


def _vote(
    features: FeatureMap, seen: PhotoView, among: Int64Array | None, count: int
) -> tuple[Votes, list[Peak]]:
    blocks = (len(features) if among is None else len(among)) / _BLOCK_FEATURES
    k = VOTING.neighbours * min(_MOST_BLOCKS, max(1, math.ceil(blocks)))
    nearest = features.nearest(seen.keypoints.descriptors, k, among=among)
    votes = cast_votes(seen.keypoints, features, nearest)
    offsets = (seen.view.centre_px - seen.keypoints.xy_px).astype(np.float32)
    vote_hypotheses = seen.hypothesis.vote_hypotheses(seen.view.gsd_m)
    areas = features.areas_m2(among)
    return votes, find_peaks(votes, offsets, vote_hypotheses, areas, count=count)


def _around(features: FeatureMap, seen: PhotoView, peaks: list[Peak]) -> Int64Array:
    """Ids of the features that the photo may show if one of the peaks is right."""
    ids = []
    for peak in peaks:
        middle = np.array([peak.x_m, peak.y_m])
        reach = seen.view.reach_px * peak.gsd_m + _WINDOW_MARGIN_M
        ids.append(features.in_box(peak.region, middle - reach, middle + reach))
    return features.each_once(ids)
