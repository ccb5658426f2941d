from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoloc.learning.datasets.crossview import Pair, Picture, Split
from geoloc.learning.training.data.held_out import hold_out
from geoloc.learning.training.recall import Recall
from geoloc.learning.training.validation import SplitValidation


def split(places: int, photos: int = 2) -> Split:
    """Photos of each place, its tile, and a tile of nobody's after all others."""
    queries = tuple(
        Picture(Path(f"{place}-{n}.jpg"), str(place))
        for place in range(places)
        for n in range(photos)
    )
    references = tuple(Picture(Path(f"{place}.png"), str(place)) for place in range(places + 1))
    pairs = tuple(Pair(number, number // photos, 0.5) for number in range(len(queries)))
    near = (Pair(0, 1), Pair(0, places))
    return Split("train", "drone", "satellite", queries, references, pairs, near)


@settings(max_examples=30)
@given(places=st.integers(2, 12), share=st.floats(0.01, 0.99), seed=st.integers(0, 99))
def test_no_place_is_learnt_from_and_validated_on(places: int, share: float, seed: int) -> None:
    whole = split(places)
    learnt, kept = hold_out(whole, share, seed=seed)
    names = [{query.place for query in part.queries} for part in (learnt, kept)]
    assert names[0]
    assert names[1]
    assert not names[0] & names[1]
    assert len(learnt.queries) + len(kept.queries) == len(whole.queries)
    for part in (learnt, kept):
        for query, reference, overlap in part.pairs:
            assert part.queries[query].place == part.references[reference].place
            assert overlap == 0.5
        assert len(part.pairs) == len(part.queries)
        assert part.references[-1].place == str(places)  # nobody's, so a distraction in both


def test_near_misses_are_renumbered_with_their_pictures() -> None:
    learnt, kept = hold_out(split(4), 0.25, seed=1)
    with_first = learnt if learnt.queries[0].place == "0" else kept
    near = [with_first.references[pair.reference].place for pair in with_first.near_misses]
    assert near[-1] == "4"
    assert with_first.near_misses[0].query == 0


class _Names:
    """Embeds a picture by the number of its place."""

    def images(self, images: object, view: object) -> object:
        raise AssertionError("validation reads files")

    def pictures(self, pictures: tuple[Picture, ...], view: object) -> object:
        return np.eye(8, dtype=np.float32)[[int(picture.place) for picture in pictures]]


def test_a_network_that_knows_every_place_finds_all() -> None:
    validation = SplitValidation(split(4), dataset="made up")
    assert validation.measure(_Names()) == Recall(1.0, 1.0, 1.0, queries=8, references=5)  # type: ignore[arg-type]
    assert "8 queries among 5 references" in validation.protocol


def test_queries_can_be_fewer_but_references_stay() -> None:
    validation = SplitValidation(split(4), dataset="made up", most_queries=3)
    recall = validation.measure(_Names())  # type: ignore[arg-type]
    assert (recall.queries, recall.references) == (3, 5)
    assert "evenly drawn from 8" in validation.protocol


def test_queries_without_an_answer_are_not_asked() -> None:
    whole = split(2)
    orphan = Split("test", "drone", "satellite", whole.queries, whole.references, whole.pairs[:1])
    assert len(SplitValidation(orphan, dataset="made up")) == 1


@pytest.mark.parametrize("share", [0.001, 0.999])
def test_one_place_at_least_is_on_each_side(share: float) -> None:
    learnt, kept = hold_out(split(2), share, seed=0)
    assert (len(learnt.queries), len(kept.queries)) == (2, 2)
