"""CVACT: ground panoramas and satellite images of Canberra, one to one.

The split of Liu and Li (CVPR 2019): 35,532 pairs to learn from, 8,884 to validate and 92,802 to
test with. Layout::

    ACT_data.mat                                        panoIds, utm, trainSet, valSet
    ANU_data_small/streetview/<id>_grdView.jpg          train and val
    ANU_data_small/satview_polish/<id>_satView_polish.jpg
    ANU_data_test/streetview/...                        test, optional
    ANU_data_test/satview_polish/...

Panoramas that the table lists and the archive lacks are left out, as the authors' readers do. A
test is one to one, as Sample4Geo counts it; the original test also accepts what lies within 5 m.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import loadmat
from scipy.io.matlab import MatReadError

from geoloc.arrays import Float64Array
from geoloc.errors import InputError
from geoloc.geometry.crs import LonLat, to_lonlat
from geoloc.learning.datasets.crossview import CrossViewDataset, Pair, Picture, Split
from geoloc.learning.datasets.files import find_root, images_in, missing_files, require_files

_TABLE, _SMALL, _TEST = "ACT_data.mat", "ANU_data_small", "ANU_data_test"
_GROUND, _SATELLITE = "_grdView.jpg", "_satView_polish.jpg"
_UTM_CRS = "EPSG:32755"  # Canberra lies in zone 55 south
_MAX_MISSING = 0.02
# What scipy was seen to raise on files that are damaged or none of MATLAB's, and a missing key.
_UNREADABLE = (
    MatReadError,
    OSError,
    KeyError,
    ValueError,
    TypeError,
    IndexError,
    NotImplementedError,
    zlib.error,
)


def read_cvact(folder: Path) -> CrossViewDataset:
    """CVACT from its folder; the test set only where it was unpacked.

    Raises:
        InputError: The table or images are missing.
    """
    root = find_root(folder, [_TABLE], dataset="CVACT")
    ids, positions, train, val = _read_table(root)
    known = dict(zip(ids, positions, strict=True))
    tests, learnt = [], None
    if (root / _SMALL).is_dir():
        learnt = _one_to_one(root / _SMALL, "train", [ids[i] for i in train], known)
        tests.append(_one_to_one(root / _SMALL, "val", [ids[i] for i in val], known))
    if (root / _TEST).is_dir():
        tests.append(_one_to_one(root / _TEST, "test", _paired_ids(root / _TEST), known))
    if not tests:
        raise InputError(
            f"{root} holds neither {_SMALL} nor {_TEST}; unpack an archive of CVACT there "
            "(examples/datasets.md shows the tree of folders)",
            path=root,
        )
    return CrossViewDataset("cvact", learnt, tuple(tests))


def _read_table(root: Path) -> tuple[list[str], list[LonLat], list[int], list[int]]:
    """Ids, positions, and which of them are for training and validation."""
    path = root / _TABLE
    try:
        table = loadmat(path)
        ids = [str(each).strip() for each in np.ravel(table["panoIds"])]
        train, val = (_indices(table, name) for name in ("trainSet", "valSet"))
        positions = _positions(np.asarray(table["utm"], np.float64))
        if len(positions) != len(ids) or max((*train, *val), default=0) >= len(ids):
            raise ValueError(f"{len(ids)} ids, {len(positions)} positions, or indices beyond")
    except _UNREADABLE as error:
        raise InputError(
            f"{path} cannot be read ({type(error).__name__}: {error}); expected panoIds, utm, "
            "trainSet and valSet as its authors publish them; download it again",
            path=path,
        ) from error
    return ids, positions, train, val


def _indices(table: dict[str, Any], name: str) -> list[int]:
    """The second field of a MATLAB struct: numbers of panoramas, counted from 1 there."""
    numbers = np.ravel(table[name][0][0][1]).astype(np.int64) - 1
    return [int(number) for number in numbers]


def _positions(utm_m: Float64Array) -> list[LonLat]:
    """Degrees of eastings and northings (N, 2), in whichever order they are stored.

    South of the equator a northing counts from 10,000 km: it is always the larger one.
    """
    eastings, northings = utm_m.min(axis=1), utm_m.max(axis=1)
    return [LonLat(float(lon), float(lat)) for lon, lat in to_lonlat(_UTM_CRS, eastings, northings)]


def _paired_ids(folder: Path) -> list[str]:
    """The ids of which a folder holds both views."""
    ground, satellite = (
        {path.name.removesuffix(ending) for path in images_in(folder / name)}
        if (folder / name).is_dir()
        else set()
        for name, ending in (("streetview", _GROUND), ("satview_polish", _SATELLITE))
    )
    return sorted(ground & satellite)


def _one_to_one(folder: Path, name: str, ids: Sequence[str], known: dict[str, LonLat]) -> Split:
    """The panoramas and tiles of some ids, but for those that the archive lacks."""
    pairs = [_pictures(folder, each, known.get(each)) for each in ids]
    lacking = set(missing_files(picture.path for pair in pairs for picture in pair))
    if not ids or len(lacking) > _MAX_MISSING * 2 * len(ids):
        wanted = [picture.path for pair in pairs for picture in pair]
        wanted = wanted or [folder / "streetview" / f"*{_GROUND}"]
        require_files(wanted, dataset=f"CVACT ({name})", root=folder.parent)
    whole = [pair for pair in pairs if lacking.isdisjoint(picture.path for picture in pair)]
    return Split(
        name=name,
        query_view="ground",
        reference_view="satellite",
        queries=tuple(query for query, _ in whole),
        references=tuple(reference for _, reference in whole),
        pairs=tuple(Pair(number, number) for number in range(len(whole))),
    )


def _pictures(folder: Path, name: str, position: LonLat | None) -> tuple[Picture, Picture]:
    return (
        Picture(folder / "streetview" / f"{name}{_GROUND}", name, position),
        Picture(folder / "satview_polish" / f"{name}{_SATELLITE}", name, position),
    )
