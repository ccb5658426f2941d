"""The progress bar: for a person at a terminal, and nobody else."""

from __future__ import annotations

import sys

import pytest

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
