"""The progress bar: for a person at a terminal, and nobody else."""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from geoloc.cli import cli
from geoloc.commands._console import say
from geoloc.commands._events import PROGRESS_KEY
from geoloc.commands._progress import progress_bar


def _work(*, quiet: bool = False, verbose: int = 0) -> None:
    with progress_bar(quiet=quiet, verbose=verbose) as progress:
        progress.start("cutting", 3, "tiles")
        progress.warn("a dark [tile]")
        progress.advance()
        progress.advance(2)
        progress.start("embedding", 1, "tiles")
        progress.advance()


def test_into_a_pipe_there_are_warnings_and_no_bar(capsys: pytest.CaptureFixture[str]) -> None:
    _work()
    assert capsys.readouterr() == ("", "warning: a dark [tile]\n")


def test_verbose_names_the_stages_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    _work(verbose=1)
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["cutting: 3 tiles", "warning: a dark [tile]", "embedding: 1 tiles"]


def test_quiet_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    _work(quiet=True)
    assert capsys.readouterr() == ("", "")


def test_a_terminal_sees_count_unit_rate_and_warnings(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("NO_COLOR", "1")
    _work()
    out, err = capsys.readouterr()
    assert out == ""
    assert "3/3 tiles" in err
    assert "1/1 tiles" in err
    assert "/s" in err
    assert "a dark [tile]" in err


@pytest.fixture
def jsonl() -> Iterator[None]:
    """A command that was called with ``--progress jsonl``."""
    with click.Context(cli) as context:
        context.meta[PROGRESS_KEY] = "jsonl"
        yield


def _valid(stderr: str) -> list[dict[str, Any]]:
    """The lines, each of which the schema that the wheel carries allows."""
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(files("geoloc.commands").joinpath("progress.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    lines = [json.loads(line) for line in stderr.splitlines()]
    for line in lines:
        jsonschema.validate(line, schema)
    return lines


@pytest.mark.usefixtures("jsonl")
@pytest.mark.parametrize("quiet", [False, True])
def test_for_programs_every_line_is_json(capsys: pytest.CaptureFixture[str], quiet: bool) -> None:
    _work(quiet=quiet)
    say("two\nlines", quiet=quiet)
    out, err = capsys.readouterr()
    assert out == ""
    tiles = {"unit": "tiles", "label": "cutting", "total": 3}
    lines = _valid(err)
    told = [line for line in lines if line["event"] != "progress" or line["done"] == line["total"]]
    assert told[:3] == [
        {"event": "start", "done": 0, **tiles},
        {"event": "warning", "message": "a dark [tile]"},
        {"event": "progress", "done": 3, **tiles},
    ]
    assert ({"event": "message", "message": "two lines"} in lines) is not quiet


@pytest.mark.usefixtures("jsonl")
def test_a_stage_without_a_known_end_has_no_total(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar() as progress:
        progress.start("counting", 0, "things")
        progress.advance()
    assert {line["total"] for line in _valid(capsys.readouterr().err)} == {None}


@pytest.mark.parametrize(
    ("arguments", "exit_code", "word"),
    [
        (["evaluate", "no.csv", "--truth", "no.csv"], 3, "no.csv"),
        (["export", "no.csv", "-o", "out", "--to", "footprints"], 3, "no.csv"),
        (["tile", "no.tif"], 3, "no.tif"),
        (["index", "no-tiles"], 3, "no-tiles"),
        (["locate", "no-photos", "-o", "out.csv"], 3, "no-photos"),
        (["adapt", "no-tiles", "-o", "model"], 3, "no-tiles"),
        (["warp", "no.csv", "-o", "warps"], 3, "no.csv"),
        (["warp", "no.csv", "-o", "warps", "--status", "odd"], 2, "--status"),
    ],
)
def test_an_error_is_one_line_of_json(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    exit_code: int,
    word: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    run = CliRunner().invoke(cli, [*arguments, "--progress", "jsonl"])
    *_, last = _valid(run.stderr)
    assert (last["event"], last["exit_code"], run.exit_code) == ("error", exit_code, exit_code)
    assert word in last["message"]


def _commands(
    group: click.Group, path: tuple[str, ...] = ()
) -> Iterator[tuple[str, click.Command]]:
    """Each command by its words, those of groups, too."""
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from _commands(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


def test_every_command_that_shows_progress_shows_it_to_programs_too() -> None:
    showing, silent = set(), set()
    for words, command in _commands(cli):
        assert command.callback is not None
        has_option = any("--progress" in each.opts for each in command.params)
        has_bar = "progress_bar(" in inspect.getsource(inspect.unwrap(command.callback))
        showing |= {words} if has_bar or has_option else set()
        silent |= {words} if has_bar and not has_option else set()
    assert not silent
    assert {"tile", "index", "locate", "adapt", "train", "report", "fabricate crossview"} <= showing


def test_evaluating_says_how_far_it_is_only_to_programs(tmp_path: Path) -> None:
    (tmp_path / "out.csv").write_text("photo,longitude,latitude,status\na.jpg,9,49,located\n")
    (tmp_path / "truth.csv").write_text("photo,lon,lat\na.jpg,9,49\n")
    call = ["evaluate", str(tmp_path / "out.csv"), "--truth", str(tmp_path / "truth.csv")]
    assert CliRunner().invoke(cli, call).stderr == ""
    lines = _valid(CliRunner().invoke(cli, [*call, "--progress", "jsonl"]).stderr)
    assert [(line["event"], line["done"]) for line in lines] == [("start", 0), ("progress", 1)]
