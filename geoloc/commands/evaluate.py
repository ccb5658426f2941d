"""``geoloc evaluate``: results against the truth, as a table or as JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from geoloc.commands._console import example, json_option, print_json

if TYPE_CHECKING:
    from geoloc.results.evaluation import Evaluation, GroupFigures

_NAMES_SHOWN = 10


@click.command(name="evaluate", epilog=example("geoloc evaluate out.geojson --truth truth.csv"))
@click.argument("results", type=click.Path(path_type=Path), metavar="RESULTS")
@click.option(
    "--truth",
    required=True,
    type=click.Path(path_type=Path),
    metavar="CSV",
    help="Table of true positions, one row per photo: photo, camera_lon, camera_lat (or lon, "
    "lat), scene_lon, scene_lat, in degrees.",
)
@click.option(
    "--point",
    type=click.Choice(["auto", "camera", "scene"]),
    default="auto",
    show_default=True,
    help="Point that is compared: the camera's position, the ground at the photo's centre "
    "(scene), or whichever each result states (auto).",
)
@json_option
def command(results: Path, truth: Path, point: str, as_json: bool) -> None:
    """Compare located photos with the truth.

    RESULTS is a file that `geoloc locate` wrote. Shares refer to all photos with a true position;
    a photo that was not found counts as missed. Errors are in metres on the ground.
    """
    from geoloc.results.evaluation import evaluate_results, read_truth
    from geoloc.results.files import read_results

    evaluation = evaluate_results(
        read_results(results),
        read_truth(truth),
        point=point,  # type: ignore[arg-type]  # click.Choice holds it to the Literal
    )
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
    if evaluation.acc95_coverage is not None:
        lines.append(f"acc95_m holds         {evaluation.acc95_coverage:.0%} of the answers")
    lines += _names("in the truth, not in the results", evaluation.without_result)
    lines += _names("in the results, not in the truth", evaluation.without_truth)
    return lines


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
