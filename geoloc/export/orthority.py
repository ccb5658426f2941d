"""Orthority: exterior parameters as GeoJSON and interior ones as YAML, to orthorectify photos.

Positions are in the zone of UTM that holds the first photo, and angles (omega, phi, kappa in
radians, PATB) are turned to its north. Focal length and sensor are in pixels.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from geoloc.arrays import Float64Array
from geoloc.export.attitude import omega_phi_kappa
from geoloc.export.camera_view import CameraView, camera_views, heights_m
from geoloc.export.colmap import OTHER_LENS
from geoloc.export.grid import Grid, utm_crs, utm_zone
from geoloc.export.lens import distortion, has_other_model
from geoloc.export.report import ExportReport
from geoloc.results.schema import PhotoResult
from geoloc.storage.atomic import write_text


def write_orthority(results: Sequence[PhotoResult], path: Path) -> ExportReport:
    """Write exterior parameters to a GeoJSON file, and interior ones to a YAML file beside it.

    Raises:
        OSError: A file cannot be written.
    """
    report = ExportReport()
    views = camera_views(results, report)
    heights = heights_m(views, report)
    cameras = {_camera(view): "" for view in views}
    cameras = {camera: f"camera {number}" for number, camera in enumerate(cameras, 1)}
    document: dict[str, Any] = {"type": "FeatureCollection", "features": []}
    if views:
        grid = Grid(utm_crs(utm_zone(views[0].solved.position)))
        document["world_crs"] = grid.crs
        document["features"] = [
            _feature(view, cameras[_camera(view)], [*place, z], grid.to_grid(view))
            for view, place, z in zip(views, grid.places(views).tolist(), heights, strict=True)
        ]
    interior = path.with_name(f"{path.stem}-interior.yaml")
    write_text(interior, "".join(f'"{name}":\n{camera}' for camera, name in cameras.items()))
    write_text(path, json.dumps(document, indent=1, ensure_ascii=False))
    if any(has_other_model(view) for view in views):
        report.note(OTHER_LENS)
    report.written += [path, interior]
    report.photos = len(views)
    return report


def _camera(view: CameraView) -> str:
    """The interior parameters of a photo, as lines of YAML; equal for photos that share them."""
    camera, lens = view.camera, distortion(view)
    lines = [
        f"type: {'pinhole' if lens is None else 'brown'}",
        f"im_size: [{camera.width_px}, {camera.height_px}]",
        f"focal_len: {camera.focal_px!r}",
        f"sensor_size: [{camera.width_px}, {camera.height_px}]",
    ]
    if lens is not None:
        lines += [f"{name}: {value!r}" for name, value in asdict(lens).items()]
    return "".join(f"  {line}\n" for line in lines)


def _feature(
    view: CameraView, camera: str, xyz: list[float], to_grid: Float64Array
) -> dict[str, Any]:
    """A camera as a point."""
    return {
        "type": "Feature",
        "properties": {
            "filename": view.name,
            "camera": camera,
            "xyz": xyz,
            "opk": list(omega_phi_kappa(to_grid)),
        },
        "geometry": {"type": "Point", "coordinates": [*view.solved.position, xyz[2]]},
    }
