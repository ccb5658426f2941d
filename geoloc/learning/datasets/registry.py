"""The data sets by name, each with the one function that reads it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from geoloc.errors import InputError
from geoloc.learning.datasets.crossview import CrossViewDataset
from geoloc.learning.datasets.cvact import read_cvact
from geoloc.learning.datasets.cvusa import read_cvusa
from geoloc.learning.datasets.pairs import read_pairs
from geoloc.learning.datasets.sues200 import read_sues200
from geoloc.learning.datasets.university1652 import read_university1652
from geoloc.learning.datasets.vigor import read_vigor_cross, read_vigor_same

_READERS: dict[str, Callable[[Path], CrossViewDataset]] = {
    "cvusa": read_cvusa,
    "cvact": read_cvact,
    "vigor-same": read_vigor_same,
    "vigor-cross": read_vigor_cross,
    "university1652": read_university1652,
    "sues200": read_sues200,
    "pairs": read_pairs,
}

DATASETS: tuple[str, ...] = tuple(_READERS)


def open_dataset(name: str, folder: Path) -> CrossViewDataset:
    """A data set as its authors split it; images are listed, not opened.

    Args:
        name: One of `DATASETS`.
        folder: Folder where its archives were unpacked; for ``pairs`` the folder of pairs.csv, or
            the CSV itself.

    Raises:
        InputError: There is no data set of that name, or files of it are missing.
    """
    if name not in _READERS:
        raise InputError(
            f"no data set is called {name!r}; expected one of {', '.join(DATASETS)}; "
            "for data of your own write a pairs.csv and say pairs"
        )
    return _READERS[name](Path(folder))
