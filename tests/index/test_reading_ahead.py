"""Reading tiles ahead of the network."""

from __future__ import annotations

import numpy as np
import pytest

from geoloc.errors import TilesError
from geoloc.index import tile_vectors


def test_reading_goes_ahead_but_not_far() -> None:
    asked: list[int] = []

    def read(row: int) -> np.ndarray:
        asked.append(row)
        if row == 2:
            raise TilesError("damaged")
        return np.full((1, 1, 3), row, np.uint8)

    ahead = tile_vectors.read_ahead(read, range(50), workers=2, depth=5)
    first = [next(ahead) for _ in range(4)]
    assert [row for row, _ in first] == [0, 1, 2, 3]
    assert isinstance(first[2][1], TilesError)
    assert len(asked) <= 9
    ahead.close()


def test_errors_that_are_no_bad_tile_end_the_run() -> None:
    def fail(row: int) -> np.ndarray:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        next(tile_vectors.read_ahead(fail, [1], workers=1, depth=1))
