"""Fill values that nobody declared: -9999, 0 or 65535 around a map, told from its data by a rule.

A value is taken for a fill if it is the least or greatest of a band, many pixels hold exactly it,
and it lies off the others: by more than they spread, or, for the values that programs write as a
fill, by a part of that. What a sensor measures tails off towards its extremes and leaves no such
gap: shadows that are clipped at 0 have ones and twos beside them. Bytes are never judged, since
black and white at the ends of their short scale are often data.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from geoloc.arrays import AnyArray, Float64Array, Mask

# What programs fill with: GIS habits, and the ends of the types.
_HABITS = (0.0, -9999.0, -32768.0, -32767.0, -99999.0, -1.0, 255.0, 32767.0, 65535.0)
# Share of a band that must hold the value, and how far off it must lie, in spreads of the others.
_MIN_SHARE = 0.005
_GAP = 1.0
_GAP_OF_HABIT = 0.02
# Beyond the others by this part of the gap, a pixel is a mixture of data and fill.
_MIXED = 0.25


@dataclass(frozen=True)
class FillValues:
    """What is taken for fill, by band.

    Attributes:
        values: The values themselves.
        floor: Data are no less; minus infinity where no low value is a fill.
        ceiling: Data are no greater; infinity where no high value is one.
    """

    values: tuple[tuple[float, ...], ...]
    floor: tuple[float, ...]
    ceiling: tuple[float, ...]

    def holds_data(self, bands: AnyArray) -> Mask:
        """Which pixels (...) of bands (B, ...) hold data in any band, as for declared values."""
        return np.asarray(self.is_data(bands).any(axis=0))

    def is_data(self, bands: AnyArray) -> Mask:
        """Which values of bands (B, ...) are data."""
        shape = (-1, *(1,) * (bands.ndim - 1))
        low, high = (np.reshape(limit, shape) for limit in (self.floor, self.ceiling))
        data: Mask = (bands >= low) & (bands <= high)
        return data

    @property
    def text(self) -> str:
        """The values, each once, for a person."""
        return ", ".join(f"{value:g}" for value in dict.fromkeys(v for b in self.values for v in b))


def find_fill_values(bands: AnyArray) -> FillValues | None:
    """The undeclared fill values of samples (B, N), which may hold NaN; None if there are none."""
    found = [_limits(band[np.isfinite(band)].astype(np.float64)) for band in bands]
    if not any(values for values, _, _ in found):
        return None
    values, floor, ceiling = zip(*found, strict=True)
    return FillValues(values, floor, ceiling)


def _limits(samples: Float64Array) -> tuple[tuple[float, ...], float, float]:
    """The fill values of one band, and the least and greatest that is data."""
    values: list[float] = []
    floor, ceiling, total = -np.inf, np.inf, len(samples)
    # One fill lies outside of another now and then: those of two sheets of a mosaic.
    while len(samples):
        for low in (True, False):
            value = float(samples.min() if low else samples.max())
            is_value = samples == value
            if is_value.sum() < _MIN_SHARE * total:
                continue
            others = samples[~is_value]
            gap = _gap_of_fill(value, others)
            if gap:
                break
        else:
            break
        values.append(value)
        samples = others
        if low:
            floor = float(others.min()) - _MIXED * gap
        else:
            ceiling = float(others.max()) + _MIXED * gap
    return tuple(values), floor, ceiling


def _gap_of_fill(value: float, others: Float64Array) -> float:
    """How far an extreme value lies off the others; 0 if it is no fill."""
    if not len(others):
        return 0.0
    low, high = np.percentile(others, (2, 98)).tolist()
    gap = max(float(others.min()) - value, value - float(others.max()))
    is_habit = abs(value) > 1e30 or value in _HABITS
    needed = (_GAP_OF_HABIT if is_habit else _GAP) * (high - low)
    return gap if high > low and gap > needed else 0.0
