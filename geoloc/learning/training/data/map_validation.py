"""Parts of a map that are kept for validation, and the search for them among all of its tiles."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from geoloc.arrays import Int64Array, RgbImage
from geoloc.learning.training.batch import Embed
from geoloc.learning.training.data.aerial_pairs import Crop, cut_tile, shown_share, take_photo
from geoloc.learning.training.data.photometric import disturb
from geoloc.learning.training.data.places import Place
from geoloc.learning.training.recall import Recall, ranks_of, recall_from
from geoloc.learning.training.recipe import PairChoice

SHARE = 0.15
# A part must be so many tiles wide, or hardly a photo fits in; and may take so much of its block.
MIN_SIDES = 2.0
MAX_SHARE = 0.3
_MIN_GROUND = 0.8
# Photos of a part do not show what lies nearer to the ground that is learnt from, in tiles.
_GAP = 0.25
# The middle of a photo's tile lies so far inside the part, in tiles.
_INSET = 0.3
# What a validation costs: photos and tiles that are embedded.
_PHOTOS = 192
_MAX_TILES = 768
_MAX_HELD_OUT_TILES = 300
# A tile is right if its middle is at most so far from the photo's, in tiles, along both axes.
_REACH = 0.5
_VALIDATION_SEED = 7


@dataclass(frozen=True)
class Part:
    """A rectangle of the place of that number, in its pixels; `left` and so on are its edges."""

    place: int
    left: int
    top: int
    right: int
    bottom: int

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def area_px(self) -> int:
        """Its pixels."""
        return (self.right - self.left) * (self.bottom - self.top)


def least_area_m2(ground_size_m: float) -> float:
    """The smallest square map that a part can be held out from."""
    return (MIN_SIDES * ground_size_m) ** 2 / MAX_SHARE


def hold_out_parts(places: Sequence[Place], ground_size_m: float, *, seed: int) -> list[Part]:
    """About 15 % of each place in a corner of it; less of huge maps, more of small ones.

    None of a place that is too small to lose any; so the list may be empty.

    Args:
        places: Blocks of a map.
        ground_size_m: Side of its tiles.
        seed: Seed of the choice of corners and places.
    """
    rng = np.random.default_rng(seed)
    parts: list[Part] = []
    tiles = 0.0
    for number in rng.permutation(len(places)):
        place = places[number]
        part = _part(place, int(number), ground_size_m, rng)
        if part is not None:
            parts.append(part)
            tiles += part.area_px / place.tile_px(ground_size_m) ** 2
        if tiles >= _MAX_HELD_OUT_TILES:
            break
    return sorted(parts, key=lambda each: each.place)


def _part(place: Place, number: int, ground_size_m: float, rng: np.random.Generator) -> Part | None:
    """A rectangle that shows ground, in a corner if one does."""
    image = place.dates[0]
    ground_px = float(image[::4, ::4].any(axis=2).mean()) * image.shape[0] * image.shape[1]
    height, width = _sides(image.shape, SHARE * ground_px, MIN_SIDES * ground_size_m / place.gsd_m)
    is_narrow = min(height, width) < ground_size_m / place.gsd_m
    if is_narrow or height * width > MAX_SHARE * ground_px:
        return None
    room = image.shape[0] - height, image.shape[1] - width
    corners = [(row * room[0], col * room[1]) for row in (0, 1) for col in (0, 1)]
    inside = [(int(rng.integers(room[0] + 1)), int(rng.integers(room[1] + 1))) for _ in range(16)]
    for top, left in [corners[n] for n in rng.permutation(4)] + inside:
        part = Part(number, left, top, left + width, top + height)
        if image[part.window][::4, ::4].any(axis=2).mean() >= _MIN_GROUND:
            return part
    return None


def _sides(shape: tuple[int, ...], area_px: float, least_px: float) -> tuple[int, int]:
    """Height and width of that area, as square as the shape and the least side let it be."""
    length = max(least_px, math.sqrt(area_px))
    height = min(length, shape[0])
    width = min(max(least_px, area_px / height), shape[1])
    height = min(max(height, area_px / width), shape[0])
    return int(height), int(width)


def without(places: Sequence[Place], parts: Sequence[Part]) -> list[Place]:
    """The places, black where parts of them are held out."""
    rest = list(places)
    for part in parts:
        image = rest[part.place].dates[0].copy()
        image[part.window] = 0
        rest[part.place] = replace(rest[part.place], dates=(image,))
    return rest


class MapValidation:
    """Synthetic photos of the held-out parts, looked for among the tiles of the whole map.

    Args:
        places: Blocks of a map, nothing of them held out.
        parts: Held-out parts of the blocks.
        choice: Options of synthetic photos, and the size of a tile.
        size_px: Side of the images.
    """

    def __init__(
        self, places: Sequence[Place], parts: Sequence[Part], choice: PairChoice, *, size_px: int
    ) -> None:
        tiles = _tiles(places, parts, choice.tile_ground_size_m)
        self._tiles = np.stack(
            [cut_tile(places[number].dates[0], crop, size_px) for number, crop in tiles]
        )
        shots = [
            shot
            for shot in _shots(places, parts, choice)
            if len(_right(shot.part.place, shot.crop, tiles))
        ]
        self._photos = np.stack(
            [
                _photo(places, shot, choice, size_px=size_px, chance=n)
                for n, shot in enumerate(shots)
            ]
        )
        self._right = [_right(shot.part.place, shot.crop, tiles) for shot in shots]
        self.protocol = (
            f"{len(shots)} synthetic photos of {len(parts)} held-out parts of the map, none of "
            f"whose ground was learnt from, among {len(tiles)} tiles of the whole map (every "
            "half side); right is a tile whose middle lies within half a side; the best step was "
            "chosen on the same photos"
        )

    def measure(self, embed: Embed) -> Recall:
        """A photo is found if any of its right tiles is; ties count against it."""
        photos, tiles = embed.images(self._photos, "drone"), embed.images(self._tiles, "satellite")
        return recall_from(ranks_of(photos, tiles, self._right), references=len(tiles))


def _tiles(
    places: Sequence[Place], parts: Sequence[Part], ground_size_m: float
) -> list[tuple[int, Crop]]:
    """Tiles at every half side: those near the parts first, then others from all over the map."""
    near: list[tuple[int, Crop]] = []
    far: list[tuple[int, Crop]] = []
    for number, place in enumerate(places):
        own = [part for part in parts if part.place == number]
        for crop in _lattice(place, ground_size_m):
            if shown_share(place.dates[0], crop) >= 0.5:
                is_near = any(_is_inside(crop, part, _REACH * crop.side) for part in own)
                (near if is_near else far).append((number, crop))
    room = min(len(far), max(0, _MAX_TILES - len(near)))
    drawn: list[int] = np.linspace(0, len(far) - 1, room).round().astype(int).tolist()
    return near + [far[n] for n in drawn]


def _lattice(place: Place, ground_size_m: float) -> Iterator[Crop]:
    """The tiles of a place, each half a side from the next; the last ones end at its edges."""
    side = place.tile_px(ground_size_m)
    height, width = place.dates[0].shape[:2]
    rows, cols = (max(1, math.ceil((length - side) / (side / 2))) + 1 for length in (height, width))
    for y in np.linspace(side / 2, height - side / 2, rows):
        for x in np.linspace(side / 2, width - side / 2, cols):
            yield Crop(float(x), float(y), side)


def _is_inside(crop: Crop, part: Part, margin: float) -> bool:
    """Whether a crop's middle lies in a part or at most `margin` beside it."""
    is_across = part.left - margin <= crop.x <= part.right + margin
    return is_across and part.top - margin <= crop.y <= part.bottom + margin


@dataclass(frozen=True)
class _Shot:
    """A photo to be made: what of its place it may show, and the tile that it is of."""

    part: Part
    shown: Part
    crop: Crop


def _shots(places: Sequence[Place], parts: Sequence[Part], choice: PairChoice) -> Iterator[_Shot]:
    """The photos, in turns of each part, at places drawn by chance."""
    rng = np.random.default_rng(_VALIDATION_SEED)
    for n in range(max(_PHOTOS, len(parts))):
        part = parts[n % len(parts)]
        place = places[part.place]
        side = place.tile_px(choice.tile_ground_size_m)
        shown = _shown(part, place, gap_px=round(_GAP * side), is_alone=len(places) == 1)
        x, y = (
            float(rng.uniform(low, high)) if low < high else (first + last) / 2
            for first, last in ((shown.left, shown.right), (shown.top, shown.bottom))
            for low, high in [(first + _INSET * side, last - _INSET * side)]
        )
        yield _Shot(part, shown, Crop(x, y, side))


def _shown(part: Part, place: Place, *, gap_px: int, is_alone: bool) -> Part:
    """The part without a gap towards what is learnt from: none at the edges of a lone block."""
    height, width = place.dates[0].shape[:2]
    return Part(
        part.place,
        part.left + gap_px * (part.left > 0 or not is_alone),
        part.top + gap_px * (part.top > 0 or not is_alone),
        part.right - gap_px * (part.right < width or not is_alone),
        part.bottom - gap_px * (part.bottom < height or not is_alone),
    )


def _photo(
    places: Sequence[Place], shot: _Shot, choice: PairChoice, *, size_px: int, chance: int
) -> RgbImage:
    """The photo, black where it would show more than it may."""
    rng = np.random.default_rng((_VALIDATION_SEED, chance))
    image = np.ascontiguousarray(places[shot.part.place].dates[0][shot.shown.window])
    crop = replace(shot.crop, x=shot.crop.x - shot.shown.left, y=shot.crop.y - shot.shown.top)
    photo = take_photo(image, crop, size_px, choice=choice, rng=rng)
    covered = photo.any(axis=2, keepdims=True)
    return np.asarray(disturb(photo, rng, strength=1.0) * covered, np.uint8)


def _right(place: int, crop: Crop, tiles: Sequence[tuple[int, Crop]]) -> Int64Array:
    """Numbers of the tiles that count as right for a photo."""
    reach = _REACH * crop.side
    right = [
        n
        for n, (number, tile) in enumerate(tiles)
        if number == place and max(abs(tile.x - crop.x), abs(tile.y - crop.y)) <= reach
    ]
    return np.array(right, np.int64)
