"""How answers are judged and printed: one line a method, a case and a map."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from real_sets import RIGHT_M, Case

from geoloc.geometry.crs import LonLat, distances_m


class Timer:
    """Seconds a photo: by the clock, and of all cores together, which other work does not touch."""

    HEADER = f"{'s/photo':>9}{'cpu s':>8}"

    def __init__(self) -> None:
        self._began = time.perf_counter(), time.process_time()
        self._spent: tuple[float, float] | None = None

    def stop(self) -> None:
        """Stop counting."""
        wall, cpu = self._began
        self._spent = time.perf_counter() - wall, time.process_time() - cpu

    def columns(self, photos: int) -> str:
        """The two numbers of a line."""
        if self._spent is None:
            self.stop()
        wall, cpu = self._spent or (0.0, 0.0)
        return f"{wall / photos:>9.2f}{cpu / photos:>8.2f}"


LIMITS_M = (10, 25, 30, 50)
HEADER = (
    f"{'method':<24}{'photos':<10}{'map':<18}{'told':<9}{'n':>3}"
    + "".join(f"{f'<={limit} m':>9}" for limit in LIMITS_M)
    + f"{'located':>9}{'right':>8}{'median':>9}"
    + Timer.HEADER
)


@dataclass(frozen=True)
class Answer:
    """What a method says of one photo.

    Attributes:
        error_m: How far off it is; None without an answer.
        is_located: Whether the method stands by it.
    """

    error_m: float | None
    is_located: bool


def answer(found: LonLat | None, true: LonLat, *, is_located: bool) -> Answer:
    """An answer, by its distance from the truth."""
    if found is None:
        return Answer(None, False)
    return Answer(float(distances_m(found.lon, found.lat, true.lon, true.lat)[0]), is_located)


def line(method: str, case: Case, answers: Sequence[Answer], timer: Timer) -> str:
    """Shares of all photos within some distances; of the located, the share that is right.

    An answer is right within 30 m on ``fengyuan`` and within 50 m on ``ariel``.
    """
    errors = [each.error_m for each in answers]
    known = sorted(error for error in errors if error is not None)
    located = [each for each in answers if each.is_located]
    right = [each for each in located if (each.error_m or 0.0) <= RIGHT_M[case.photos]]
    shares = [sum(error <= limit for error in known) / len(errors) for limit in LIMITS_M]
    return (
        f"{method:<24}{case.photos:<10}{case.index:<18}{case.told:<9}{len(errors):>3}"
        + "".join(f"{share:>9.1%}" for share in shares)
        + f"{len(located):>9}{f'{len(right) / len(located):.1%}' if located else '-':>8}"
        + f"{f'{known[len(known) // 2]:.1f} m' if known else '-':>9}"
        + timer.columns(len(errors))
    )
