"""Manifest of an index: the model, the tiles and the options that it was built from."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from geoloc import __version__
from geoloc.errors import IndexFolderError
from geoloc.options import FAISS, CellMode
from geoloc.storage.atomic import write_text
from geoloc.terrain.height_datum import HeightReference
from geoloc.tiles.manifest import RasterEntry

INDEX_MANIFEST = "index.json"
INDEX_PARTIAL_MANIFEST = "index.partial.json"
INDEX_VERSION = 1
# Of an index that replaced or extended another one: its files have other names.
_LATER_VERSION = 2


@dataclass(frozen=True)
class Recipe:
    """All that decides the bytes of an index; two runs of one recipe make the same index.

    Attributes:
        model: Name of the model.
        model_location: The name of a bundled model, or a model folder relative to the index.
        weights_sha256: Checksum of the model's weights.
        preprocessing: Steps that prepare pixels for the network.
        fingerprint: Checksum of weights and preprocessing, as of
            `geoloc.models.embedder.fingerprint`.
        dimension: Length of a vector.
        factory: Factory string of FAISS.
        features: True if the index holds local features.
        tile_digests: Checksum of each folder of tiles, in the order in which they were added.
        descriptor: Descriptor of the local features: ``rootsift``, or a model and the checksum
            of its weights.
        lazy_features: True if these are found again when photos need them.
        store: What keeps vectors and tiles, as of `geoloc.options.IndexOptions`.
        cells: How tiles were embedded that the network looks around, as of `geoloc.options`; empty
            for other networks.
    """

    model: str
    model_location: str
    weights_sha256: str
    preprocessing: dict[str, Any]
    fingerprint: str
    dimension: int
    factory: str
    features: bool
    tile_digests: tuple[str, ...]
    descriptor: str = "rootsift"
    lazy_features: bool = False
    store: str = FAISS
    cells: CellMode | Literal[""] = ""

    @property
    def without_tiles(self) -> Recipe:
        """The recipe but for the tiles."""
        return replace(self, tile_digests=())

    def difference(self, other: Recipe) -> str | None:
        """Why `other` would make another index than this one, in words; None if it would not."""
        if self.weights_sha256 != other.weights_sha256 or self.model != other.model:
            return f"its model is {_model_text(self)}, not {_model_text(other)}"
        if self.preprocessing != other.preprocessing or self.dimension != other.dimension:
            return f"its model {self.model} prepared pixels otherwise"
        if self.factory != other.factory:
            return f"its factory is {self.factory}, not {other.factory}"
        if self.store != other.store:
            return f"its store is {self.store}, not {other.store}"
        if self.features != other.features:
            return f"it was built {'with' if self.features else 'without'} local features"
        if self.lazy_features != other.lazy_features:
            return f"it was built with --features {'lazy' if self.lazy_features else 'stored'}"
        if self.descriptor != other.descriptor:
            own, wanted = self.descriptor.split()[0], other.descriptor.split()[0]
            more = " of other weights" if own == wanted else ""
            return (
                f"its local features are described by {own}, not {wanted}{more} "
                f"(--descriptor {own} goes on with those)"
            )
        if self.cells != other.cells:
            return f"it was built with --cells {self.cells}, not {other.cells}"
        if self.tile_digests != other.tile_digests:
            return "it was built from other tiles"
        return None

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Recipe:
        """Read what JSON kept."""
        return cls(**{**values, "tile_digests": tuple(values["tile_digests"])})

    def to_json(self) -> dict[str, Any]:
        """What JSON keeps."""
        values = asdict(self)
        if self.store == FAISS:  # as indexes were before there was another
            del values["store"]
        if not self.cells:
            del values["cells"]
        return values


@dataclass(frozen=True)
class TerrainEntry:
    """The heights that an index keeps.

    Attributes:
        file: Their file in the folder of the index.
        reference: What they are above, as of `geoloc.terrain.height_datum`.
        vertical: What the elevation models call that.
        sources: Names of these, with digests of their content.
        area: Digest of the places that it was cut for.
    """

    file: str
    reference: HeightReference
    vertical: str
    sources: tuple[str, ...]
    area: str

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> TerrainEntry:
        """Read what JSON kept."""
        return cls(**{**values, "sources": tuple(values["sources"])})


@dataclass(frozen=True)
class IndexManifest:
    """How an index was built and what it holds.

    Attributes:
        recipe: Recipe that decided its bytes.
        count: Number of tiles in it.
        left_out: Number of tiles that could not be read.
        ground_sizes_m: Sides of its tiles on the ground, in metres.
        overlap: Share of a tile's side that the next tile covers too.
        size_px: Side of a tile in pixels.
        crs: Native CRSs of its tiles.
        bounds: West, south, east, north in degrees; west > east across the antimeridian.
        rasters: Rasters that its tiles were cut from, as they were then, with locations relative
            to the index; none in indexes of before this was kept.
        metric: Similarity of vectors.
        geoloc: Version of geoloc that built it.
        version: Version of this format.
        generation: How often an index was written in this folder; see `geoloc.index.generation`.
        store_version: Version of the dataset that serves, where the store keeps several.
        terrain: The heights that it keeps; None if it keeps none.
    """

    recipe: Recipe
    count: int
    left_out: int
    ground_sizes_m: tuple[float, ...]
    overlap: float
    size_px: int
    crs: tuple[str, ...]
    bounds: tuple[float, float, float, float]
    rasters: tuple[RasterEntry, ...] = ()
    metric: str = "inner_product"
    geoloc: str = field(default=__version__)
    version: int = INDEX_VERSION
    generation: int = 1
    store_version: int = 0
    terrain: TerrainEntry | None = None

    def write(self, folder: Path) -> None:
        """Write ``index.json``, whole or not at all."""
        values = asdict(self) | {
            "recipe": self.recipe.to_json(),
            "rasters": [entry.to_json() for entry in self.rasters],
        }
        if not self.store_version:
            del values["store_version"]
        if self.terrain is None:
            del values["terrain"]
        if self.generation == 1:
            del values["generation"]
        else:
            values["version"] = _LATER_VERSION
        write_text(folder / INDEX_MANIFEST, _json(values))

    @classmethod
    def read(cls, folder: Path) -> IndexManifest:
        """Read ``index.json``.

        Raises:
            IndexFolderError: It is missing, damaged, or of another version.
        """
        values = _read(folder / INDEX_MANIFEST, folder)
        try:
            values["recipe"] = Recipe.from_json(values["recipe"])
            for name in ("ground_sizes_m", "crs", "bounds"):
                values[name] = tuple(values[name])
            values["rasters"] = tuple(map(RasterEntry.from_json, values.get("rasters", ())))
            if values.get("terrain") is not None:
                values["terrain"] = TerrainEntry.from_json(values["terrain"])
            return cls(**values)
        except (KeyError, TypeError) as error:
            raise _damaged(folder / INDEX_MANIFEST, error) from error


@dataclass(frozen=True)
class BegunRun:
    """A run that was begun in a folder and not finished.

    Attributes:
        recipe: Recipe of the index that it makes.
        generation: Generation of that index; 0 where an older geoloc began.
        overwrites: Whether it was told to replace what was there.
    """

    recipe: Recipe
    generation: int
    overwrites: bool = False

    def is_finished_in(self, manifest: IndexManifest) -> bool:
        """Whether an index is what it made, so that it was killed when only sweeping was left."""
        if self.generation:
            return self.generation == manifest.generation
        return self.recipe.difference(manifest.recipe) is None

    def write(self, folder: Path) -> None:
        """Note it."""
        values = {**asdict(self), "recipe": self.recipe.to_json(), "version": INDEX_VERSION}
        write_text(folder / INDEX_PARTIAL_MANIFEST, _json(values))


def read_partial(folder: Path) -> BegunRun | None:
    """The run that was begun in a folder and not finished; None if there is none to go on with."""
    try:
        values = _read(folder / INDEX_PARTIAL_MANIFEST, folder)
        recipe = Recipe.from_json(values["recipe"])
        return BegunRun(recipe, int(values.get("generation", 0)), values.get("overwrites", False))
    except (IndexFolderError, KeyError, TypeError, ValueError):
        return None  # a record that is damaged is none: what it belongs to is made anew


def _read(path: Path, folder: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        version = values["version"]
    except FileNotFoundError as error:
        raise _missing(folder) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(path, error) from error
    if version not in (INDEX_VERSION, _LATER_VERSION):
        raise IndexFolderError(
            f"{path} is of version {version}, this geoloc reads version {_LATER_VERSION}; build "
            "the index again: geoloc index TILES --overwrite",
            path=path,
        )
    return dict(values)


def _missing(folder: Path) -> IndexFolderError:
    if (folder / INDEX_PARTIAL_MANIFEST).exists():
        message = f"the index in {folder} is unfinished; run the same geoloc index command again"
    else:
        message = f"no index in {folder} ({INDEX_MANIFEST} is missing); run: geoloc index TILES"
    return IndexFolderError(message, path=folder)


def _damaged(path: Path, error: Exception) -> IndexFolderError:
    message = f"{path} is damaged ({error}); run geoloc index with --overwrite"
    return IndexFolderError(message, path=path)


def _model_text(recipe: Recipe) -> str:
    return f"{recipe.model} (weights {recipe.weights_sha256[:8]})"


def _json(values: dict[str, Any]) -> str:
    return json.dumps(values, indent=2, sort_keys=True) + "\n"
