"""Photo metadata: position, attitude, lens and time, from the photo, a table or a flight log."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

from geoloc.geometry.panorama import Panorama

YawRef = Literal["true", "magnetic"]
Projection = Literal["perspective", "equirectangular"]

# Nearer to the ground no drone is flown for its photos.
LOWEST_DRONE_M = 8.0


@dataclass(frozen=True)
class PhotoMetadata:
    """What is known of a photo beside its pixels; None where nothing is.

    Attributes:
        lon: Longitude of the camera, degrees east (WGS84).
        lat: Latitude of the camera, degrees north (WGS84).
        altitude_m: Height above the sea or the ellipsoid, whatever the device means.
        rel_alt_m: Height above the take-off point, positive; see `assumed_height_m`.
        yaw_deg: Azimuth, clockwise from north in [0, 360), as `geoloc.geometry.camera` defines it.
        yaw_ref: North that the yaw refers to, where it is stated.
        yaw_source: Tag that the yaw came from.
        pitch_deg: Elevation of the optical axis; -90 straight down, 0 level.
        roll_deg: Turn about the optical axis, positive when the camera's right side goes down.
        hfov_deg: Field of view across the width of the upright photo; up to 360 for panoramas.
        distortion: Distortion of the lens of the upright photo, JSON (`geoloc.geometry.lens`).
        focal_35mm: The 35 mm equivalent focal length as stated, in millimetres.
        timestamp: Time of the exposure, ISO 8601, with the UTC offset where it is stated.
        make: Make of the camera.
        model: Model of the camera.
        orientation: Orientation as EXIF counts it, 1 to 8.
        rotation_deg: Clockwise turn that brings the stored pixels upright: 0, 90, 180, 270.
        projection: Projection by which directions become pixels.
        panorama: The frame of an equirectangular photo, in pixels of the upright file.
        notes: What was missing, doubtful or rejected, one sentence each.
    """

    lon: float | None = None
    lat: float | None = None
    altitude_m: float | None = None
    rel_alt_m: float | None = None
    yaw_deg: float | None = None
    yaw_ref: YawRef | None = None
    yaw_source: str | None = None
    pitch_deg: float | None = None
    roll_deg: float | None = None
    hfov_deg: float | None = None
    distortion: str | None = None
    focal_35mm: float | None = None
    timestamp: str | None = None
    make: str | None = None
    model: str | None = None
    orientation: int | None = None
    rotation_deg: int | None = None
    projection: Projection | None = None
    panorama: Panorama | None = None
    notes: tuple[str, ...] = ()


def merge(photo: PhotoMetadata, table: PhotoMetadata) -> PhotoMetadata:
    """Metadata of a photo, overridden by all that the table states; the notes of both."""
    stated = {
        name: value
        for name in (f.name for f in fields(PhotoMetadata))
        if name != "notes" and (value := getattr(table, name)) is not None
    }
    if "yaw_deg" in stated:  # the photo's reference does not belong to the table's yaw
        stated.setdefault("yaw_ref", None)
        stated.setdefault("yaw_source", None)
    return replace(photo, **stated, notes=photo.notes + table.notes)


def assumed_height_m(metadata: PhotoMetadata) -> float | None:
    """Height above the ground in metres, assumed to be that above take-off; None where unknown.

    This is the one place where what a drone states (``rel_alt_m``) becomes what geometry needs
    (`geoloc.geometry.camera.Pose.height_m`). The two differ by how much higher or lower the ground
    in the photo lies than the take-off point, which on hills may be as much as the height itself.
    Less than `LOWEST_DRONE_M` above take-off says nothing of the ground in a photo from a drone:
    it took off on a roof, or flies down a slope.
    """
    height_m = metadata.rel_alt_m
    return None if height_m is None or height_m < LOWEST_DRONE_M else height_m


@dataclass
class MetadataBuilder:
    """Builds a `PhotoMetadata` from several tags, of which the first good one wins.

    Attributes:
        values: Values by the fields of `PhotoMetadata`.
        sources: Tag that each value came from.
        notes: What was missing, doubtful or rejected.
    """

    values: dict[str, Any] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def keep(self, name: str, value: object, source: str) -> None:
        """Keep a value unless there is none, or a better source gave one before."""
        if value is not None and name not in self.values:
            self.values[name] = value
            self.sources[name] = source

    def keep_within(
        self, name: str, value: float | None, source: str, *, limits: tuple[float, float]
    ) -> None:
        """Keep a number that lies within the limits; note one that does not."""
        if value is not None and not limits[0] <= value <= limits[1]:
            self.notes.append(f"{source} {value:g} is out of range: ignored")
            return
        self.keep(name, value, source)

    def metadata(self) -> PhotoMetadata:
        """All of it, where nothing more will be found."""
        return PhotoMetadata(**self.values, notes=tuple(self.notes))
