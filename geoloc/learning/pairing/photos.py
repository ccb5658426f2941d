"""Photos of pairs: the place of each, and the image that the network will be shown.

The same as `geoloc locate` shows it: drone photos brought to north up and to the tile's scale, as
far as their height and heading are known, and ground photos as rings with north in the middle.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from geoloc.arrays import RgbImage
from geoloc.errors import PhotoError
from geoloc.geometry.camera import Camera, Pose, scene_point
from geoloc.geometry.crs import LocalFrame, LonLat
from geoloc.geometry.panorama import ring_from_panorama, ring_from_photo
from geoloc.geometry.rectification import NADIR_DEG, rectify
from geoloc.image_size import ImageSize
from geoloc.learning.options import PairingOptions, PairViewChoice
from geoloc.locate.drone.retrieval import north_up
from geoloc.models.view import GROUND, View
from geoloc.photos.kind import (
    PhotoKind,
    camera_of,
    kind_of,
    network_view,
    panorama_of,
    street_camera_of,
)
from geoloc.photos.metadata import PhotoMetadata, assumed_height_m
from geoloc.photos.metadata_sources import MetadataSources
from geoloc.photos.photo import Photo, read_photo
from geoloc.photos.photo_metadata import read_metadata
from geoloc.progress import Progress, Silent

# More than any network takes in.
_MAX_SIDE_PX = 2000
# Flatter than this, a photo whose heading is unknown shows ground that cannot be placed.
_STEEP_DEG = -75.0


@dataclass(frozen=True)
class PlacedPhoto:
    """A photo and the ground that it belongs to.

    Attributes:
        path: The photo.
        kind: Kind of the photo.
        metadata: Metadata of the photo.
        position: Place of its tile: the ground in the middle of a drone photo, the camera's
            place otherwise.
        height_m: Height of a drone above the ground, metres; None if it is not known.
    """

    path: Path
    kind: PhotoKind
    metadata: PhotoMetadata
    position: LonLat
    height_m: float | None

    @property
    def view(self) -> View:
        """The branch of the network that it is for."""
        return network_view(self.kind)


@dataclass(frozen=True)
class Failure:
    """A photo that became no pair, and why."""

    photo: Path
    reason: str


def place_photos(
    photos: Sequence[Path], options: PairingOptions, *, progress: Progress | None = None
) -> Iterator[PlacedPhoto | Failure]:
    """Where each photo belongs, in their order.

    Raises:
        MetadataError: ``options.metadata`` cannot be read, or a row of it fits several photos.
    """
    sources = MetadataSources(options.metadata)
    for note in sources.settle(photos):
        (progress or Silent()).warn(note)
    for path in photos:
        try:
            metadata = sources.complete(path, read_metadata(path))
        except PhotoError as error:
            yield Failure(path, str(error))
            continue
        yield _place(path, metadata, options)


def choose_view(placed: Sequence[PlacedPhoto], wanted: PairViewChoice) -> View:
    """The view that is asked for, or the most frequent one; of no photos at all the ground's."""
    if wanted != "auto":
        return wanted
    frequent = Counter(photo.view for photo in placed).most_common(1)
    return frequent[0][0] if frequent else GROUND


def draw_drone_photo(placed: PlacedPhoto, ground_size_m: float, size_px: int) -> RgbImage:
    """The photo as a square (S, S, 3), north up at the tile's scale, black where it shows nothing.

    A photo of unknown height cannot be brought to scale: its middle square is taken as it is.

    Raises:
        PhotoError: It cannot be decoded, or shows no ground.
    """
    photo = read_photo(placed.path, max_side_px=_MAX_SIDE_PX)
    height, width = photo.pixels.shape[:2]
    if placed.height_m is None:
        return _middle_square(photo.pixels, size_px)
    camera = camera_of(placed.metadata, width, height)
    pose = Pose(0.0, _pitch_deg(placed.metadata), 0.0, placed.height_m)
    view = rectify(photo.pixels, camera, pose, gsd_m=ground_size_m / size_px)
    if view is None:
        raise PhotoError(
            f"{placed.path} shows no ground at {placed.height_m:g} m height and a pitch of "
            f"{pose.pitch_deg:g} degrees; correct them with --metadata",
            path=placed.path,
        )
    return north_up(view, placed.metadata.yaw_deg or 0.0, size_px)


def draw_ring(placed: PlacedPhoto, width_px: int, span_deg: tuple[float, float]) -> RgbImage:
    """The photo as a ring (H, W, 3), north in the middle, or its own middle if that is unknown.

    Raises:
        PhotoError: It cannot be decoded.
    """
    photo = read_photo(placed.path, max_side_px=2 * _MAX_SIDE_PX)
    height_px = max(1, round(width_px * (span_deg[1] - span_deg[0]) / 360))
    size = ImageSize(height_px, width_px)
    if placed.kind == "panorama":
        return _ring_of_panorama(photo, placed.metadata, size, span_deg)
    height, width = photo.pixels.shape[:2]
    return ring_from_photo(
        photo.pixels,
        street_camera_of(placed.metadata, width, height),
        azimuth_deg=placed.metadata.yaw_deg or 0.0,
        pitch_deg=placed.metadata.pitch_deg or 0.0,
        roll_deg=placed.metadata.roll_deg or 0.0,
        size=size,
        span_deg=span_deg,
    )


def _ring_of_panorama(
    photo: Photo, metadata: PhotoMetadata, size: ImageSize, span_deg: tuple[float, float]
) -> RgbImage:
    height, width = photo.pixels.shape[:2]
    frame = panorama_of(metadata, width, height, full_width_px=photo.full_width_px)
    frame = replace(frame, heading_deg=metadata.yaw_deg or 0.0)
    return ring_from_panorama(photo.pixels, frame, size=size, span_deg=span_deg)


def _place(path: Path, metadata: PhotoMetadata, options: PairingOptions) -> PlacedPhoto | Failure:
    """The place of one photo, if it can be derived."""
    if metadata.lon is None or metadata.lat is None:
        return Failure(path, f"{path.name} says no position; give it in a CSV with --metadata")
    camera = LonLat(metadata.lon, metadata.lat)
    if options.view == "ground" and metadata.projection != "equirectangular":
        kind: PhotoKind = "street"
    elif options.view == "ground":
        kind = "panorama"
    else:
        kind = kind_of(options.view, metadata)
    if kind != "drone":
        return PlacedPhoto(path, kind, metadata, camera, None)
    height_m, pitch_deg = assumed_height_m(metadata) or options.height_m, _pitch_deg(metadata)
    if pitch_deg > _STEEP_DEG and (height_m is None or metadata.yaw_deg is None):
        missing = "height" if height_m is None else "heading"
        return Failure(
            path,
            f"{path.name} looks {pitch_deg + 90:.0f} degrees aslant and says no {missing}, so the "
            "ground that it shows is not known; give it in a CSV with --metadata",
        )
    position = camera
    if height_m is not None and metadata.yaw_deg is not None:
        position = _ground_ahead(camera, Pose(metadata.yaw_deg, pitch_deg, 0.0, height_m))
    return PlacedPhoto(path, kind, metadata, position, height_m)


def _pitch_deg(metadata: PhotoMetadata) -> float:
    return NADIR_DEG if metadata.pitch_deg is None else metadata.pitch_deg


def _ground_ahead(camera: LonLat, pose: Pose) -> LonLat:
    """The ground in the middle of a photo; the camera's own place where that is sky."""
    point = scene_point(Camera(2, 2, 1.0), pose)  # the middle does not depend on the lens
    if point is None:
        return camera
    lon, lat = LocalFrame(camera).to_lonlat([[point.east_m, point.north_m]])[0]
    return LonLat(float(lon), float(lat))


def _middle_square(pixels: RgbImage, size_px: int) -> RgbImage:
    height, width = pixels.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = pixels[top : top + side, left : left + side]
    how = cv2.INTER_AREA if side >= size_px else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(square, (size_px, size_px), interpolation=how), np.uint8)
