"""View hypotheses of a drone photo: the heights, pitches, yaws and scales to try, stage by stage.

What a photo says of itself is a soft prior. It is often wrong (a gimbal that reports zeros, a
height above the take-off point, a focal length before the lens correction), so the first stage
looks near it and the later ones look everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from geoloc.geometry.camera import Pose, attitude
from geoloc.geometry.rectification import NADIR_DEG
from geoloc.options import Effort
from geoloc.photos.metadata import PhotoMetadata, assumed_height_m

# Yaws with no wider gap than this between neighbours go all around.
_FULL_CIRCLE_GAP_DEG = 90.0
# A found camera that looks closer to the horizon than this sine counts as if it did not.
_LEAST_SINE = 0.1


@dataclass(frozen=True)
class HypothesisParameters:
    """Which heights, pitches, yaws and scales of a drone photo are tried."""

    # Offsets from a stated yaw, and the step where none is stated.
    near_yaws_deg: tuple[float, ...] = (-12.0, -6.0, 0.0, 6.0, 12.0)
    yaw_step_deg: int = 8
    # Factors on a stated height: with a stated yaw, and without.
    near_zooms: tuple[float, ...] = (0.72, 0.79, 0.86, 0.93, 1.0, 1.08, 1.17)
    wide_zooms: tuple[float, ...] = (0.55, 0.64, 0.74, 0.86, 1.0, 1.16, 1.35, 1.57)
    # Heights that cover 45 to 240 m together with the zooms between them, the common ones first.
    unknown_heights_m: tuple[float, ...] = (110.0, 65.0, 190.0)
    unknown_zooms: tuple[float, ...] = (0.76, 0.87, 1.0, 1.15, 1.31)
    # The wide zooms of a stated height cover these shares of it already.
    same_height: tuple[float, float] = (0.7, 1.3)
    # Straight down, then the usual tilt of an oblique flight before one half as much.
    unknown_pitches_deg: tuple[float, ...] = (NADIR_DEG, -45.0, -65.0)
    # Pitches that a place is looked at again under, once it was found under one of those.
    other_pitches_deg: tuple[float, ...] = (-45.0, -65.0, -30.0)
    # So many of the unknown heights are tried with every pitch, unless effort is high.
    tilted_heights: int = 2
    # Pitches nearer to each other than this are one.
    same_pitch_deg: float = 12.0
    # Features of the view that vote: at first, and when the photo is looked at more closely.
    keypoints: int = 2000
    more_keypoints: int = 4000
    # The last views of a stated height have pixels of this share of the map's.
    finer_gsd: float = 0.8
    # How far the tilt may be from the hypothesis: gimbals hold a few degrees, metadata too.
    tilt_sd_deg: float = 5.0


HYPOTHESES = HypothesisParameters()


@dataclass(frozen=True)
class VoteHypothesis:
    """One yaw and scale of a photo, to vote on.

    Attributes:
        yaw_deg: Azimuth of the view's up direction, clockwise from the region's north.
        gsd_m: Metres on the ground per pixel of the view.
    """

    yaw_deg: float
    gsd_m: float


@dataclass(frozen=True)
class ViewHypothesis:
    """One way in which the photo may look at the ground, and the yaws and scales to vote on.

    Attributes:
        pose: Height and pitch; its yaw is zero.
        gsd_m: Metres a pixel of the rectified photo.
        yaws_deg: Azimuths of the photo's up direction to try.
        zooms: Factors on the pose's height.
        keypoints: Number of the view's features that vote.
        tilt_sd_deg: Standard deviation of the tilt around the pose's.
    """

    pose: Pose
    gsd_m: float
    yaws_deg: tuple[float, ...]
    zooms: tuple[float, ...]
    keypoints: int = HYPOTHESES.keypoints
    tilt_sd_deg: float = HYPOTHESES.tilt_sd_deg

    @property
    def is_full_circle(self) -> bool:
        """Whether the yaws go all around, so that the photo's heading is left open."""
        yaws = sorted(yaw % 360 for yaw in self.yaws_deg)
        gaps = (after - yaw for yaw, after in zip(yaws, [*yaws[1:], yaws[0] + 360], strict=True))
        return max(gaps) <= _FULL_CIRCLE_GAP_DEG

    def vote_hypotheses(self, gsd_m: float) -> list[VoteHypothesis]:
        """All pairs of yaw and scale, for a view of that ground sampling distance."""
        return [VoteHypothesis(yaw, gsd_m * zoom) for yaw in self.yaws_deg for zoom in self.zooms]


# Hypotheses that are tried together, before those of the next stage.
HypothesisStage = tuple[ViewHypothesis, ...]


def hypothesis_stages(
    metadata: PhotoMetadata,
    effort: Effort,
    *,
    gsd_m: float,
    parameters: HypothesisParameters = HYPOTHESES,
) -> Iterator[HypothesisStage]:
    """View hypotheses of a drone photo, cheapest and likeliest first.

    Args:
        metadata: What is known of the photo.
        effort: ``low`` stops after the first stage, ``high`` adds finer views, and more heights of
            tilted ones.
        gsd_m: Ground sampling distance of the map's features.
        parameters: Which heights, pitches, yaws and scales are tried.
    """
    p = parameters
    everywhere = tuple(float(yaw) for yaw in range(0, 360, p.yaw_step_deg))
    known_m = assumed_height_m(metadata)
    heights = p.unknown_heights_m if known_m is None else (known_m,)
    wide = p.unknown_zooms if known_m is None else p.wide_zooms
    pitch = NADIR_DEG if metadata.pitch_deg is None else metadata.pitch_deg

    def hypotheses(
        heights_m: Sequence[float],
        pitch_deg: float,
        yaws_deg: tuple[float, ...] = everywhere,
        zooms: tuple[float, ...] = wide,
    ) -> HypothesisStage:
        poses = (Pose(0.0, pitch_deg, 0.0, height_m) for height_m in heights_m)
        return tuple(_hypothesis(pose, gsd_m, yaws_deg, zooms, p) for pose in poses)

    if metadata.yaw_deg is not None:
        near = p.near_zooms if known_m is not None else wide
        stated = hypotheses(heights, pitch, _near(metadata.yaw_deg, p), near)
        yield stated
        if effort == "low":
            return
        yield tuple(replace(each, keypoints=p.more_keypoints) for each in stated)
    full = hypotheses(heights, pitch)
    yield full
    if effort == "low":
        return
    if metadata.pitch_deg is None:
        tried = heights if effort == "high" else heights[: p.tilted_heights]
        for tilted in p.unknown_pitches_deg[1:]:
            yield hypotheses(tried, tilted)
    finer_gsd_m = p.finer_gsd * gsd_m
    finer = tuple(replace(each, gsd_m=finer_gsd_m, keypoints=p.more_keypoints) for each in full)
    yield finer[:1] if effort == "normal" else finer
    if known_m is not None:
        others = _other_heights_m(known_m, p)
        yield hypotheses(others, NADIR_DEG, everywhere, p.unknown_zooms)


def other_tilts(
    found: Pose, *, gsd_m: float, parameters: HypothesisParameters = HYPOTHESES
) -> HypothesisStage:
    """View hypotheses of a place that was found under one pitch, under the other likely ones.

    A place is often found under a pitch that is 45 degrees wrong: the ground at the photo's middle
    is right then, but not where the camera was.

    Args:
        found: Pose of the camera, as it was fitted.
        gsd_m: Ground sampling distance of the map's features.
        parameters: Which pitches, yaws and scales are tried.
    """
    p = parameters
    yaws_deg = _near(found.heading_deg, p)
    slant_m = found.height_m / max(_LEAST_SINE, math.sin(math.radians(-found.pitch_deg)))
    poses = (
        Pose(0.0, pitch_deg, 0.0, slant_m * math.sin(math.radians(-pitch_deg)))
        for pitch_deg in p.other_pitches_deg
        if abs(pitch_deg - found.pitch_deg) > p.same_pitch_deg
    )
    return tuple(_hypothesis(pose, gsd_m, yaws_deg, p.near_zooms, p) for pose in poses)


def found_tilt(
    found: Pose, *, gsd_m: float, parameters: HypothesisParameters = HYPOTHESES
) -> ViewHypothesis:
    """The view hypothesis of a pose that was solved under another pitch.

    Args:
        found: Pose of the camera.
        gsd_m: Ground sampling distance of the map's features.
        parameters: Which yaws and scales are tried.
    """
    angles = attitude(found)
    pose = Pose(0.0, angles.pitch_deg, 0.0, found.height_m)
    yaws_deg = _near(angles.heading_deg, parameters)
    return _hypothesis(pose, gsd_m, yaws_deg, parameters.near_zooms, parameters)


def _near(yaw_deg: float, parameters: HypothesisParameters) -> tuple[float, ...]:
    """Yaws to try around a stated one."""
    return tuple((yaw_deg + step) % 360 for step in parameters.near_yaws_deg)


def _other_heights_m(known_m: float, parameters: HypothesisParameters) -> list[float]:
    """Heights to try when the stated one led nowhere: above take-off is not above ground."""
    low, high = parameters.same_height
    return [each for each in parameters.unknown_heights_m if not low < each / known_m < high]


def _hypothesis(
    pose: Pose,
    gsd_m: float,
    yaws_deg: tuple[float, ...],
    zooms: tuple[float, ...],
    parameters: HypothesisParameters,
) -> ViewHypothesis:
    return ViewHypothesis(
        pose,
        gsd_m,
        yaws_deg,
        zooms,
        keypoints=parameters.keypoints,
        tilt_sd_deg=parameters.tilt_sd_deg,
    )
