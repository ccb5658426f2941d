"""Contrast stretch: values of any type as bytes, between percentiles, for maps and photos alike."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np

from geoloc.arrays import AnyArray, ByteArray, Mask
from geoloc.errors import TilesError

PERCENTILES = (2.0, 98.0)


@dataclass(frozen=True)
class Stretch:
    """Contrast stretch: per band, the values that become 0 and 255."""

    low: tuple[float, ...]
    high: tuple[float, ...]

    def to_text(self) -> str:
        """JSON, for the table of tiles."""
        return json.dumps([self.low, self.high])

    @classmethod
    def from_text(cls, text: str) -> Stretch:
        """Read what `to_text` wrote.

        Raises:
            TilesError: It is something else.
        """
        try:
            low, high = json.loads(text)
            return cls(tuple(map(float, low)), tuple(map(float, high)))
        except (ValueError, TypeError) as error:
            message = f"unreadable stretch {text!r}; expected [[low, ...], [high, ...]]"
            raise TilesError(f"{message}; run geoloc tile again") from error

    @classmethod
    def measure(cls, samples: AnyArray, valid: Mask) -> Stretch:
        """Percentiles of the valid values (N,) of each band of `samples` (bands, N)."""
        values = samples[:, valid].astype(np.float64)
        values = values[:, np.isfinite(values).all(axis=0)]
        if values.shape[1] == 0:
            return cls((0.0,) * len(samples), (1.0,) * len(samples))
        low, high = np.percentile(values, PERCENTILES, axis=1)
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
