"""Notes of the files that an unfinished run has written, so that the same run passes them over.

They lie in the folder that is written as ``unfinished.jsonl``, a line a file with what decided its
content and a checksum, and are gone when the folder is whole.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from pathlib import Path

from geoloc.storage.atomic import write_text

NOTES_NAME = "unfinished.jsonl"


class KeptFiles:
    """Files that a run has written into a folder, and those that an earlier one has left there.

    Args:
        folder: The folder; it is made.

    Attributes:
        passed_over: Number of files that did not have to be written again.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._path = folder, folder / NOTES_NAME
        self._noted = _read(self._path)
        self._is_begun = False
        self.passed_over = 0

    def __len__(self) -> int:
        """Number of files that are noted."""
        return len(self._noted)

    @property
    def is_unfinished(self) -> bool:
        """Whether a run has begun in the folder and not ended."""
        return self._path.is_file()

    @property
    def keys(self) -> set[str]:
        """What decided the content of the files that are noted."""
        return {key for key, _ in self._noted.values()}

    def forget_others(self, key: str) -> None:
        """Drop the notes of files with another key: they are going to be written anew."""
        self._noted = {name: facts for name, facts in self._noted.items() if facts[0] == key}

    def holds(self, file: Path, key: str) -> bool:
        """Whether a file, relative to the folder, was noted with this key and is as it was then."""
        noted_key, checksum = self._noted.get(file.as_posix(), ("", -1))
        is_held = noted_key == key and _checksum(self._folder / file) == checksum
        self.passed_over += is_held
        return is_held

    def note(self, file: Path, key: str) -> None:
        """Note a file, relative to the folder, that is whole.

        Raises:
            OSError: The disk is full.
        """
        checksum = _checksum(self._folder / file)
        if checksum is not None:
            self.begin()
            self._noted[file.as_posix()] = key, checksum
            with self._path.open("a", encoding="utf-8") as stream:
                stream.write(_line(file.as_posix(), key, checksum))

    def begin(self) -> None:
        """Mark the folder as unfinished, and drop a last line that was cut off."""
        if not self._is_begun:
            lines = (_line(name, *facts) for name, facts in self._noted.items())
            write_text(self._path, "".join(lines))
            self._is_begun = True

    def remove(self) -> None:
        """Remove the notes: the folder is whole."""
        self._path.unlink(missing_ok=True)


def key_of(*facts: object) -> str:
    """A checksum of what decides the content of a file, by its `repr`."""
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def _line(name: str, key: str, checksum: int) -> str:
    return json.dumps({"file": name, "key": key, "crc32": checksum}) + "\n"


def _read(path: Path) -> dict[str, tuple[str, int]]:
    """Key and checksum of each noted file; lines that were cut off are passed over."""
    try:
        lines = path.read_bytes().split(b"\n")[:-1]
    except FileNotFoundError:
        return {}
    noted: dict[str, tuple[str, int]] = {}
    for line in lines:
        try:
            note = json.loads(line)
            noted[str(note["file"])] = str(note["key"]), int(note["crc32"])
        except (ValueError, KeyError, TypeError):
            continue  # what a crashed machine has made of it
    return noted


def _checksum(path: Path) -> int | None:
    try:
        return zlib.crc32(path.read_bytes())
    except OSError:
        return None
