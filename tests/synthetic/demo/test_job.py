"""The demo in small: it runs the whole way, locates its photos, and respects what is there."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from geoloc.cli import cli
from geoloc.errors import OptionError, OutputExistsError
from geoloc.progress import Silent
from geoloc.synthetic.demo.job import Demo, run_demo
from geoloc.synthetic.options import DemoOptions


@pytest.mark.slow
def test_a_small_demo_that_was_cut_off_locates_its_photos_and_leaves_a_picture(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "demo"
    options = DemoOptions(folder, photos=2, size_m=330, gsd_m=0.4)
    Demo(options).steps[0].run(Silent())
    taken = {path: path.stat().st_mtime_ns for path in (folder / "photos").iterdir()}
    summary = run_demo(options)
    assert {path: path.stat().st_mtime_ns for path in taken} == taken
    assert summary.evaluation.overall.n == 2
    assert summary.evaluation.overall.share_within[10] == 1.0
    features = json.loads(summary.results.read_text())["features"]
    assert [f["properties"]["filename"] for f in features] == ["DJI_0001", "DJI_0002"]
    assert (folder / "out.qml").is_file()
    with Image.open(summary.sheet) as sheet:
        assert sheet.width > 1000
        colours = sheet.convert("RGB").getcolors(1 << 24)
    assert colours is not None
    assert len(colours) > 5000, "photos and map windows are in it"


def test_the_steps_are_what_a_person_types(tmp_path: Path) -> None:
    typed = [step.typed for step in Demo(DemoOptions(tmp_path / "demo")).steps if step.typed]
    assert typed == [
        "geoloc tile region.tif",
        "geoloc index tiles/",
        "geoloc locate photos/ -o out.geojson",
        "geoloc warp out.geojson -o warps/",
        "geoloc evaluate out.geojson --truth truth.csv",
    ]


def test_a_folder_that_is_no_demo_is_never_cleared(tmp_path: Path) -> None:
    precious = tmp_path / "photos" / "mine.jpg"
    precious.parent.mkdir()
    precious.write_text("mine")
    with pytest.raises(OutputExistsError, match="holds no demo"):
        Demo(DemoOptions(tmp_path, overwrite=True))
    assert precious.read_text() == "mine"


def test_an_earlier_demo_is_replaced_only_when_asked(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    Demo(DemoOptions(folder))
    (folder / "demo.png").write_text("a picture")
    (folder / "photos").mkdir()
    stale = [folder / name for name in ("photos/old.jpg", "out.geojson.partial.geojsonl")]
    for path in stale:
        path.write_text("old")
    notes = folder / "notes.txt"
    notes.write_text("keep")
    with pytest.raises(OutputExistsError, match="--overwrite"):
        Demo(DemoOptions(folder))
    Demo(DemoOptions(folder, seed=4, overwrite=True))
    assert not any(path.exists() for path in stale)
    assert notes.read_text() == "keep"
    assert json.loads((folder / "demo.json").read_text())["seed"] == 4


@pytest.mark.parametrize("overwrite", [False, True])
def test_an_unfinished_demo_goes_on(tmp_path: Path, overwrite: bool) -> None:
    options = DemoOptions(tmp_path / "demo", photos=2, size_m=330, overwrite=overwrite)
    Demo(options)
    photo = tmp_path / "demo/photos/DJI_0001.JPG"
    photo.parent.mkdir()
    photo.write_text("taken")
    Demo(options)
    assert photo.read_text() == "taken"
    other = replace(options, seed=5, overwrite=False)
    with pytest.raises(OutputExistsError, match="--overwrite"):
        Demo(other)
    Demo(replace(other, overwrite=True))
    assert not photo.exists()


def test_no_photos_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="at least 1"):
        Demo(DemoOptions(tmp_path / "demo", photos=0))


def test_the_command_says_in_one_line_why_it_does_not_run(tmp_path: Path) -> None:
    (tmp_path / "something").write_text("x")
    result = CliRunner().invoke(cli, ["demo", "-o", str(tmp_path)])
    assert result.exit_code == 2
    assert "holds no demo" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
