"""Databases are replaced with their journals, or not while a program has them open."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from geoloc.errors import OutputBusyError
from geoloc.storage.atomic import replacing


def _database(path: Path, value: str, *, journal: str = "delete") -> sqlite3.Connection:
    """An open database with one row, committed."""
    database = sqlite3.connect(path)
    database.execute(f"PRAGMA journal_mode = {journal}")
    database.execute("CREATE TABLE t (value TEXT)")
    database.execute("INSERT INTO t VALUES (?)", (value,))
    database.commit()
    return database


def _value(path: Path) -> str:
    with closing(sqlite3.connect(path)) as database:
        (value,) = database.execute("SELECT value FROM t").fetchone()
    return str(value)


@pytest.fixture
def successor(tmp_path: Path) -> Iterator[bytes]:
    """The bytes of another database."""
    path = tmp_path / "successor" / "b.gpkg"
    path.parent.mkdir()
    _database(path, "new").close()
    return path.read_bytes()


def test_one_that_is_open_elsewhere_is_refused_and_stays(tmp_path: Path, successor: bytes) -> None:
    path = tmp_path / "a.gpkg"
    with (
        closing(_database(path, "old", journal="wal")),
        pytest.raises(OutputBusyError, match=r"a\.gpkg is open in another program; close it"),
        replacing(path) as draft,
    ):
        draft.write_bytes(successor)
    assert _value(path) == "old"


def test_one_that_is_being_changed_is_refused(tmp_path: Path, successor: bytes) -> None:
    path = tmp_path / "a.gpkg"
    with closing(_database(path, "old")) as database:
        database.execute("UPDATE t SET value = 'edit'")
        with pytest.raises(OutputBusyError), replacing(path) as draft:
            draft.write_bytes(successor)
        database.commit()
    assert _value(path) == "edit"


@pytest.mark.parametrize("ending", ["-wal", "-journal"])
def test_what_a_crash_left_beside_it_goes_with_it(
    tmp_path: Path, successor: bytes, ending: str
) -> None:
    path = tmp_path / "a.gpkg"
    with closing(_database(path, "old", journal="wal")) as database:
        database.execute("INSERT INTO t VALUES ('more')")
        database.commit()
        whole = path.read_bytes()
        log = path.with_name("a.gpkg-wal").read_bytes()
    path.write_bytes(whole)
    path.with_name("a.gpkg" + ending).write_bytes(log)
    path.with_name("a.gpkg-shm").write_bytes(bytes(32768))
    with replacing(path) as draft:
        draft.write_bytes(successor)
    assert _value(path) == "new"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.gpkg", "successor"]


def test_a_file_that_is_no_database_is_replaced(tmp_path: Path, successor: bytes) -> None:
    path = tmp_path / "a.gpkg"
    path.write_text("nonsense" * 100)
    with replacing(path) as draft:
        draft.write_bytes(successor)
    assert _value(path) == "new"


def test_a_database_of_another_name_is_known_by_its_first_bytes(
    tmp_path: Path, successor: bytes
) -> None:
    path = tmp_path / "a.dat"
    with (
        closing(_database(path, "old", journal="wal")),
        pytest.raises(OutputBusyError),
        replacing(path) as draft,
    ):
        draft.write_bytes(successor)
    assert _value(path) == "old"
