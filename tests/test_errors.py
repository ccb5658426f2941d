"""What of another library's error goes into a message of ours."""

from __future__ import annotations

import pytest

from geoloc.errors import first_line, one_line


@pytest.mark.parametrize(
    ("message", "first", "one"),
    [
        ("\n No such file.\nTry again.\n", "No such file", "No such file. Try again."),
        ("no  stop", "no  stop", "no stop"),
        ("", "OSError", "OSError"),
    ],
)
def test_messages_of_several_lines_become_one(message: str, first: str, one: str) -> None:
    error = OSError(message)
    assert (first_line(error), one_line(error)) == (first, one)


def test_a_long_message_is_cut() -> None:
    assert one_line(ValueError("a" * 101), limit=100) == "a" * 97 + "..."
    assert one_line(ValueError("a" * 100), limit=100) == "a" * 100
