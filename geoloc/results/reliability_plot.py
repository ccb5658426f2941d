"""Reliability plot as SVG: stated confidence against the share of answers that were right.

Drawn here: it is two axes and a few bars, every browser and QGIS opens SVG, and the plotting
libraries bring ten packages for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from geoloc.errors import OptionError
from geoloc.results.reliability import Reliability, ReliabilityBin
from geoloc.storage.atomic import write_text

_SIDE = 400  # of the plot's square
_LEFT, _TOP = 70, 30
_BARS_TOP, _BARS = _TOP + _SIDE + 20, 70
_WIDTH, _HEIGHT = _LEFT + _SIDE + 30, _BARS_TOP + _BARS + 60
_TICKS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_BLUE, _GREY = "#1f5fa8", "#888888"


def write_reliability_plot(path: Path, found: Reliability) -> None:
    """Write the plot of answers that state a confidence.

    Raises:
        OptionError: The file's name does not end in ``.svg``, or no answer states a confidence.
    """
    if path.suffix.lower() != ".svg":
        raise OptionError(f"cannot plot to {path}: expected a name that ends in .svg")
    if not found.bins:
        raise OptionError(
            "there is nothing to plot: no answer with a true position states a confidence"
        )
    write_text(path, reliability_svg(found))


def reliability_svg(found: Reliability) -> str:
    """The plot as the text of an SVG file."""
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" '
        f'viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        *_axes(),
        *(line for one in found.bins for line in _point(one)),
        *_counts(found),
        *_labels(found),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _x(value: float) -> float:
    return _LEFT + value * _SIDE


def _y(value: float) -> float:
    return _TOP + (1 - value) * _SIDE


def _axes() -> Iterator[str]:
    """The frame, its ticks and the line on which honest confidences lie."""
    yield _line(_x(0), _y(0), _x(1), _y(1), _GREY, dash=True)
    yield (
        f'<rect x="{_x(0):g}" y="{_y(1):g}" width="{_SIDE}" height="{_SIDE}" fill="none" '
        'stroke="black"/>'
    )
    for tick in _TICKS:
        yield _text(_x(tick), _BARS_TOP + _BARS + 18, f"{tick:.0%}")
        yield _text(_x(0) - 8, _y(tick) + 4, f"{tick:.0%}", anchor="end")


def _point(one: ReliabilityBin) -> Iterator[str]:
    """The share of right answers of one bin, with its 95 % interval."""
    x = _x(one.confidence)
    yield _line(x, _y(one.right_low), x, _y(one.right_high), _BLUE)
    yield f'<circle cx="{x:.1f}" cy="{_y(one.right):.1f}" r="5" fill="{_BLUE}"/>'


def _counts(found: Reliability) -> Iterator[str]:
    """How many answers each bin holds, as bars below the plot."""
    most = max(one.n for one in found.bins)
    bottom = _BARS_TOP + _BARS
    yield _line(_x(0), bottom, _x(1), bottom, "black")
    for one in found.bins:
        height = (_BARS - 14) * one.n / most
        left, width = _x(one.low) + 2, (one.high - one.low) * _SIDE - 4
        yield (
            f'<rect x="{left:.1f}" y="{bottom - height:.1f}" width="{width:.1f}" '
            f'height="{height:.1f}" fill="{_BLUE}" fill-opacity="0.4"/>'
        )
        yield _text(left + width / 2, bottom - height - 3, str(one.n))


def _labels(found: Reliability) -> Iterator[str]:
    """Title and names of the axes."""
    error = "-" if found.calibration_error is None else f"{found.calibration_error:.3f}"
    auroc = "-" if found.auroc is None else f"{found.auroc:.3f}"
    title = f"{found.n} answers, calibration error {error}, AUROC {auroc}"
    yield _text(_LEFT + _SIDE / 2, _TOP - 10, title)
    yield _text(_LEFT + _SIDE / 2, _HEIGHT - 12, "stated confidence (bars: answers)")
    middle = _TOP + _SIDE / 2
    yield (
        f'<text x="18" y="{middle:g}" text-anchor="middle" '
        f'transform="rotate(-90 18 {middle:g})">right within conf_radius_m</text>'
    )


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, *, dash: bool = False) -> str:
    dashes = ' stroke-dasharray="5 4"' if dash else ""
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"{dashes}/>'
    )


def _text(x: float, y: float, text: str, *, anchor: str = "middle") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>'
