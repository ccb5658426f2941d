"""What a batch may hold, and that the same seed and epoch always give the same batches."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from geoloc.errors import OptionError
from geoloc.geometry.crs import LonLat
from geoloc.learning.datasets.crossview import Pair, Split
from geoloc.learning.training.data.sampling import Sampler
from geoloc.learning.training.recipe import SamplingChoice
from tests.fixtures.splits import line, many_to_one, one_to_one

CHANCE = SamplingChoice()
NEAREST = SamplingChoice(neighbours="position", range=16, select=8, always=4)


def sampler(split: Split, choice: SamplingChoice = CHANCE, *, size: int = 8) -> Sampler:
    return Sampler(split, choice, batch_size=size, seed=5)


def test_no_place_appears_twice_in_a_batch() -> None:
    split = many_to_one(20, 7)
    batches = sampler(split).epoch(0)
    assert batches
    for batch in batches:
        places = {split.queries[split.pairs[pair].query].place for pair in batch}
        assert len(places) == len(batch) == 8


def test_a_pair_is_learnt_from_once_in_an_epoch_and_few_are_left_over() -> None:
    drawn = [pair for batch in sampler(many_to_one(40, 10)).epoch(3) for pair in batch]
    assert len(drawn) == len(set(drawn))
    assert len(drawn) > 0.9 * 400


def test_the_incomplete_last_batch_is_dropped() -> None:
    batches = sampler(one_to_one(line(19))).epoch(0)
    assert [len(batch) for batch in batches] == [8, 8]


def test_the_epoch_ends_when_nothing_fits_any_more() -> None:
    assert sampler(many_to_one(3, 500), size=4).epoch(0) == []


def test_the_same_seed_and_epoch_give_the_same_batches() -> None:
    split = one_to_one(line(60))
    first = sampler(split, NEAREST)
    first.epoch(0)
    assert first.epoch(4) == sampler(split, NEAREST).epoch(4)
    assert first.epoch(4) != first.epoch(5)
    assert first.epoch(4) != Sampler(split, NEAREST, batch_size=8, seed=6).epoch(4)


def test_near_misses_never_meet_in_a_batch() -> None:
    split = one_to_one(line(24))
    near = tuple(Pair(i, (i + k) % 24) for i in range(24) for k in (1, 2))
    batches = sampler(replace(split, near_misses=near), size=4).epoch(0)
    assert batches
    forbidden = {(pair.query, pair.reference) for pair in near}
    for batch in batches:
        assert not any((a, b) in forbidden for a in batch for b in batch)


def test_neighbours_fill_the_batches() -> None:
    split = one_to_one(line(400))

    def spread(choice: SamplingChoice) -> float:
        return float(np.mean([np.std(batch) for batch in sampler(split, choice).epoch(0)]))

    assert spread(NEAREST) < 0.5 * spread(CHANCE)


def test_the_nearest_always_come_and_the_others_vary() -> None:
    split = one_to_one(line(200))
    choice = replace(NEAREST, range=40, select=20, always=4)
    batch = sampler(split, choice, size=16).epoch(0)[0]
    table = sampler(split, choice).neighbours
    assert table is not None
    assert set(table[batch[0], :4].tolist()) <= set(batch)
    assert not set(table[batch[0], :15].tolist()) <= set(batch)


def test_a_neighbour_gives_one_of_its_photos() -> None:
    split = many_to_one(30, 5)
    drawing = sampler(split, replace(NEAREST, neighbours="similarity"), size=6)
    circle = np.arange(30)[:, None] + np.arange(1, 17)
    drawing.use((circle % 30).repeat(5, axis=0).astype(np.int32))
    for batch in drawing.epoch(0):
        references = [split.pairs[pair].reference for pair in batch]
        assert len(set(references)) == 6


def test_similarities_are_wanted_every_few_epochs_and_never_at_first() -> None:
    split = one_to_one(line(10))
    similar = sampler(split, replace(NEAREST, neighbours="similarity"))
    assert [similar.wants_similarities(epoch) for epoch in range(6)] == [
        False, False, False, False, True, False
    ]  # fmt: skip
    assert not sampler(split, NEAREST).wants_similarities(4)


def test_similarity_begins_with_positions_where_there_are_any() -> None:
    similar = replace(NEAREST, neighbours="similarity")
    assert sampler(one_to_one(line(10)), similar).neighbours is not None
    assert sampler(many_to_one(10, 2), similar).neighbours is None


@pytest.mark.parametrize("split", [one_to_one(line(40)), many_to_one(40, 2)], ids=["gps", "none"])
def test_a_restored_sampler_goes_on_alike(split: Split) -> None:
    similar = replace(NEAREST, neighbours="similarity")
    old, new = sampler(split, similar), sampler(split, similar)
    new.use(np.full((len(split.queries), 3), 1, np.int32))
    new.restore(old.state())
    assert new.epoch(7) == old.epoch(7)


def test_a_table_for_other_queries_is_refused() -> None:
    with pytest.raises(OptionError, match="40 queries"):
        sampler(one_to_one(line(40))).use(np.zeros((39, 4), np.int32))


def test_impossible_choices_are_refused() -> None:
    with pytest.raises(OptionError, match=r"always <= select <= range"):
        SamplingChoice(select=200)
    with pytest.raises(OptionError, match="1 or more"):
        SamplingChoice(misfits=0)
    with pytest.raises(OptionError, match="no positions"):
        sampler(many_to_one(10, 2), NEAREST)
    with pytest.raises(OptionError, match="batch of 0"):
        sampler(one_to_one(line(4)), size=0)


def test_pictures_may_not_repeat_even_where_places_may() -> None:
    split = one_to_one([LonLat(0, 0)] * 12)
    same = replace(
        split,
        queries=tuple(replace(q, place="here") for q in split.queries),
        references=tuple(replace(r, place="here") for r in split.references),
    )
    assert sampler(same).epoch(0) == []
    assert len(sampler(same, SamplingChoice(unique_places=False)).epoch(0)) == 1
