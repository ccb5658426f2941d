"""Every command that writes, under every trouble: a full disk, a limit, a kill, a signal, a twin.

Whatever happens, the run ends in one clear line, what served before still serves, and the same
command ends with what an undisturbed run gives. ``GEOLOC_FAULTS=all`` breaks off at more places.
"""

from __future__ import annotations

import csv
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from PIL import Image

from geoloc.errors import TilesError
from geoloc.index.features.feature_map import FeatureMap
from geoloc.index.map_index import MapIndex
from geoloc.results.files import read_results
from geoloc.storage.kept_files import NOTES_NAME
from geoloc.tiles.tile_set import TileSet
from tests.fixtures.faulty_runs import Ended, Run, run, run_and_signal
from tests.fixtures.full_disk import mount_small_disk, unmount
from tests.fixtures.indexes import write_map, write_model
from tests.fixtures.search import SearchWorld
from tests.fixtures.surveys import write_survey

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="signals, limits and disks of POSIX"),
]
_IS_THOROUGH = os.environ.get("GEOLOC_FAULTS") == "all"
_ALL_SHARES = (0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95)
_DISKS = _ALL_SHARES if _IS_THOROUGH else (0.5,)
_LIMITS = _ALL_SHARES if _IS_THOROUGH else (0.8,)
_MOMENTS = _ALL_SHARES if _IS_THOROUGH else (0.6,)
_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP") if _IS_THOROUGH else ("SIGHUP",)
_TILE = ("--ground-size", "64", "--size", "64", "-j", "1", "-q")
_PAIRS = ("--ground-size", "80", "--size", "40", "--test-share", "0", "--height", "40", "-q")
_EXPLAIN = ("--index", "../index", "--view", "drone", "--device", "cpu")
_TOWN = (
    *("--places", "2", "--test-places", "1", "--towns", "1", "--gsd", "2", "--width", "64"),
    *("--kind", "panorama", "-q"),
)
_INDEX = ("--model", "../model", "--device", "cpu", "--descriptor", "rootsift", "-j", "1", "-q")


@dataclass(frozen=True)
class Case:
    """A command that writes.

    Attributes:
        name: Name of the test.
        arguments: What is typed after ``geoloc``, in a folder beside its inputs.
        output: What it writes.
        contents: What its output says, to compare; raises if it is not whole.
        before: Commands that come first.
        partial: Whether `contents` may be a part of all after a signal.
        once: Whether it is refused when its output is there and whole.
    """

    name: str
    arguments: tuple[str, ...]
    output: str
    contents: Callable[[Path], Any]
    before: tuple[tuple[str, ...], ...] = field(default=())
    partial: bool = False
    once: bool = False


def _tiles(folder: Path) -> Any:
    table = TileSet.open(folder).table
    return {
        name: (folder / location).read_bytes()
        for name, location in zip(table["tile_id"], table["location"], strict=True)
    }


def _index(folder: Path) -> Any:
    index = MapIndex.open(folder)
    assert index.features_folder is not None
    features = FeatureMap.open(index.features_folder)
    vectors = index.store.vectors(np.arange(len(index.store)))
    return (
        list(index.tiles.frame()["tile_id"]),
        np.asarray(vectors).tobytes(),
        features.read().descriptors.tobytes(),
    )


def _picture(path: Path) -> Any:
    with Image.open(path) as image:
        return image.tobytes()


def _town(folder: Path) -> Any:
    with (folder / "pairs.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    return [(row["query"], (folder / row["reference"]).read_bytes()) for row in rows]


def _results(path: Path) -> Any:
    return {
        Path(row.photo).name: (row.status, row.longitude, row.latitude)
        for row in read_results(path)
    }


def _pairs(folder: Path) -> Any:
    assert len((folder / "pairs.csv").read_text().splitlines()) == 1 + 8
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != NOTES_NAME  # of a run killed right after its renaming
    }


def _locate(output: str) -> Case:
    arguments = ("locate", "../photos", "-o", output, "--index", "../index", "--device", "cpu")
    options = ("--view", "drone", "--effort", "low", "-j", "1", "-q")
    return Case(f"locate {output}", (*arguments, *options), output, _results, partial=True)


CASES = [
    Case("tile", ("tile", "../west.tif", "-o", "tiles", *_TILE), "tiles", _tiles),
    Case(
        "tile --overwrite",
        ("tile", "../west.tif", "-o", "tiles", "--overwrite", *_TILE),
        "tiles",
        _tiles,
        before=(("tile", "../east.tif", "-o", "tiles", "--overlap", "0.25", *_TILE),),
    ),
    Case(
        "tile --resume",
        ("tile", "../west.tif", "../east.tif", "-o", "tiles", "--resume", *_TILE),
        "tiles",
        _tiles,
        before=(("tile", "../west.tif", "-o", "tiles", *_TILE),),
    ),
    Case("index", ("index", "../tiles-west", "-o", "index", *_INDEX), "index", _index),
    Case(
        "append",
        ("index", "../tiles-east", "-o", "index", "--append", *_INDEX),
        "index",
        _index,
        before=(("index", "../tiles-west", "-o", "index", *_INDEX),),
    ),
    Case(
        "pairs",
        (*("pairs", "../survey/photos", "--map", "../survey/region.tif", "-o", "pairs"), *_PAIRS),
        "pairs",
        _pairs,
        once=True,
    ),
    Case(
        "explain",
        ("explain", "../photos/DJI_0001.jpg", "-o", "a.png", *_EXPLAIN),
        "a.png",
        _picture,
        once=True,
    ),
    Case("fabricate", ("fabricate", "crossview", "-o", "town", *_TOWN), "town", _town, once=True),
    *map(_locate, ("a.geojson", "a.geojsonl", "a.gpkg", "a.fgb", "a.parquet", "a.csv")),
]
_MOST = (
    "tile",
    "tile --overwrite",
    "index",
    "append",
    "pairs",
    "locate a.geojson",
    "locate a.gpkg",
)
main_cases = pytest.mark.parametrize(
    "case", [case for case in CASES if _IS_THOROUGH or case.name in _MOST], ids=lambda c: c.name
)


class Undisturbed(NamedTuple):
    """What an undisturbed run of a case gave."""

    contents: Any
    names: set[str]
    bytes: int
    largest_bytes: int
    seconds: float


class Inputs:
    """What the commands read, and what undisturbed runs of them gave."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cache  # noqa: B019 - one object a module
    def undisturbed(self, case: Case) -> Undisturbed:
        """Run a case in peace."""
        work = _work(self, case, self.folder / "undisturbed" / case.name / "work")
        before = sum(_sizes(work))
        done = run(case.arguments, work)
        assert done.is_done, done.stderr
        sizes = _sizes(work)
        contents = case.contents(work / case.output)
        names = {path.name for path in work.iterdir()}
        return Undisturbed(contents, names, sum(sizes) - before, max(sizes), done.seconds)


@pytest.fixture(scope="module")
def inputs(search_world: SearchWorld, tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    folder = tmp_path_factory.mktemp("inputs")
    write_map(folder / "west.tif", columns=3, rows=3)
    write_map(folder / "east.tif", columns=3, rows=2, east_m=2000)
    write_model(folder / "model")
    shutil.copytree(search_world.tiny.photos, folder / "photos")
    shutil.copytree(search_world.index, folder / "index")
    shutil.copytree(search_world.folder / "tiles", folder / "tiles")
    (folder / "survey").mkdir()
    write_survey(folder / "survey", [(60 + 20 * number, 120) for number in range(8)])
    (folder / "undisturbed").mkdir()
    for side in ("west", "east"):
        arguments = ("tile", f"../{side}.tif", "-o", f"../tiles-{side}", *_TILE)
        done = run(arguments, folder / "undisturbed")
        assert done.is_done, done.stderr
    return Inputs(folder)


def _sizes(folder: Path) -> list[int]:
    return [path.stat().st_size for path in folder.rglob("*") if path.is_file()]


def _work(inputs: Inputs, case: Case, folder: Path) -> Path:
    """A folder to run a case in, beside links to its inputs; what comes before it is done."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in inputs.folder.iterdir():
        link = folder.parent / path.name
        if not link.exists() and not path.name.startswith("undisturbed"):
            link.symlink_to(path)
    for arguments in case.before:
        done = run(arguments, folder)
        assert done.is_done, done.stderr
    return folder


def _assert_served(case: Case, before: Any, work: Path) -> None:
    """What was there before is there still, or its successor is, or it says what to do."""
    if before is None:
        return
    if (work / case.output / "tiles.partial" / "tiles.json").exists():
        # Old tiles and new ones are changing places, which takes a moment.
        with suppress(TilesError):
            case.contents(work / case.output)
        return
    case.contents(work / case.output)


def _assert_goes_on(case: Case, work: Path, inputs: Inputs) -> None:
    """The same command ends with what an undisturbed run gives, and leaves no rubbish."""
    may_be_refused = case.once and (work / case.output).exists()
    again = run(case.arguments, work)
    again.assert_civil()
    is_refused = again.exit_code == 2 and "--overwrite" in again.stderr
    assert again.is_done or (may_be_refused and is_refused), again.stderr
    assert case.contents(work / case.output) == inputs.undisturbed(case).contents
    assert not [path for path in work.rglob(".*") if path.is_file()]
    assert {path.name for path in work.iterdir()} == inputs.undisturbed(case).names


@main_cases
@pytest.mark.parametrize("share", _DISKS)
def test_a_full_disk_costs_nothing_that_was_done(
    case: Case, share: float, inputs: Inputs, tmp_path: Path
) -> None:
    work = tmp_path / "disk"
    work.mkdir()
    if not mount_small_disk(work, 64 << 20):
        pytest.skip("only root may mount a small disk")
    try:
        _work(inputs, case, work)
        used = sum(-(-size // 4096) * 4096 for size in _sizes(work))
        _resize(work, used + int(share * inputs.undisturbed(case).bytes))
        ended = run(case.arguments, work)
        ended.assert_civil()
        if not ended.is_done:
            assert ended.exit_code == 2, ended
            assert "No space left on device" in ended.stderr
        _assert_served(case, case.before or None, work)
        _resize(work, 64 << 20)
        _assert_goes_on(case, work, inputs)
    finally:
        unmount(work)


def _resize(folder: Path, size_bytes: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size_bytes}", str(folder)], check=True)


@main_cases
@pytest.mark.parametrize("share", _LIMITS)
def test_a_limit_of_file_size_costs_nothing_that_was_done(
    case: Case, share: float, inputs: Inputs, tmp_path: Path
) -> None:
    work = _work(inputs, case, tmp_path / "work")
    least = 4096  # what it says of itself is a file, too
    limit = max(least, int(share * inputs.undisturbed(case).largest_bytes))
    ended = run(case.arguments, work, file_limit_bytes=limit)
    ended.assert_civil()
    if not ended.is_done:
        assert ended.exit_code == 2, ended
        assert "File too large" in ended.stderr
    _assert_served(case, case.before or None, work)
    _assert_goes_on(case, work, inputs)


@main_cases
@pytest.mark.parametrize("share", _MOMENTS)
def test_a_killed_run_goes_on(case: Case, share: float, inputs: Inputs, tmp_path: Path) -> None:
    work = _work(inputs, case, tmp_path / "work")
    run_and_signal(case.arguments, work, signal.SIGKILL, share * inputs.undisturbed(case).seconds)
    _assert_served(case, case.before or None, work)
    _assert_goes_on(case, work, inputs)


@main_cases
@pytest.mark.parametrize("name", _SIGNALS)
def test_a_signal_keeps_what_was_done(
    case: Case, name: str, inputs: Inputs, tmp_path: Path
) -> None:
    work = _work(inputs, case, tmp_path / "work")
    number = getattr(signal, name)
    ended = run_and_signal(case.arguments, work, number, 0.6 * inputs.undisturbed(case).seconds)
    assert ended.exit_code in (0, 130, -number), ended  # the last: before Python was ready
    if ended.exit_code >= 0:
        ended.assert_civil()
    _assert_served(case, case.before or None, work)
    if case.partial and (work / case.output).exists():
        rows = case.contents(work / case.output).items()
        assert rows <= inputs.undisturbed(case).contents.items()
    _assert_goes_on(case, work, inputs)


@main_cases
def test_of_two_at_once_one_is_told(case: Case, inputs: Inputs, tmp_path: Path) -> None:
    work = _work(inputs, case, tmp_path / "work")
    twins = [Run(case.arguments, work) for _ in range(2)]
    ended: list[Ended] = [twin.end() for twin in twins]
    for each in ended:
        each.assert_civil()
        assert each.is_done or "another geoloc writes to" in each.stderr, each
        assert each.exit_code in (0, 2)
    assert any(each.is_done for each in ended)
    _assert_goes_on(case, work, inputs)


@pytest.mark.parametrize("stage", ["parts", "features.parts"])
def test_a_source_that_vanishes_while_it_is_indexed_is_named(
    stage: str, inputs: Inputs, tmp_path: Path
) -> None:
    source = Path(shutil.copy(inputs.folder / "west.tif", tmp_path / "own.tif"))
    away = tmp_path / "away.tif"
    tile = ("tile", "../own.tif", "-o", "../tiles-own", "--virtual", *_TILE)
    arguments = ("index", "../tiles-own", "-o", "index", *_INDEX)
    case = Case("index of windows", arguments, "index", _index, before=(tile,))
    work = _work(inputs, case, tmp_path / "work")
    running = Run(arguments, work)
    running.wait_for((work / "index" / stage).exists)
    source.replace(away)
    ended = running.end()
    ended.assert_civil()
    if not ended.is_done:
        assert ended.exit_code == 3
        assert "../own.tif is gone while the index was made" in ended.stderr
        assert not (work / "index").exists()
    away.replace(source)
    again = run(arguments, work)
    assert again.is_done, again.stderr
    assert _index(work / "index")[0] == list(TileSet.open(tmp_path / "tiles-own").table["tile_id"])
