"""What the project's texts must not hold: paths of one machine, and unfinished work."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
_SUFFIXES = {".py", ".md", ".toml", ".yml", ".yaml", ".cfg", ".txt", ".json", ".sh", ""}
_SKIPPED = {"build", "dist", "__pycache__"}  # and every hidden folder but those of CI
_CI = (".ci", ".github")

# Put together here, so that this file does not hold what it looks for.
_MACHINE_PATH = re.compile(
    r"(?<![\w.\]])/(?:" + "|".join(("work", "tmp", "root", "home")) + r")/\w"
)
_UNFINISHED = re.compile(r"\b(?:" + "|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX")) + r")\b")


def _texts() -> Iterator[tuple[Path, str]]:
    """Every text file of the project."""
    for path in sorted(REPOSITORY.rglob("*")):
        inside = path.relative_to(REPOSITORY)
        is_text = path.suffix in _SUFFIXES and path.is_file() and path.stat().st_size < 1_000_000
        is_text = is_text and path.name != ".git"  # a file in a worktree
        if is_text and not any(_is_skipped(part) for part in inside.parts[:-1]):
            try:
                yield inside, path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue


def _is_skipped(folder: str) -> bool:
    return folder in _SKIPPED or (folder.startswith(".") and folder not in _CI)


def test_no_file_names_a_path_of_one_machine() -> None:
    found = [
        f"{path}: {m.group()}" for path, text in _texts() for m in _MACHINE_PATH.finditer(text)
    ]
    assert not found


def test_no_file_is_left_unfinished() -> None:
    found = [f"{path}: {m.group()}" for path, text in _texts() for m in _UNFINISHED.finditer(text)]
    assert not found


def test_every_module_says_in_its_first_line_what_it_is_for() -> None:
    silent = [
        path
        for path, text in _texts()
        if path.parts[0] == "geoloc"
        and path.suffix == ".py"
        and text.strip()
        and not text.lstrip().startswith('"""')
    ]
    assert not silent
