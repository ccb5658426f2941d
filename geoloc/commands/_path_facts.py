"""What a path holds: a map, tiles, an index, pairs, a model, results or a photo, as facts."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from geoloc.errors import IndexFolderError, InputError, PhotoError, TilesError
from geoloc.learning.datasets.pairs import PAIRS_NAME, read_pairs

Kind = Literal["raster", "tiles", "index", "pairs", "model", "results", "photo"]


@dataclass(frozen=True)
class PathFacts:
    """What one path holds.

    Attributes:
        kind: Kind of thing, say ``index``.
        path: Path as it was given.
        facts: Names and values, in the order in which a person wants them.
    """

    kind: Kind
    path: str
    facts: dict[str, Any]


def path_facts(path: str | Path) -> PathFacts:
    """What `path` holds; a name that is no path may be a bundled model.

    Raises:
        InputError: There is no such thing, or it is none of the kinds that are known.
        IndexFolderError: An index or a model that cannot be read.
    """
    from geoloc.results.formats import SUFFIX_FORMATS
    from geoloc.tiles.sources.files import RASTER_SUFFIXES, has_raster

    source = Path(path)
    if source.is_dir():
        return _folder_facts(source)
    if source.is_file():
        name = source.name.lower()
        is_tiled = name.endswith(".gpkg") and not name.endswith(".gti.gpkg") and has_raster(path)
        if is_tiled or name.endswith(".mbtiles"):
            return PathFacts("raster", str(path), _raster_facts(source))
        if source.suffix.lower() in SUFFIX_FORMATS:
            return PathFacts("results", str(path), _result_facts(source))
        if source.suffix.lower() in RASTER_SUFFIXES:
            return _image_facts(source)
        return PathFacts("photo", str(path), _photo_facts(source))
    return PathFacts("model", str(path), _bundled_model_facts(str(path)))


def _image_facts(path: Path) -> PathFacts:
    """A map, or a photo that only has a map's extension."""
    try:
        return PathFacts("raster", str(path), _raster_facts(path))
    except InputError as not_a_map:
        try:
            return PathFacts("photo", str(path), _photo_facts(path))
        except PhotoError:
            raise not_a_map from None


def _folder_facts(folder: Path) -> PathFacts:
    """A folder that geoloc wrote, recognised by its manifest."""
    if (folder / "index.json").is_file():
        facts = _manifest_facts(folder / "index.json", IndexFolderError)
        return PathFacts("index", str(folder), {**facts, **_feature_facts(folder, facts)})
    if (folder / "tiles.json").is_file():
        facts = _manifest_facts(folder / "tiles.json", TilesError)
        return PathFacts("tiles", str(folder), facts)
    if (folder / "model.toml").is_file():
        return PathFacts("model", str(folder), _model_facts(folder))
    if (folder / PAIRS_NAME).is_file():
        return PathFacts("pairs", str(folder), _pairs_facts(folder))
    raise InputError(
        f"{folder} holds neither tiles, nor an index, nor a model, nor pairs: expected tiles.json, "
        "index.json, model.toml or pairs.csv in it",
        path=folder,
    )


def _manifest_facts(
    manifest: Path, error_type: type[TilesError] | type[IndexFolderError] | type[InputError]
) -> dict[str, Any]:
    """All that a manifest says, and the size of its folder."""
    try:
        document = json.loads(manifest.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise error_type(
            f"{manifest} cannot be read ({error}); make it again with --overwrite", path=manifest
        ) from error
    if not isinstance(document, dict):
        raise error_type(f"{manifest} is no manifest; make it again", path=manifest)
    files = [file for file in manifest.parent.rglob("*") if file.is_file()]
    size_mb = round(sum(file.stat().st_size for file in files) / 1e6, 1)
    return {**document, "files": len(files), "size_mb": size_mb}


def _feature_facts(index: Path, facts: dict[str, Any]) -> dict[str, Any]:
    """How many local features an index has, and what describes them; nothing if it has none."""
    from geoloc.index.generation import IndexFiles

    manifest = IndexFiles(index, facts.get("generation", 1)).features / "features.json"
    if not manifest.is_file():
        return {}
    from geoloc.index.features.keypoints import ROOT_SIFT

    features = _manifest_facts(manifest, IndexFolderError)
    # Indexes of before there was a choice say nothing.
    described_by = features.get("descriptor", {}).get("name", ROOT_SIFT.name)
    return {"local_features": {"count": features.get("count"), "described_by": described_by}}


def _pairs_facts(folder: Path) -> dict[str, Any]:
    """How many pairs there are on each side, and how they were made where that is known."""
    pairs = read_pairs(folder)
    sides = [side for side in (pairs.train, *pairs.tests) if side is not None]
    facts = {
        "view": sides[0].query_view,
        "photos_to_learn_from": len(pairs.train.queries) if pairs.train else 0,
        "photos_held_out": sum(len(test.queries) for test in pairs.tests),
        "tiles_searched_for_them": sum(len(test.references) for test in pairs.tests),
    }
    manifest = folder / "pairs.json"
    return {**facts, **(_manifest_facts(manifest, InputError) if manifest.is_file() else {})}


def _bundled_model_facts(name: str) -> dict[str, Any]:
    """The card of a bundled model."""
    from geoloc.models.registry import list_models

    models = list_models()
    if name in models:
        return _model_facts(name)
    known = ", ".join(models) or "there is none"
    raise InputError(
        f"there is no file or folder {name}, nor a bundled model of that name ({known})",
        path=name,
    )


def _model_facts(model: str | Path) -> dict[str, Any]:
    """The card of a model."""
    from geoloc.models.registry import read_card

    return dataclasses.asdict(read_card(model))


def _raster_facts(path: Path) -> dict[str, Any]:
    """Where a map lies, how fine it is, and how it becomes RGB."""
    import numpy as np

    from geoloc.geometry.crs import crs_text
    from geoloc.tiles.raster import open_raster

    with open_raster(path) as raster:
        frame = raster.frame
        cols, rows = np.array([[0.5], [0.5]]) * [[frame.width_px], [frame.height_px]]
        x_m, y_m = frame.pixel_sizes_m(cols, rows)[0]
        return {
            "width_px": frame.width_px,
            "height_px": frame.height_px,
            "crs": crs_text(raster.crs),
            "pixel_size_m": [round(float(x_m), 4), round(float(y_m), 4)],
            "extent_km": [
                round(x_m * frame.width_px / 1e3, 3),
                round(y_m * frame.height_px / 1e3, 3),
            ],
            "colours": raster.recipe.kind,
            "stretch": raster.stretch_text or None,
            "warped": raster.warped,
        }


def _result_facts(path: Path) -> dict[str, Any]:
    """Counts by status, extent, and what made the results."""
    import shapely

    from geoloc.geometry.longitude import bounds_of
    from geoloc.results.files import read_results
    from geoloc.results.formats import output_format
    from geoloc.results.schema import Status

    results = read_results(path)
    statuses = Counter(result.status for result in results)
    places = [(r.longitude, r.latitude) for r in results if None not in (r.longitude, r.latitude)]
    return {
        "format": output_format(path),
        "photos": len(results),
        **{status: statuses[status] for status in get_args(Status)},
        "bounds": list(bounds_of(shapely.points(places))) if places else None,
        **{
            name: sorted({value for r in results if (value := getattr(r, name))})
            for name in ("model", "index_id", "run_id", "geoloc_version", "options")
        },
    }


def _photo_facts(path: Path) -> dict[str, Any]:
    """Metadata of a photo, each value with its tag."""
    from geoloc.photos.image_file import open_image
    from geoloc.photos.photo_metadata import read_metadata_with_tags

    with open_image(path) as image:  # refuses what is no photo at all
        facts: dict[str, Any] = {"width_px": image.width, "height_px": image.height}
    return {**facts, **read_metadata_with_tags(path)}
