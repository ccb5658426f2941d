"""The kind of a photo (drone, street, panorama) and the camera that goes with it."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from geoloc.geometry.camera import Camera
from geoloc.geometry.panorama import Panorama
from geoloc.models.view import DRONE, GROUND, View
from geoloc.options import ViewChoice
from geoloc.photos.maker import is_drone_camera, is_phone
from geoloc.photos.metadata import LOWEST_DRONE_M, PhotoMetadata

PhotoKind = Literal["drone", "street", "panorama"]  # `geoloc.options.ViewChoice` without auto
# The 24 mm equivalent of most camera drones, across the long side of 3:2.
DEFAULT_HFOV_DEG = 73.7
# The 26 mm equivalent of most phones, across the long side of 4:3.
STREET_HFOV_DEG = 67.4
# Flatter than this there is hardly any ground in the photo to compare with a map.
FLATTEST_PITCH_DEG = -15.0
# As steeply down looks nobody who stands in a street, only a drone whose take-off was on a roof.
_STEEPEST_STREET_DEG = -60.0


def kind_of(
    view: ViewChoice, metadata: PhotoMetadata, *, default: PhotoKind = "drone"
) -> PhotoKind:
    """Kind of a photo: as the caller asks, or by its metadata.

    Args:
        view: Kind that the caller asks for, or ``auto``.
        metadata: What is known of the photo.
        default: Kind of a photo that states neither height nor pitch, and whose maker makes all
            sorts of cameras.

    Height and pitch are asked together: a photo from below `LOWEST_DRONE_M` is a street photo
    unless it looks straight down. Where both are missing, a phone was held in a street.
    """
    if view != "auto":
        return view
    if metadata.projection == "equirectangular":
        return "panorama"
    height_m, pitch_deg = metadata.rel_alt_m, metadata.pitch_deg
    is_low = height_m is not None and height_m < LOWEST_DRONE_M
    if is_low and (pitch_deg is None or pitch_deg > _STEEPEST_STREET_DEG):
        return "street"
    if pitch_deg is not None and pitch_deg > FLATTEST_PITCH_DEG:
        return "street"
    if height_m is not None or pitch_deg is not None or is_drone_camera(metadata):
        return "drone"
    return "street" if is_phone(metadata) else default


def network_view(kind: PhotoKind) -> View:
    """The view of a network that photos of a kind are embedded with."""
    return DRONE if kind == "drone" else GROUND


def camera_of(metadata: PhotoMetadata, width_px: int, height_px: int) -> Camera:
    """The photo's camera, with a common field of view where none is stated."""
    hfov_deg = metadata.hfov_deg or DEFAULT_HFOV_DEG
    # No pinhole sees 180 degrees: this is a panorama that the caller calls a drone photo.
    return Camera.from_hfov(width_px, height_px, hfov_deg if hfov_deg < 180 else DEFAULT_HFOV_DEG)


def street_camera_of(metadata: PhotoMetadata, width_px: int, height_px: int) -> Camera:
    """The camera of a street photo: a phone's, upright or not, where none is stated."""
    hfov_deg = metadata.hfov_deg
    if hfov_deg is not None and 0 < hfov_deg < 180:
        return Camera.from_hfov(width_px, height_px, hfov_deg)
    long_px = max(width_px, height_px)
    return Camera(width_px, height_px, Camera.from_hfov(long_px, long_px, STREET_HFOV_DEG).focal_px)


def panorama_of(
    metadata: PhotoMetadata, width_px: int, height_px: int, *, full_width_px: int
) -> Panorama:
    """The frame of a panorama's pixels, its heading left at zero for the search to find.

    An image without a stated frame is taken as a whole turn (or as much of one as its field of view
    states, which no lens has from 180 degrees) with its horizon halfway up.

    Args:
        metadata: What is known of the photo.
        width_px: Width of the pixels, which may have been reduced.
        height_px: Height of the pixels.
        full_width_px: Width of the photo in its file.
    """
    if metadata.panorama is not None:
        return replace(metadata.panorama.resized(width_px / full_width_px), heading_deg=0.0)
    turn_deg = metadata.hfov_deg or 360.0
    turn_width_px = round(width_px * 360 / min(turn_deg, 360.0)) if turn_deg >= 180 else width_px
    sphere_px = max(height_px, round(turn_width_px / 2))
    left_px, top_px = (turn_width_px - width_px) // 2, (sphere_px - height_px) // 2
    return Panorama(turn_width_px, sphere_px, left_px, top_px)
