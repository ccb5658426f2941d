"""What ``import geoloc`` offers: these names, documented, and loaded only when used."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import geoloc


@pytest.mark.parametrize("name", geoloc.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(geoloc, name) is not None


def test_public_names_are_sorted_and_are_what_dir_shows() -> None:
    assert dir(geoloc) == sorted(geoloc.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        geoloc.nothing  # noqa: B018  # the look-up is the test


def test_type_checkers_see_the_same_names() -> None:
    tree = ast.parse(inspect.getsource(geoloc))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    homes = {
        alias.name: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert homes == {name: f"geoloc.{home}" for name, home in geoloc._HOMES.items()}
    assert {*homes, "__version__"} == set(geoloc.__all__)


@pytest.mark.parametrize("name", [name for name in geoloc.__all__ if name != "__version__"])
def test_every_public_name_has_a_docstring(name: str) -> None:
    assert inspect.getdoc(getattr(geoloc, name))


def test_importing_geoloc_imports_no_other_library() -> None:
    script = "import sys; old = set(sys.modules); import geoloc; print(*set(sys.modules) - old)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    roots = {name.split(".")[0] for name in run.stdout.split()}
    assert roots - set(sys.stdlib_module_names) == {"geoloc"}


def test_the_package_is_typed() -> None:
    assert (Path(geoloc.__file__).parent / "py.typed").exists()
