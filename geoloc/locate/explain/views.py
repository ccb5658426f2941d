"""What the network is shown of a photo, under every turn and scale that retrieval would try."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from geoloc.arrays import RgbImage
from geoloc.errors import PhotoError
from geoloc.geometry.panorama import roll_ring
from geoloc.geometry.rectification import rectify
from geoloc.index.map_index import MapIndex
from geoloc.locate.drone.hypotheses import hypothesis_stages
from geoloc.locate.drone.retrieval import network_yaws, north_up
from geoloc.locate.street.search import heading_stages, ring_of
from geoloc.models.embedder import Embedder
from geoloc.models.view import DRONE
from geoloc.photos.kind import PhotoKind, camera_of
from geoloc.photos.metadata import PhotoMetadata
from geoloc.photos.photo import Photo

# Only decides how finely local features would be looked for, of which there are none here.
_ANY_GSD_M = 0.5


@dataclass(frozen=True)
class RectifiedShot:
    """One input that a photo may become.

    Attributes:
        pixels: (h, w, 3) uint8 of the size that the network takes.
        supposed: What was supposed of the photo, in words.
    """

    pixels: RgbImage
    supposed: str


def sightings(
    photo: Photo, metadata: PhotoMetadata, kind: PhotoKind, *, index: MapIndex, embedder: Embedder
) -> list[RectifiedShot]:
    """All that a photo is tried as, at first: its own word on itself is believed.

    Raises:
        ModelError: The model was not trained for such photos.
        PhotoError: The photo shows no ground.
    """
    if kind == "drone":
        found = list(_from_above(photo, metadata, index=index, embedder=embedder))
    else:
        ring = ring_of(photo, metadata, kind, card=embedder.card)
        headings = next(heading_stages(metadata, "normal"))
        found = [
            RectifiedShot(roll_ring(ring, each), f"looking to {each:.0f}°") for each in headings
        ]
    if not found:
        raise PhotoError(
            f"{photo.path} shows no ground as a drone photo; expected one that looks down; "
            "choose another --view, or say its pitch_deg with --metadata",
            path=photo.path,
        )
    return found


def _from_above(
    photo: Photo, metadata: PhotoMetadata, *, index: MapIndex, embedder: Embedder
) -> Iterator[RectifiedShot]:
    """North-up squares, each as wide on the ground as a tile."""
    height_px, width_px = photo.pixels.shape[:2]
    camera = camera_of(metadata, width_px, height_px)
    side_px = embedder.card.input_size(DRONE).height_px
    sizes_m = sorted(float(size) for size in index.tiles["ground_size_m"].unique())
    for hypothesis in next(hypothesis_stages(metadata, "normal", gsd_m=_ANY_GSD_M)):
        for ground_m in sizes_m:
            view = rectify(photo.pixels, camera, hypothesis.pose, gsd_m=ground_m / side_px)
            for yaw_deg in network_yaws(hypothesis) if view is not None else ():
                assert view is not None
                square = embedder.shrink(north_up(view, yaw_deg, side_px), DRONE)
                height = f"from {hypothesis.pose.height_m:.0f} m"
                yield RectifiedShot(
                    square, f"{height}, heading {yaw_deg % 360:.0f}°, {ground_m:g} m wide"
                )
