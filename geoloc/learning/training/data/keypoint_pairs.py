"""Pairs of patches to learn from: keypoints of one place in two pictures of it.

Two dates of a place (or one, where there is no other) are seen as a map and as a drone photo:
turned, scaled, tilted, each with its own light, season and camera. The homography between them
gives which keypoints are partners. Some partners are keypoints that were found in both, with all
the noise of the detector; the others are found in the first and made up in the second, slightly
off: what a season hides from the detector can be learnt all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from scipy.spatial import cKDTree

from geoloc.arrays import (
    ByteArray,
    Float32Array,
    Float64Array,
    GreyImage,
    Int64Array,
    Mask,
    RgbImage,
)
from geoloc.geometry.camera import project
from geoloc.index.features.keypoints import Keypoints, find_keypoints
from geoloc.index.features.patches import Pyramid, cut_patches
from geoloc.learning.training.data.photometric import disturb
from geoloc.learning.training.data.places import Place
from geoloc.learning.training.recipe import KeypointChoice

# Two keypoints are partners if they agree in place (shares of their size, pixels), size and angle.
_NEAR_SIZES = 0.35
_NEAR_PX = (1.2, 4.0)
_SIZE_RATIO = 1.4
_TURN_DEG = 25.0
# What the detector's noise is made up to be: shares of the size, natural logarithm, degrees.
_PLACE_SD, _SIZE_SD, _ANGLE_SD = 0.12, 0.13, 9.0
# Partners nearer to each other than this are nearly the same patch.
_APART_PX = 5.0
MIN_KEYPOINTS = 20
_FOUND_SHARE = 0.75


@dataclass(frozen=True)
class PatchPairs:
    """Patches (N, 32, 32, 3) uint8 of the same points in a photo and on a map.

    Attributes:
        photo: Patches of the photo.
        tile: Patches of the map.
        is_found: (N,) bool; the detector found it in both. The others are made up in the photo.
    """

    photo: RgbImage
    tile: RgbImage
    is_found: Mask

    def __len__(self) -> int:
        return len(self.photo)

    def select(self, which: Mask) -> PatchPairs:
        """Those of the pairs."""
        return PatchPairs(self.photo[which], self.tile[which], self.is_found[which])


@dataclass(frozen=True)
class _Picture:
    """What one date of a place looks like from somewhere; `to_place` maps its pixels there."""

    grey: GreyImage
    valid: Mask
    to_place: Float64Array

    def keypoints(self) -> Keypoints:
        return find_keypoints(self.grey, valid=self.valid)


def draw_pairs(place: Place, choice: KeypointChoice, rng: np.random.Generator) -> PatchPairs | None:
    """Patch pairs of one view of a place; None where it shows too few.

    Args:
        place: Aerial images of the place.
        choice: Options of the views.
        rng: All chances come from it.
    """
    tile, photo = _pictures(place, choice, rng)
    ours, theirs = tile.keypoints(), photo.keypoints()
    if min(len(ours), len(theirs)) < MIN_KEYPOINTS:
        return None
    across = np.linalg.inv(photo.to_place) @ tile.to_place
    expected = _moved(ours, across)
    is_seen = _inside(expected, photo)
    order = np.flatnonzero(is_seen)
    rng.shuffle(order)
    order = order[_apart(ours.xy_px[order])]
    partner = _partners(expected.select(order), theirs)
    found, alone = order[partner >= 0], order[partner < 0]
    found = found[: round(_FOUND_SHARE * choice.per_view)]
    alone = alone[: choice.per_view - len(found)]
    if len(found) + len(alone) < MIN_KEYPOINTS:
        return None
    of_photo = [
        theirs.select(partner[partner >= 0][: len(found)]),
        _jittered(expected.select(alone), rng),
    ]
    of_tile = [ours.select(found), ours.select(alone)]
    return PatchPairs(
        _patches(photo.grey, of_photo),
        _patches(tile.grey, of_tile),
        np.arange(len(found) + len(alone)) < len(found),
    )


def _pictures(
    place: Place, choice: KeypointChoice, rng: np.random.Generator
) -> tuple[_Picture, _Picture]:
    """The place as a map shows it, and as a photo of another date does."""
    dates = len(place.dates)
    first = int(rng.integers(dates))
    second = first
    if dates > 1 and rng.random() < choice.other_date:
        second = int((first + rng.integers(1, dates)) % dates)
    gsd_m = float(np.exp(rng.uniform(*np.log(choice.gsd_m))))
    step = max(gsd_m / place.gsd_m, 1 / choice.most_enlarged)
    side = step * choice.side_px
    middle = [
        rng.uniform(min(side, length) / 2, length - min(side, length) / 2)
        for length in place.dates[0].shape[1::-1]
    ]
    mirror = np.diag([-1.0 if rng.random() < 0.5 else 1.0, 1.0, 1.0])
    zoom = np.exp(rng.uniform(*np.log(choice.zoom)))
    views = (
        _view(choice.side_px, step, middle, mirror, rng, tilt_deg=0.0),
        _view(choice.side_px, step * zoom, middle, mirror, rng, tilt_deg=choice.tilt_deg),
    )
    changes = (choice.tile_change, choice.photo_change)
    seen = zip((first, second), views, changes, strict=True)
    tile, photo = (
        _seen(place.dates[date], view, choice, rng, change) for date, view, change in seen
    )
    return tile, photo


def _view(
    side_px: int,
    step: float,
    middle: Sequence[float],
    mirror: Float64Array,
    rng: np.random.Generator,
    *,
    tilt_deg: float,
) -> Float64Array:
    """The homography (3, 3) from a picture's pixels to the place's; `step` place pixels a pixel."""
    turn, heading = rng.uniform(0, 2 * np.pi, 2)
    tilt = np.radians(rng.uniform(0, tilt_deg)) * (rng.random() < 0.6)
    # A field of view of about 55 degrees: w changes by tan(tilt) over a side.
    bend = np.tan(tilt) / side_px * np.array([np.cos(heading), np.sin(heading)])
    stretch = np.exp(rng.normal(0, 0.04)) if tilt_deg else 1.0
    half = side_px / 2
    centred = np.array([[1, 0, -half], [0, 1, -half], [0, 0, 1.0]])
    tilted = np.array([[1, 0, 0], [0, 1, 0], [*bend, 1.0]])
    cosine, sine = np.cos(turn), np.sin(turn)
    turned = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1.0]])
    scaled = np.diag([step * stretch, step / stretch, 1.0])
    placed = np.array([[1, 0, middle[0]], [0, 1, middle[1]], [0, 0, 1.0]])
    return np.asarray(placed @ mirror @ scaled @ turned @ tilted @ centred, np.float64)


def _seen(
    image: RgbImage,
    view: Float64Array,
    choice: KeypointChoice,
    rng: np.random.Generator,
    change: float,
) -> _Picture:
    """A picture of a date under a view, its look changed; black where the place ends."""
    step = float(np.linalg.norm(view[:2, 0]))
    smooth = cv2.GaussianBlur(image, (0, 0), 0.4 * step) if step > 1.4 else image
    side = (choice.side_px, choice.side_px)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    pixels = np.asarray(cv2.warpPerspective(smooth, view, side, flags=flags), np.uint8)
    valid = np.asarray(pixels.any(axis=2))
    changed = disturb(pixels, rng, strength=change) * valid[..., None]
    grey = np.asarray(cv2.cvtColor(changed, cv2.COLOR_RGB2GRAY), np.uint8)
    return _Picture(grey, valid, view)


def _moved(keypoints: Keypoints, across: Float64Array) -> Keypoints:
    """Where and how keypoints of one picture should appear in the other, by their homography."""
    xy = keypoints.xy_px.astype(float)
    angle = np.radians(keypoints.angle_deg)
    along = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    beside = np.stack([-along[:, 1], along[:, 0]], axis=1)
    there = project(across, xy)
    ahead, aside = project(across, xy + along) - there, project(across, xy + beside) - there
    area = np.abs(ahead[:, 0] * aside[:, 1] - ahead[:, 1] * aside[:, 0])
    return Keypoints(
        there.astype(np.float32),
        (keypoints.size_px * np.sqrt(area)).astype(np.float32),
        (np.degrees(np.arctan2(ahead[:, 1], ahead[:, 0])) % 360).astype(np.float32),
        keypoints.descriptors,
    )


def _inside(keypoints: Keypoints, picture: _Picture) -> Mask:
    """Which lie further than their size from the picture's edge, on ground that it shows."""
    side = picture.grey.shape[0]
    margin = keypoints.size_px[:, None]
    inside = ((keypoints.xy_px > margin) & (keypoints.xy_px < side - margin)).all(axis=1)
    cell = np.nan_to_num(keypoints.xy_px).clip(0, side - 1).astype(int)
    return np.asarray(inside & picture.valid[cell[:, 1], cell[:, 0]])


def _apart(xy_px: Float32Array) -> Int64Array:
    """Positions of points, in their order, of which no two are near each other."""
    tree = cKDTree(xy_px)
    dropped = np.zeros(len(xy_px), bool)
    for position, near in enumerate(tree.query_ball_point(xy_px, _APART_PX)):
        if not dropped[position]:
            dropped[[other for other in near if other > position]] = True
    return np.flatnonzero(~dropped)


def _partners(expected: Keypoints, found: Keypoints) -> Int64Array:
    """For each expected keypoint the found one that agrees best in size and angle; -1 for none."""
    reach = np.clip(_NEAR_SIZES * expected.size_px, *_NEAR_PX)
    near = cKDTree(found.xy_px).query_ball_point(expected.xy_px, reach)
    partner = np.full(len(expected), -1, np.int64)
    for position, candidates in enumerate(near):
        some = np.array(candidates, np.int64)
        ratio = np.abs(np.log(found.size_px[some] / expected.size_px[position]))
        turn = np.abs((found.angle_deg[some] - expected.angle_deg[position] + 180) % 360 - 180)
        misfit = ratio / np.log(_SIZE_RATIO) + turn / _TURN_DEG
        misfit[(ratio > np.log(_SIZE_RATIO)) | (turn > _TURN_DEG)] = np.inf
        if len(some) and np.isfinite(misfit.min()):
            partner[position] = some[int(misfit.argmin())]
    return partner


def _jittered(keypoints: Keypoints, rng: np.random.Generator) -> Keypoints:
    """The keypoints as a detector might have found them."""
    count = len(keypoints)
    shift = rng.normal(0, _PLACE_SD, (count, 2)) * keypoints.size_px[:, None]
    return Keypoints(
        (keypoints.xy_px + shift).astype(np.float32),
        (keypoints.size_px * np.exp(rng.normal(0, _SIZE_SD, count))).astype(np.float32),
        (keypoints.angle_deg + rng.normal(0, _ANGLE_SD, count)).astype(np.float32),
        keypoints.descriptors,
    )


def _patches(grey: GreyImage, groups: Sequence[Keypoints]) -> ByteArray:
    pyramid = Pyramid.of(grey)
    cut = [cut_patches(pyramid, each.xy_px, each.size_px, each.angle_deg) for each in groups]
    return np.concatenate(cut)
