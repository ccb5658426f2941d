"""Network inputs of a photo: its crops or rings under each hypothesis that is tried first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from geoloc.arrays import RgbImage
from geoloc.errors import PhotoError
from geoloc.index.map_index import MapIndex
from geoloc.locate.drone.hypotheses import hypothesis_stages
from geoloc.locate.drone.retrieval import north_up_crops
from geoloc.locate.street.queries import Query, queries_of
from geoloc.models.embedder import Embedder
from geoloc.models.view import DRONE, GROUND
from geoloc.photos.kind import PhotoKind, camera_of
from geoloc.photos.metadata import PhotoMetadata
from geoloc.photos.photo import Photo

# Only decides how finely local features would be looked for, of which there are none here.
_ANY_GSD_M = 0.5


@dataclass(frozen=True)
class NetworkInput:
    """One input that a photo becomes under a hypothesis.

    Attributes:
        pixels: (h, w, 3) uint8 of the size that the network takes.
        supposed: Height, heading and scale of the hypothesis, in words.
    """

    pixels: RgbImage
    supposed: str


def network_inputs(
    photo: Photo, metadata: PhotoMetadata, kind: PhotoKind, *, index: MapIndex, embedder: Embedder
) -> list[NetworkInput]:
    """The inputs of the first stage of hypotheses, which trusts what the photo states.

    Raises:
        ModelError: The model was not trained for such photos.
        PhotoError: The photo shows no ground.
    """
    if kind == "drone":
        inputs = list(_crops(photo, metadata, index=index, embedder=embedder))
    else:
        query = next(queries_of(photo, metadata, kind, card=embedder.card))
        inputs = [
            NetworkInput(embedder.shrink(query.picture(at), GROUND), _supposed(query, at))
            for at in range(len(query))
        ]
    if not inputs:
        raise PhotoError(
            f"{photo.path} shows no ground as a drone photo; expected one that looks down; "
            "choose another --view, or say its pitch_deg with --metadata",
            path=photo.path,
        )
    return inputs


def _supposed(query: Query, at: int) -> str:
    """What picture number `at` of a street photo supposes, in words."""
    if query.headings_deg is not None:
        return f"looking to {query.headings_deg[at]:.0f}°"
    return "the whole photo" if len(query) == 1 else f"view {at + 1} of {len(query)}"


def _crops(
    photo: Photo, metadata: PhotoMetadata, *, index: MapIndex, embedder: Embedder
) -> Iterator[NetworkInput]:
    """North-up crops, each as wide on the ground as a tile."""
    height_px, width_px = photo.pixels.shape[:2]
    crops = north_up_crops(
        photo.pixels,
        camera_of(metadata, width_px, height_px),
        next(hypothesis_stages(metadata, "normal", gsd_m=_ANY_GSD_M)),
        ground_sizes_m=index.tiles.ground_sizes_m,
        side_px=embedder.card.input_size(DRONE).height_px,
    )
    for crop in crops:
        yield NetworkInput(
            embedder.shrink(crop.pixels, DRONE),
            f"from {crop.hypothesis.pose.height_m:.0f} m, heading {crop.yaw_deg % 360:.0f}°, "
            f"{crop.ground_m:g} m wide",
        )
