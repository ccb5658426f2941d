"""Imports go one way, heavy libraries have owners, and talk stays in the command line."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = Path(__file__).parents[2] / "geoloc"

# The rooms of the house, from the ground up. A module that is new finds its place here.
LAYERS: tuple[str, ...] = (
    "errors options progress",
    "crs grid geometry camera groundview streetview resection keypoints patches rgb xmp nets"
    " qgis_style schema layouts published",
    "raster image_file exif metadata findings pose lens metadata_reading metadata_table srt"
    " video_frame photo world zoo checkpoints foreign datasets",
    "tileset area creation cutting journal tiling embed describing matchers tile_vectors store"
    " features signatures feature_building voting model_check backbone_weights",
    "index index_manifest index_folder index_job index_files index_plan indexing search_plan"
    " retrieval verify posterior calibration answer mapsearch map_pixels second_look street_search"
    " street_belief drone_locator street_locator locator",
    "locate evaluate benchmark fabricate training results result_layers report demo doctor info"
    " model_import explain onnx_export pairing adapt",
    "__init__",
    "commands",
    "cli",
)
RANKS = {name: rank for rank, names in enumerate(LAYERS) for name in names.split()}


class Import(NamedTuple):
    """One import: from which room, of which module, on which line."""

    room: str
    module: str
    target: str
    where: str


def _sources() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def _module(path: Path) -> str:
    """``geoloc.store.flat`` of ``geoloc/store/flat.py``."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _room(module: str) -> str:
    """``store`` of ``geoloc.store.flat``; the package itself is ``__init__``."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def _imported(node: ast.AST) -> Iterator[str]:
    """The modules that one statement loads, on the top level or inside a function."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute"
        module = node.module or ""
        for alias in node.names:
            full = f"{module}.{alias.name}"
            # `from geoloc import zoo` loads a module; of `__version__` anyone may know.
            is_module = (PACKAGE.parent / Path(*full.split("."))).is_dir() or (
                PACKAGE.parent / Path(*full.split(".")).with_suffix(".py")
            ).is_file()
            if is_module:
                yield full
            elif full != "geoloc.__version__":
                yield module


def _imports() -> Iterator[Import]:
    """Every import of every module of the package."""
    for path in _sources():
        module = _module(path)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for target in _imported(node):
                where = f"{path.relative_to(PACKAGE.parent)}:{getattr(node, 'lineno', 0)}"
                yield Import(_room(module), module, target, where)


IMPORTS = list(_imports())
INSIDE = [each for each in IMPORTS if each.target.split(".")[0] == "geoloc"]


def test_every_module_has_its_place() -> None:
    rooms = {_room(_module(path)) for path in _sources()}
    assert rooms <= set(RANKS), "give the new module a rank in LAYERS"


def test_imports_go_down_only() -> None:
    upward = [
        f"{each.where}: {each.module} (rank {RANKS[each.room]}) imports {each.target}"
        for each in INSIDE
        if RANKS[_room(each.target)] > RANKS[each.room]
    ]
    assert not upward, "\n".join(upward)


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph: dict[str, set[str]] = {}
    for each in INSIDE:
        if each.target not in (each.module, "geoloc"):
            graph.setdefault(each.module, set()).add(each.target)
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join((*path, module))
        if module not in done:
            for target in sorted(graph.get(module, ())):
                visit(target, (*path, module))
            done.add(module)

    for module in sorted(graph):
        visit(module, ())


@pytest.mark.parametrize("library", ["click", "rich"])
def test_talk_stays_in_the_command_line(library: str) -> None:
    elsewhere = [
        each.where
        for each in IMPORTS
        if each.target.split(".")[0] == library and each.room not in ("commands", "cli")
    ]
    assert not elsewhere


# Where each heavy library may enter. The doctor looks at all of them.
OWNERS = {
    "pyproj": "crs geometry grid raster tileset world",
    "torch": "nets embed zoo training checkpoints foreign model_check model_import onnx_export"
    " explain backbone_weights matchers describing",
    "timm": "nets backbone_weights",
    "kornia": "matchers",
    "faiss": "store features feature_building signatures",
    "rasterio": "raster tileset area creation cutting tiling world pairing",
    "PIL": "image_file exif pose lens metadata_reading metadata_table photo world demo report"
    " explain pairing",
    "cv2": "keypoints patches groundview streetview embed retrieval verify world training explain"
    " pairing map_pixels second_look",
    "geopandas": "signatures tileset area journal tiling index index_job index_files index_plan"
    " answer result_layers",
}


@pytest.mark.parametrize("library", OWNERS)
def test_a_heavy_library_enters_where_it_belongs(library: str) -> None:
    elsewhere = [
        each.where
        for each in IMPORTS
        if each.target.split(".")[0] == library
        and each.room not in (*OWNERS[library].split(), "doctor")
    ]
    assert not elsewhere


def test_nobody_prints() -> None:
    printing = [
        f"{path.relative_to(PACKAGE.parent)}:{node.lineno}"
        for path in _sources()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("print", "input", "exit")
    ]
    assert not printing
