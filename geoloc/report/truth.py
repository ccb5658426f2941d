"""What a page says of the truth: each photo's error, all errors in a line, how confidences hold."""

from __future__ import annotations

import base64
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from geoloc.report.entry import KnownTruth
from geoloc.results.evaluation import Truth, evaluate_results, match_truth
from geoloc.results.reliability_plot import reliability_svg
from geoloc.results.schema import PhotoResult

_SHARES_M = (10, 25, 50)


@dataclass(frozen=True)
class ShownTruth:
    """What the truth says of the results.

    Attributes:
        known: What is truly so, by the number of the row.
        summary: All errors in a line; None without any.
        plot: The plot of how well confidences hold, as an address; None where there is nothing to
            plot.
    """

    known: Mapping[int, KnownTruth]
    summary: str | None = None
    plot: str | None = None


def shown_truth(results: Sequence[PhotoResult], truth: Sequence[Truth]) -> ShownTruth:
    """What a truth says of the results, for the page.

    Raises:
        MetadataError: The truth is of other photos.
    """
    found = evaluate_results(results, truth)
    number_of = {id(row): number for number, row in enumerate(results)}
    known = {}
    for true, row in match_truth(results, truth):
        if row is not None:
            is_scene = row.position_kind == "scene" and true.scene is not None
            point = true.scene if is_scene else true.camera or true.scene
            known[number_of[id(row)]] = KnownTruth(found.errors_m[true.photo], point)
    plot = None
    if found.reliability.bins:
        svg = reliability_svg(found.reliability).encode()
        plot = f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}"
    return ShownTruth(known, _summary([each.error_m for each in known.values()]), plot)


def _summary(errors_m: Sequence[float | None]) -> str | None:
    """The errors of the page's photos in a line; one without an answer is within no radius."""
    answered = [error for error in errors_m if error is not None]
    if not answered:
        return None
    within = {radius: sum(error <= radius for error in answered) for radius in _SHARES_M}
    shares = [f"{100 * n / len(errors_m):.0f} % within {radius} m" for radius, n in within.items()]
    of = f"{len(answered)} of {len(errors_m)} photos answered"
    return f"Errors: median {statistics.median(answered):.1f} m; {', '.join(shares)} ({of})"
