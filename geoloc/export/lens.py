"""Lens distortion of a camera as a row states it, over the pixels of the photo's file."""

from __future__ import annotations

from geoloc.errors import PhotoError
from geoloc.export.camera_view import CameraView
from geoloc.geometry.lens import BrownLens, lens_of, turned


def distortion(view: CameraView) -> BrownLens | None:
    """The distortion of a photo as its file is stored; None for a pinhole, or another model."""
    try:
        lens = turned(lens_of(view.result.distortion), -(view.result.rotation or 0))
    except PhotoError:
        return None
    return lens if isinstance(lens, BrownLens) else None


def has_other_model(view: CameraView) -> bool:
    """Whether a distortion is stated that `distortion` does not know."""
    return view.result.distortion is not None and distortion(view) is None
