"""What is held out of a map is never learnt from, and is looked for in all of it."""

from __future__ import annotations

import numpy as np
import pytest

from geoloc.arrays import Float32Array, RgbBatch
from geoloc.learning.datasets.crossview import Picture
from geoloc.learning.training.data.map_validation import (
    MapValidation,
    Part,
    hold_out_parts,
    least_area_m2,
    without,
)
from geoloc.learning.training.data.places import Place
from geoloc.learning.training.recipe import PairChoice
from geoloc.models.view import View

SIDE_M = 40.0
STILL = PairChoice(
    tile_ground_size_m=SIDE_M,
    offset=0.0,
    turn_deg=0.0,
    zoom=(1.0, 1.0),
    tilt_deg=0.0,
    footprint=(4.0, 4.0),
)


def block(height_px: int, width_px: int, *, name: str = "a") -> Place:
    pixels = np.random.default_rng(3).integers(1, 255, (height_px, width_px, 3), np.uint8)
    return Place(name, name, (pixels,), 1.0, False, True)


class Eye:
    """Sees where in a picture of coordinates an image lies: red is the column, green the row."""

    def images(self, images: RgbBatch, view: View) -> Float32Array:
        """Vectors near each other for images that are."""
        del view
        shown = images.any(axis=3)
        pixels = images.astype(np.float64)
        middle = (pixels * shown[..., None]).sum(axis=(1, 2)) / shown.sum(axis=(1, 2))[:, None]
        flat = np.column_stack([middle[:, :2] / 100, np.ones(len(images))])
        return np.asarray(flat / np.linalg.norm(flat, axis=1, keepdims=True), np.float32)

    def pictures(self, pictures: tuple[Picture, ...], view: View) -> Float32Array:
        """Not asked for."""
        raise AssertionError(pictures, view)


class Blind(Eye):
    """Sees the same in everything."""

    def images(self, images: RgbBatch, view: View) -> Float32Array:
        """One vector."""
        del view
        return np.ones((len(images), 1), np.float32)


@pytest.mark.parametrize("seed", range(5))
def test_about_a_seventh_of_a_map_is_held_out_in_a_corner(seed: int) -> None:
    (part,) = hold_out_parts([block(400, 500)], SIDE_M, seed=seed)
    assert part.area_px == pytest.approx(0.15 * 400 * 500, rel=0.02)
    assert part.left in (0, 500 - (part.right - part.left))
    assert part.top in (0, 400 - (part.bottom - part.top))


def test_a_small_map_gives_more_and_a_smaller_one_nothing() -> None:
    least_px = least_area_m2(SIDE_M) ** 0.5
    (part,) = hold_out_parts([block(int(least_px) + 2, int(least_px) + 2)], SIDE_M, seed=0)
    assert part.area_px == (2 * SIDE_M) ** 2
    assert hold_out_parts([block(int(least_px) - 2, int(least_px) - 2)], SIDE_M, seed=0) == []


def test_a_strip_gives_a_piece_of_its_length() -> None:
    (part,) = hold_out_parts([block(60, 1000)], SIDE_M, seed=0)
    assert (part.top, part.bottom) == (0, 60)
    assert part.right - part.left == pytest.approx(150, abs=1)
    assert hold_out_parts([block(30, 4000)], SIDE_M, seed=0) == []


def test_of_a_huge_map_no_more_is_held_out_than_can_be_measured() -> None:
    places = [block(400, 400, name=str(n)) for n in range(40)]
    parts = hold_out_parts(places, SIDE_M, seed=0)
    assert 300 <= sum(part.area_px for part in parts) / SIDE_M**2 < 320
    assert [part.place for part in parts] == sorted({part.place for part in parts})


def test_what_shows_no_ground_is_not_held_out() -> None:
    place = block(400, 400)
    place.dates[0][:250] = 0
    place.dates[0][:, :250] = 0
    (part,) = hold_out_parts([place], 20.0, seed=1)
    assert place.dates[0][part.window].any(axis=2).mean() >= 0.8


def test_held_out_ground_is_black_where_one_learns() -> None:
    places = [block(300, 300, name="a"), block(300, 300, name="b")]
    rest = without(places, [Part(1, 0, 0, 100, 120)])
    assert rest[0] is places[0]
    assert not rest[1].dates[0][:120, :100].any()
    assert rest[1].dates[0][120:].all()
    assert places[1].dates[0].all()


def coordinates() -> Place:
    rows, cols = np.mgrid[0:240, 0:240]
    pixels = np.stack([cols + 1, rows + 1, np.full_like(rows, 128)], axis=-1).astype(np.uint8)
    return Place("a", "a", (pixels,), 1.0, False, True)


def test_photos_show_nothing_but_the_part_and_are_found_where_they_were_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "geoloc.learning.training.data.map_validation.disturb",
        lambda image, rng, *, strength: image,
    )
    part = Part(0, 140, 120, 240, 240)
    validation = MapValidation([coordinates()], [part], STILL, size_px=20)
    shown = validation._photos[validation._photos[..., 2] >= 127]  # none that black is mixed into
    # A quarter of a tile, 10 pixels, lies between the photos and the ground that is learnt from.
    assert shown[:, 0].min() >= 149
    assert shown[:, 1].min() >= 129
    recall = validation.measure(Eye())
    assert (recall.queries, recall.references) == (192, 11 * 11)
    assert recall.at_1 > 0.8
    assert recall.at_5 > 0.95


def test_a_network_that_sees_nothing_finds_nothing() -> None:
    validation = MapValidation([coordinates()], [Part(0, 0, 0, 100, 100)], STILL, size_px=20)
    assert validation.measure(Blind()).at_10 == 0
    assert "192 synthetic photos of 1 held-out parts" in validation.protocol


def test_tiles_are_bounded_and_none_near_the_photos_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    part = Part(0, 0, 0, 100, 100)
    whole = MapValidation([coordinates()], [part], STILL, size_px=20)
    monkeypatch.setattr("geoloc.learning.training.data.map_validation._MAX_TILES", 40)
    few = MapValidation([coordinates()], [part], STILL, size_px=20)
    assert (len(whole._tiles), len(few._tiles)) == (121, 40)
    assert [len(each) for each in few._right] == [len(each) for each in whole._right]
