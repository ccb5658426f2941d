"""Fill values that nobody declared, told from what a sensor measures."""

from __future__ import annotations

import numpy as np
import pytest

from geoloc.fill_values import find_fill_values
from geoloc.stretch import Stretch


def scene(kind: str = "float32") -> np.ndarray:
    """A band of 10,000 values about 900, between some 500 and 1,300."""
    values = np.random.default_rng(3).normal(900, 100, 10_000).clip(500, 1300)
    return values.astype(kind)


def with_share(values: np.ndarray, fill: float, share: float) -> np.ndarray:
    filled = values.copy()
    filled[: int(share * len(values))] = fill
    return filled


@pytest.mark.parametrize("share", [0.02, 0.4, 0.9])
@pytest.mark.parametrize(
    ("kind", "fill"),
    [
        ("float32", -9999),
        ("float32", -3.4028235e38),
        ("float32", 3.4028235e38),
        ("float32", 0),
        ("int16", -32768),
        ("int16", -9999),
        ("uint16", 0),
        ("uint16", 65535),
        ("float32", -5000),  # far off, though nobody's habit
    ],
)
def test_a_spike_far_off_is_a_fill_and_not_part_of_the_stretch(
    kind: str, fill: float, share: float
) -> None:
    band = with_share(scene(kind), fill, share)
    found = find_fill_values(band[None])
    assert found is not None
    assert found.values == ((pytest.approx(fill),),)
    stretch = Stretch.measure(band[None], np.ones(len(band), bool), find_fill=True)
    expected = np.percentile(band[int(share * len(band)) :].astype(float), [2, 98])
    assert [*stretch.low, *stretch.high] == pytest.approx(expected.tolist())
    assert Stretch.from_text(stretch.to_text()) == stretch


@pytest.mark.parametrize(
    "band",
    [
        scene(),
        scene("uint16"),
        np.minimum(scene("uint16"), 1000),  # saturated
        np.maximum(scene("float32") - 800, 0),  # shadows that are clipped
        np.random.default_rng(1).integers(0, 256, 10_000).astype("uint16"),  # bytes in a wider type
        np.repeat([0, 1], 5000).astype("int16"),
        np.full(10_000, 7.0),
        np.empty(0),
        with_share(scene(), -9999, 0.0001),  # a few odd pixels
    ],
)
def test_what_a_sensor_measures_is_no_fill(band: np.ndarray) -> None:
    assert find_fill_values(band[None]) is None


def test_bands_may_have_fills_of_their_own_and_several() -> None:
    first = with_share(with_share(scene(), -9999, 0.3), -32768, 0.1)
    found = find_fill_values(np.stack([first, with_share(scene(), 65535, 0.3), scene()]))
    assert found is not None
    assert found.values == ((-32768, -9999), (65535,), ())
    assert found.text == "-32768, -9999, 65535"


def test_pixels_that_are_mixed_with_fill_are_no_data() -> None:
    found = find_fill_values(with_share(scene(), -9999, 0.3)[None])
    assert found is not None
    bands = np.array([[-9999, -4000, 400, 900, np.nan]])
    assert found.holds_data(bands).tolist() == [False, False, True, True, False]


def test_a_pixel_with_data_in_any_band_is_data_as_for_declared_values() -> None:
    filled = with_share(scene(), -9999, 0.3)
    found = find_fill_values(np.stack([filled, filled]))
    assert found is not None
    assert found.holds_data(np.array([[-9999, -9999], [900, -9999]])).tolist() == [True, False]
