"""Drone data sets whose folders are named by place: University-1652 and SUES-200."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from geoloc.errors import InputError
from geoloc.learning.datasets.crossview import Pair, Picture, Split
from geoloc.learning.datasets.files import folders_in, images_in
from geoloc.models.view import View


def pictures_by_place(folder: Path) -> list[Picture]:
    """The images of all folders of a folder; each folder is a place."""
    return [Picture(path, each.name) for each in folders_in(folder) for path in images_in(each)]


def join_by_place(
    name: str,
    queries: Sequence[Picture],
    references: Sequence[Picture],
    *,
    query_view: View,
) -> Split:
    """A split in which every reference of a query's place is a right answer.

    Args:
        name: Name for a person.
        queries: Images that are looked for.
        references: What it is looked for in; those of other places are distractors.
        query_view: ``drone`` or ``satellite``; the references have the other one.

    Raises:
        InputError: There are no queries, or one of them has no right answer.
    """
    of_place: dict[str, list[int]] = defaultdict(list)
    for number, reference in enumerate(references):
        of_place[reference.place].append(number)
    lost = [query.path for query in queries if query.place not in of_place]
    if lost or not queries:
        what = f"{lost[0]} has no reference of its place" if lost else f"{name} has no queries"
        raise InputError(
            f"{what}; expected a folder for each place in both views; unpack the archive again",
            path=lost[0] if lost else None,
        )
    return Split(
        name=name,
        query_view=query_view,
        reference_view="satellite" if query_view == "drone" else "drone",
        queries=tuple(queries),
        references=tuple(references),
        pairs=tuple(
            Pair(number, reference)
            for number, query in enumerate(queries)
            for reference in of_place[query.place]
        ),
    )
