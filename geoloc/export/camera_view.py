"""Cameras of located photos, in the pixels of their files, which other programs do not turn.

geoloc counts pixels of the upright photo; a program that reads the file as it is stored wants the
camera turned by as much as the EXIF orientation turns the photo.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from geoloc.arrays import Float64Array
from geoloc.export.report import ExportReport
from geoloc.geometry.camera import Camera, rotation
from geoloc.results.schema import PhotoResult
from geoloc.results.solved_camera import SolvedCamera, solved_camera

# Radius of a circle that holds so much of a normal spread that is equal in all directions, in
# standard deviations of one axis: sqrt(-2 ln(1 - share)).
_RADIUS_90, _RADIUS_95 = 2.145966, 2.447747

NO_TERRAIN = (
    "heights are above the ground under each camera, not above the sea: no terrain was given"
)


@dataclass(frozen=True)
class CameraView:
    """The camera of a photo as its file is stored.

    Attributes:
        result: The photo's row.
        solved: Its camera, upright.
        camera: The same lens, over the pixels of the file.
        to_ground: Rotation (3, 3) whose columns are the stored photo's right, down and forward in
            metres east, north and up.
    """

    result: PhotoResult
    solved: SolvedCamera
    camera: Camera
    to_ground: Float64Array

    @property
    def name(self) -> str:
        """The photo's file name."""
        return Path(self.result.photo).name

    @property
    def horizontal_sd_m(self) -> float | None:
        """Standard deviation of the position along one axis, metres; None where none is known."""
        return horizontal_sd_m(self.result)

    def pixels(self, upright: Float64Array) -> Float64Array:
        """Pixels (N, 2) of the file, from those (N, 2) of the upright photo."""
        x, y = np.asarray(upright, np.float64).reshape(-1, 2).T
        width, height = self.solved.camera.width_px, self.solved.camera.height_px
        turned = {90: (y, width - x), 180: (width - x, height - y), 270: (height - y, x)}
        return np.column_stack(turned.get(self.result.rotation or 0, (x, y)))


def camera_views(
    results: Sequence[PhotoResult], report: ExportReport, *, blanks: bool = True
) -> list[CameraView]:
    """The cameras of photos, each name once; photos without one are left out with the reason.

    Args:
        results: The photos.
        report: Is told who is left out, and why.
        blanks: Whether the format can hold a file name with a blank in it.
    """
    views: dict[str, CameraView] = {}
    for result in results:
        solved = solved_camera(result)
        name = Path(result.photo).name
        if solved is None:
            report.leave_out(result, "no camera was solved for it")
        elif not blanks and len(name.split()) > 1:
            report.leave_out(result, "its name has a blank, which ends a name in this format")
        elif name in views:
            report.leave_out(result, "another photo has the same name, which is all that counts")
        else:
            views[name] = _view(result, solved)
    return list(views.values())


def _view(result: PhotoResult, solved: SolvedCamera) -> CameraView:
    """The camera of one photo, turned back as its file is stored."""
    right, down, forward = rotation(solved.pose).T
    turned = {90: (down, -right), 180: (-right, -down), 270: (-down, right)}
    stored = turned.get(result.rotation or 0, (right, down))
    upright = solved.camera
    width_px, height_px = upright.width_px, upright.height_px
    if result.rotation in (90, 270):
        width_px, height_px = height_px, width_px
    camera = Camera(width_px, height_px, upright.focal_px)
    return CameraView(result, solved, camera, np.column_stack([*stored, forward]))


def horizontal_sd_m(result: PhotoResult) -> float | None:
    """Standard deviation of a position along one axis, from its radii; None where none is known."""
    if result.ce90_m is not None:
        return result.ce90_m / _RADIUS_90
    return None if result.acc95_m is None else result.acc95_m / _RADIUS_95


def heights_m(views: Sequence[CameraView], report: ExportReport) -> list[float]:
    """Heights of the cameras on one datum: above the sea if all are known, else above the ground.

    Two datums in one file would bend whatever is made of it.
    """
    altitudes = [view.solved.altitude_m for view in views]
    known = [each for each in altitudes if each is not None]
    if len(known) == len(views):
        return known
    report.note(NO_TERRAIN)
    return [view.solved.pose.height_m for view in views]
