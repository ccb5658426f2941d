"""SQLite files are groups: a database, and the journals beside it that belong to no other.

GeoPackages are SQLite files. Replacing the main file alone leaves it with the journal of its
predecessor, which SQLite then plays back into it: the result is neither, and unreadable.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from geoloc.errors import OutputBusyError

_SUFFIXES = frozenset({".gpkg", ".sqlite", ".db", ".mbtiles"})
_HEAD = b"SQLite format 3\0"
_COMPANIONS = ("-wal", "-shm", "-journal")


def is_sqlite(path: Path) -> bool:
    """Whether a file is a database of SQLite, by its name or by its first bytes."""
    if path.suffix.lower() in _SUFFIXES:
        return True
    try:
        with path.open("rb") as stream:
            return stream.read(len(_HEAD)) == _HEAD
    except OSError:
        return False


def check_not_in_use(path: Path) -> None:
    """Refuse a database that a program has open; what a crash left beside it is taken in.

    Raises:
        OutputBusyError: It is open elsewhere.
    """
    if not is_sqlite(path) or not path.is_file():
        return
    try:
        with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as database:
            # Leaving the write-ahead log wants the database alone, as a transaction does that
            # excludes others where there is no such log.
            database.execute("PRAGMA journal_mode = DELETE").fetchone()
            database.execute("BEGIN EXCLUSIVE")
            database.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):
            return  # a damaged one may be replaced
        raise OutputBusyError(
            f"{path} is open in another program; close it there (in QGIS: remove its layers), "
            "or choose another -o",
            path=path,
        ) from error
    except sqlite3.DatabaseError:
        return  # no database at all


def remove_companions(path: Path) -> None:
    """Remove the journals of a database that is replaced or gone."""
    if is_sqlite(path):
        for ending in _COMPANIONS:
            path.with_name(path.name + ending).unlink(missing_ok=True)
