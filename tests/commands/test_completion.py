"""Completion scripts: printed for each shell, readable by it, and answered with our commands."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest
from click.testing import CliRunner

from geoloc.cli import cli


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_is_printed_that_the_shell_can_read(shell: str) -> None:
    run = CliRunner().invoke(cli, ["completion", shell])
    assert run.exit_code == 0
    assert run.stderr == ""
    assert f"_GEOLOC_COMPLETE={shell}_complete" in run.stdout
    if (program := shutil.which(shell)) is not None:
        read = subprocess.run([program, "-n"], input=run.stdout, text=True, capture_output=True)
        assert (read.returncode, read.stderr) == (0, "")


@pytest.mark.parametrize(
    ("words", "at", "expected"),
    [("geoloc loc", "1", "plain,locate"), ("geoloc locate --eff", "2", "plain,--effort")],
)
def test_the_script_is_answered_with_commands_and_options(
    words: str, at: str, expected: str
) -> None:
    answered = subprocess.run(
        [sys.executable, "-c", "from geoloc.cli import main; main()"],
        env={"_GEOLOC_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": at},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answered.stdout.splitlines() == [expected]
