"""From the data of a recipe to what is learnt from and what is measured on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from geoloc.errors import InputError, ModelError, OptionError
from geoloc.learning.datasets.crossview import CrossViewDataset, Split
from geoloc.learning.training.batch import Source
from geoloc.learning.training.data.aerial_source import AerialSource, AerialValidation
from geoloc.learning.training.data.crop_source import CropSource, CropValidation
from geoloc.learning.training.data.dataset_source import SplitSource
from geoloc.learning.training.data.held_out import hold_out
from geoloc.learning.training.data.image_reader import PictureReader
from geoloc.learning.training.data.keypoint_source import KeypointSource, KeypointValidation
from geoloc.learning.training.data.map_crops import MapCrops, open_map_crops
from geoloc.learning.training.data.places import Place, read_places
from geoloc.learning.training.recipe import AERIAL, KEYPOINTS, Recipe
from geoloc.learning.training.validation import SplitValidation, Validation
from geoloc.models.card import ModelCard, check_describes_keypoints, check_embeds_images
from geoloc.models.view import DRONE, GROUND, SATELLITE, View
from geoloc.progress import Progress, Silent

PAIRS = "pairs"
# Of a user's own pairs that `geoloc pairs --test-share 0` or a person left whole.
_SHARE_OF_PAIRS = 0.2


@dataclass(frozen=True)
class TrainingData:
    """What a run learns from and what it is measured on."""

    source: Source
    validation: Validation


def open_training_data(
    recipe: Recipe, card: ModelCard, data: Path, *, progress: Progress | None = None
) -> TrainingData:
    """Both, of the recipe's data.

    Args:
        recipe: Which data, and how they are used.
        card: Card of the network, for its input sizes.
        data: The folder that they lie in.
        progress: Listener for images that are read at once.

    Raises:
        InputError: if data are missing, or none are held out.
        ModelError: if the network is for other data.
    """
    _check_network(recipe, card)
    if recipe.data.dataset in (AERIAL, KEYPOINTS):
        _check_headings(recipe, card, DRONE)
    if recipe.data.dataset == AERIAL:
        learnt, held_out = _places(recipe, data, progress or Silent())
        size_px = _aerial_size(recipe, card)
        source = AerialSource(learnt, recipe.pairs, recipe.schedule, size_px=size_px)
        return TrainingData(source, AerialValidation(held_out, recipe.pairs, size_px=size_px))
    if recipe.data.dataset == KEYPOINTS:
        learnt, held_out = _places(recipe, data, progress or Silent())
        patches = KeypointSource(learnt, recipe.keypoints, recipe.schedule)
        return TrainingData(patches, KeypointValidation(held_out, recipe.keypoints))
    train, test = _splits(recipe, data, progress or Silent())
    if train is None:
        raise InputError(
            f"{data} holds no training part of {recipe.data.dataset}; expected one; check --data",
            path=data,
        )
    _check_shapes(recipe, card, train)
    _check_headings(recipe, card, train.query_view)
    reader = PictureReader(card.input_sizes, card.ground_fit)
    if card.crops is None:
        return TrainingData(SplitSource(train, recipe, reader), _split_validation(recipe, test))
    maps = open_map_crops(data, recipe.data.maps, card.crops)
    crops = CropSource(train, recipe, reader, maps)
    return TrainingData(crops, _crop_validation(recipe, test, maps))


def open_validation(
    recipe: Recipe, card: ModelCard, data: Path, *, progress: Progress | None = None
) -> Validation:
    """What a model is measured on, at the input size of its card.

    Raises:
        InputError: if data are missing, or none are held out.
        ModelError: if the network is for other data.
    """
    _check_network(recipe, card)
    if recipe.data.dataset == AERIAL:
        _, held_out = _places(recipe, data, progress or Silent())
        size_px = card.input_size(SATELLITE).height_px
        return AerialValidation(held_out, recipe.pairs, size_px=size_px)
    if recipe.data.dataset == KEYPOINTS:
        return KeypointValidation(_places(recipe, data, progress or Silent())[1], recipe.keypoints)
    test = _splits(recipe, data, progress or Silent())[1]
    if card.crops is not None:
        maps = open_map_crops(data, recipe.data.maps, card.crops)
        return _crop_validation(recipe, test, maps)
    return _split_validation(recipe, test)


def _check_network(recipe: Recipe, card: ModelCard) -> None:
    """Patches around keypoints for the one kind of network, images for the others."""
    if recipe.data.dataset == KEYPOINTS:
        check_describes_keypoints(card)
    else:
        check_embeds_images(card)


def _places(recipe: Recipe, data: Path, progress: Progress) -> tuple[list[Place], list[Place]]:
    """Aerial places to learn from, and those held out."""
    places = read_places(data, recipe.data, progress=progress)
    learnt = [place for place in places if not place.is_held_out]
    held_out = [place for place in places if place.is_held_out]
    if not learnt or not held_out:
        raise InputError(
            f"{len(learnt)} places to learn from and {len(held_out)} held out; expected some "
            "of each; check [data] of the recipe"
        )
    return learnt, held_out


def _aerial_size(recipe: Recipe, card: ModelCard) -> int:
    return recipe.schedule.size_px or card.input_size(SATELLITE).height_px


def _splits(recipe: Recipe, data: Path, progress: Progress) -> tuple[Split | None, Split]:
    """The data set's split to learn from, if it is there, and the one to validate on."""
    from geoloc.learning.datasets.registry import open_dataset

    dataset, share = open_dataset(recipe.data.dataset, data), recipe.data.held_out_share
    if recipe.data.dataset == PAIRS and not dataset.tests and not share:
        share = _SHARE_OF_PAIRS
        progress.warn(
            f"{data} has no test part: {share:.0%} of its places are held out at random; their "
            "tiles may overlap those learnt from, which flatters the recall"
        )
    if share and dataset.train is not None:
        return hold_out(dataset.train, share, seed=recipe.schedule.seed)
    return dataset.train, _chosen_test(recipe, dataset, data)


def _chosen_test(recipe: Recipe, dataset: CrossViewDataset, data: Path) -> Split:
    found = [test for test in dataset.tests if test.name.startswith(recipe.data.test)]
    if found:
        return found[0]
    names = ", ".join(test.name for test in dataset.tests) or "none"
    raise InputError(
        f"{data} has no test of {dataset.name} whose name begins with {recipe.data.test!r} "
        f"(there are: {names}); expected one to validate on; name it as test in [data] of the "
        "recipe, or keep back training places with held_out_share",
        path=data,
    )


def _split_validation(recipe: Recipe, test: Split) -> SplitValidation:
    validation = SplitValidation(
        test, dataset=recipe.data.dataset, most_queries=recipe.schedule.validation_queries
    )
    if not len(validation):
        raise InputError(
            f"no query of {test.name} has a right reference; expected pairs to validate on; "
            "check --data and [data] of the recipe"
        )
    return validation


def _crop_validation(recipe: Recipe, test: Split, maps: MapCrops) -> CropValidation:
    return CropValidation(test, maps, most_queries=recipe.schedule.validation_queries)


def _check_shapes(recipe: Recipe, card: ModelCard, split: Split) -> None:
    """Whether the card fits the data and what the recipe does to them.

    Raises:
        ModelError: if a view is unknown, or a satellite image would be turned out of shape.
    """
    for view in (split.query_view, split.reference_view):
        size = card.input_size(view)
        is_turned = view == "satellite" and recipe.augmentation.quarter_turns > 0
        if is_turned and size.height_px != size.width_px:
            raise ModelError(
                f"satellite images of {size.height_px} x {size.width_px} pixels cannot make "
                "quarter turns; expected a square, or quarter_turns = 0 in [augmentation]"
            )
    aerial_only = recipe.schedule.size_px or recipe.schedule.small_steps
    if aerial_only:
        raise ModelError(
            "size_px and small_steps of [schedule] are for aerial images; expected neither: a "
            "data set's images have the card's input sizes; take them out of the recipe"
        )


def _check_headings(recipe: Recipe, card: ModelCard, query_view: View) -> None:
    """Whether the queries are rings that show which way is north, where wrong ones are wanted.

    Raises:
        OptionError: if they are not: a ring without a heading has no wrong one.
    """
    choice = recipe.augmentation
    why = ""
    if query_view != GROUND:
        why = f"the queries are of the view {query_view}"
    elif card.ground_fit != "ring":
        why = f'ground_fit = "{card.ground_fit}" in [card.input] takes photos whole'
    elif card.crops is not None:
        why = "crops are cut from the maps at any bearing"
    elif choice.roll:
        why = f"roll = {choice.roll:g} in [augmentation] hides their headings"
    elif choice.quarter_turns and choice.turned != "both":
        why = f'turned = "{choice.turned}" in [augmentation] turns tiles without their rings'
    if recipe.loss.heading_negatives and why:
        raise OptionError(
            f"heading_negatives = {recipe.loss.heading_negatives} in [loss] turns rings to wrong "
            f"headings, but {why}; expected rings of known heading; take it out of the recipe"
        )
