"""Radii fitted to errors: they hold nine in ten of the next answers, whatever made the errors."""

from __future__ import annotations

import numpy as np
import pytest

from geoloc.arrays import Float64Array
from geoloc.learning.calibration.radii import LEAST_PHOTOS, fit_radii
from geoloc.locate.estimate import RAYLEIGH_90
from geoloc.locate.radii import ASSUMED_RADII, MAP_SD_M, Radii


def draw(
    rng: np.random.Generator, n: int, *, camera: float, map_sd_m: float, shift_m: float = 0.0
) -> tuple[Float64Array, Float64Array]:
    """Errors of answers, and what their photos say of them."""
    stated_m = rng.uniform(1.0, 12.0, n)
    sd_m = np.hypot(camera * stated_m, map_sd_m)[:, None]
    off_m = rng.normal(0, 1, (n, 2)) * sd_m + [shift_m, 0.0]
    return np.hypot(*off_m.T), stated_m


def held(radii: Radii, errors_m: Float64Array, stated_m: Float64Array) -> float:
    """Share of the errors within the radius for 90 %."""
    ce90_m = RAYLEIGH_90 * np.hypot(radii.camera * stated_m, radii.map_sd_m)
    return float((errors_m <= ce90_m).mean())


@pytest.mark.parametrize(
    ("camera", "map_sd_m", "shift_m"),
    [(1.0, 8.0, 0.0), (0.2, 0.3, 0.0), (3.0, 0.0, 0.0), (1.0, 1.0, 12.0)],
    ids=["as assumed", "exact map, careful photos", "boastful photos", "shifted map"],
)
def test_nine_in_ten_of_the_next_answers_lie_within(
    camera: float, map_sd_m: float, shift_m: float
) -> None:
    rng = np.random.default_rng(1)
    shares = []
    for _ in range(60):
        radii = fit_radii(*draw(rng, 40, camera=camera, map_sd_m=map_sd_m, shift_m=shift_m))
        assert radii is not None
        after = draw(rng, 400, camera=camera, map_sd_m=map_sd_m, shift_m=shift_m)
        shares.append(held(radii, *after))
    assert 0.88 < np.mean(shares) < 0.94


def test_many_errors_tell_the_photos_part_from_the_maps() -> None:
    rng = np.random.default_rng(2)
    exact = fit_radii(*draw(rng, 600, camera=1.5, map_sd_m=0.0))
    poor = fit_radii(*draw(rng, 600, camera=0.2, map_sd_m=10.0))
    assert exact is not None
    assert exact.camera == pytest.approx(1.5, abs=0.3)
    assert exact.map_sd_m < 2.5
    assert poor is not None
    assert poor.camera < 0.6
    assert poor.map_sd_m == pytest.approx(10.0, abs=2.0)


def test_the_order_of_the_photos_does_not_matter() -> None:
    errors_m, stated_m = draw(np.random.default_rng(3), 30, camera=1.0, map_sd_m=4.0)
    one, other = fit_radii(errors_m, stated_m), fit_radii(errors_m[::-1], stated_m[::-1])
    assert one is not None
    assert other is not None
    assert one.camera == pytest.approx(other.camera, rel=1e-3)
    assert one.map_sd_m == pytest.approx(other.map_sd_m, rel=1e-3)


def test_few_photos_tell_nothing() -> None:
    errors_m, stated_m = draw(np.random.default_rng(4), LEAST_PHOTOS, camera=1.0, map_sd_m=4.0)
    assert fit_radii(errors_m, stated_m) is not None
    assert fit_radii(errors_m[:-1], stated_m[:-1]) is None


def test_what_a_user_states_of_the_map_goes_before_what_was_measured() -> None:
    measured = Radii(0.5, 3.0, 40)
    assert measured.with_map_sd(None) == measured
    assert measured.with_map_sd(0.0) == Radii(0.5, 0.0, 40)
    assert ASSUMED_RADII.with_map_sd(None).map_sd_m == MAP_SD_M
