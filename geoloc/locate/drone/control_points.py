"""Control points of a photo: pairs that agree with its camera, for programs that adjust a block.

Photos of the same ground choose the same features where they can, because such a program wants each
point in several photos: squares of the ground are alike for all photos of about the same height,
and in each the feature counts whose place has the least digest.
"""

from __future__ import annotations

import math

import numpy as np

from geoloc.arrays import Float64Array, Int64Array
from geoloc.geometry.crs import LocalFrame
from geoloc.image_size import ImageSize
from geoloc.locate.drone.final_camera import FinalCamera
from geoloc.results.solved_camera import ControlPoint

# Nearer than this to where the camera sees them, metres; one in each square of the ground whose
# side is about this share of the flying height; at most so many.
_NEAR_M = 1.0
_SQUARE_HEIGHTS = 0.25
_MOST = 12


def choose_control_points(
    final: FinalCamera, frame: LocalFrame, photo_size: ImageSize
) -> tuple[ControlPoint, ...]:
    """At most a dozen points that agree, spread over the ground.

    Args:
        final: The camera and the points that hold it.
        frame: Local frame of the points.
        photo_size: Size of the upright photo in its file, whose pixels are stated.
    """
    residuals_m = final.solution.residuals_m
    chosen = _spread(final, np.flatnonzero(residuals_m < _NEAR_M))
    ground_m = final.points.ground_m[chosen]
    lonlat, heights_m = frame.to_lonlat(ground_m), final.ground.heights_m(ground_m)
    lens = final.solution.camera
    share = final.in_photo(final.points.photo_px[chosen]) / [lens.width_px, lens.height_px]
    photo_px = share * [photo_size.width_px, photo_size.height_px]
    return tuple(
        ControlPoint(
            column_px=float(photo_px[i, 0]),
            row_px=float(photo_px[i, 1]),
            lon=float(lonlat[i, 0]),
            lat=float(lonlat[i, 1]),
            altitude_m=final.altitude_m(float(heights_m[i])),
            misfit_m=float(residuals_m[at]),
        )
        for i, at in enumerate(chosen)
    )


def _spread(final: FinalCamera, near: Int64Array) -> Int64Array:
    """One of the points in each square of the ground."""
    if len(near) == 0:
        return near
    ground_m = final.points.ground_m[near]
    side_m = max(1.0, _SQUARE_HEIGHTS * final.solution.placed.pose.height_m)
    squares = np.floor(ground_m / 2.0 ** round(math.log2(side_m))).astype(np.int64)
    order = np.argsort(_digests(ground_m), kind="stable")
    _, first = np.unique(squares[order], axis=0, return_index=True)
    return np.asarray(near[order[np.sort(first)]][:_MOST], np.int64)


def _digests(ground_m: Float64Array) -> Int64Array:
    """A number (N,) for each place that tells nothing of where it is."""
    places = np.round(ground_m * 100).astype(np.int64)
    mixed = (places[:, 0] * 73_856_093) ^ (places[:, 1] * 19_349_663)
    return np.asarray((mixed * 2_654_435_761) & 0xFFFFFFFF, np.int64)
