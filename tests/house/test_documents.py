"""The commands that README and the examples show do run, one after the other, as typed.

Lines of blocks marked ``bash`` that begin with ``geoloc`` are run, in a folder that holds what
they speak of: ``region.tif``, ``photos/``, ``truth.csv``, ``drone.csv`` and ``area.geojson``. What
stands behind a pipe is left out, and so is ``geoloc demo``, which has tests of its own.
"""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import rasterio
from click.testing import CliRunner
from PIL import Image

from geoloc.cli import COMMANDS, cli
from geoloc.errors import EXIT_OK, EXIT_PARTIAL
from geoloc.results.schema import COLUMNS

REPOSITORY = Path(__file__).parents[2]
_BLOCK = re.compile(r"^```bash\n(.*?)^```", re.MULTILINE | re.DOTALL)
# Commands whose data are not at hand here: behind a prompt, with their output, or indented.
_TYPED = re.compile(r"^(?:\$ |    )(geoloc (?:.*\\\n)*.*)$", re.MULTILINE)
_GROUPS = ("fabricate", "models")
_SIDE_PX = 1000
_GSD_M = 0.3
_CORNER = (500_000.0, 5_500_000.0)  # UTM 32N: 9 E, 49.6 N


def _documents() -> list[Path]:
    found = [REPOSITORY / "README.md", *sorted((REPOSITORY / "examples").rglob("*.md"))]
    return [path for path in found if path.exists()]


def shown_commands(text: str) -> list[list[str]]:
    """The arguments of every geoloc command in the ``bash`` blocks of a document."""
    commands = []
    for block in _BLOCK.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words[:1] == ["geoloc"]:
                end = next((i for i, word in enumerate(words) if word in "|>"), len(words))
                commands.append(words[1:end])
    return commands


def typed_commands(text: str) -> list[list[str]]:
    """The arguments of every geoloc command that is shown outside of ``bash`` blocks."""
    lines = [line.replace("\\\n", " ") for line in _TYPED.findall(_BLOCK.sub("", text))]
    return [shlex.split(line)[1:] for line in lines]


def _texture() -> np.ndarray:
    """A map (1000, 1000, 3) uint8 of noise at every scale, so that no two places look alike."""
    rng = np.random.default_rng(7)
    layers = []
    for side in (8, 32, 125, 500):
        noise = Image.fromarray(rng.integers(0, 255, (side, side, 3), dtype=np.uint8))
        layers.append(np.asarray(noise.resize((_SIDE_PX, _SIDE_PX), Image.Resampling.BICUBIC)))
    return np.mean(layers, axis=0).astype(np.uint8)


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the documents speak of; it becomes the current one."""
    monkeypatch.chdir(tmp_path)
    pixels = _texture()
    profile = {"driver": "GTiff", "width": _SIDE_PX, "height": _SIDE_PX, "count": 3}
    corner = rasterio.Affine(_GSD_M, 0, _CORNER[0], 0, -_GSD_M, _CORNER[1])
    with rasterio.open(
        "region.tif", "w", dtype="uint8", crs="EPSG:32632", transform=corner, **profile
    ) as dataset:
        dataset.write(pixels.transpose(2, 0, 1))
    Path("photos").mkdir()
    for name, first in (("a.jpg", 200), ("b.jpg", 500)):
        Image.fromarray(pixels[first : first + 300, first : first + 400]).save(f"photos/{name}")
    Path("truth.csv").write_text("photo,lon,lat\na.jpg,9.0017,49.6508\nb.jpg,9.0029,49.65\n")
    Path("drone.csv").write_text("photo,rel_alt_m,yaw_deg,pitch_deg\na.jpg,80,0,-90\n")
    ring = [[8.99, 49.64], [9.01, 49.64], [9.01, 49.66], [8.99, 49.66], [8.99, 49.64]]
    area = {"type": "Polygon", "coordinates": [ring]}
    feature = {"type": "Feature", "properties": {}, "geometry": area}
    Path("area.geojson").write_text(
        json.dumps({"type": "FeatureCollection", "features": [feature]})
    )
    return tmp_path


def test_commands_are_found_in_a_document() -> None:
    text = "```bash\ngeoloc tile a.tif \\\n  --size 9  # small\npip x\ngeoloc info b | head\n```\n"
    assert shown_commands(text) == [["tile", "a.tif", "--size", "9"], ["info", "b"]]


def test_commands_behind_a_prompt_or_indented_are_found() -> None:
    text = "```console\n$ geoloc a b \\\n    --c 1\nsaid\n```\n    geoloc d\n\ngeoloc no\n"
    assert typed_commands(text) == [["a", "b", "--c", "1"], ["d"]]


@pytest.mark.parametrize("document", _documents(), ids=lambda path: path.name)
@pytest.mark.slow
@pytest.mark.usefixtures("workplace")
def test_the_commands_of_a_document_run_as_typed(document: Path) -> None:
    for arguments in shown_commands(document.read_text(encoding="utf-8")):
        if arguments[0] == "demo":
            continue
        result = CliRunner().invoke(cli, arguments)
        said = f"geoloc {' '.join(arguments)}\n{result.output}"
        assert result.exit_code in (EXIT_OK, EXIT_PARTIAL), said


@pytest.mark.parametrize("document", _documents(), ids=lambda path: path.name)
def test_a_document_speaks_of_commands_and_options_that_exist(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for arguments in [*shown_commands(text), *typed_commands(text)]:
        if arguments[0].startswith("-"):
            continue
        assert arguments[0] in COMMANDS
        called = arguments[: 2 if arguments[0] in _GROUPS else 1]
        described = CliRunner().invoke(cli, [*called, "--help"]).stdout
        for word in arguments:
            if word.startswith("--"):
                assert word.split("=")[0] in described, f"{arguments[0]} has no {word}"


def test_the_output_table_of_the_readme_names_every_column() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \|", (REPOSITORY / "README.md").read_text("utf-8"), re.MULTILINE
    )
    if "photo" not in rows:
        pytest.skip("README has no table of the output yet")
    names = [column.name for column in COLUMNS]
    start = rows.index("photo")
    assert rows[start : start + len(names)] == names


def test_every_link_inside_the_documents_leads_somewhere() -> None:
    for document in [*_documents(), REPOSITORY / "CONTRIBUTING.md", REPOSITORY / "CHANGELOG.md"]:
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"
