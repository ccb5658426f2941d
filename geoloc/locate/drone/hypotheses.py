"""What to suppose about a photo, in which order: heights, pitches, yaws and scales to try.

What a photo says of itself is a soft prior. It is often wrong (a gimbal that reports zeros, a
height above the take-off point, a focal length before the lens correction), so the first stage
looks near it and the later ones look everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from geoloc.geometry.camera import Pose
from geoloc.geometry.rectification import NADIR_DEG
from geoloc.options import Effort
from geoloc.photos.metadata import PhotoMetadata

_NEAR_YAWS_DEG = (-12.0, -6.0, 0.0, 6.0, 12.0)
_YAW_STEP_DEG = 8
_NEAR_ZOOMS = (0.72, 0.79, 0.86, 0.93, 1.0, 1.08, 1.17)
_WIDE_ZOOMS = (0.55, 0.64, 0.74, 0.86, 1.0, 1.16, 1.35, 1.57)
# Heights that cover 45 to 240 m together with the zooms between them, the common ones first.
_UNKNOWN_HEIGHTS_M = (110.0, 65.0, 190.0)
_UNKNOWN_ZOOMS = (0.76, 0.87, 1.0, 1.15, 1.31)
# The wide zooms of a stated height cover these heights already.
_SAME_HEIGHT = (0.7, 1.3)
# The usual tilt of an oblique flight before one half as much.
_UNKNOWN_PITCHES_DEG = (NADIR_DEG, -45.0, -65.0)
# So many of the unknown heights are tried with every pitch, unless effort is high.
_TILTED_HEIGHTS = 2
_SAME_PITCH_DEG = 12.0
_KEYPOINTS = 2000
_MORE_KEYPOINTS = 4000
# How far the tilt may be from what is supposed: gimbals hold a few degrees, metadata too.
_TILT_SD_DEG = 5.0


@dataclass(frozen=True)
class ViewHypothesis:
    """One way in which the photo may look at the ground, and the turns and scales to vote on.

    Attributes:
        pose: Height and pitch; its yaw is zero.
        gsd_m: Metres a pixel of the view from above.
        yaws_deg: Azimuths of the photo's up direction to try.
        zooms: Factors on the supposed height.
        keypoints: How many features of the view vote.
        tilt_sd_deg: How far the tilt may be from the pose.
    """

    pose: Pose
    gsd_m: float
    yaws_deg: tuple[float, ...]
    zooms: tuple[float, ...]
    keypoints: int = _KEYPOINTS
    tilt_sd_deg: float = _TILT_SD_DEG

    def vote_hypotheses(self, gsd_m: float) -> list[VoteHypothesis]:
        """All pairs of yaw and scale, for a view of that ground sampling distance."""
        return [VoteHypothesis(yaw, gsd_m * zoom) for yaw in self.yaws_deg for zoom in self.zooms]


Stage = tuple[ViewHypothesis, ...]


def hypothesis_stages(metadata: PhotoMetadata, effort: Effort, *, gsd_m: float) -> Iterator[Stage]:
    """What to try for a drone photo, cheapest and likeliest first.

    Args:
        metadata: What is known.
        effort: ``low`` stops after the first stage, ``high`` adds finer views, and more heights of
            tilted ones.
        gsd_m: Of the map's features.
    """
    everywhere = tuple(float(yaw) for yaw in range(0, 360, _YAW_STEP_DEG))
    heights = _UNKNOWN_HEIGHTS_M if metadata.rel_alt_m is None else (metadata.rel_alt_m,)
    wide = _UNKNOWN_ZOOMS if metadata.rel_alt_m is None else _WIDE_ZOOMS
    pitch = NADIR_DEG if metadata.pitch_deg is None else metadata.pitch_deg
    if metadata.yaw_deg is not None:
        near = _NEAR_ZOOMS if metadata.rel_alt_m is not None else wide
        yaws = tuple((metadata.yaw_deg + step) % 360 for step in _NEAR_YAWS_DEG)
        stated = tuple(_hypothesis(h, pitch, gsd_m, yaws, near) for h in heights)
        yield stated
        if effort == "low":
            return
        yield tuple(replace(hypothesis, keypoints=_MORE_KEYPOINTS) for hypothesis in stated)
    full = tuple(_hypothesis(h, pitch, gsd_m, everywhere, wide) for h in heights)
    yield full
    if effort == "low":
        return
    if metadata.pitch_deg is None:
        tried = heights if effort == "high" else heights[:_TILTED_HEIGHTS]
        for tilted in _UNKNOWN_PITCHES_DEG[1:]:
            yield tuple(_hypothesis(h, tilted, gsd_m, everywhere, wide) for h in tried)
    finer = tuple(replace(s, gsd_m=0.8 * gsd_m, keypoints=_MORE_KEYPOINTS) for s in full)
    yield finer[:1] if effort == "normal" else finer
    if metadata.rel_alt_m is not None:
        others = _others(metadata.rel_alt_m)
        yield tuple(_hypothesis(h, NADIR_DEG, gsd_m, everywhere, _UNKNOWN_ZOOMS) for h in others)


def other_tilts(found: Pose, *, gsd_m: float) -> Stage:
    """Sights of a place that was found under one pitch, under the others that may be the true one.

    A place is often found under a pitch that is 45 degrees wrong: the ground at the photo's middle
    is right then, but not where the camera was.

    Args:
        found: Of the camera, as it was fitted.
        gsd_m: Of the map's features.
    """
    yaws = tuple((found.heading_deg + step) % 360 for step in _NEAR_YAWS_DEG)
    slant_m = found.rel_alt_m / max(0.1, math.sin(math.radians(-found.pitch_deg)))
    return tuple(
        _hypothesis(slant_m * math.sin(math.radians(-pitch)), pitch, gsd_m, yaws, _NEAR_ZOOMS)
        for pitch in _UNKNOWN_PITCHES_DEG[1:]
        if abs(pitch - found.pitch_deg) > _SAME_PITCH_DEG
    )


def _others(known_m: float) -> list[float]:
    """Heights to try when the stated one led nowhere: above take-off is not above ground."""
    low, high = _SAME_HEIGHT
    return [height for height in _UNKNOWN_HEIGHTS_M if not low < height / known_m < high]


def _hypothesis(
    height_m: float,
    pitch_deg: float,
    gsd_m: float,
    yaws_deg: tuple[float, ...],
    zooms: tuple[float, ...],
) -> ViewHypothesis:
    return ViewHypothesis(Pose(0.0, pitch_deg, 0.0, height_m), gsd_m, yaws_deg, zooms)


@dataclass(frozen=True)
class VoteHypothesis:
    """A supposed turn and scale of a photo.

    Attributes:
        yaw_deg: Azimuth of the view's up direction, clockwise from the region's north.
        gsd_m: Metres on the ground per pixel of the view.
    """

    yaw_deg: float
    gsd_m: float
