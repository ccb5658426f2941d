"""Help: every command has it, ends it with an example, and none waits for a heavy library."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from geoloc.cli import COMMANDS, cli
from tests.fixtures import rasters

HEAVY = {
    "numpy",
    "torch",
    "timm",
    "faiss",
    "cv2",
    "rasterio",
    "pyogrio",
    "geopandas",
    "pandas",
    "pyarrow",
    "pyproj",
    "shapely",
    "scipy",
    "PIL",
    "rich",
}


def _command(name: str) -> click.Command:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    return command


def test_every_command_file_is_in_the_group_and_the_other_way_round() -> None:
    folder = Path(__file__).parents[2] / "geoloc" / "commands"
    files = {path.stem for path in folder.glob("[!_]*.py")}
    assert files == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_commands_help_works_and_ends_with_an_example(name: str) -> None:
    result = CliRunner().invoke(cli, [name, "--help"])
    assert result.exit_code == 0
    lines = [line.strip() for line in result.stdout.rstrip().splitlines()]
    assert lines[lines.index("Example:") + 1 :], "the example is the last thing"
    assert lines[-1].startswith(f"geoloc {name}")


@pytest.mark.parametrize("name", COMMANDS)
def test_an_example_uses_options_that_exist(name: str) -> None:
    command = _command(name)
    words = (command.epilog or "").split("\n")[-1].split()
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("-") and word != "-"} <= known


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_says_what_it_does(name: str) -> None:
    for parameter in _command(name).params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{name} {parameter.opts[0]} has no help"


@pytest.mark.parametrize("name", COMMANDS)
def test_a_number_names_its_unit_or_range(name: str) -> None:
    for parameter in _command(name).params:
        if isinstance(parameter, click.Option) and isinstance(
            parameter.type, click.types.FloatParamType
        ):
            text = f"{parameter.help} {parameter.metavar}"
            units = r"metre|degree|pixel|share|probability|second|minute|megabyte|\[0"
            assert re.search(units, text, re.I), f"{name} {parameter.opts[0]} has no unit"


def test_the_groups_help_lists_the_commands_and_the_three_steps() -> None:
    result = CliRunner().invoke(cli, ["--help"])
    assert result.exit_code == 0
    assert all(name in result.stdout for name in COMMANDS)
    assert result.stdout.rstrip().endswith("geoloc locate photos/ -o out.geojson")


def _loaded_by(calls: list[list[str]]) -> set[str]:
    """The heavy libraries that a fresh interpreter has loaded after these calls."""
    script = (
        "import contextlib, io, json, sys\n"
        "from geoloc.cli import cli\n"
        "with contextlib.redirect_stdout(io.StringIO()):\n"
        "    for arguments in json.loads(sys.argv[1]):\n"
        "        cli.main(arguments, standalone_mode=False)\n"
        "print(*{name.split('.')[0] for name in sys.modules})\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, json.dumps(calls)],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(run.stdout.split()) & HEAVY


def test_help_of_the_group_loads_nothing_heavy() -> None:
    assert _loaded_by([["--help"]]) == set()


def test_help_of_the_commands_loads_nothing_heavy() -> None:
    assert _loaded_by([[name, "--help"] for name in COMMANDS]) == set()


def test_cutting_tiles_loads_no_library_of_tables(tmp_path: Path) -> None:
    # It would take longer than a small map takes to cut.
    source = rasters.utm(tmp_path / "map.tif").path
    options = ["--ground-size", "160", "--size", "64", "-o", str(tmp_path / "tiles"), "-q"]
    loaded = _loaded_by([["tile", str(source), *options]])
    assert "rasterio" in loaded
    assert not loaded & {"pandas", "geopandas", "pyogrio", "torch", "rich"}
