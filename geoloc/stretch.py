"""Contrast stretch: values of any type as bytes, between percentiles, for maps and photos alike."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import numpy as np

from geoloc.arrays import AnyArray, ByteArray, Float64Array, Mask
from geoloc.errors import TilesError
from geoloc.fill_values import FillValues, find_fill_values

PERCENTILES = (2.0, 98.0)


@dataclass(frozen=True)
class Stretch:
    """Contrast stretch: per band, the values that become 0 and 255.

    Attributes:
        low: What becomes 0.
        high: What becomes 255.
        fill: What is no data though nobody declared it, if there is such a value.
    """

    low: tuple[float, ...]
    high: tuple[float, ...]
    fill: FillValues | None = None

    def to_text(self) -> str:
        """JSON, for the table of tiles."""
        if self.fill is None:
            return json.dumps([self.low, self.high])
        fill = [self.fill.values, self.fill.floor, self.fill.ceiling]
        return json.dumps([self.low, self.high, fill])

    @classmethod
    def from_text(cls, text: str) -> Stretch:
        """Read what `to_text` wrote.

        Raises:
            TilesError: It is something else.
        """
        try:
            low, high, *fill = json.loads(text)
            return cls(tuple(map(float, low)), tuple(map(float, high)), *map(_fill_of, fill))
        except (ValueError, TypeError) as error:
            message = f"unreadable stretch {text!r}; expected [[low, ...], [high, ...]]"
            raise TilesError(f"{message}; run geoloc tile again") from error

    @classmethod
    def measure(cls, samples: AnyArray, valid: Mask, *, find_fill: bool = False) -> Stretch:
        """Percentiles of the valid values (N,) of each band of `samples` (bands, N).

        Args:
            samples: Values of the bands.
            valid: Which of them count.
            find_fill: Whether to look for fill values that nobody declared, and leave them out.
        """
        values = samples[:, valid].astype(np.float64)
        fill = find_fill_values(values) if find_fill else None
        if fill is not None:
            values = np.where(fill.is_data(values), values, np.nan)
            values = values[:, np.isfinite(values).any(axis=0)]
            return replace(cls._between(np.nanpercentile(values, PERCENTILES, axis=1)), fill=fill)
        values = values[:, np.isfinite(values).all(axis=0)]
        if values.shape[1] == 0:
            return cls((0.0,) * len(samples), (1.0,) * len(samples))
        return cls._between(np.percentile(values, PERCENTILES, axis=1))

    @classmethod
    def _between(cls, limits: Float64Array) -> Stretch:
        """The stretch between the percentiles (2, B) of bands."""
        low, high = limits
        # A band of one value has no contrast to stretch: it becomes middle grey.
        flat = high <= low
        margin = np.maximum(np.abs(low), 1.0) * 1e-6
        return cls(
            tuple(np.where(flat, low - margin, low).tolist()),
            tuple(np.where(flat, high + margin, high).tolist()),
        )

    def apply(self, bands: AnyArray) -> ByteArray:
        """Bands (B, H, W) of any type, as bytes."""
        low = np.asarray(self.low, dtype=np.float64).reshape(-1, 1, 1)
        high = np.asarray(self.high, dtype=np.float64).reshape(-1, 1, 1)
        scaled = (bands.astype(np.float64) - low) * (255.0 / (high - low))
        finite = np.nan_to_num(np.clip(scaled, 0, 255), nan=0.0)
        whole: ByteArray = np.rint(finite).astype(np.uint8)
        return whole


def _fill_of(fill: tuple[list[list[float]], list[float], list[float]]) -> FillValues:
    """The fill values of a stretch's text."""
    values, floor, ceiling = fill
    return FillValues(tuple(map(tuple, values)), tuple(floor), tuple(ceiling))
