"""Carry a place from a photo whose camera is known to one that shows the same ground."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from geoloc.errors import PhotoError
from geoloc.geometry.camera import Attitude
from geoloc.geometry.camera_solution import CameraSolution
from geoloc.geometry.lens import lens_of
from geoloc.geometry.undistortion import undistort
from geoloc.image_size import ImageSize
from geoloc.index.features.keypoints import Keypoints, detect_keypoints
from geoloc.locate.drone.final_camera import FINAL_CAMERA, NO_PAIRS, FinalCamera
from geoloc.locate.drone.georeferencing import georeference_carried
from geoloc.locate.estimate import RAYLEIGH_90
from geoloc.locate.locator import Locator
from geoloc.locate.track.overlap import OVERLAP, Overlap, find_overlap, solve_by_overlap
from geoloc.locate.track.second_search import Candidate
from geoloc.photos.kind import camera_of
from geoloc.photos.metadata import PhotoMetadata
from geoloc.photos.photo import read_photo
from geoloc.results.schema import PhotoResult
from geoloc.results.solved_camera import SolvedCamera, solved_camera

# Photos whose keypoints are kept: 0.4 MB each.
_KEPT = 64


class _PhotoFeatures(NamedTuple):
    """Keypoints of a photo in its full upright pixels, its size and what is known of it."""

    keypoints: Keypoints
    size: ImageSize
    metadata: PhotoMetadata


class Carrier:
    """Carries places between photos that overlap; safe to use from several threads.

    Args:
        locator: What has located them alone.
    """

    def __init__(self, locator: Locator) -> None:
        self._locator = locator
        self._features = lru_cache(maxsize=_KEPT)(self._read_features)
        self._overlaps = lru_cache(maxsize=_KEPT)(self._find_overlap)

    def carry(self, row: PhotoResult, neighbour: PhotoResult) -> Candidate | None:
        """A photo's place by a neighbour's camera; None where they do not overlap.

        Args:
            row: The row of the photo.
            neighbour: The row of a photo of its track whose place is sure.
        """
        known = solved_camera(neighbour)
        if known is None:
            return None
        other, there = self._features(Path(row.photo)), self._features(known.photo)
        overlap = self._overlap(known.photo, Path(row.photo))
        if other is None or there is None or overlap is None:
            return None
        same = other.size == there.size  # of one lens, which the neighbour's answer knows best
        size, metadata = other.size, other.metadata
        lens = known.camera if same else camera_of(metadata, size.width_px, size.height_px)
        sd_deg = neighbour.pitch_sd_deg or 0.0
        solution = solve_by_overlap(known, overlap, lens, pitch_sd_deg=sd_deg)
        if solution is None:
            return None
        solution = replace(as_unsure_as(neighbour, solution, known), residuals_m=np.empty(0))
        kind = (neighbour.lens_kind if same else None) or "assumed"
        final = FinalCamera(
            solution, kind, NO_PAIRS, stated=lens, lens=lens_of(metadata.distortion)
        )
        found = georeference_carried(
            final, known.frame, n_points=len(overlap.known_px), photo_size=size
        )
        lon, lat = found.position
        return Candidate(lon, lat, 0.0, row, found, metadata)

    def _overlap(self, known: Path, other: Path) -> Overlap | None:
        """What two photos share, found once for both ways."""
        first, second = sorted((known, other))
        overlap = self._overlaps(first, second)
        return overlap if overlap is None or first == known else overlap.reversed()

    def _find_overlap(self, known: Path, other: Path) -> Overlap | None:
        there, here = self._features(known), self._features(other)
        if there is None or here is None:
            return None
        return find_overlap(there.keypoints, here.keypoints)

    def _read_features(self, path: Path) -> _PhotoFeatures | None:
        """The keypoints of a photo; None where it cannot be read any more."""
        try:
            photo = read_photo(path, max_side_px=OVERLAP.side_px)
        except (PhotoError, MemoryError):
            return None  # it could be read a moment ago, and its row stands
        metadata = self._locator.sources.complete(path, photo.metadata)
        height_px, width_px = photo.pixels.shape[:2]
        camera = camera_of(metadata, width_px, height_px)
        pixels = undistort(photo.pixels, camera, lens_of(metadata.distortion))
        found = detect_keypoints(pixels, limit=OVERLAP.keypoints)
        factor = np.float32(photo.full_width_px / width_px)
        size = ImageSize(photo.full_height_px, photo.full_width_px)
        return _PhotoFeatures(replace(found, xy_px=found.xy_px * factor), size, metadata)


def as_unsure_as(
    neighbour: PhotoResult, solution: CameraSolution, known: SolvedCamera
) -> CameraSolution:
    """A camera by another photo's, with what is not sure of that one, too.

    Points on nearly flat ground leave height and lens open together, and say how large the ground
    is in the photo: so the way between the two is sure where the height is not.

    Args:
        neighbour: The row of the other photo.
        solution: The camera as what both show gives it, in the frame below the other photo.
        known: The camera of the other photo.
    """
    height_m, hfov_rad = solution.placed.pose.height_m, math.radians(known.camera.hfov_deg)
    position_sd_m = math.hypot(
        FINAL_CAMERA.level_sd * height_m, (neighbour.ce90_m or 0.0) / RAYLEIGH_90
    )
    return solution.widened(
        position_sd_m,
        height_sd_m=(neighbour.height_sd_m or 0.0) * height_m / known.pose.height_m,
        attitude_sd_deg=Attitude(
            neighbour.heading_sd or 0.0, neighbour.pitch_sd_deg or 0.0, neighbour.roll_sd_deg or 0.0
        ),
        focal_sd=math.radians(neighbour.hfov_sd_deg or 0.0) / math.sin(hfov_rad),
    )
