"""What an explanation holds: the two pictures, what speaks for them, and the numbers."""

from __future__ import annotations

from dataclasses import dataclass

from geoloc.arrays import RgbImage
from geoloc.locate.explain.evidence import Evidence, LevelMap
from geoloc.photos.kind import PhotoKind


@dataclass(frozen=True)
class Side:
    """One of the two pictures that are compared.

    Attributes:
        pixels: (h, w, 3) uint8, as the network sees it.
        evidence: What its positions add to the cosine.
        levels: What its neural maps do; empty for networks without.
    """

    pixels: RgbImage
    evidence: Evidence
    levels: tuple[LevelMap, ...]


@dataclass(frozen=True)
class Mark:
    """A position to be marked on the tile.

    Attributes:
        meaning: In a few words.
        x: From the tile's left edge (0) to its right (1); outside it may be anything.
        y: From its upper edge to its lower.
        away_m: Distance from the tile's centre.
    """

    meaning: str
    x: float
    y: float
    away_m: float

    @property
    def is_inside(self) -> bool:
        """Whether it lies on the tile."""
        return 0 <= self.x <= 1 and 0 <= self.y <= 1


@dataclass(frozen=True)
class Ablation:
    """What is left when all neural maps are zero.

    Attributes:
        cosine: Of the same photo and tile.
        rank: Of the tile among the `rivals`.
        rank_with_maps: The same with the maps.
        rivals: The tiles that were best with the maps; how many.
    """

    cosine: float
    rank: int
    rank_with_maps: int
    rivals: int


@dataclass(frozen=True)
class Explanation:
    """Why the network puts a photo and a tile together, as far as it can be seen.

    Attributes:
        photo_name: Name of the photo's file.
        model: Name of the model.
        kind: What the photo was taken for.
        supposed: Under which height, heading and scale it is most like the tile.
        photo: The photo.
        tile: The tile.
        tile_id: Its name.
        tile_size_m: Its side on the ground.
        cosine: Of the two.
        rank: Of the tile among all.
        tiles: How many there are.
        next_cosine: Of the next best tile (of the best, if this is not it); None if there is none.
        own_rank: Of the tile nearest to the photo's own position; None if it has none, or if the
            tile is beyond the thousandth.
        marks: The photo's own position and the answer, where there are any.
        ablation: None for networks without neural maps.
    """

    photo_name: str
    model: str
    kind: PhotoKind
    supposed: str
    photo: Side
    tile: Side
    tile_id: str
    tile_size_m: float
    cosine: float
    rank: int
    tiles: int
    next_cosine: float | None
    own_rank: int | None
    marks: tuple[Mark, ...]
    ablation: Ablation | None
