"""Names of photos in tables: which row means which photo, by the longest common end of paths.

A row may give a whole path (also one of another machine), the end of one, a file name, or that
without its extension. Case, the direction of slashes and the way in which accents are composed do
not matter. A file name with its extension comes before one without; then the longest common end
wins, and what is taken by a better one is free for nobody else. Photos that differ in their
extension only are of one exposure and share a row.

Cameras count from 0001 again in each of their folders (100MEDIA, 101MEDIA): such folders that
differ are different photos.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PureWindowsPath
from typing import NamedTuple

_HEIF_SUFFIXES = {".heic", ".heif", ".hif"}
SUFFIXES = {".jpg", ".jpeg", ".jpe", ".mpo", ".png", ".tif", ".tiff", ".webp", *_HEIF_SUFFIXES}

# What the standard of camera folders (DCF) calls them: three digits and five letters.
_CAMERA_FOLDER = re.compile(r"[1-9]\d\d[0-9a-z_]{5}")

_Parts = tuple[str, ...]


@dataclass(frozen=True)
class NameMatches:
    """Which entry of a table means which photo.

    Attributes:
        entry_of: The number of the entry by that of the photo.
        by_name_alone: The photos whose entry has folders that are not theirs.
        contested: Entries that fit several photos equally well, with these; they mean none.
        undecided: Photos that several entries fit equally well, with these; they have none.
    """

    entry_of: Mapping[int, int]
    by_name_alone: tuple[int, ...] = ()
    contested: tuple[tuple[int, tuple[int, ...]], ...] = ()
    undecided: tuple[tuple[int, tuple[int, ...]], ...] = ()


class _Rank(NamedTuple):
    """How well an entry fits a photo; larger fits better."""

    has_extension: bool
    common_parts: int
    is_whole: bool

    @property
    def is_by_name_alone(self) -> bool:
        return self.common_parts == 1 and not self.is_whole


class _Pair(NamedTuple):
    rank: _Rank
    photo: int
    entry: int


def comparable_path(written: str) -> str:
    """A path as paths are compared: forward slashes, no leading ``./``, no case."""
    return PureWindowsPath(unicodedata.normalize("NFC", written)).as_posix().casefold()


def match_names(
    entries: Sequence[str], photos: Sequence[Sequence[str]], *, strict: bool = False
) -> NameMatches:
    """The entry of a table that means each photo.

    Args:
        entries: What the table calls its photos, each once.
        photos: The paths of each photo: one, or several where links lead to it.
        strict: Whether an entry means one file only, and shares a folder with it if it has any.
    """
    parts = [[_parts(path) for path in paths] for paths in photos]
    shots = [str(n) if strict else _shot(paths[0]) for n, paths in enumerate(parts)]
    pairs = _pairs([_parts(entry) for entry in entries], parts)
    if strict:
        pairs = [pair for pair in pairs if not pair.rank.is_by_name_alone]
    by_rank: dict[_Rank, list[_Pair]] = defaultdict(list)
    for pair in pairs:
        by_rank[pair.rank].append(pair)
    choice = _Choice(shots)
    for rank in sorted(by_rank, reverse=True):
        choice.settle(by_rank[rank])
    return choice.matches()


class _Choice:
    """Entries given to photos, the best fitting first."""

    def __init__(self, shots: Sequence[str]) -> None:
        self._shots = shots
        self._owner: dict[int, str | None] = {}  # by entry; None: contested
        self._chosen: dict[int, _Pair | None] = {}  # by photo; None: undecided
        self._contested: dict[int, tuple[int, ...]] = {}
        self._undecided: dict[int, tuple[int, ...]] = {}

    def settle(self, pairs: Iterable[_Pair]) -> None:
        """Give the entries of pairs that fit equally well to photos that have none yet."""
        free = [pair for pair in pairs if self._is_free(pair)]
        by_entry: dict[int, list[int]] = defaultdict(list)
        by_photo: dict[int, list[_Pair]] = defaultdict(list)
        for pair in free:
            by_entry[pair.entry].append(pair.photo)
            by_photo[pair.photo].append(pair)
        for entry, photos in by_entry.items():
            if len({self._shots[photo] for photo in photos}) > 1:
                self._contested[entry] = tuple(photos)
                self._owner[entry] = None
        for photo, fitting in by_photo.items():
            left = [pair for pair in fitting if pair.entry not in self._contested]
            if len(left) > 1:
                self._undecided[photo] = tuple(pair.entry for pair in left)
            self._chosen[photo] = left[0] if len(left) == 1 else None
            if len(left) == 1:
                self._owner[left[0].entry] = self._shots[photo]

    def _is_free(self, pair: _Pair) -> bool:
        shot = self._shots[pair.photo]
        return pair.photo not in self._chosen and self._owner.get(pair.entry, shot) == shot

    def matches(self) -> NameMatches:
        """What was settled."""
        chosen = [pair for pair in self._chosen.values() if pair is not None]
        return NameMatches(
            {pair.photo: pair.entry for pair in chosen},
            tuple(pair.photo for pair in chosen if pair.rank.is_by_name_alone),
            tuple(self._contested.items()),
            tuple(self._undecided.items()),
        )


def _pairs(entries: Sequence[_Parts], photos: Sequence[Sequence[_Parts]]) -> list[_Pair]:
    """All entries and photos of one name, and how well they fit."""
    by_stem: dict[str, list[int]] = defaultdict(list)
    for number, entry in enumerate(entries):
        by_stem[_stem(entry[-1])].append(number)
    best: dict[tuple[int, int], _Rank] = {}
    for photo, paths in enumerate(photos):
        for path in paths:
            for entry_number in by_stem.get(_stem(path[-1]), ()):
                rank = _rank(entries[entry_number], path)
                if rank is not None:
                    key = (photo, entry_number)
                    best[key] = max(rank, best.get(key, rank))
    return [_Pair(rank, photo, entry) for (photo, entry), rank in best.items()]


def _rank(entry: _Parts, photo: _Parts) -> _Rank | None:
    """How well they fit, their stems being the same; None if they are of different photos."""
    common = 1
    while common < min(len(entry), len(photo)) and entry[-1 - common] == photo[-1 - common]:
        common += 1
    is_whole = common == len(entry)
    if not is_whole and common < len(photo):
        folders = (entry[-1 - common], photo[-1 - common])
        if all(_CAMERA_FOLDER.fullmatch(folder) for folder in folders):
            return None
    return _Rank(entry[-1] == photo[-1], common, is_whole)


def _parts(written: str) -> _Parts:
    return tuple(comparable_path(written).split("/"))


def _shot(path: _Parts) -> str:
    return "/".join((*path[:-1], _stem(path[-1])))


def _stem(name: str) -> str:
    """The file name without the extension of a photo; other dots belong to the name."""
    stem, dot, suffix = name.rpartition(".")
    return stem if dot and f".{suffix}" in SUFFIXES else name
