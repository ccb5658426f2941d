"""The group and its error boundary: one line, the right exit code, never a traceback."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from types import SimpleNamespace

import click
import pytest
from click.testing import CliRunner

import geoloc
from geoloc import cli as cli_module
from geoloc.cli import cli
from geoloc.commands._progress import progress_bar
from geoloc.errors import (
    DependencyError,
    GeolocError,
    IndexFolderError,
    OptionError,
    OutputExistsError,
    PhotoError,
)


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """A command ``fail`` that raises what is put into this list."""
    errors: list[BaseException] = []

    @click.command(name="fail")
    def command() -> None:
        raise errors[0]

    monkeypatch.setitem(cli_module.COMMANDS, "fail", "Fail.")
    monkeypatch.setitem(sys.modules, "geoloc.commands.fail", SimpleNamespace(command=command))
    return errors


@pytest.mark.parametrize(
    ("error", "exit_code"),
    [
        (GeolocError("odd"), 1),
        (OptionError("odd"), 2),
        (OutputExistsError("odd"), 2),
        (PhotoError("odd"), 3),
        (IndexFolderError("odd"), 4),
        (DependencyError("odd"), 5),
    ],
)
def test_an_error_of_ours_is_one_line_and_its_exit_code(
    failing: list[BaseException], error: GeolocError, exit_code: int
) -> None:
    failing.append(error)
    result = CliRunner().invoke(cli, ["fail"])
    assert result.exit_code == exit_code
    assert result.stderr == "geoloc: error: odd\n"
    assert result.stdout == ""


def test_a_message_of_several_lines_is_joined(failing: list[BaseException]) -> None:
    failing.append(PhotoError("a\n  b"))
    assert CliRunner().invoke(cli, ["fail"]).stderr == "geoloc: error: a b\n"


def test_an_unexpected_error_is_one_line_that_names_debug(failing: list[BaseException]) -> None:
    failing.append(ZeroDivisionError("division by zero"))
    result = CliRunner().invoke(cli, ["fail"])
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert "ZeroDivisionError: division by zero" in result.stderr
    assert "--debug" in result.stderr


def test_a_library_that_says_too_much_is_cut(failing: list[BaseException]) -> None:
    failing.append(RuntimeError("CREATE TRIGGER " * 400))
    message = CliRunner().invoke(cli, ["fail"]).stderr
    assert 500 < len(message) < 640
    assert "..." in message


@pytest.mark.parametrize(
    "error",
    [
        PermissionError(13, "Permission denied", "out"),
        OSError(28, "No space left on device", "out"),
        OSError(27, "File too large", "out"),
        FileExistsError(17, "File exists", "out"),
        NotADirectoryError(20, "Not a directory", "out"),
        IsADirectoryError(21, "Is a directory", "out"),
        OSError(5, "Input/output error", "out"),
    ],
)
def test_what_may_not_be_written_is_named_with_2(
    failing: list[BaseException], error: OSError
) -> None:
    failing.append(error)
    result = CliRunner().invoke(cli, ["fail"])
    assert result.exit_code == 2
    assert result.stderr.startswith(f"geoloc: error: out: {error.strerror}; ")
    assert "unexpected" not in result.stderr
    is_mended_by_another_name = error.errno in (13, 17, 20, 21)
    assert is_mended_by_another_name or "run the same command again" in result.stderr


@pytest.mark.parametrize("error", [ZeroDivisionError("x"), PhotoError("x")])
def test_debug_lets_an_error_through(failing: list[BaseException], error: Exception) -> None:
    failing.append(error)
    assert CliRunner().invoke(cli, ["--debug", "fail"]).exception is error


def test_an_interrupt_is_130(failing: list[BaseException]) -> None:
    failing.append(KeyboardInterrupt())
    result = CliRunner().invoke(cli, ["fail"])
    assert result.exit_code == 130
    assert result.stderr == "geoloc: error: interrupted\n"


def test_a_terminated_command_ends_as_an_interrupted_one(monkeypatch: pytest.MonkeyPatch) -> None:
    before, unwound = signal.getsignal(signal.SIGTERM), []

    @click.command(name="wait")
    def command() -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            raise RuntimeError("nothing ended it")
        finally:
            unwound.append(True)  # what a job does to keep its parts

    monkeypatch.setitem(cli_module.COMMANDS, "wait", "Wait.")
    monkeypatch.setitem(sys.modules, "geoloc.commands.wait", SimpleNamespace(command=command))
    result = CliRunner().invoke(cli, ["wait"])
    assert (result.exit_code, unwound) == (130, [True])
    assert result.stderr == "geoloc: error: interrupted\n"
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_signal_that_comes_while_a_library_calls_back_is_not_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @ctypes.CFUNCTYPE(None)
    def callback() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        for _ in range(1000):
            pass  # where the handler runs, whose KeyboardInterrupt goes nowhere

    @click.command(name="wait")
    def command() -> None:
        with progress_bar() as progress:
            callback()
            progress.advance()
            raise RuntimeError("nothing ended it")

    monkeypatch.setitem(cli_module.COMMANDS, "wait", "Wait.")
    monkeypatch.setitem(sys.modules, "geoloc.commands.wait", SimpleNamespace(command=command))
    monkeypatch.setattr(sys, "unraisablehook", lambda _: None)
    result = CliRunner().invoke(cli, ["wait"])
    assert (result.exit_code, result.stderr) == (130, "geoloc: error: interrupted\n")


def test_wrong_usage_is_2() -> None:
    result = CliRunner().invoke(cli, ["locate"])
    assert result.exit_code == 2
    assert "Missing argument" in result.stderr


def test_an_unknown_command_is_2_and_named() -> None:
    result = CliRunner().invoke(cli, ["locat"])
    assert result.exit_code == 2
    assert "locat" in result.stderr


def test_version_is_that_of_the_package() -> None:
    assert (
        CliRunner().invoke(cli, ["--version"]).stdout == f"geoloc, version {geoloc.__version__}\n"
    )


@pytest.mark.slow
def test_a_reader_that_closes_the_pipe_brings_no_traceback() -> None:
    words = ["geoloc", "models", "list", "--json"]  # a command that loads little
    script = f"import geoloc.cli, sys; sys.argv = {words}; geoloc.cli.main()"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""


def test_the_group_is_a_command_of_rio() -> None:
    from rasterio.rio.main import main_group

    result = CliRunner().invoke(main_group, ["geoloc", "info", "no-such-thing"])
    assert result.exit_code == 3
    assert "geoloc: error: there is no file or folder no-such-thing" in result.stderr
