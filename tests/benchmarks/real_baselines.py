"""What SIFT alone does with the whole map: the two baselines that geoloc is held against.

``SIFT, RANSAC`` is what everybody tries first: nearest neighbours, Lowe's ratio test, a homography.
It needs and uses no metadata. ``SIFT voting`` is the first of geoloc's own steps without those that
follow (second vote, verification, further hypotheses). Both read the map's features out of
geoloc's index, whose search is approximate (an inverted file), so that a true neighbour is missed
now and then; and neither retrieves anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import cv2
import numpy as np
from real_scores import Timer, answer, line
from real_sets import Case, Ground, photos_of, true_point

from geoloc.arrays import Float64Array
from geoloc.geometry.camera import project
from geoloc.geometry.crs import LonLat
from geoloc.geometry.rectification import rectify
from geoloc.index.features.feature_map import FeatureMap
from geoloc.index.features.keypoints import ROOT_SIFT, Keypoints, detect_keypoints
from geoloc.index.map_index import MapIndex
from geoloc.locate.drone.hypotheses import hypothesis_stages
from geoloc.locate.drone.voting import VOTING, Peak, cast_votes, find_peaks
from geoloc.options import Effort
from geoloc.photos.kind import camera_of
from geoloc.photos.metadata import PhotoMetadata
from geoloc.photos.photo import Photo

Find = Callable[[FeatureMap, Photo, PhotoMetadata], tuple[LonLat | None, bool]]

# A photo's long side for RANSAC: about as fine as the map's features where these sets were flown.
# Tried on eleven photos: 1000 px and Lowe's ratio of 0.8 find none of them, 600 px and 0.9 three.
_SIDE_PX = 600
_RATIO = 0.9
_REPROJECTION_M = 3.0
_MIN_INLIERS = 12
_SEED = 0
# Of the strongest place against the strongest elsewhere; further than this is elsewhere.
_MARGIN = 1.5
_ELSEWHERE_M = 40.0


def ransac_rows(case: Case, ground: Ground, effort: Effort) -> Iterator[str]:
    """The line of the ratio test; the same whatever is told, so only where most is."""
    if case.told != "nothing":
        yield _row("SIFT, RANSAC", case, ground, find_by_ransac)


def voting_rows(case: Case, ground: Ground, effort: Effort) -> Iterator[str]:
    """The line of a single vote over the whole map."""
    yield _row("SIFT voting", case, ground, find_by_vote)


def _row(method: str, case: Case, ground: Ground, find: Find) -> str:
    photos = photos_of(ground, case)
    folder = MapIndex.open(ground.index(case.index, descriptor=ROOT_SIFT.name)).features_folder
    assert folder is not None
    features = FeatureMap.open(folder)
    answers = []
    timer = Timer()
    for row, photo, known in photos:
        found, is_located = find(features, photo, known)
        answers.append(answer(found, true_point(row, case), is_located=is_located))
    return line(method, case, answers, timer)


def find_by_ransac(
    features: FeatureMap, photo: Photo, known: PhotoMetadata
) -> tuple[LonLat | None, bool]:
    """The ground under the photo's middle by the best homography; stood by with 12 inliers."""
    scale = min(1.0, _SIDE_PX / max(photo.pixels.shape[:2]))
    small = cv2.resize(photo.pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    pixels = np.asarray(small, np.uint8)
    keypoints = detect_keypoints(pixels)
    if len(keypoints) < 4:
        return None, False
    middle = np.array([[pixels.shape[1] / 2, pixels.shape[0] / 2]])
    best, best_count = None, 0
    for region, photo_px, ground_m in _matches(features, keypoints):
        cv2.setRNGSeed(_SEED)
        matrix, inside = cv2.findHomography(
            photo_px, ground_m, cv2.RANSAC, _REPROJECTION_M, maxIters=10_000
        )
        if matrix is not None and inside.sum() > best_count and _is_a_view(matrix, pixels.shape):
            place = project(np.asarray(matrix, np.float64), middle)
            best, best_count = _lonlat(features, region, place), int(inside.sum())
    return best, best_count >= _MIN_INLIERS


def _matches(
    features: FeatureMap, keypoints: Keypoints
) -> Iterator[tuple[int, Float64Array, Float64Array]]:
    """Pairs that pass the ratio test, region by region."""
    nearest = features.nearest(keypoints.descriptors, 2)
    passed = np.flatnonzero(
        (nearest.ids >= 0).all(axis=1)
        & (nearest.distances[:, 0] < _RATIO * nearest.distances[:, 1])
    )
    ids = nearest.ids[passed, 0]
    partners = features.read(ids)
    for region in np.unique(partners.region):
        here = partners.region == region
        if here.sum() >= 4:
            ground_m = partners.xy_m[here].astype(np.float64)
            yield int(region), keypoints.xy_px[passed[here]].astype(np.float64), ground_m


def _is_a_view(matrix: Float64Array, shape: tuple[int, ...]) -> bool:
    """Whether a homography shows a piece of ground from above, of 20 to 2000 m."""
    height, width = shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    depth = matrix[2] @ np.vstack([corners.T, np.ones(4)])
    if not ((depth > 0).all() or (depth < 0).all()):
        return False
    ground = project(np.asarray(matrix / np.sign(depth[0]), np.float64), corners)
    outline = ground.astype(np.float32)
    area_m2 = cv2.contourArea(outline, oriented=True)
    # Rows count downwards and northings upwards: an unmirrored photo runs clockwise there.
    return -(2000.0**2) < area_m2 < -(20.0**2) and bool(cv2.isContourConvex(outline))


def find_by_vote(
    features: FeatureMap, photo: Photo, known: PhotoMetadata
) -> tuple[LonLat | None, bool]:
    """The place of most votes under the first hypotheses; stood by if far ahead."""
    height, width = photo.pixels.shape[:2]
    camera = camera_of(known, width, height)
    peaks: list[Peak] = []
    for hypothesis in next(hypothesis_stages(known, "low", gsd_m=features.gsd_m)):
        rectified = rectify(photo.pixels, camera, hypothesis.pose, gsd_m=hypothesis.gsd_m)
        if rectified is None:
            continue
        keypoints = detect_keypoints(
            rectified.pixels, valid=rectified.valid, limit=hypothesis.keypoints
        )
        if len(keypoints) == 0:
            continue
        votes = cast_votes(
            keypoints, features, features.nearest(keypoints.descriptors, VOTING.neighbours)
        )
        offsets = (rectified.centre_px - keypoints.xy_px).astype(np.float32)
        peaks += find_peaks(
            votes,
            offsets,
            hypothesis.vote_hypotheses(rectified.gsd_m),
            features.areas_m2(),
            count=6,
        )
    if not peaks:
        return None, False
    best = max(peaks, key=lambda peak: peak.strength)
    rivals = [peak.strength for peak in peaks if _is_elsewhere(peak, best)]
    place = np.array([[best.x_m, best.y_m]])
    is_ahead = best.strength >= _MARGIN * max(rivals, default=0.0)
    return _lonlat(features, best.region, place), is_ahead


def _is_elsewhere(peak: Peak, best: Peak) -> bool:
    away = np.hypot(peak.x_m - best.x_m, peak.y_m - best.y_m)
    return peak.region != best.region or bool(away > _ELSEWHERE_M)


def _lonlat(features: FeatureMap, region: int, place: Float64Array) -> LonLat:
    lon, lat = features.regions[region].frame.to_lonlat(place)[0]
    return LonLat(float(lon), float(lat))
