"""The solved camera of a photo, from its row: what is seen where, as far as the row tells.

A row states the camera in degrees and metres; here it becomes the `Camera` and the `Pose` that
`geoloc.geometry.camera` computes with, over a frame of its own whose origin lies below the camera.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from geoloc.geometry.camera import Attitude, Camera, Pose, pose_at
from geoloc.geometry.crs import LocalFrame, LonLat
from geoloc.results.schema import PhotoResult


class ControlPoint(NamedTuple):
    """A point of a photo that was found on the map.

    Attributes:
        column_px: Column in the upright photo, pixels from its left edge.
        row_px: Row, pixels from its upper edge.
        lon: Longitude, degrees.
        lat: Latitude, degrees.
        altitude_m: Height above the sea, metres; None without a terrain.
        misfit_m: Distance on the ground from where the camera puts it, metres.
    """

    column_px: float
    row_px: float
    lon: float
    lat: float
    altitude_m: float | None
    misfit_m: float


@dataclass(frozen=True, kw_only=True)
class SolvedCamera:
    """A photo's camera as it was solved.

    Attributes:
        photo: The photo's file.
        camera: Lens and size of the upright photo, in its full pixels.
        pose: Attitude from true north, and height above the ground below the camera.
        position: Where the camera was.
        altitude_m: Height of the camera above the sea; None where no terrain was given.
        control_points: Points of the photo that were found on the map, the best first.
    """

    photo: Path
    camera: Camera
    pose: Pose
    position: LonLat
    altitude_m: float | None
    control_points: tuple[ControlPoint, ...]

    @property
    def frame(self) -> LocalFrame:
        """Metres east and north of the point below the camera."""
        return LocalFrame(self.position)

    @property
    def ground_altitude_m(self) -> float | None:
        """Height above the sea of the ground below the camera; None without a terrain."""
        return None if self.altitude_m is None else self.altitude_m - self.pose.height_m


def solved_camera(result: PhotoResult) -> SolvedCamera | None:
    """The camera that a row states; None where it states none, as those of street photos."""
    r = result
    angles = (r.heading, r.pitch_deg, r.roll_deg, r.height_m, r.hfov_deg)
    known = [each for each in (r.longitude, r.latitude, *angles) if each is not None]
    if r.photo_width is None or r.photo_height is None or len(known) < 7:
        return None
    lon, lat, heading_deg, pitch_deg, roll_deg, height_m, hfov_deg = known
    if height_m <= 0 or not 0 < hfov_deg < 180:
        return None
    return SolvedCamera(
        photo=Path(r.photo),
        camera=Camera.from_hfov(r.photo_width, r.photo_height, hfov_deg),
        pose=pose_at(Attitude(heading_deg, pitch_deg, roll_deg), height_m),
        position=LonLat(lon, lat),
        altitude_m=r.altitude_m,
        control_points=control_points(r.control_points),
    )


def control_points_text(points: tuple[ControlPoint, ...]) -> str | None:
    """Control points as the column holds them; None where there are none."""
    if not points:
        return None
    rows = [
        [
            round(one.column_px, 2),
            round(one.row_px, 2),
            round(one.lon, 8),
            round(one.lat, 8),
            None if one.altitude_m is None else round(one.altitude_m, 2),
            round(one.misfit_m, 2),
        ]
        for one in points
    ]
    return json.dumps(rows, separators=(",", ":"))


def control_points(text: str | None) -> tuple[ControlPoint, ...]:
    """The control points of a column; none where it holds none, or was damaged by hand."""
    try:
        return tuple(ControlPoint(*row) for row in json.loads(text or "[]"))
    except (TypeError, ValueError):
        return ()
