"""Queries of a street photo: the pictures that a network compares with a map, as its card says.

One network takes rings around the camera, whose north has to be known: the ring of a photo is
turned to one heading after another, and the headings compete. Another one takes photos whole and
knows no heading: a photo is one picture, a panorama several, which say together where it is. The
card alone tells which; nothing here knows a network by name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from geoloc.arrays import RgbBatch, RgbImage
from geoloc.geometry.panorama import (
    Panorama,
    RingImage,
    panorama_span_deg,
    ring_from_panorama,
    ring_from_photo,
    roll_ring,
)
from geoloc.image_size import ImageSize
from geoloc.locate.street.picture import (
    PICTURE,
    PictureParameters,
    panorama_pictures,
    photo_picture,
)
from geoloc.models.card import ModelCard
from geoloc.models.view import GROUND
from geoloc.options import Effort
from geoloc.photos.kind import PhotoKind, panorama_of, street_camera_of
from geoloc.photos.metadata import PhotoMetadata
from geoloc.photos.photo import Photo


@dataclass(frozen=True)
class QueryParameters:
    """Which headings of a street photo are tried, and what of it a network is shown."""

    # Offsets from a stated heading: a compass is trusted to so much at first, and to more when it
    # did not say which north it means.
    near_headings_deg: tuple[float, ...] = (-10.0, 0.0, 10.0)
    magnetic_headings_deg: tuple[float, ...] = (-20.0, -10.0, 0.0, 10.0, 20.0)
    # Steps between the headings of a full turn.
    step_low_deg: float = 30.0
    step_normal_deg: float = 15.0
    step_high_deg: float = 7.5
    picture: PictureParameters = PICTURE

    def step_deg(self, effort: Effort) -> float:
        """The step between headings, degrees."""
        steps = {"low": self.step_low_deg, "normal": self.step_normal_deg}
        return steps.get(effort, self.step_high_deg)


QUERY = QueryParameters()


@dataclass(frozen=True)
class Query:
    """Pictures of one photo that are compared with a map at once.

    Attributes:
        pictures: (P, h, w, 3) uint8; one ring, as if taken northwards, where headings are tried.
        headings_deg: Headings of the photo's middle that the ring is turned to, which compete; None
            where the network knows none, and all pictures speak together.
        horizon_share: Share of what the network wants to see that the photo shows.
    """

    pictures: RgbBatch
    headings_deg: tuple[float, ...] | None = None
    horizon_share: float = 1.0

    def __len__(self) -> int:
        return len(self.pictures if self.headings_deg is None else self.headings_deg)

    def picture(self, at: int) -> RgbImage:
        """The picture (h, w, 3) number `at`, turned to its heading."""
        if self.headings_deg is None:
            return np.asarray(self.pictures[at], np.uint8)
        return roll_ring(self.pictures[0], self.headings_deg[at])

    def batches(self, count: int) -> Iterator[RgbBatch]:
        """All pictures, at most `count` at a time."""
        for start in range(0, len(self), count):
            yield np.stack([self.picture(at) for at in range(start, min(start + count, len(self)))])


def queries_of(
    photo: Photo,
    metadata: PhotoMetadata,
    kind: PhotoKind,
    *,
    card: ModelCard,
    effort: Effort = "normal",
    parameters: QueryParameters = QUERY,
) -> Iterator[Query]:
    """The queries of a photo, stage after stage, the likeliest headings first.

    Args:
        photo: The photo, upright.
        metadata: What is known of it.
        kind: ``street`` or ``panorama``.
        card: Card of the network, which states how photos become its input.
        effort: More effort tries finer headings, or cuts a panorama into more views.
        parameters: The headings and views.

    Raises:
        ModelError: The network knows no ground views.
        PhotoError: The distortion of its lens is stated in a way that nobody can read.
    """
    if card.ground_fit == "letterbox":
        yield Query(_whole(photo, metadata, kind, card.input_size(GROUND), effort, parameters))
        return
    ring = ring_of(photo, metadata, kind, card=card)
    horizon_share = float(ring.any(axis=(0, 2)).mean())
    for headings in heading_stages(metadata, effort, parameters=parameters):
        yield Query(ring[None], headings, horizon_share)


def _whole(
    photo: Photo,
    metadata: PhotoMetadata,
    kind: PhotoKind,
    size: ImageSize,
    effort: Effort,
    parameters: QueryParameters,
) -> RgbBatch:
    """The pictures (P, h, w, 3) of a photo for a network that takes photos whole."""
    shown = parameters.picture
    if kind != "panorama":
        return photo_picture(photo, metadata, shown)[None]
    views = shown.views_low if effort == "low" else shown.views
    return panorama_pictures(photo, metadata, size=size, views=views, parameters=shown)


def ring_of(
    photo: Photo, metadata: PhotoMetadata, kind: PhotoKind, *, card: ModelCard
) -> RingImage:
    """The ring of a photo that a network takes in, as if the photo had been taken northwards.

    Args:
        photo: The photo, upright.
        metadata: What is known of it.
        kind: ``street`` or ``panorama``.
        card: Card of the network, which states the ring's size and elevations.

    Raises:
        ModelError: The network knows no ground views.
    """
    height, width = photo.pixels.shape[:2]
    size, span = card.input_size(GROUND), card.ground_span_deg
    if kind == "panorama":
        frame = panorama_of(metadata, width, height, full_width_px=photo.full_width_px)
        return _ring_of_panorama(photo.pixels, frame, size=size, span_deg=span)
    camera = street_camera_of(metadata, width, height)
    pitch_deg = metadata.pitch_deg or 0.0
    if span is None:
        # Upright, a photo fills the whole height, as the strips of the benchmarks do.
        span = (
            max(-90.0, pitch_deg - camera.vfov_deg / 2),
            min(90.0, pitch_deg + camera.vfov_deg / 2),
        )
    return ring_from_photo(
        photo.pixels,
        camera,
        azimuth_deg=0.0,
        pitch_deg=pitch_deg,
        roll_deg=metadata.roll_deg or 0.0,
        size=size,
        span_deg=span,
    )


def _ring_of_panorama(
    pixels: RgbImage,
    frame: Panorama,
    *,
    size: ImageSize,
    span_deg: tuple[float, float] | None,
) -> RingImage:
    """The ring of a panorama; without a span, of all the rows that the image holds."""
    span_deg = span_deg or panorama_span_deg(frame, pixels.shape[0])
    return ring_from_panorama(pixels, frame, size=size, span_deg=span_deg)


def heading_stages(
    metadata: PhotoMetadata,
    effort: Effort,
    *,
    parameters: QueryParameters = QUERY,
) -> Iterator[tuple[float, ...]]:
    """Headings to try for a street photo or a panorama, likeliest first.

    Args:
        metadata: What is known; a stated heading is looked at first, since it is often right.
        effort: ``low`` stops after the first stage; more effort means finer steps.
        parameters: The offsets and steps.
    """
    if metadata.yaw_deg is not None:
        magnetic = metadata.yaw_ref == "magnetic"
        near = parameters.magnetic_headings_deg if magnetic else parameters.near_headings_deg
        yield tuple((metadata.yaw_deg + offset) % 360 for offset in near)
        if effort == "low":
            return
    step_deg = parameters.step_deg(effort)
    yield tuple(turn * step_deg for turn in range(round(360 / step_deg)))
