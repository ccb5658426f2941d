"""Pairs to learn from: a tile of an aerial image, and a synthetic drone photo of the same place.

The photo is what `locate` shows the network: brought to north up and to the tile's scale, so far as
they are known, black where the photo shows nothing. What remains is a wrong turn, a wrong scale, a
shifted middle, a tilt; and another day, another season, another camera.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from geoloc.arrays import Float64Array, RgbImage
from geoloc.learning.training.batch import Batch
from geoloc.learning.training.data.photometric import disturb
from geoloc.learning.training.data.places import Place
from geoloc.learning.training.recipe import PairChoice

# Warped at this many pixels for each that the network sees, then shrunk by areas.
_OVERSAMPLING = 2
_ASPECTS = (16 / 9, 3 / 2, 4 / 3, 1.0)
# Of a patchy place: a tile must show so much, as far as every so many-th pixel shows, and after so
# many tries it may show less.
_MIN_SHOWN = 0.6
_LOOK_EVERY_PX = 8
_TRIES = 50


@dataclass(frozen=True)
class Crop:
    """A square of a place: its middle and its side, in pixels of the place."""

    x: float
    y: float
    side: float


@dataclass(frozen=True)
class Symmetry:
    """How a pair is turned and mirrored."""

    quarter_turns: int
    is_flipped: bool

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Symmetry:
        """One of the eight of a square."""
        return cls(int(rng.integers(4)), bool(rng.integers(2)))


@dataclass(frozen=True)
class Sketch:
    """A pair before it is made; a symmetry of None is still to be drawn."""

    place: Place
    crop: Crop
    symmetry: Symmetry | None


class PairMaker:
    """Draws batches from places; the same step always gives the same batch.

    Args:
        places: Places that pairs are cut from.
        choice: Options of synthetic photos.
        seed: Seed of everything random.
        turns_apart: Let ground be in a batch several times, if it is turned or mirrored otherwise
            each time. To the network, which sees everything north up, these are other places; a
            small map has not enough of them.
    """

    def __init__(
        self,
        places: Sequence[Place],
        choice: PairChoice,
        *,
        seed: int,
        turns_apart: bool = False,
    ) -> None:
        self._places, self._turns_apart = places, turns_apart
        self._choice = choice
        self._seed = seed
        # A large image holds many tiles; the root keeps it from drowning the many small ones.
        areas = [
            max(1.0, place.dates[0].shape[0] * place.dates[0].shape[1])
            / place.tile_px(choice.tile_ground_size_m) ** 2
            for place in places
        ]
        weights = np.sqrt(areas) * [len(place.dates) ** 0.5 for place in places]
        self._weights = weights / weights.sum()

    def batch(self, step: int, size: int, size_px: int) -> Batch:
        """Batch number `step` of `size` pairs of squares of `size_px` pixels."""
        rng = np.random.default_rng((self._seed, step))
        pairs = [self._pair(sketch, size_px, rng) for sketch in self._draw(size, rng)]
        photos, tiles = zip(*pairs, strict=True)
        return batch_of(photos, tiles)

    def _draw(self, size: int, rng: np.random.Generator) -> list[Sketch]:
        """Crops of which no two show the same ground: each is the others' negative."""
        taken: dict[tuple[int, Symmetry | None], list[Crop]] = {}
        drawn: list[Sketch] = []
        while len(drawn) < size:
            number = int(rng.choice(len(self._weights), p=self._weights))
            symmetry = Symmetry.draw(rng) if self._turns_apart else None
            crop = self._crop(self._places[number], rng)
            others = taken.setdefault((number, symmetry), [])
            # A batch larger than the data holds places can only be filled with overlaps.
            is_free = all(
                max(abs(crop.x - each.x), abs(crop.y - each.y)) > 0.8 * crop.side for each in others
            )
            if is_free or sum(map(len, taken.values())) > 50 * size:
                drawn.append(Sketch(self._places[number], crop, symmetry))
            others.append(crop)
        return drawn

    def _crop(self, place: Place, rng: np.random.Generator) -> Crop:
        crop = self._any_crop(place, rng)
        for _ in range(_TRIES if place.is_patchy else 0):
            if shown_share(place.dates[0], crop) >= _MIN_SHOWN:
                break
            crop = self._any_crop(place, rng)
        return crop

    def _any_crop(self, place: Place, rng: np.random.Generator) -> Crop:
        low, high = self._choice.tile_jitter
        wanted = self._choice.tile_ground_size_m / place.gsd_m
        most = min(high * wanted, 0.98 * place.shortest_px)
        side = rng.uniform(min(low * wanted, 0.7 * place.shortest_px), most)
        height, width = place.dates[0].shape[:2]
        x, y = (rng.uniform(side / 2, length - side / 2) for length in (width, height))
        return Crop(float(x), float(y), float(side))

    def _pair(
        self, sketch: Sketch, size_px: int, rng: np.random.Generator
    ) -> tuple[RgbImage, RgbImage]:
        place, crop = sketch.place, sketch.crop
        of_tile = int(rng.integers(len(place.dates)))
        of_photo = of_tile
        if len(place.dates) > 1 and rng.random() < self._choice.other_date:
            of_photo = int((of_tile + rng.integers(1, len(place.dates))) % len(place.dates))
        tile = cut_tile(place.dates[of_tile], crop, size_px)
        photo = take_photo(place.dates[of_photo], crop, size_px, choice=self._choice, rng=rng)
        symmetry = sketch.symmetry or Symmetry.draw(rng)
        tile, photo = (_turn(image, symmetry) for image in (tile, photo))
        covered = photo.any(axis=2, keepdims=True)
        photo = disturb(photo, rng, strength=self._choice.photo_change) * covered
        return photo, disturb(tile, rng, strength=self._choice.tile_change)


def shown_share(image: RgbImage, crop: Crop) -> float:
    """The share of a crop that is not black, about."""
    left, top = (max(0, round(middle - crop.side / 2)) for middle in (crop.x, crop.y))
    right, bottom = round(crop.x + crop.side / 2), round(crop.y + crop.side / 2)
    window = image[top:bottom:_LOOK_EVERY_PX, left:right:_LOOK_EVERY_PX]
    return float(window.any(axis=2).mean()) if window.size else 0.0


def batch_of(photos: Sequence[RgbImage], tiles: Sequence[RgbImage]) -> Batch:
    """Photos and their tiles, each pair a place of its own."""
    numbers, wholes = np.arange(len(photos)), np.ones(len(photos), np.float32)
    return Batch(np.stack(photos), np.stack(tiles), numbers, wholes)


def cut_tile(image: RgbImage, crop: Crop, size_px: int) -> RgbImage:
    """The tile (S, S, 3) of a crop, resized by area as tiles are before they are embedded."""
    side = max(2, round(crop.side))
    left, top = round(crop.x - crop.side / 2), round(crop.y - crop.side / 2)
    height, width = image.shape[:2]
    left, top = max(0, min(left, width - side)), max(0, min(top, height - side))
    window = image[top : top + side, left : left + side]
    return _resize(window, size_px)


def take_photo(
    image: RgbImage, crop: Crop, size_px: int, *, choice: PairChoice, rng: np.random.Generator
) -> RgbImage:
    """A photo (S, S, 3) of the crop's place, as it looks after it was brought to north up."""
    side = size_px * _OVERSAMPLING
    matrix = _view_of(crop, side, choice, rng)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    view: RgbImage = np.asarray(
        cv2.warpPerspective(image, matrix, (side, side), flags=flags), np.uint8
    )
    outline = _outline(side, choice, rng)
    if rng.random() < 0.3:
        view = _blur_far_side(view, rng)
    mask = np.zeros((side, side), np.uint8)
    cv2.fillConvexPoly(mask, np.round(outline).astype(np.int32), 1)
    covered: RgbImage = view * mask[..., None]
    return _resize(covered, size_px)


def _view_of(crop: Crop, side: int, choice: PairChoice, rng: np.random.Generator) -> Float64Array:
    """The homography (3, 3) from pixels of the photo's square to pixels of the place."""
    turn = np.radians(rng.uniform(-choice.turn_deg, choice.turn_deg))
    zoom = np.exp(rng.uniform(*np.log(choice.zoom))) * crop.side / side
    stretch = np.exp(rng.normal(0.0, 0.05, 2))
    shift = rng.uniform(-choice.offset, choice.offset, 2) * crop.side
    tilt = np.radians(rng.uniform(0, choice.tilt_deg)) * (rng.random() < 0.7)
    heading = rng.uniform(0, 2 * np.pi)
    # A tilt of t over a field of view of about 70 degrees: w changes by tan(t) * 1.4 / side.
    bend = np.tan(tilt) * 1.4 / side * np.array([np.cos(heading), np.sin(heading)])
    centred = np.array([[1, 0, -side / 2], [0, 1, -side / 2], [0, 0, 1.0]])
    tilted = np.array([[1, 0, 0], [0, 1, 0], [*bend, 1.0]])
    cosine, sine = np.cos(turn), np.sin(turn)
    turned = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1.0]])
    scaled = np.diag([*(zoom * stretch), 1.0])
    placed = np.array([[1, 0, crop.x + shift[0]], [0, 1, crop.y + shift[1]], [0, 0, 1.0]])
    return np.asarray(placed @ scaled @ turned @ tilted @ centred, np.float64)


def _outline(side: int, choice: PairChoice, rng: np.random.Generator) -> Float64Array:
    """Corners (4, 2) of what the photo shows: a frame at any heading, wider on the far side."""
    length = np.exp(rng.uniform(*np.log(choice.footprint))) * side
    half = length / 2 * np.array([1.0, 1 / _ASPECTS[int(rng.integers(len(_ASPECTS)))]])
    flare = rng.uniform(0.0, 0.5) * (rng.random() < 0.4)
    corners = np.array([[-1 - flare, -1], [1 + flare, -1], [1 - flare / 2, 1], [flare / 2 - 1, 1]])
    heading = rng.uniform(0, 2 * np.pi)
    cosine, sine = np.cos(heading), np.sin(heading)
    turned: Float64Array = (corners * half) @ np.array([[cosine, sine], [-sine, cosine]])
    return turned + side / 2


def _blur_far_side(view: RgbImage, rng: np.random.Generator) -> RgbImage:
    """Sharp on one side, smeared on the other, as an oblique photo is after rectifying."""
    side = view.shape[0]
    heading = rng.uniform(0, 2 * np.pi)
    along = (np.arange(side) - side / 2) / side
    share = np.cos(heading) * along[None, :] + np.sin(heading) * along[:, None] + 0.4
    share = np.clip(share, 0.0, 1.0).astype(np.float32)[..., None]
    smeared = cv2.GaussianBlur(view, (0, 0), float(rng.uniform(1.5, 4.0)))
    return np.asarray(view * (1 - share) + smeared * share, np.uint8)


def _resize(image: RgbImage, size_px: int) -> RgbImage:
    smaller = image.shape[0] >= size_px
    how = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (size_px, size_px), interpolation=how), np.uint8)


def _turn(image: RgbImage, symmetry: Symmetry) -> RgbImage:
    turned = np.rot90(image, symmetry.quarter_turns)
    return np.ascontiguousarray(turned[:, ::-1] if symmetry.is_flipped else turned)
