"""Explanation of a match: photo and tile, the evidence in both, neural maps, numbers."""

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
        evidence: Parts of the cosine that its positions add.
        levels: Weights of its neural maps; empty for networks without.
    """

    pixels: RgbImage
    evidence: Evidence
    levels: tuple[LevelMap, ...]


@dataclass(frozen=True)
class Mark:
    """A position to be marked on the tile.

    Attributes:
        meaning: What lies there, in a few words.
        x: Column, from the tile's left edge (0) to its right (1); outside it may be anything.
        y: Row, from the tile's upper edge (0) to its lower (1).
        away_m: Distance from the tile's centre, metres.
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
    """Ablation: the match when all neural maps are zero.

    Attributes:
        cosine: Cosine of the same photo and tile.
        rank: Rank of the tile among the `rivals`.
        rank_with_maps: Rank of the tile among them with the maps.
        rivals: Number of tiles that were best with the maps.
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
        kind: Kind of photo that it was taken for.
        is_whole: Whether the network takes photos whole, not turned or bent.
        supposed: Height, heading and scale under which it is most like the tile, in words.
        photo: The photo's side.
        tile: The tile's side.
        tile_id: Name of the tile.
        tile_size_m: Side of the tile on the ground, metres.
        tile_shown: What of the ground the network sees, in words.
        cosine: Cosine of the two.
        rank: Rank of the tile among all.
        tiles: Number of tiles in the index.
        next_cosine: Cosine of the next best tile (of the best, if this is not it); None if there
            is none.
        own_rank: Rank of the tile nearest to the photo's own position; None if the photo has none,
            or if the tile is beyond the thousandth.
        marks: The photo's own position and the estimate, where there are any.
        ablation: The match without neural maps; None for networks that have none.
    """

    photo_name: str
    model: str
    kind: PhotoKind
    is_whole: bool
    supposed: str
    photo: Side
    tile: Side
    tile_id: str
    tile_size_m: float
    tile_shown: str
    cosine: float
    rank: int
    tiles: int
    next_cosine: float | None
    own_rank: int | None
    marks: tuple[Mark, ...]
    ablation: Ablation | None
