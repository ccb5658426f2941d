"""Pictures and headings that are tried for a street photo, by its network and what it states."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from geoloc.locate.street.queries import Query, QueryParameters, heading_stages, queries_of
from geoloc.models.registry import read_card
from geoloc.options import Effort
from geoloc.photos.metadata import PhotoMetadata
from geoloc.photos.photo import Photo
from tests.fixtures.street import StreetWorld
from tests.fixtures.whole_photos import WholeWorld


@pytest.mark.parametrize("effort", get_args(Effort))
def test_unknown_headings_are_covered_in_even_steps(effort: Effort) -> None:
    (everywhere,) = heading_stages(PhotoMetadata(), effort)
    gaps = {b - a for a, b in itertools.pairwise((*everywhere, 360.0))}
    assert len(gaps) == 1
    assert max(gaps) <= 30


def test_a_known_heading_comes_first_and_a_wrong_one_is_forgiven() -> None:
    near, everywhere = heading_stages(PhotoMetadata(yaw_deg=5.0), "normal")
    assert near == (355.0, 5.0, 15.0)
    assert len(everywhere) >= 16
    assert len(list(heading_stages(PhotoMetadata(yaw_deg=5.0), "low"))) == 1


def test_a_magnetic_heading_is_trusted_less() -> None:
    near, _ = heading_stages(PhotoMetadata(yaw_deg=100.0, yaw_ref="magnetic"), "normal")
    assert (min(near), max(near)) == (80.0, 120.0)


def test_an_experiment_sets_its_own_headings() -> None:
    parameters = QueryParameters(near_headings_deg=(0.0,), step_normal_deg=90.0)
    near, everywhere = heading_stages(PhotoMetadata(yaw_deg=5.0), "normal", parameters=parameters)
    assert near == (5.0,)
    assert everywhere == (0.0, 90.0, 180.0, 270.0)


def test_a_ring_is_turned_to_each_heading_in_batches() -> None:
    ring = np.arange(36, dtype=np.uint8)[None, :, None].repeat(3, axis=2)
    query = Query(ring[None], (0.0, 90.0, 180.0))
    batches = list(query.batches(2))
    assert [len(batch) for batch in batches] == [2, 1]
    np.testing.assert_array_equal(batches[0][1], np.roll(ring, 9, axis=1))
    np.testing.assert_array_equal(batches[1][0], np.roll(ring, 18, axis=1))


def test_a_photo_that_is_taken_whole_is_one_picture_without_a_heading(
    whole_world: WholeWorld,
) -> None:
    card = read_card(whole_world.folder / "model")
    pixels = np.zeros((480, 640, 3), np.uint8)
    photo = Photo(Path("photo.jpg"), pixels, 640, 480, PhotoMetadata())
    (query,) = queries_of(photo, PhotoMetadata(yaw_deg=20.0), "street", card=card)
    assert (len(query), query.headings_deg, query.horizon_share) == (1, None, 1.0)
    assert query.picture(0).shape == (480, 640, 3)
    panorama = Photo(Path("pano.jpg"), pixels[:320], 640, 320, PhotoMetadata())
    for effort, count in (("low", 4), ("normal", 8), ("high", 8)):
        (query,) = queries_of(panorama, PhotoMetadata(), "panorama", card=card, effort=effort)
        assert (len(query), query.headings_deg) == (count, None)
        assert query.picture(0).shape == (48, 64, 3)


def test_a_network_of_rings_gets_its_stages_of_headings(street_world: StreetWorld) -> None:
    card = read_card(street_world.folder / "model")
    pixels = np.full((480, 640, 3), 90, np.uint8)
    photo = Photo(Path("photo.jpg"), pixels, 640, 480, PhotoMetadata())
    near, around = queries_of(photo, PhotoMetadata(yaw_deg=20.0), "street", card=card)
    assert near.headings_deg == (10.0, 20.0, 30.0)
    assert len(around) == 24
    assert near.pictures.shape == (1, 60, 240, 3)
    assert near.horizon_share == pytest.approx(67.4 / 360, abs=0.01)
