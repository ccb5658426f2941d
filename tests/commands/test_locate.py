"""``geoloc locate`` around a locator of our own making: options, output, summary, exit code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from geoloc.cli import cli
from geoloc.errors import ShortWriteError
from geoloc.locate.run_facts import PhotoStates
from geoloc.options import LocateOptions
from geoloc.results.files import read_results, write_results
from geoloc.results.schema import PhotoResult
from geoloc.storage.lock import locked_file
from tests.fixtures.indexes import stand_in_index
from tests.fixtures.located import located
from tests.fixtures.locks import held_elsewhere

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

    def find_photos(self, inputs: Sequence[str], *, recursive: bool, progress: Any) -> list[Path]:
        return [Path(name) for name in inputs]

    def open_index(self, index: Path, options: LocateOptions) -> SimpleNamespace:
        self.calls.append((index, options))
        return stand_in_index("abc", index)

    def locate_on(
        self,
        opened: SimpleNamespace,
        photos: Sequence[Path],
        options: LocateOptions,
        *,
        progress: Any,
        engine: Any,
        passed_over: Sequence[Path],
        single_rows: object = None,
    ) -> Iterator[PhotoResult]:
        progress.start("locating", len(photos), "photos")
        progress.warn("careful")
        alone = (replace(answer, from_track=answer.from_track or 0) for answer in self.answers)
        yield from (replace(answer, index_id=opened.index_id) for answer in alone)


@pytest.fixture
def locator(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> _Locator:
    stand_in = _Locator()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("geoloc.locate.file_job.open_index", stand_in.open_index)
    monkeypatch.setattr("geoloc.locate.file_job.locate_on", stand_in.locate_on)
    monkeypatch.setattr("geoloc.locate.file_job.with_matcher", lambda options, _: options)
    monkeypatch.setattr("geoloc.photos.photo_files.find_photos", stand_in.find_photos)
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


def test_it_says_for_how_many_photos_their_flight_decided(locator: _Locator) -> None:
    assert "their flight" not in _run("a.jpg", "b.jpg", "-o", "alone.geojson").stderr
    locator.answers = [_GOOD[0], replace(_GOOD[1], from_track=1)]
    result = _run("a.jpg", "b.jpg", "-o", "out.geojson")
    assert "1 of them as their flight says (from_track is 1)" in result.stderr


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
    locator.answers = _never()
    result = _run("a.jpg", "-o", "out.geojson")
    assert result.exit_code == 2
    assert "--overwrite" in result.stderr
    assert Path("out.geojson").read_text() == "mine"
    assert list(Path().iterdir()) == [Path("out.geojson")]


def _never() -> Iterator[PhotoResult]:
    raise AssertionError("a photo was located")
    yield


def test_an_interrupt_keeps_what_was_done_and_exits_with_130(locator: _Locator) -> None:
    def interrupted() -> Iterator[PhotoResult]:
        yield _GOOD[0]
        raise KeyboardInterrupt

    locator.answers = interrupted()
    result = _run("a.jpg", "b.jpg", "-o", "out.geojson")
    assert result.exit_code == 130
    assert "1 of 2 photos: 1 located" in result.stderr
    assert "interrupted after 1 of 2 photos; out.geojson holds what was done" in result.stderr
    assert "the same command goes on" in result.stderr
    assert len(read_results("out.geojson")) == 1


def test_an_interrupt_of_a_replacement_leaves_what_serves(locator: _Locator) -> None:
    _run("a.jpg", "b.jpg", "-o", "out.geojson")

    def interrupted() -> Iterator[PhotoResult]:
        yield _GOOD[0]
        raise KeyboardInterrupt

    locator.answers = interrupted()
    result = _run("a.jpg", "b.jpg", "-o", "out.geojson", "--overwrite")
    assert "out.geojson.partial.geojsonl holds what was done" in result.stderr
    assert "the same command without --overwrite goes on" in result.stderr
    assert len(read_results("out.geojson")) == 2


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_run_that_is_ended_from_outside_keeps_what_was_done_too(
    locator: _Locator, name: str
) -> None:
    number = getattr(signal, name, None)
    if number is None or signal.getsignal(number) == signal.SIG_IGN:
        pytest.skip("a system without this signal, or a run under nohup")
    before = signal.getsignal(number)

    def ended() -> Iterator[PhotoResult]:
        yield _GOOD[0]
        os.kill(os.getpid(), number)
        yield _GOOD[1]

    locator.answers = ended()
    result = _run("a.jpg", "b.jpg", "-o", "out.geojson")
    assert result.exit_code == 130
    assert len(read_results("out.geojson")) == 1
    assert not list(Path().glob(".*"))
    assert signal.getsignal(number) == before


def test_a_finished_output_has_nothing_to_do(locator: _Locator) -> None:
    Path("a.jpg").write_bytes(b"1")
    locator.answers = [_row_of("a.jpg")]
    _run("a.jpg", "-o", "out.csv")
    before = Path("out.csv").read_bytes()
    locator.answers = _never()
    result = _run("a.jpg", "-o", "out.csv")
    assert (result.exit_code, Path("out.csv").read_bytes()) == (0, before)
    assert result.stderr == "out.csv: nothing to do, all 1 photos have their rows already\n"


def test_resume_adds_photos_and_says_what_was_there(locator: _Locator) -> None:
    for name in ("a.jpg", "b.jpg"):
        Path(name).write_bytes(b"1")
    locator.answers = [_row_of("a.jpg")]
    _run("a.jpg", "-o", "out.csv")
    refused = _run("a.jpg", "b.jpg", "-o", "out.csv")
    assert refused.exit_code == 2
    assert "of these 2 photos 1 new (b.jpg) since it was written: use --resume" in refused.stderr
    locator.answers = [_row_of("b.jpg")]
    result = _run("a.jpg", "b.jpg", "-o", "out.csv", "--resume")
    assert result.exit_code == 0
    assert "1 photo: 1 located" in result.stderr
    assert "1 more had their rows already" in result.stderr
    assert [Path(row.photo).name for row in read_results("out.csv")] == ["a.jpg", "b.jpg"]


def _row_of(name: str) -> PhotoResult:
    state = PhotoStates(LocateOptions()).state_of(Path(name))
    return PhotoResult(
        str(Path(name).absolute()),
        "located",
        longitude=1.0,
        latitude=2.0,
        photo_size=state.size_bytes,
        photo_time=state.modified,
    )


def test_a_full_disk_is_one_line_and_the_same_command_goes_on(
    locator: _Locator, small_disk: Path
) -> None:
    photos = [small_disk / f"{i}.jpg" for i in range(3)]
    for photo in photos:
        photo.write_bytes(b"1")
    locator.answers = [replace(_row_of(str(photo)), error="x" * 100_000) for photo in photos]
    (small_disk / "filler").write_bytes(bytes((1 << 20) - 250_000))
    command = (*map(str, photos), "-o", str(small_disk / "out.gpkg"))
    result = _run(*command)
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1].startswith("geoloc: error: ")
    assert "No space left on device; make room on its disk and run the same" in result.stderr
    (small_disk / "filler").unlink()
    locator.answers = [replace(_row_of(str(photos[2])), error="x")]
    result = _run(*command)
    assert result.exit_code == 0
    assert "2 more had their rows already" in result.stderr
    assert len(read_results(small_disk / "out.gpkg")) == 3


def test_a_closed_stdout_is_an_error_of_one_line() -> None:
    command = [sys.executable, "-m", "geoloc.cli", "locate", "a.jpg", "-o", "-"]
    shell = ["sh", "-c", 'exec "$@" >&-', "sh", *command]
    run = subprocess.run(shell, stderr=subprocess.PIPE, text=True, check=False)
    said = "geoloc: error: cannot write to stdout: it is closed; name a file with -o\n"
    assert (run.returncode, run.stderr) == (2, said)


def test_a_stdout_that_is_full_is_an_error_of_one_line(
    locator: _Locator, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Path("/dev/full").open("wb", buffering=0) as full:
        monkeypatch.setattr("sys.stdout", SimpleNamespace(buffer=full))
        with pytest.raises(ShortWriteError, match="stdout cannot be written: No space left"):
            write_results(_GOOD, "-")


def test_the_name_of_stdout_is_answered_with_the_way_to_say_it(locator: _Locator) -> None:
    result = _run("a.jpg", "-o", "/dev/stdout", "-f", "geojson", "--overwrite")
    assert result.exit_code == 2
    assert "-o - is stdout" in result.stderr


def test_a_second_run_on_the_same_output_is_refused(locator: _Locator) -> None:
    with held_elsewhere(locked_file, Path("out.geojson")) as process:
        result = _run("a.jpg", "-o", "out.geojson")
        process.communicate()
    assert result.exit_code == 2
    assert "another geoloc writes to out.geojson" in result.stderr


def test_hand_offs_are_written_of_the_result(locator: _Locator) -> None:
    locator.answers = [located("a.jpg"), located("b.jpg", timestamp="2024-01-02T03:04:05Z")]
    result = _run("a.jpg", "b.jpg", "-o", "out.csv", "--geo-txt", "geo.txt", "--gpx", "out.gpx")
    assert result.exit_code == 0
    assert len(Path("geo.txt").read_text().splitlines()) == 3
    assert "wrote geo.txt: 2 photos\n" in result.stderr
    assert "1 left out, it has no time: a.jpg\n" in result.stderr


def test_a_hand_off_that_is_there_is_refused_before_anything_takes_time(locator: _Locator) -> None:
    Path("geo.txt").write_text("mine")
    result = _run("a.jpg", "-o", "out.csv", "--geo-txt", "geo.txt")
    assert (result.exit_code, locator.calls) == (2, [])
    assert "geo.txt exists" in result.stderr
    assert _run("a.jpg", "-o", "-", "--gpx", "out.gpx").exit_code == 2
    assert Path("geo.txt").read_text() == "mine"


def test_a_hand_off_that_fails_loses_nothing_and_says_how_to_try_again(
    locator: _Locator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device", "geo.txt")

    monkeypatch.setattr("geoloc.export.opendronemap.write_text", full)
    locator.answers = [located("a.jpg", timestamp="2024-01-02T03:04:05Z")]
    result = _run("a.jpg", "-o", "out.csv", "--geo-txt", "geo.txt", "--gpx", "out.gpx")
    assert result.exit_code == 2
    assert "`geoloc export out.csv --to geo-txt -o geo.txt` tries again" in result.stderr
    assert len(read_results("out.csv")) == 1
    assert Path("out.gpx").exists()  # the others are written


def test_nothing_located_is_no_failure_of_a_hand_off(locator: _Locator) -> None:
    locator.answers = [_NOT_FOUND]
    result = _run("c.jpg", "-o", "out.csv", "--geo-txt", "geo.txt")
    assert result.exit_code == 0
    assert "geo.txt is not written: none of 1 photos is located" in result.stderr
    assert not Path("geo.txt").exists()


def test_the_same_command_again_writes_only_the_hand_offs_that_are_missing(
    locator: _Locator,
) -> None:
    Path("a.jpg").write_bytes(b"1")
    row = _row_of("a.jpg")
    facts = {"photo_size": row.photo_size, "photo_time": row.photo_time}
    locator.answers = [located(row.photo, **facts)]
    arguments = ("a.jpg", "-o", "out.csv", "--geo-txt", "geo.txt", "--reference-csv", "ref.csv")
    assert _run(*arguments).exit_code == 0
    Path("geo.txt").write_text("kept")
    Path("ref.csv").unlink()
    result = _run(*arguments)
    assert "nothing to do" in result.stderr
    assert (result.exit_code, Path("geo.txt").read_text()) == (0, "kept")
    assert Path("ref.csv").exists()


def test_footprints_lie_beside_the_result(locator: _Locator) -> None:
    area = "POLYGON ((13 -53, 13.001 -53, 13.001 -52.999, 13 -53))"
    locator.answers = [located("a.jpg", footprint=area)]
    result = _run("a.jpg", "-o", "out.geojson", "--footprints")
    assert result.exit_code == 0
    assert "wrote out-footprints.geojson: 1 photo\n" in result.stderr
    assert json.loads(Path("out-footprints.geojson").read_text())["features"]
