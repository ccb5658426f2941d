"""Local features of a whole map: computed once, kept in the index, searched by locating.

A folder of features holds, sorted by region and 64 m cell so that a window is a few slices:

    features.json      regions, counts, versions, the digest of the tiles
    xy.npy             (N, 2) float32  metres east and north of the region's origin
    shape.npy          (N, 2) float32  diameter in metres; angle in degrees clockwise from east
    region.npy         (N,) int16
    descriptors.npy    (N, size) uint8  of the kind that features.json names
    descriptor/        the model that describes, if it is not RootSIFT: photos need the same
    descriptors.faiss  the same descriptors for nearest-neighbour search
    cells.npz          keys and starts of the cells
    words.npy, signatures.npy          of tiles, see `geoloc.index.features.signatures`

A region is a group of rasters whose footprints touch: a photo may straddle two sheets of a map,
never two continents. Its metres are those of one local frame.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import faiss
import numpy as np
from numpy.typing import NDArray

from geoloc.arrays import ByteArray, Float32Array, Float64Array, Int64Array
from geoloc.errors import IndexFolderError, one_line
from geoloc.geometry.crs import LocalFrame, LonLat, distances_m
from geoloc.index.features.keypoints import ROOT_SIFT, DescriptorKind

FEATURES_VERSION = 1
FEATURES_MANIFEST = "features.json"
DESCRIPTOR = "descriptor"
CELL_M = 64.0
BLOCK_M = 1000.0
_CELL_BITS = 21
_CELL_BIAS = 1 << (_CELL_BITS - 1)
# Inverted lists that a search looks into: the more lists, the more of them.
_FEWEST_PROBES = 24
_PROBED_SHARE = 1 / 90
# Fewer ids than this share of all are sorted: a mark for every feature of the map costs more.
_SORTED_SHARE = 1 / 1000


@dataclass(frozen=True)
class Region:
    """One connected piece of the map and its metric frame."""

    origin: LonLat
    rasters: tuple[str, ...]
    area_m2: float
    reach_m: float  # of the farthest ground from the origin

    @property
    def frame(self) -> LocalFrame:
        """Metres east and north of the origin."""
        return LocalFrame(self.origin)


@dataclass(frozen=True)
class Neighbours:
    """The nearest map features of each query feature, nearest first.

    Attributes:
        ids: (Q, k) int64; -1 where fewer were found.
        distances: (Q, k) float32, Euclidean, in units of the byte descriptors.
    """

    ids: Int64Array
    distances: Float32Array


class FeatureMap:
    """The features of a map, opened from a folder; arrays are memory-mapped.

    Attributes:
        folder: That they lie in.
        regions: Connected pieces of the map.
        gsd_m: Metres a pixel of the tiles that they were found on.
        kind: Meaning of their descriptors.
        xy_m: (N, 2) float32, metres east and north of the region's origin.
        region: (N,) int16.
        descriptors: (N, kind.size) uint8.
    """

    def __init__(self, folder: Path) -> None:
        manifest = _read_manifest(folder)
        self.folder = folder
        self.regions = tuple(
            Region(LonLat(*r["origin"]), tuple(r["rasters"]), r["area_m2"], r["reach_m"])
            for r in manifest["regions"]
        )
        self.gsd_m = float(manifest["gsd_m"])
        self.kind = DescriptorKind(**manifest[DESCRIPTOR]) if DESCRIPTOR in manifest else ROOT_SIFT
        if self.descriptor_folder is not None and not self.descriptor_folder.is_dir():
            raise FileNotFoundError(f"{self.descriptor_folder} with the model is missing")
        self.xy_m: Float32Array = np.load(folder / "xy.npy", mmap_mode="r")
        self._shape = np.load(folder / "shape.npy", mmap_mode="r")
        self.region: NDArray[np.int16] = np.load(folder / "region.npy", mmap_mode="r")
        self.descriptors: ByteArray = np.load(folder / "descriptors.npy", mmap_mode="r")
        self._counts = np.bincount(self.region, minlength=len(self.regions))
        with (folder / "cells.npz").open("rb") as stream:  # numpy leaves a damaged one open
            cells = np.load(stream)
            self._keys, self._starts = cells["keys"], cells["starts"]
        self._faiss = faiss.read_index(str(folder / "descriptors.faiss"), faiss.IO_FLAG_MMAP)
        self._check_counts(int(manifest["count"]))
        self._probes = max(_FEWEST_PROBES, round(getattr(self._faiss, "nlist", 0) * _PROBED_SHARE))
        if hasattr(self._faiss, "nprobe"):
            self._faiss.nprobe = self._probes

    @classmethod
    def open(cls, folder: str | Path) -> FeatureMap:
        """The features kept in `folder`.

        Raises:
            IndexFolderError: The folder is missing, unfinished, damaged or of another version.
        """
        try:
            return cls(Path(folder))
        except (
            OSError,
            EOFError,
            ValueError,
            KeyError,
            TypeError,
            RuntimeError,
            BadZipFile,
        ) as error:
            raise IndexFolderError(
                f"cannot read the local features in {folder} ({one_line(error)}); "
                "build the index again with --overwrite",
                path=folder,
            ) from error

    def _check_counts(self, count: int) -> None:
        arrays = (self.xy_m, self._shape, self.region, self.descriptors)
        found = {*(len(array) for array in arrays), self._faiss.ntotal, int(self._starts[-1])}
        if found != {count}:
            raise ValueError(f"{count} features are meant, and its files hold {found}")

    def __len__(self) -> int:
        return len(self.xy_m)

    @property
    def descriptor_folder(self) -> Path | None:
        """The model that described them; None for RootSIFT."""
        return None if self.kind == ROOT_SIFT else self.folder / DESCRIPTOR

    @property
    def size_m(self) -> Float32Array:
        """(N,) float32, diameters on the ground."""
        return self._shape[:, 0]  # type: ignore[no-any-return]

    @property
    def angle_deg(self) -> Float32Array:
        """(N,) float32, clockwise from the region's east."""
        return self._shape[:, 1]  # type: ignore[no-any-return]

    def nearest(
        self, descriptors: ByteArray, k: int, *, among: Int64Array | None = None
    ) -> Neighbours:
        """The `k` nearest features for each of (Q, kind.size) descriptors.

        Args:
            descriptors: Of the photo.
            k: How many.
            among: Ids to choose from (as `in_box` gives them); None is the whole map. A true
                partner is found as surely as on the whole map: the inverted lists that are
                probed depend on the descriptor alone.
        """
        parameters = None if among is None else self._only(among)
        squared, ids = self._faiss.search(descriptors.astype(np.float32), k, params=parameters)
        return Neighbours(ids, np.sqrt(np.maximum(squared, 0)))

    def _only(self, among: Int64Array) -> faiss.SearchParameters:
        bitmap = np.zeros(len(self), bool)
        bitmap[among] = True
        # FAISS's stubs describe the C++ constructors; its Python ones take these.
        selector: Any = faiss.IDSelectorBitmap(np.packbits(bitmap, bitorder="little"))  # type: ignore[call-arg, arg-type]
        if hasattr(self._faiss, "nprobe"):
            return faiss.SearchParametersIVF(sel=selector, nprobe=self._probes)  # type: ignore[call-arg]
        return faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]

    def block(self, ids: Int64Array) -> Int64Array:
        """A number for the square kilometre (and region) that features lie in; shaped as `ids`."""
        # A block is centred on the origin: a small region is one block, not corners of four.
        where = np.floor(self.xy_m[ids] / BLOCK_M + 0.5).astype(np.int64)
        return cell_keys(self.region[ids].astype(np.int64), where[..., 0], where[..., 1])

    def areas_m2(self, among: Int64Array | None = None) -> Float64Array:
        """Ground area of every region, (R,); with `among` only what these features stand for."""
        areas = np.array([region.area_m2 for region in self.regions])
        if among is None:
            return areas
        some = np.bincount(self.region[among], minlength=len(areas))
        return np.asarray(areas * np.maximum(1, some) / np.maximum(1, self._counts))

    def in_box(self, region: int, low: Float64Array, high: Float64Array) -> Int64Array:
        """Ids of the features between two corners (east, north) in metres, at cell precision."""
        first = np.floor(np.asarray(low) / CELL_M).astype(int)
        last = np.floor(np.asarray(high) / CELL_M).astype(int)
        spans = []
        for column in range(first[0], last[0] + 1):
            keys = cell_keys(region, np.array([column, column]), np.array([first[1], last[1]]))
            a = np.searchsorted(self._keys, keys[0], side="left")
            b = np.searchsorted(self._keys, keys[1], side="right")
            spans.append(np.arange(self._starts[a], self._starts[b], dtype=np.int64))
        return np.concatenate(spans) if spans else np.zeros(0, np.int64)

    def in_squares(self, lon: Float64Array, lat: Float64Array, half_m: Float64Array) -> Int64Array:
        """Ids of the features in squares of the ground, each once, at cell precision.

        Args:
            lon: (N,) of the middles, degrees.
            lat: (N,) the same.
            half_m: (N,) half the sides.
        """
        ids: list[Int64Array] = []
        for number, region in enumerate(self.regions):
            near = distances_m(region.origin.lon, region.origin.lat, lon, lat) < region.reach_m
            centres = region.frame.from_lonlat(lon[near], lat[near])
            ids += [
                self.in_box(number, centre - side, centre + side)
                for centre, side in zip(centres, half_m[near], strict=True)
            ]
        return self.each_once(ids)

    def each_once(self, groups: Sequence[Int64Array]) -> Int64Array:
        """The ids of all groups, ascending; where they are many, marks are quicker than sorting."""
        if sum(len(ids) for ids in groups) < len(self) * _SORTED_SHARE:
            return np.unique(np.concatenate([np.zeros(0, np.int64), *groups]))
        marked = np.zeros(len(self), bool)
        for ids in groups:
            marked[ids] = True
        return np.flatnonzero(marked)


def cell_keys(region: int | Int64Array, column: Int64Array, row: Int64Array) -> Int64Array:
    """One sortable number a cell: region, then column, then row."""
    region = np.asarray(region, np.int64)
    return (((region << _CELL_BITS) + column + _CELL_BIAS) << _CELL_BITS) + row + _CELL_BIAS


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / FEATURES_MANIFEST
    if not path.is_file():
        raise IndexFolderError(
            f"{folder} holds no finished local features; run `geoloc index` again to finish it",
            path=folder,
        )
    manifest: dict[str, Any] = json.loads(path.read_text())
    if manifest.get("version") != FEATURES_VERSION:
        raise IndexFolderError(
            f"{folder} holds local features of format {manifest.get('version')}, this geoloc "
            f"reads format {FEATURES_VERSION}; build the index again with --overwrite",
            path=folder,
        )
    return manifest
