"""COLMAP: cameras and poses as a sparse model of text files, without points.

The frame is metric: metres east, north and up of an origin that ``images.txt`` states. Poses turn
the world into the camera, which looks along z with y down; a pixel's centre lies at 0.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from geoloc.export.attitude import quaternion
from geoloc.export.camera_view import CameraView, camera_views, heights_m
from geoloc.export.grid import local_grid
from geoloc.export.lens import distortion, has_other_model
from geoloc.export.report import ExportReport
from geoloc.geometry.crs import LonLat
from geoloc.results.schema import PhotoResult
from geoloc.storage.atomic import write_text

OTHER_LENS = "a lens model that this format does not know was left out: such photos are a pinhole"


def write_colmap(results: Sequence[PhotoResult], folder: Path) -> ExportReport:
    """Write ``cameras.txt``, ``images.txt`` and an empty ``points3D.txt`` into a folder.

    Raises:
        OSError: A file cannot be written.
    """
    report = ExportReport()
    views = camera_views(results, report, blanks=False)
    cameras = {_camera(view): 0 for view in views}
    cameras = {camera: number for number, camera in enumerate(cameras, 1)}
    texts = {
        "cameras.txt": _lines(
            ["# CAMERA_ID, MODEL, WIDTH, HEIGHT, PARAMS[]"],
            [f"{number} {camera}" for camera, number in cameras.items()],
        ),
        "images.txt": _images(views, [cameras[_camera(view)] for view in views], report),
        "points3D.txt": _lines(["# POINT3D_ID, X, Y, Z, R, G, B, ERROR, TRACK[]"], []),
    }
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        write_text(folder / name, text)
        report.written.append(folder / name)
    if any(has_other_model(view) for view in views):
        report.note(OTHER_LENS)
    report.photos = len(views)
    return report


def _lines(comments: list[str], lines: list[str]) -> str:
    return "\n".join([*comments, *lines, ""])


def _camera(view: CameraView) -> str:
    """The camera of a photo, without its number: equal for photos that share it."""
    camera, lens = view.camera, distortion(view)
    f, x, y = camera.focal_px, camera.width_px / 2, camera.height_px / 2
    if lens is None:
        model, numbers = "PINHOLE", [f, f, x, y]
    elif lens.k3 == 0:
        model, numbers = "OPENCV", [f, f, x, y, lens.k1, lens.k2, lens.p1, lens.p2]
    else:
        radial = [lens.k1, lens.k2, lens.p1, lens.p2, lens.k3, 0.0, 0.0, 0.0]
        model, numbers = "FULL_OPENCV", [f, f, x, y, *radial]
    return f"{model} {camera.width_px} {camera.height_px} {_text(numbers)}"


def _images(views: Sequence[CameraView], numbers: Sequence[int], report: ExportReport) -> str:
    """Two lines a photo: its pose, and no points."""
    heights = heights_m(views, report)
    comments = ["# IMAGE_ID, QW, QX, QY, QZ, TX, TY, TZ, CAMERA_ID, NAME"]
    lines: list[str] = []
    if views:
        origin = LonLat(*np.mean([view.solved.position for view in views], axis=0).tolist())
        grid = local_grid(origin)
        datum = "the ground" if report.notes else "the sea"
        comments += [
            f"# Frame: metres east, north and up; origin at longitude {origin.lon!r}, latitude "
            f"{origin.lat!r} (WGS84); heights are above {datum}",
            f"# CRS of x and y: {grid.crs}",
        ]
        places = np.column_stack([grid.places(views), heights])
        for i, (view, place, number) in enumerate(zip(views, places, numbers, strict=True), 1):
            to_grid = grid.to_grid(view)
            pose = [*quaternion(to_grid), *(-to_grid.T @ place)]
            lines += [f"{i} {_text(pose)} {number} {view.name}", ""]
    return _lines(comments, lines)


def _text(numbers: Sequence[float]) -> str:
    return " ".join(repr(float(number)) for number in numbers)
