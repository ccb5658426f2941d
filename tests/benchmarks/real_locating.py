"""geoloc itself on the real photos: as it is, and with its network made to propose where to look.

On maps of up to three million local features the whole map votes and nothing is retrieved; that is
so for every map here. A country-sized map stands on retrieval: ``geoloc, top 50`` shows that way.
"""

from __future__ import annotations

from collections.abc import Iterator

from real_scores import Answer, Timer, line
from real_sets import Case, Ground

from geoloc.locate.drone.parameters import DRONE_PARAMETERS, DroneParameters
from geoloc.locate.job import locate_photos
from geoloc.locate.locator import LocateParameters
from geoloc.options import Effort, LocateOptions
from geoloc.results.evaluation import TruthPoint, evaluate_results


def rows(case: Case, ground: Ground, effort: Effort) -> Iterator[str]:
    """The line of geoloc as it is; of oblique frames also one of where the camera was."""
    yield from _rows("geoloc", case, ground, effort)


def retrieved_rows(case: Case, ground: Ground, effort: Effort) -> Iterator[str]:
    """The line of geoloc when only the fifty tiles that its network proposes vote."""
    retrieved = DroneParameters(whole_map_features=0)
    yield from _rows("geoloc, top 50", case, ground, effort, retrieved)


def _rows(
    method: str,
    case: Case,
    ground: Ground,
    effort: Effort,
    parameters: DroneParameters = DRONE_PARAMETERS,
) -> Iterator[str]:
    truth, paths = ground.truth(case), ground.paths(case)
    index = ground.index(case.index)
    options = LocateOptions(
        effort=effort,
        metadata=ground.table(case),
        matcher=ground.matcher,
        track="none",  # each photo alone, as all other methods have it
    )
    timer = Timer()
    results = list(
        locate_photos(paths, index, options, parameters=LocateParameters(drone=parameters))
    )
    timer.stop()
    others: tuple[TruthPoint, ...] = ("camera",) if case.point == "scene" else ()
    for point in (case.point, *others):
        errors = evaluate_results(results, truth, point=point).errors_m
        answers = [
            Answer(errors[row.photo], result.status == "located")
            for row, result in zip(truth, results, strict=True)
        ]
        label = method if point == case.point else f"{method}: {point}"
        yield line(label, case, answers, timer)
