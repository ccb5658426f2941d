"""From any bands to RGB."""

from __future__ import annotations

import numpy as np
import pytest

from geoloc.errors import RasterError, TilesError
from geoloc.stretch import Stretch
from geoloc.tiles.bands import RgbRecipe, choose_recipe

ALL = np.ones((1, 2), dtype=bool)


def bands(*values: list[float], dtype: str = "uint8") -> np.ndarray:
    return np.array(values, dtype=dtype)[:, None, :]


@pytest.mark.parametrize(
    ("meanings", "kind", "chosen", "alpha"),
    [
        (["gray"], "grey", (1,), None),
        (["gray", "alpha"], "grey", (1,), 2),
        (["gray", "undefined"], "grey", (1,), None),
        (["red", "green", "blue"], "rgb", (1, 2, 3), None),
        (["blue", "green", "red", "alpha"], "rgb", (3, 2, 1), 4),
        (["red", "green", "blue", "undefined"], "rgb", (1, 2, 3), None),
        (["gray", "undefined", "undefined", "undefined"], "rgb", (1, 2, 3), None),
        (["cyan", "magenta", "yellow", "black"], "cmyk", (1, 2, 3, 4), None),
    ],
)
def test_bands_are_chosen_by_their_names(
    meanings: list[str], kind: str, chosen: tuple[int, ...], alpha: int | None
) -> None:
    recipe = choose_recipe(meanings, "uint8")
    assert (recipe.kind, recipe.bands, recipe.alpha_band) == (kind, chosen, alpha)


def test_complex_numbers_are_refused() -> None:
    with pytest.raises(RasterError, match="complex64"):
        choose_recipe(["gray"], "complex64")


def test_an_alpha_alone_is_refused() -> None:
    with pytest.raises(RasterError, match="alpha"):
        choose_recipe(["alpha"], "uint8")


def test_bytes_are_kept() -> None:
    tile = RgbRecipe("rgb", (1, 2, 3)).to_rgb(bands([1, 2], [3, 4], [5, 6]), ALL)
    assert tile.pixels.tolist() == [[[1, 3, 5], [2, 4, 6]]]


def test_grey_fills_three_channels() -> None:
    tile = RgbRecipe("grey", (1,)).to_rgb(bands([7, 8]), ALL)
    assert tile.pixels.tolist() == [[[7, 7, 7], [8, 8, 8]]]


def test_invalid_pixels_are_black() -> None:
    tile = RgbRecipe("grey", (1,)).to_rgb(bands([7, 8]), np.array([[True, False]]))
    assert tile.pixels[0, 1].tolist() == [0, 0, 0]


def test_ink_darkens() -> None:
    inks = bands([0, 255], [0, 0], [0, 0], [0, 0])
    tile = RgbRecipe("cmyk", (1, 2, 3, 4)).to_rgb(inks, ALL)
    assert tile.pixels.tolist() == [[[255, 255, 255], [0, 255, 255]]]


def test_a_palette_gives_its_colours_and_its_holes() -> None:
    recipe = choose_recipe(["palette"], "uint8", colours={0: (9, 8, 7, 255), 2: (1, 1, 1, 0)})
    tile = recipe.to_rgb(np.array([[[0, 1, 2, 200]]], dtype=np.uint8), np.ones((1, 4), dtype=bool))
    assert tile.pixels[0, 0].tolist() == [9, 8, 7]
    assert tile.valid.tolist() == [[True, False, False, False]]


def test_the_stretch_cuts_two_percent_at_each_end() -> None:
    values = np.arange(10_001, dtype=np.uint16)[None]
    stretch = Stretch.measure(values, np.ones(10_001, dtype=bool))
    assert (stretch.low, stretch.high) == ((200.0,), (9800.0,))
    shown = stretch.apply(np.array([[[0, 200, 5000, 9800, 10_000]]]))
    assert shown.ravel().tolist() == [0, 0, 128, 255, 255]


def test_invalid_and_infinite_values_do_not_enter_the_stretch() -> None:
    values = np.array([[1.0, 2.0, np.nan, np.inf, 9e9]])
    stretch = Stretch.measure(values, np.array([True, True, True, True, False]))
    assert stretch.high[0] <= 2.0


def test_a_flat_raster_becomes_middle_grey() -> None:
    stretch = Stretch.measure(np.full((1, 9), 500.0), np.ones(9, dtype=bool))
    assert stretch.apply(np.full((1, 1, 1), 500.0)).item() in (127, 128)


def test_a_raster_without_a_valid_value_has_a_stretch_still() -> None:
    assert Stretch.measure(np.full((1, 2), np.nan), np.ones(2, dtype=bool)).high == (1.0,)


def test_not_a_number_is_invalid() -> None:
    recipe = RgbRecipe("grey", (1,), stretch=Stretch((0.0,), (1.0,)))
    tile = recipe.to_rgb(bands([np.nan, 1.0], dtype="float32"), ALL)
    assert tile.valid.tolist() == [[False, True]]
    assert tile.pixels[0].tolist() == [[0, 0, 0], [255, 255, 255]]


def test_a_stretch_survives_as_text() -> None:
    stretch = Stretch((1.5, 2.0), (3.0, 4e5))
    assert Stretch.from_text(stretch.to_text()) == stretch


@pytest.mark.parametrize("text", ["", "[1]", "[[1], [null]]"])
def test_a_damaged_stretch_is_refused(text: str) -> None:
    with pytest.raises(TilesError, match="stretch"):
        Stretch.from_text(text)
