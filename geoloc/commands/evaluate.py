"""``geoloc evaluate``: results against the truth, as a table or as JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from geoloc.commands._console import example, json_option, print_json
from geoloc.commands._events import progress_option
from geoloc.commands._progress import progress_bar

if TYPE_CHECKING:
    from geoloc.results.evaluation import Evaluation, GroupFigures
    from geoloc.results.reliability import Reliability

_NAMES_SHOWN = 10


@click.command(name="evaluate", epilog=example("geoloc evaluate out.geojson --truth truth.csv"))
@click.argument("results", type=click.Path(path_type=Path), metavar="RESULTS")
@click.option(
    "--truth",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Table of true positions (CSV), one row per photo: photo, camera_lon, camera_lat (or lon, "
    "lat), scene_lon, scene_lat, in degrees. Or the corrections.geojson of a report's page.",
)
@click.option(
    "--point",
    type=click.Choice(["auto", "camera", "scene"]),
    default="auto",
    show_default=True,
    help="Point that is compared: the camera's position, the ground at the photo's centre "
    "(scene), or whichever each result states (auto).",
)
@click.option(
    "--plot",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="SVG file to draw the reliability of the confidences to; replaced if it is there.",
)
@json_option
@progress_option
def command(results: Path, truth: Path, point: str, plot: Path | None, as_json: bool) -> None:
    """Compare located photos with the truth.

    RESULTS is a file that `geoloc locate` wrote. Shares refer to all photos with a true position;
    a photo that was not found counts as missed. Errors are in metres on the ground. An answer is
    right when it lies within its own conf_radius_m, which is what its confidence speaks of.
    """
    from geoloc.results.evaluation import evaluate_results, read_truth
    from geoloc.results.files import read_results

    rows = read_results(results)
    with progress_bar(quiet=True) as progress:  # a moment's work: only other programs hear of it
        progress.start("comparing with the truth", len(rows), "photos")
        evaluation = evaluate_results(
            rows,
            read_truth(truth),
            point=point,  # type: ignore[arg-type]  # click.Choice holds it to the Literal
        )
        progress.advance(len(rows))
    if plot is not None:
        from geoloc.results.reliability_plot import write_reliability_plot

        write_reliability_plot(plot, evaluation.reliability)
    if as_json:
        print_json(dataclasses.asdict(evaluation))
    else:
        click.echo("\n".join(evaluation_lines(evaluation)))


def evaluation_lines(evaluation: Evaluation) -> list[str]:
    """The evaluation as a person reads it."""
    overall = evaluation.overall
    lines = [
        f"photos with a truth   {overall.n}",
        f"with an answer        {overall.n_answered}",
        f"median error          {_metres(overall.median_error_m)}  (of those with an answer)",
        "",
        *_status_table(evaluation),
        "",
        f"right among located   {_shares(evaluation.precision_within) or 'none is located'}",
    ]
    lines += _reliability_lines(evaluation.reliability)
    lines += _names("in the truth, not in the results", evaluation.without_result)
    lines += _names("in the results, not in the truth", evaluation.without_truth)
    return lines


def _reliability_lines(found: Reliability) -> list[str]:
    """Whether confidences and radii hold, and which way the right answers are off."""
    lines = []
    if found.ce90_coverage is not None and found.acc95_coverage is not None:
        lines += [
            f"ce90_m holds          {found.ce90_coverage:.0%} of the answers{_of_right(found)}",
            f"acc95_m holds         {found.acc95_coverage:.0%} of the answers",
        ]
    if found.calibration_error is not None:
        auroc = "-" if found.auroc is None else f"{found.auroc:.3f}"
        wrong = ", ".join(
            f"{point.wrong:.1%} of the surest {point.coverage:.0%} "
            f"(from {point.least_confidence:.2f})"
            for point in dict.fromkeys(found.risk)  # one of many answers that are equally sure
        )
        lines += [
            f"calibration error     {found.calibration_error:.3f}  (confidence and share right)",
            f"right against wrong   AUROC {auroc}",
            f"wrong                 {wrong}",
        ]
    if (offset := found.offset) is not None:
        lines.append(
            f"mean offset           {offset.east_m:+.1f} m east, {offset.north_m:+.1f} m north  "
            f"(standard errors {offset.east_se_m:.1f} and {offset.north_se_m:.1f} m, "
            f"{offset.n} right answers)"
        )
    return lines


def _of_right(found: Reliability) -> str:
    """How often `ce90_m` held where the place was right."""
    share = found.ce90_coverage_right
    return "" if share is None else f", {share:.0%} of the right ones"


def _status_table(evaluation: Evaluation) -> list[str]:
    """A line a status and one for all, with the share of its photos within each radius."""
    radii = list(evaluation.overall.share_within)
    head = f"{'status':<12}{'n':>5}{'median':>10}" + "".join(f"{f'<= {r} m':>10}" for r in radii)
    rows = {**evaluation.by_status, "all": evaluation.overall}
    return [head, *(_status_line(name, figures) for name, figures in rows.items())]


def _status_line(name: str, figures: GroupFigures) -> str:
    """One line of the table."""
    shares = "".join(f"{share:>10.1%}" for share in figures.share_within.values())
    return f"{name:<12}{figures.n:>5}{_metres(figures.median_error_m):>10}{shares}"


def _shares(shares: Mapping[int, float]) -> str:
    """``96.4% within 25 m, ...``."""
    return ", ".join(f"{share:.1%} within {radius} m" for radius, share in shares.items())


def _metres(error_m: float | None) -> str:
    """An error with its unit."""
    return "-" if error_m is None else f"{error_m:.1f} m"


def _names(label: str, photos: Sequence[str]) -> list[str]:
    """A line that counts photos and names the first of them."""
    if not photos:
        return []
    shown = ", ".join(Path(photo).name for photo in photos[:_NAMES_SHOWN])
    more = ", ..." if len(photos) > _NAMES_SHOWN else ""
    return [f"{len(photos)} {label}: {shown}{more}"]
