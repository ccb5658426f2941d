"""Batches of a data set: pairs stay pairs, and a step always means the same batch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from geoloc.arrays import Float32Array, RgbBatch
from geoloc.errors import InputError, PhotoError
from geoloc.image_size import ImageSize
from geoloc.learning.datasets.crossview import Picture
from geoloc.learning.datasets.registry import open_dataset
from geoloc.learning.training.batch import Batch, Share
from geoloc.learning.training.data.dataset_source import SplitSource
from geoloc.learning.training.data.image_reader import PictureReader
from geoloc.learning.training.loading import load_batches
from geoloc.learning.training.recipe_file import read_recipe
from geoloc.models.view import View
from tests.fixtures.dataset_layouts import write_image

STILL = """
[augmentation]
flip = 0.0
quarter_turns = 0.0
jpeg = 0.0
jitter = 0.0
sharpness = 0.0
dropout = 0.0
"""
SIZES = {"drone": ImageSize(24, 40), "satellite": ImageSize(32, 32)}


def source(recipe: Path, pairs: Path, more: str = "") -> SplitSource:
    recipe.write_text(recipe.read_text() + more)
    split = open_dataset("pairs", pairs).train
    assert split is not None
    return SplitSource(split, read_recipe(recipe), PictureReader(SIZES))


def same(one: Batch, other: Batch) -> bool:
    return all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in ("queries", "references", "places", "overlaps")
    )


def test_a_batch_has_each_views_size_and_no_place_twice(pairs_recipe: Path, pairs: Path) -> None:
    made = source(pairs_recipe, pairs)
    batch = made.batch(0)
    assert batch.queries.shape == (4, 24, 40, 3)
    assert batch.references.shape == (4, 32, 32, 3)
    assert (batch.places.dtype, batch.overlaps.dtype) == (np.int64, np.float32)
    assert made.batches_per_epoch == 3
    assert made.places == 12
    epoch = np.concatenate([made.batch(step).places for step in range(3)])
    assert sorted(epoch.tolist()) == list(range(12))


def test_rows_of_a_batch_are_pairs(pairs_recipe: Path, pairs: Path) -> None:
    """The fabricated photos are their tiles, half as bright and a bit lighter."""
    batch = source(pairs_recipe, pairs, STILL).batch(1)
    assert np.allclose(
        batch.queries.mean((1, 2)), batch.references.mean((1, 2)) / 2 + 60, rtol=0, atol=2
    )
    assert batch.overlaps.tolist() == [0.5 + number % 3 / 4 for number in batch.places]


def test_the_same_step_gives_the_same_batch_and_another_epoch_another_order(
    pairs_recipe: Path, pairs: Path
) -> None:
    made, again = (source(pairs_recipe, pairs) for _ in range(2))
    assert same(made.batch(4), again.batch(4))
    assert not same(made.batch(1), made.batch(4))
    assert same(made.batch(1), again.batch(1))  # an earlier epoch can still be had


def test_shares_make_up_the_batch(pairs_recipe: Path, pairs: Path) -> None:
    made = source(pairs_recipe, pairs)
    whole, first, second = made.batch(2), made.batch(2, Share(0, 2)), made.batch(2, Share(1, 2))
    assert np.array_equal(whole.queries, np.concatenate([first.queries, second.queries]))
    assert np.array_equal(whole.places, np.concatenate([first.places, second.places]))


class _Arc:
    """Vectors on an arc, in another order than that of the positions."""

    @staticmethod
    def order(number: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where on the arc a picture lies."""
        return number * 5 % 12

    def images(self, images: RgbBatch, view: View) -> Float32Array:
        raise AssertionError("mining reads files")

    def pictures(self, pictures: tuple[Picture, ...], view: View) -> Float32Array:
        angles = self.order(np.arange(len(pictures))) * np.pi / 24
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_what_was_mined_goes_into_the_state(pairs_recipe: Path, pairs: Path) -> None:
    mining = (
        '[sampling]\nneighbours = "similarity"\nrange = 3\nselect = 3\nalways = 3\n'
        "refresh_every_epochs = 1\n"
    )
    made, fresh = source(pairs_recipe, pairs, mining), source(pairs_recipe, pairs)
    assert [made.wants_mining(epoch) for epoch in range(3)] == [False, True, True]
    before = made.batch(3)
    made.mine(_Arc())
    after = made.batch(3)
    assert not same(before, after)
    assert np.ptp(_Arc.order(after.places)) <= 6  # neighbours on the arc meet
    assert np.ptp(_Arc.order(before.places)) > 6
    fresh.restore(made.state())
    assert same(fresh.batch(3), after)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_loader_gives_the_batches_of_its_steps(
    pairs_recipe: Path, pairs: Path, workers: int
) -> None:
    made = source(pairs_recipe, pairs)
    loaded = list(load_batches(made, range(2, 5), share=Share(), workers=workers))
    assert len(loaded) == 3
    assert all(same(batch, made.batch(step)) for step, batch in enumerate(loaded, 2))


@pytest.mark.parametrize("workers", [0, 1])
def test_a_damaged_image_ends_a_run_with_its_own_error(
    pairs_recipe: Path, pairs: Path, workers: int
) -> None:
    made = source(pairs_recipe, pairs)
    for path in pairs.glob("tile*.png"):
        path.write_bytes(b"")
    with pytest.raises(PhotoError, match=r"^\S*tile\d+\.png is"):
        list(load_batches(made, range(3), share=Share(), workers=workers))


def test_too_few_places_for_a_batch_are_refused(pairs_recipe: Path, pairs: Path) -> None:
    pairs_recipe.write_text(pairs_recipe.read_text().replace("batch_size = 4", "batch_size = 13"))
    with pytest.raises(InputError, match=r"copy the recipe.*batch_size smaller \(12 would do\)"):
        source(pairs_recipe, pairs)


def test_an_epoch_that_chance_left_empty_is_drawn_again(pairs_recipe: Path, tmp_path: Path) -> None:
    """Of three photos in a row the middle one's tile shows both others' places."""
    rows = "".join(
        f"{write_image(tmp_path / f'{name}.png').name},{name}.png,train,{lon},0,160\n"
        for name, lon in (("west", 0), ("middle", 0.0006), ("east", 0.0012))
    )
    (tmp_path / "pairs.csv").write_text("query,reference,split,lon,lat,ground_size_m\n" + rows)
    pairs_recipe.write_text(pairs_recipe.read_text().replace("batch_size = 4", "batch_size = 2"))
    made = source(pairs_recipe, tmp_path)
    assert made.batches_per_epoch == 1
    assert all(sorted(made.batch(step).places) == [0, 2] for step in range(12))


def test_pictures_are_read_alike_one_by_one_and_in_chunks(pairs: Path) -> None:
    split = open_dataset("pairs", pairs).train
    assert split is not None
    reader = PictureReader(SIZES)
    single = [reader.read(picture, "drone") for picture in split.queries]
    chunks = list(reader.chunks(split.queries, "drone", size=5, workers=2))
    assert [len(chunk) for chunk in chunks] == [5, 5, 2]
    assert np.array_equal(np.concatenate(chunks), np.stack(single))
    assert reader.read(split.queries[0], "drone") is single[0]
