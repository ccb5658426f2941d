"""The documents keep their word: commands run as typed, options exist, links lead somewhere.

Lines of blocks marked ``bash`` that begin with ``geoloc`` are run, in a folder that holds what
they name: ``region.tif``, ``photos/``, ``truth.csv``, ``drone.csv`` and ``area.geojson``. What
stands behind a pipe is left out, and so is ``geoloc demo``, which has tests of its own. Commands
whose data are not at hand (in other blocks, indented, or inside a sentence) are checked for their
names and options.
"""

from __future__ import annotations

import json
import re
import shlex
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import rasterio
from click.testing import CliRunner
from PIL import Image

from geoloc.cli import COMMANDS, cli
from geoloc.errors import EXIT_OK, EXIT_PARTIAL
from geoloc.results.schema import RESULT_COLUMNS, PhotoResult
from tests.house.test_layering import LAYERS

REPOSITORY = Path(__file__).parents[2]
_BLOCK = re.compile(r"^```bash\n(.*?)^```", re.MULTILINE | re.DOTALL)
# Commands whose data are not at hand here: behind a prompt, with their output, or indented.
_TYPED = re.compile(r"^(?:\$ |    )(geoloc (?:.*\\\n)*.*)$", re.MULTILINE)
_INLINE = re.compile(r"`(geoloc [a-z][^`]*)`")
_SCRIPT = re.compile(r"python ((?:tests|examples)/\S+\.py)([^\n`|#]*)")
_GROUPS = ("fabricate", "models", "qgis")
_SIDE_PX = 500
_GSD_M = 0.3
_CORNER = (500_000.0, 5_500_000.0)  # UTM 32N: 9 E, 49.6 N


PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "geoloc", "models", "tests", "examples")
DOCUMENTS = tuple(
    sorted(
        path
        for page in PAGES
        for path in (
            [REPOSITORY / page] if page.endswith(".md") else (REPOSITORY / page).rglob("*.md")
        )
    )
)
ARCHITECTURE = REPOSITORY / "geoloc" / "README.md"
TABLE_OF_COLUMNS = REPOSITORY / "examples" / "output-columns.md"


def _name(path: Path) -> str:
    return path.relative_to(REPOSITORY).as_posix()


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
    return [shlex.split(line, comments=True)[1:] for line in lines]


def inline_commands(text: str) -> list[list[str]]:
    """The arguments of every geoloc command inside a sentence or a table."""
    found = (" ".join(line.split()) for line in _INLINE.findall(text))
    return [line.split()[1:] for line in found]


def _texture() -> np.ndarray:
    """A map (500, 500, 3) uint8 of noise at every scale, so that no two places look alike."""
    rng = np.random.default_rng(7)
    layers = []
    for side in (4, 16, 62, 250):
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
    for name, first in (("a.jpg", 20), ("b.jpg", 100)):
        Image.fromarray(pixels[first : first + 300, first : first + 400]).save(f"photos/{name}")
    Path("truth.csv").write_text("photo,lon,lat\na.jpg,9.0009,49.6513\nb.jpg,9.0013,49.6511\n")
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


def test_commands_inside_a_sentence_are_found() -> None:
    text = "Say `geoloc a b\n--c`, not `geoloc` or `geoloc-demo`."
    assert inline_commands(text) == [["a", "b", "--c"]]


@pytest.mark.parametrize(
    "document",
    [path for path in DOCUMENTS if shown_commands(path.read_text(encoding="utf-8"))],
    ids=_name,
)
@pytest.mark.slow
@pytest.mark.usefixtures("workplace")
def test_the_commands_of_a_document_run_as_typed(document: Path) -> None:
    for arguments in shown_commands(document.read_text(encoding="utf-8")):
        if arguments[0] == "demo":
            continue
        result = CliRunner().invoke(cli, arguments)
        said = f"geoloc {' '.join(arguments)}\n{result.output}"
        assert result.exit_code in (EXIT_OK, EXIT_PARTIAL), said


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_a_document_speaks_of_commands_and_options_that_exist(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for arguments in [*shown_commands(text), *typed_commands(text), *inline_commands(text)]:
        if arguments[0].startswith("-"):
            continue
        assert arguments[0] in COMMANDS
        is_group = arguments[0] in _GROUPS and arguments[1:2] and arguments[1][0] != "-"
        described = _help(*arguments[: 2 if is_group else 1])
        for word in arguments:
            if word.startswith("--"):
                assert word.split("=")[0] in described, f"{arguments[0]} has no {word}"


@cache
def _help(*called: str) -> str:
    return CliRunner().invoke(cli, [*called, "--help"]).stdout


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_a_document_speaks_of_scripts_and_options_that_exist(document: Path) -> None:
    for script, arguments in _SCRIPT.findall(document.read_text(encoding="utf-8")):
        source = (REPOSITORY / script).read_text(encoding="utf-8")
        for option in re.findall(r"--[a-z-]+", arguments):
            assert f'"{option}"' in source, f"{script} has no {option}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_a_document_speaks_of_make_targets_that_exist(document: Path) -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^(\w+)(?: \w+)?:", makefile, re.MULTILINE)
    text = document.read_text(encoding="utf-8")
    for target in re.findall(r"(?:`|    |\$ )make (?:[A-Z]+=\S+ )?(\w+)", text):
        assert target in targets


def test_the_page_of_the_output_names_every_column_with_its_type_and_description() -> None:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in TABLE_OF_COLUMNS.read_text(encoding="utf-8").splitlines()
        if re.match(r"\| `\w+` \| (text|real|whole|time) \|", line)
    ]
    described = _descriptions()
    stated = [[name, kind, text] for name, kind, _, text in rows]
    expected = [[f"`{each.name}`", each.kind, described[each.name]] for each in RESULT_COLUMNS]
    assert stated == expected


def _descriptions() -> dict[str, str]:
    """What the schema says of each column, as Markdown."""
    attributes = re.findall(
        r"^ {8}(\w+): (.*(?:\n {12}.*)*)", str(PhotoResult.__doc__), re.MULTILINE
    )
    found = {name: " ".join(text.split()).replace("``", "`") for name, text in attributes}
    for name in ("filename", "directory"):
        found[name] = str(getattr(PhotoResult, name).__doc__)
    return found


def test_the_architecture_page_has_the_floors_of_the_layering_test() -> None:
    rows = re.findall(r"^\| (\d+) \| (`.*`) \|$", ARCHITECTURE.read_text("utf-8"), re.MULTILINE)
    stated = {int(floor): set(re.findall(r"`(\w+)`", wings)) for floor, wings in rows}
    assert stated == {floor: set(names.split()) for floor, names in enumerate(LAYERS)}


def test_the_architecture_page_names_every_folder_of_the_package() -> None:
    folders = {
        path.relative_to(ARCHITECTURE.parent).as_posix()
        for path in ARCHITECTURE.parent.rglob("*")
        if path.is_dir() and list(path.glob("*.py"))
    }
    tree = re.findall(r"\b(\w+)/", ARCHITECTURE.read_text(encoding="utf-8"))
    assert {folder.split("/")[-1] for folder in folders} <= set(tree)


def test_the_architecture_page_names_modules_that_exist() -> None:
    modules = re.findall(r"`([\w/]+\.py)`", ARCHITECTURE.read_text(encoding="utf-8"))
    homes = (ARCHITECTURE.parent, REPOSITORY)
    assert modules
    assert not [name for name in modules if not any((home / name).exists() for home in homes)]


def test_the_readme_stays_on_two_screens() -> None:
    assert len((REPOSITORY / "README.md").read_text(encoding="utf-8").split()) <= 900
    assert len((REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines()) <= 100


def test_the_pictures_of_the_documents_are_small() -> None:
    shown = {
        (document.parent / target).resolve()
        for document in DOCUMENTS
        for target in re.findall(r"!\[[^]]*\]\(([^)]+)\)", document.read_text(encoding="utf-8"))
    }
    assert shown == set((REPOSITORY / "examples" / "images").resolve().iterdir())
    assert sum(path.stat().st_size for path in shown) < 500_000


def test_the_architecture_page_names_parameters_that_exist() -> None:
    sources = "".join(path.read_text("utf-8") for path in ARCHITECTURE.parent.rglob("*.py"))
    named = re.findall(r"`(\w+Parameters)`", ARCHITECTURE.read_text(encoding="utf-8"))
    assert named
    assert not [name for name in named if f"class {name}:" not in sources]


def test_every_link_inside_the_documents_leads_somewhere() -> None:
    for document in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{_name(document)} links to {target}"
