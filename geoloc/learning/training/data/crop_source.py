"""Pairs of photos from the ground and crops of maps, which are cut while they are learnt from.

As Fervers et al. (ECCV 2024) train: all crops of a place share a bearing and a middle, which are
drawn anew each time, so that no heading and no grid of tiles is learnt by heart.
"""

from __future__ import annotations

import numpy as np

from geoloc.arrays import RgbBatch, RgbImage
from geoloc.errors import InputError, OptionError
from geoloc.geometry.crs import LonLat
from geoloc.learning.datasets.crossview import Picture, Split
from geoloc.learning.training.batch import Embed
from geoloc.learning.training.data.augmentation import augment
from geoloc.learning.training.data.dataset_source import SplitSource
from geoloc.learning.training.data.image_reader import PictureReader
from geoloc.learning.training.data.map_crops import MapCrops
from geoloc.learning.training.recall import Recall, ranks_of, recall_from
from geoloc.learning.training.recipe import Recipe
from geoloc.models.view import SATELLITE


class CropSource(SplitSource):
    """The training split of photos whose references are cut from maps.

    Args:
        split: Photos with positions; its tiles only say which photos are neighbours.
        recipe: Recipe of the run.
        reader: Reads the photos.
        maps: What crops are cut from.

    Raises:
        OptionError: The recipe wants of the pairs what is only done to rings and tiles.
        InputError: A photo has no position.
    """

    def __init__(self, split: Split, recipe: Recipe, reader: PictureReader, maps: MapCrops) -> None:
        _check_choices(recipe)
        self._places = [_position(query) for query in split.queries]
        self._maps, self._offset_m = maps, recipe.data.offset_m
        self._shown = {place: maps.showing(place) for place in set(self._places)}
        super().__init__(split, recipe, reader)
        self.identity = f"{self.identity}, crops of {len(maps.maps)} maps"

    def _pair(self, number: int, seed: tuple[int, ...]) -> tuple[RgbImage, RgbBatch]:
        chosen = self._split.pairs[number].query
        photo = self._reader.read(self._split.queries[chosen], self.query_view)
        rng = np.random.default_rng(seed)
        place = self._places[chosen]
        shown = self._shown[place]
        east_m, north_m = rng.uniform(-self._offset_m, self._offset_m, 2)
        crops = self._maps.cut(
            shown[int(rng.integers(len(shown)))],
            place,
            bearing_deg=float(rng.uniform(0, 360)),
            aside_m=(float(east_m), float(north_m)),
        )
        # One below the other they are one picture of one moment, and are mirrored alike.
        column = crops.reshape(-1, *crops.shape[2:])
        photo, column = augment(photo, column, rng, self._augmentation, query_view=self.query_view)
        return photo, column.reshape(crops.shape)


class CropValidation:
    """Held-out photos, looked for among the crops around all places where such were taken."""

    def __init__(self, split: Split, maps: MapCrops, *, most_queries: int) -> None:
        order = np.arange(len(split.queries))
        if most_queries and len(order) > most_queries:
            order = np.linspace(0, len(order) - 1, most_queries).round().astype(int)
        self._queries = tuple(split.queries[number] for number in order)
        places = {query.place: _position(query) for query in split.queries}
        names = list(places)
        self._right = [np.array([names.index(query.place)]) for query in self._queries]
        self._crops = np.stack([_upright(maps, place) for place in places.values()])
        self.protocol = (
            f"{split.name}: {len(self._queries)} photos of unknown heading among the crops around "
            f"{len(names)} places; the best step was chosen on the same"
        )

    def measure(self, embed: Embed) -> Recall:
        """A photo is found if its place is; a tie counts against it."""
        photos = embed.pictures(self._queries, "ground")
        places = embed.images(self._crops, SATELLITE)
        return recall_from(ranks_of(photos, places, self._right), references=len(places))


def _upright(maps: MapCrops, place: LonLat) -> RgbBatch:
    """The crops of a place as an index has them, from the first of its maps."""
    bearing_deg = maps.crops.bearing_deg
    return maps.cut(maps.showing(place)[0], place, bearing_deg=bearing_deg, aside_m=(0.0, 0.0))


def _position(picture: Picture) -> LonLat:
    if picture.position is None:
        raise InputError(
            f"{picture.path} has no position; expected lon and lat of every photo, around which "
            "the crops of the map are cut; add them to pairs.csv",
            path=picture.path,
        )
    return picture.position


def _check_choices(recipe: Recipe) -> None:
    choice = recipe.augmentation
    if choice.quarter_turns or choice.sector or choice.roll:
        raise OptionError(
            "quarter_turns, sector and roll are for tiles and rings; expected 0 of each where "
            "crops are cut at any bearing; mend [augmentation] of the recipe"
        )
    if recipe.sampling.neighbours == "similarity":
        raise OptionError(
            'neighbours = "similarity" compares tiles; expected "position" or "none" where crops '
            "are cut from maps; mend [sampling] of the recipe"
        )
