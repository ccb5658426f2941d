"""Guided pairing: keypoints of a view and the map features near where a camera expects them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from geoloc.arrays import Float32Array, Float64Array, FloatArray, Int64Array
from geoloc.index.features.feature_map import FeatureMap
from geoloc.index.features.keypoints import DescriptorKind
from geoloc.locate.drone.camera_fit import PointPairs
from geoloc.locate.drone.hypotheses import VoteHypothesis
from geoloc.locate.drone.view import PhotoView
from geoloc.locate.drone.voting import VOTING, VotingParameters


@dataclass(frozen=True)
class MapPartners:
    """Keypoints of the photo and the map features that they are paired with, one to one.

    Attributes:
        photo: (N,) positions of the keypoints.
        ground_m: (N, 2) places of the map features.
    """

    photo: Int64Array
    ground_m: Float64Array

    def pairs(self, photo_px: Float64Array) -> PointPairs:
        """The pairs as points, from the places of all keypoints in the photo."""
        return PointPairs(photo_px[self.photo], self.ground_m)


@dataclass(frozen=True)
class Surroundings:
    """The map features around a place.

    Attributes:
        xy_m: (N, 2) places.
        size_m: (N,) sizes.
        angle_deg: (N,) angles, clockwise from east.
        unit: (N, D) descriptors of length one.
        kind: What the descriptors are.
        tree: The places, for finding what is near.
    """

    xy_m: Float64Array
    size_m: Float32Array
    angle_deg: Float32Array
    unit: Float32Array
    kind: DescriptorKind
    tree: cKDTree

    @classmethod
    def of(
        cls,
        features: FeatureMap,
        region: int,
        middle_m: Float64Array,
        reach_m: float,
        *,
        least: int,
    ) -> Surroundings | None:
        """The features of a square of a region; None when fewer than `least` lie there.

        Args:
            features: Features of the map.
            region: Region of the map.
            middle_m: (2,) middle of the square in its frame.
            reach_m: From there to its sides.
            least: So many features are worth a look.
        """
        ids = features.in_box(region, middle_m - reach_m, middle_m + reach_m)
        if len(ids) < least:
            return None
        found = features.read(ids)
        xy_m = found.xy_m.astype(float)
        return cls(
            xy_m,
            found.size_m,
            found.angle_deg,
            features.kind.unit(found.descriptors),
            features.kind,
            cKDTree(xy_m),
        )


def map_partners(
    view: PhotoView,
    around: Surroundings,
    expected_m: Float64Array,
    hypothesis: VoteHypothesis,
    *,
    radius_m: float,
    voting: VotingParameters = VOTING,
) -> MapPartners:
    """For each keypoint the most similar map feature near its expected place, one to one.

    Args:
        view: The photo from above, with its keypoints.
        around: The map features to choose from.
        expected_m: (N, 2) where each keypoint should lie; NaN where it sees no ground.
        hypothesis: Turn and scale of the view, which sizes and angles of partners agree with.
        radius_m: How far from its expected place a partner may lie.
        voting: What agreement of size and angle means.
    """
    keypoints = view.keypoints
    known = np.flatnonzero(np.isfinite(expected_m).all(axis=1))  # (K,) keypoints that see ground
    # Two trees meet in half the time that asking one point by point takes.
    near = cKDTree(expected_m[known]).sparse_distance_matrix(
        around.tree, radius_m, output_type="ndarray"
    )
    photo, feature = known[near["i"]], near["j"]  # (P,) all pairs within the radius
    ratio = around.size_m[feature] / keypoints.size_px[photo] / hypothesis.gsd_m
    turn = around.angle_deg[feature] - keypoints.angle_deg[photo] - hypothesis.yaw_deg
    fits = np.abs(np.log(ratio)) < math.log(voting.max_scale_ratio)
    fits &= np.abs((turn + 180) % 360 - 180) < voting.max_turn_deg
    photo, feature = photo[fits], feature[fits]
    unit = around.kind.unit(keypoints.descriptors)  # (N, D)
    similarity = np.einsum("ij,ij->i", unit[photo], around.unit[feature])
    similar = similarity > around.kind.least_similarity
    photo, feature, similarity = photo[similar], feature[similar], similarity[similar]
    best = _best_of(photo, similarity)
    photo, feature, similarity = photo[best], feature[best], similarity[best]
    best = _best_of(feature, similarity)
    return MapPartners(photo[best], around.xy_m[feature[best]])


def _best_of(groups: Int64Array, similarity: FloatArray) -> Int64Array:
    """Positions, ascending, of the most similar pair of each group.

    Args:
        groups: (P,) number of the group that a pair is in.
        similarity: (P,) similarity of the pair.
    """
    order = np.lexsort((-similarity, groups))
    ordered = groups[order]
    is_first = np.append(True, ordered[1:] != ordered[:-1])[: len(ordered)]
    return np.sort(order[is_first])
