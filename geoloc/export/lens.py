"""Lens distortion of a camera as a row states it, over the pixels of the photo's file."""

from __future__ import annotations

import json
from typing import NamedTuple

from geoloc.export.camera_view import CameraView


class Brown(NamedTuple):
    """Brown and Conrady's coefficients, as OpenCV has them: of image points divided by the focal
    length, radial (k) and tangential (p)."""

    k1: float = 0.0
    k2: float = 0.0
    k3: float = 0.0
    p1: float = 0.0
    p2: float = 0.0


def distortion(view: CameraView) -> Brown | None:
    """The distortion of a photo as its file is stored; None for a pinhole, or another model.

    The tangential part is a vector (p2, p1) of the picture, and turns with it.
    """
    try:
        stated = json.loads(view.result.distortion or "null")
        if not isinstance(stated, dict) or stated.get("model") != "brown":
            return None
        lens = Brown(**{name: float(stated.get(name) or 0) for name in Brown._fields})
    except (TypeError, ValueError):
        return None
    right, down = lens.p2, lens.p1
    turned = {90: (down, -right), 180: (-right, -down), 270: (-down, right)}
    p2, p1 = turned.get(view.result.rotation or 0, (right, down))
    return lens._replace(p1=p1, p2=p2)


def has_other_model(view: CameraView) -> bool:
    """Whether a distortion is stated that `distortion` does not know."""
    return view.result.distortion is not None and distortion(view) is None
