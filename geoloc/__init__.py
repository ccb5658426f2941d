"""Locate folders of drone and street photos on georeferenced satellite imagery.

Everything that the command line does is one call here. The names are loaded when they are first
used, so that ``import geoloc`` costs nothing:

    geoloc.cut_tiles(["region.tif"], "tiles", geoloc.TileOptions())
    geoloc.build_index("tiles", "index", geoloc.IndexOptions())
    photos = geoloc.find_photos(["photos"])
    results = geoloc.locate_photos(photos, "index", geoloc.LocateOptions())
    geoloc.write_results(results, "out.geojson")

The last two as one call that goes on where an interrupted one stopped:

    geoloc.locate_to_file(photos, "index", "out.geojson", geoloc.LocateOptions())
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from geoloc.errors import GeolocError
    from geoloc.export.job import export_results
    from geoloc.export.report import ExportReport
    from geoloc.index.job import build_index
    from geoloc.index.map_index import MapIndex
    from geoloc.learning.adapt import AdaptSummary, adapt_model
    from geoloc.learning.benchmark.job import benchmark_model
    from geoloc.learning.datasets.registry import open_dataset
    from geoloc.learning.options import AdaptOptions, BenchmarkOptions, PairingOptions, TrainOptions
    from geoloc.learning.pairing.job import make_pairs
    from geoloc.learning.training.job import measure_model, train_model
    from geoloc.locate.explain.job import explain_photo
    from geoloc.locate.file_job import LocateSummary, locate_to_file
    from geoloc.locate.heatmap.job import HeatmapSummary, write_heatmaps
    from geoloc.locate.job import locate_photos
    from geoloc.models.check import check_model
    from geoloc.models.conversion.job import export_model, import_model
    from geoloc.models.onnx_export import export_onnx
    from geoloc.models.registry import load_model
    from geoloc.options import (
        ExportOptions,
        IndexOptions,
        LocateOptions,
        OutputOptions,
        ProjectOptions,
        TileOptions,
        WarpOptions,
    )
    from geoloc.ortho.detections.reading import read_detections
    from geoloc.ortho.job import WarpSummary, warp_photos
    from geoloc.ortho.project_job import ProjectSummary, project_to_file
    from geoloc.photos.photo_files import find_photos
    from geoloc.progress import Progress
    from geoloc.results.evaluation import Evaluation, evaluate_results
    from geoloc.results.files import read_results, write_results
    from geoloc.results.schema import PhotoResult
    from geoloc.terrain.terrain import Terrain, open_terrain
    from geoloc.tiles.job import cut_tiles
    from geoloc.tiles.tile_set import TileSet

__version__ = "0.1.0"

_HOMES = {
    "AdaptOptions": "learning.options",
    "AdaptSummary": "learning.adapt",
    "BenchmarkOptions": "learning.options",
    "Evaluation": "results.evaluation",
    "ExportOptions": "options",
    "ExportReport": "export.report",
    "GeolocError": "errors",
    "HeatmapSummary": "locate.heatmap.job",
    "IndexOptions": "options",
    "LocateOptions": "options",
    "LocateSummary": "locate.file_job",
    "MapIndex": "index.map_index",
    "OutputOptions": "options",
    "PairingOptions": "learning.options",
    "PhotoResult": "results.schema",
    "Progress": "progress",
    "ProjectOptions": "options",
    "ProjectSummary": "ortho.project_job",
    "Terrain": "terrain.terrain",
    "TileOptions": "options",
    "TileSet": "tiles.tile_set",
    "TrainOptions": "learning.options",
    "WarpOptions": "options",
    "WarpSummary": "ortho.job",
    "adapt_model": "learning.adapt",
    "benchmark_model": "learning.benchmark.job",
    "build_index": "index.job",
    "check_model": "models.check",
    "cut_tiles": "tiles.job",
    "evaluate_results": "results.evaluation",
    "explain_photo": "locate.explain.job",
    "export_model": "models.conversion.job",
    "export_onnx": "models.onnx_export",
    "export_results": "export.job",
    "find_photos": "photos.photo_files",
    "import_model": "models.conversion.job",
    "load_model": "models.registry",
    "locate_photos": "locate.job",
    "locate_to_file": "locate.file_job",
    "make_pairs": "learning.pairing.job",
    "measure_model": "learning.training.job",
    "open_dataset": "learning.datasets.registry",
    "open_terrain": "terrain.terrain",
    "project_to_file": "ortho.project_job",
    "read_detections": "ortho.detections.reading",
    "read_results": "results.files",
    "train_model": "learning.training.job",
    "warp_photos": "ortho.job",
    "write_heatmaps": "locate.heatmap.job",
    "write_results": "results.files",
}

__all__ = [
    "AdaptOptions",
    "AdaptSummary",
    "BenchmarkOptions",
    "Evaluation",
    "ExportOptions",
    "ExportReport",
    "GeolocError",
    "HeatmapSummary",
    "IndexOptions",
    "LocateOptions",
    "LocateSummary",
    "MapIndex",
    "OutputOptions",
    "PairingOptions",
    "PhotoResult",
    "Progress",
    "ProjectOptions",
    "ProjectSummary",
    "Terrain",
    "TileOptions",
    "TileSet",
    "TrainOptions",
    "WarpOptions",
    "WarpSummary",
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
    "export_results",
    "find_photos",
    "import_model",
    "load_model",
    "locate_photos",
    "locate_to_file",
    "make_pairs",
    "measure_model",
    "open_dataset",
    "open_terrain",
    "project_to_file",
    "read_detections",
    "read_results",
    "train_model",
    "warp_photos",
    "write_heatmaps",
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
