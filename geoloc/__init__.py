"""Locate folders of drone and street photos on georeferenced satellite imagery.

Everything that the command line does is one call here. The names are loaded when they are first
used, so that ``import geoloc`` costs nothing:

    geoloc.cut_tiles(["region.tif"], "tiles", geoloc.TileOptions())
    geoloc.build_index("tiles", "index", geoloc.IndexOptions())
    photos = geoloc.find_photos(["photos"])
    results = geoloc.locate_photos(photos, "index", geoloc.LocateOptions())
    geoloc.write_results(results, "out.geojson")
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from geoloc.adapt import AdaptSummary, adapt_model
    from geoloc.benchmark.job import BenchmarkOptions, benchmark_model
    from geoloc.datasets.registry import open_dataset
    from geoloc.errors import GeolocError
    from geoloc.evaluate import Evaluation, evaluate_results
    from geoloc.explain import explain_photo
    from geoloc.index import MapIndex
    from geoloc.indexing import build_index
    from geoloc.locate import locate_photos
    from geoloc.model_check import check_model
    from geoloc.model_import import export_model, import_model
    from geoloc.onnx_export import export_onnx
    from geoloc.options import (
        AdaptOptions,
        IndexOptions,
        LocateOptions,
        TileOptions,
        TrainOptions,
    )
    from geoloc.pairing.job import make_pairs
    from geoloc.pairing.options import PairingOptions
    from geoloc.photo import find_photos
    from geoloc.progress import Progress
    from geoloc.results import PhotoResult, read_results, write_results
    from geoloc.tileset import TileSet
    from geoloc.tiling import cut_tiles
    from geoloc.training.trainer import measure_model, train_model
    from geoloc.zoo import load_model

__version__ = "0.1.0"

_HOMES = {
    "AdaptOptions": "options",
    "AdaptSummary": "adapt",
    "BenchmarkOptions": "benchmark.job",
    "Evaluation": "evaluate",
    "GeolocError": "errors",
    "IndexOptions": "options",
    "LocateOptions": "options",
    "MapIndex": "index",
    "PairingOptions": "pairing.options",
    "PhotoResult": "results",
    "Progress": "progress",
    "TileOptions": "options",
    "TileSet": "tileset",
    "TrainOptions": "options",
    "adapt_model": "adapt",
    "benchmark_model": "benchmark.job",
    "build_index": "indexing",
    "check_model": "model_check",
    "cut_tiles": "tiling",
    "evaluate_results": "evaluate",
    "explain_photo": "explain",
    "export_model": "model_import",
    "export_onnx": "onnx_export",
    "find_photos": "photo",
    "import_model": "model_import",
    "load_model": "zoo",
    "locate_photos": "locate",
    "make_pairs": "pairing.job",
    "measure_model": "training.trainer",
    "open_dataset": "datasets.registry",
    "read_results": "results",
    "train_model": "training.trainer",
    "write_results": "results",
}

__all__ = [
    "AdaptOptions",
    "AdaptSummary",
    "BenchmarkOptions",
    "Evaluation",
    "GeolocError",
    "IndexOptions",
    "LocateOptions",
    "MapIndex",
    "PairingOptions",
    "PhotoResult",
    "Progress",
    "TileOptions",
    "TileSet",
    "TrainOptions",
    "__version__",
    "adapt_model",
    "benchmark_model",
    "build_index",
    "check_model",
    "cut_tiles",
    "evaluate_results",
    "explain_photo",
    "export_model",
    "export_onnx",
    "find_photos",
    "import_model",
    "load_model",
    "locate_photos",
    "make_pairs",
    "measure_model",
    "open_dataset",
    "read_results",
    "train_model",
    "write_results",
]


def __getattr__(name: str) -> object:
    """Load a public name from the module where it lives."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """The public names."""
    return __all__
