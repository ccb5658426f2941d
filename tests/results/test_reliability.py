"""Whether confidences and radii hold, on answers whose errors are set by hand."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoloc.errors import OptionError
from geoloc.results.reliability import Answer, auroc, reliability, risk_coverage, wilson_interval
from geoloc.results.reliability_plot import reliability_svg, write_reliability_plot


def _answer(confidence: float | None, error_m: float, ce90_m: float = 20.0) -> Answer:
    return Answer(confidence, 50.0, ce90_m, 1.2 * ce90_m, error_m, 0.0)


def test_calibration_error_is_the_distance_of_confidence_and_share() -> None:
    answers = [_answer(0.95, 5.0)] * 3 + [_answer(0.95, 80.0)] + [_answer(0.25, 80.0)] * 4
    found = reliability(answers)
    assert found.calibration_error == pytest.approx((4 * 0.2 + 4 * 0.25) / 8)
    assert [(one.n, one.right) for one in found.bins] == [(4, 0.0), (4, 0.75)]
    assert found.n == 8


def test_radii_are_judged_among_all_and_among_the_right_answers() -> None:
    found = reliability([_answer(0.9, 5.0), _answer(0.9, 22.0), _answer(0.9, 500.0)])
    assert found.ce90_coverage == pytest.approx(1 / 3)
    assert found.ce90_coverage_right == pytest.approx(1 / 2)
    assert found.acc95_coverage == pytest.approx(2 / 3)


def test_the_offset_of_a_shifted_map_shows_with_its_standard_error() -> None:
    answers = [
        Answer(0.9, 50.0, 20.0, 25.0, 8.0 + east, north)
        for east, north in [(1, 0), (-1, 0), (0, 2), (0, -2)]
    ] + [Answer(0.9, 50.0, 20.0, 25.0, 900.0, 0.0)]  # wrong: it says nothing of the map
    offset = reliability(answers).offset
    assert offset is not None
    assert (offset.n, offset.east_m, offset.north_m) == (4, pytest.approx(8.0), pytest.approx(0.0))
    assert offset.east_se_m == pytest.approx(np.std([1, -1, 0, 0], ddof=1) / 2)
    assert offset.north_se_m == pytest.approx(np.std([2, -2, 0, 0], ddof=1) / 2)


def test_auroc_counts_ties_half_and_needs_both_kinds() -> None:
    right = np.array([True, True, False, False])
    assert auroc(np.array([0.9, 0.5, 0.5, 0.1]), right) == pytest.approx(3.5 / 4)
    assert auroc(np.array([0.9, 0.5, 0.5, 0.1]), np.ones(4, bool)) is None


def test_the_surest_are_kept_first_and_ties_together() -> None:
    confidence = np.array([0.9, 0.8, 0.8, 0.1])
    points = risk_coverage(confidence, np.array([True, True, False, False]))
    assert [(p.coverage, p.wrong) for p in points] == [
        (0.25, 0.0),
        (0.75, pytest.approx(1 / 3)),
        (0.75, pytest.approx(1 / 3)),
        (1.0, 0.5),
    ]


def test_no_answers_are_no_error() -> None:
    found = reliability([])
    assert (found.calibration_error, found.auroc, found.offset, found.risk) == (None,) * 3 + ((),)


@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 200)), min_size=1, max_size=30), st.randoms()
)
def test_the_order_of_answers_does_not_matter(pairs, random) -> None:  # type: ignore[no-untyped-def]
    answers = [_answer(*pair) for pair in pairs]
    shuffled = random.sample(answers, len(answers))
    one, other = reliability(answers), reliability(shuffled)
    assert one.calibration_error == pytest.approx(other.calibration_error)
    assert (one.auroc, one.risk, one.ce90_coverage) == (
        other.auroc,
        other.risk,
        other.ce90_coverage,
    )
    assert 0 <= (one.calibration_error or 0) <= 1


def test_wilson_interval_holds_the_share_and_stays_within_one() -> None:
    for share, n in [(0.0, 1), (1.0, 3), (0.5, 10)]:
        low, high = wilson_interval(share, n)
        assert 0 <= low <= share <= high <= 1


def test_the_plot_is_svg_with_a_point_for_each_bin(tmp_path) -> None:  # type: ignore[no-untyped-def]
    found = reliability([_answer(0.95, 5.0), _answer(0.95, 80.0), _answer(0.25, 80.0)])
    root = ElementTree.fromstring(reliability_svg(found))
    points = root.findall("{http://www.w3.org/2000/svg}circle")
    centres = [(float(p.attrib["cx"]), float(p.attrib["cy"])) for p in points]
    assert centres == [(170.0, 430.0), (450.0, 230.0)]  # 0.25 and 0.0, 0.95 and 0.5
    with pytest.raises(OptionError, match=r"\.svg"):
        write_reliability_plot(tmp_path / "plot.jpg", found)
    with pytest.raises(OptionError, match="nothing to plot"):
        write_reliability_plot(tmp_path / "plot.svg", reliability([]))
