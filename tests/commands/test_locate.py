"""``geoloc locate`` around a locator of our own making: options, output, summary, exit code."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from geoloc.cli import cli
from geoloc.options import LocateOptions
from geoloc.results.files import read_results
from geoloc.results.schema import PhotoResult

_GOOD = [
    PhotoResult("/p/a.jpg", "located", longitude=1.0, latitude=2.0),
    PhotoResult("/p/b.jpg", "ambiguous", longitude=1.0, latitude=2.0),
]
_NOT_FOUND = PhotoResult("/p/c.jpg", "rejected")
_BAD = PhotoResult("/p/d.jpg", "unreadable", error="cut")


class _Locator:
    """Stands in for the library: remembers its call and yields what it was told to."""

    def __init__(self) -> None:
        self.answers: Iterable[PhotoResult] = _GOOD
        self.calls: list[tuple[Path, LocateOptions]] = []

    def find_photos(self, inputs: Sequence[str], *, recursive: bool) -> list[Path]:
        return [Path(name) for name in inputs]

    def locate_photos(
        self, photos: Sequence[Path], index: Path, options: LocateOptions, *, progress: Any
    ) -> Iterator[PhotoResult]:
        self.calls.append((index, options))
        progress.start("locating", len(photos), "photos")
        progress.warn("careful")
        yield from self.answers


@pytest.fixture
def locator(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> _Locator:
    stand_in = _Locator()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("geoloc.locate.job.locate_photos", stand_in.locate_photos)
    monkeypatch.setattr("geoloc.photos.photo.find_photos", stand_in.find_photos)
    return stand_in


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["locate", *arguments])


def test_the_result_and_its_style_are_written_and_summed_up(locator: _Locator) -> None:
    result = _run("a.jpg", "b.jpg", "-o", "out.geojson")
    assert result.exit_code == 0
    assert [r.status for r in read_results("out.geojson")] == ["located", "ambiguous"]
    assert Path("out.qml").exists()
    assert "2 photos: 1 located, 1 ambiguous, 0 rejected, 0 unreadable" in result.stderr
    assert "wrote out.geojson" in result.stderr
    assert result.stdout == ""


def test_the_defaults_are_those_of_the_library(locator: _Locator) -> None:
    _run("a.jpg", "-o", "out.geojson")
    assert locator.calls == [(Path("index"), LocateOptions())]


def test_every_option_reaches_the_library(locator: _Locator) -> None:
    arguments = (
        "--index other --view street --effort high --prior exif --prior-radius 50 --top-k 7 "
        "--metadata m.csv --matcher lightglue-disk --matcher-weights a.pth --matcher-weights b.pth "
        "--device cpu -j 3 --min-confidence 0.9"
    )
    _run("a.jpg", "-o", "out.geojson", *arguments.split())
    expected = LocateOptions(
        view="street",
        effort="high",
        prior="exif",
        prior_radius_m=50.0,
        top_k=7,
        matcher="lightglue-disk",
        matcher_weights=("a.pth", "b.pth"),
        metadata="m.csv",
        device="cpu",
        workers=3,
        min_confidence=0.9,
    )
    assert locator.calls == [(Path("other"), expected)]


def test_a_photo_that_is_not_found_is_an_answer_and_exits_with_0(locator: _Locator) -> None:
    locator.answers = [*_GOOD, _NOT_FOUND]
    result = _run(*"abc", "-o", "out.geojson")
    assert result.exit_code == 0
    assert "1 rejected" in result.stderr
    assert [r.status for r in read_results("out.geojson")][-1] == "rejected"


def test_a_photo_that_cannot_be_read_exits_with_6(locator: _Locator) -> None:
    locator.answers = [*_GOOD, _NOT_FOUND, _BAD]
    assert _run(*"abcd", "-o", "out.geojson").exit_code == 6
    assert len(read_results("out.geojson")) == 4


def test_skip_errors_exits_with_0(locator: _Locator) -> None:
    locator.answers = [_BAD]
    assert _run("a.jpg", "-o", "out.geojson", "--skip-errors").exit_code == 0


def test_stdout_holds_the_data_and_nothing_else(locator: _Locator) -> None:
    result = _run("a.jpg", "-o", "-")
    assert len(json.loads(result.stdout)["features"]) == 2
    assert "1 located" in result.stderr


def test_format_overrides_the_extension(locator: _Locator) -> None:
    assert _run("a.jpg", "-o", "out.txt", "-f", "csv").exit_code == 0
    assert Path("out.txt").read_text().startswith("photo,filename,")


def test_quiet_says_nothing(locator: _Locator) -> None:
    assert _run("a.jpg", "-o", "out.geojson", "-q").stderr == ""


def test_an_existing_output_is_refused_and_nothing_is_located(locator: _Locator) -> None:
    Path("out.geojson").write_text("mine")
    result = _run("a.jpg", "-o", "out.geojson")
    assert result.exit_code == 2
    assert "--overwrite" in result.stderr
    assert Path("out.geojson").read_text() == "mine"
    assert locator.calls == []


def test_an_interrupt_keeps_what_was_done_and_exits_with_130(locator: _Locator) -> None:
    def interrupted() -> Iterator[PhotoResult]:
        yield _GOOD[0]
        raise KeyboardInterrupt

    locator.answers = interrupted()
    result = _run("a.jpg", "b.jpg", "-o", "out.geojson")
    assert result.exit_code == 130
    assert "1 of 2 photos: 1 located" in result.stderr
    assert "interrupted after 1 of 2 photos; out.geojson holds what was done" in result.stderr
    assert len(read_results("out.geojson")) == 1


def test_a_terminated_run_keeps_what_was_done_too(locator: _Locator) -> None:
    before = signal.getsignal(signal.SIGTERM)

    def terminated() -> Iterator[PhotoResult]:
        yield _GOOD[0]
        os.kill(os.getpid(), signal.SIGTERM)
        yield _GOOD[1]

    locator.answers = terminated()
    result = _run("a.jpg", "b.jpg", "-o", "out.geojson")
    assert result.exit_code == 130
    assert len(read_results("out.geojson")) == 1
    assert signal.getsignal(signal.SIGTERM) == before
