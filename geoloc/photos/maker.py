"""Makers of cameras that say what a photo is of: phones are held in a street, drones fly."""

from __future__ import annotations

import re

from geoloc.photos.metadata import PhotoMetadata

# The first word of a maker's name, as cameras write it into EXIF.
_PHONE = re.compile(
    r"(apple|asus|blackberry|fairphone|google|hmd|honor|htc|huawei|infinix|lge?|motorola|nokia"
    r"|nothing|oneplus|oppo|realme|redmi|samsung|tcl|tecno|vivo|xiaomi|zte)\b",
    re.IGNORECASE,
)
_DRONE = re.compile(
    r"(autel|dji|fimi|hubsan|parrot|potensic|sensefly|skydio|yuneec)\b", re.IGNORECASE
)
# Cameras that makers of drones sell for the hand, by words of the model.
_HAND_HELD = re.compile(r"osmo|pocket|action", re.IGNORECASE)


def is_phone(metadata: PhotoMetadata) -> bool:
    """Whether a phone took the photo, by the maker that it states."""
    return _PHONE.match((metadata.make or "").strip()) is not None


def is_drone_camera(metadata: PhotoMetadata) -> bool:
    """Whether a drone took the photo, by the maker that it states."""
    is_of_drones = _DRONE.match((metadata.make or "").strip()) is not None
    return is_of_drones and _HAND_HELD.search(metadata.model or "") is None
