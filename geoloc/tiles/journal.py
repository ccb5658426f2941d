"""The journal of a run of `geoloc tile`: one line for every tile that is done, after its pixels."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

import shapely

from geoloc.tiles.cutting import Outcome

JOURNAL = "tiles.partial.jsonl"


class Journal:
    """Journal of the tiles that are done, on disk and in memory."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / JOURNAL
        self.outcomes: dict[str, Outcome] = {}
        for line in self._whole_lines():
            outcome = _outcome_from_json(line)
            self.outcomes[outcome.tile_id] = outcome
        self._file = self._path.open("a", encoding="utf-8")

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def add(self, outcomes: Iterable[Outcome]) -> None:
        """Note tiles as done."""
        for outcome in outcomes:
            self.outcomes[outcome.tile_id] = outcome
            self._file.write(outcome_to_json(outcome) + "\n")
        self._file.flush()

    def _whole_lines(self) -> list[str]:
        """The lines of the file; a last one that was cut off by a crash is removed."""
        if not self._path.exists():
            return []
        data = self._path.read_bytes()
        end = data.rfind(b"\n") + 1
        if end < len(data):
            self._path.write_bytes(data[:end])
        return data[:end].decode("utf-8").splitlines()


def outcome_to_json(outcome: Outcome) -> str:
    """One line of a journal, without its end."""
    row = outcome.row
    if row is not None:
        row = row | {"geometry": shapely.to_wkt(row["geometry"], rounding_precision=-1)}
    return json.dumps({"id": outcome.tile_id, "row": row, "unreadable": outcome.unreadable})


def _outcome_from_json(line: str) -> Outcome:
    values = json.loads(line)
    row = values["row"]
    if row is not None:
        row["geometry"] = shapely.from_wkt(row["geometry"])
    return Outcome(values["id"], row, values["unreadable"])
