"""Calibrations: the curve, the file, and the promise about wrong answers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from geoloc.errors import IndexFolderError, OptionError
from geoloc.locate.calibration import (
    Calibration,
    Outcome,
    calibration_text,
    read_calibration,
    write_calibration,
)
from geoloc.locate.radii import Radii


def curve(*outcomes: Outcome) -> Calibration:
    """Two features, of which the first speaks for an answer and the second against."""
    return Calibration(
        source="photos",
        descriptor="abc",
        radius_m=50.0,
        features=("score", "implausible"),
        mean=(5.0, 1.0),
        scale=(2.0, 1.0),
        low=(0.0, 0.0),
        high=(9.0, 3.0),
        weights=(2.0, -1.0),
        intercept=0.5,
        outcomes=outcomes,
        made_of="two photos",
    )


def outcomes(right: int, wrong: int, *, confidence: float) -> list[Outcome]:
    return [Outcome((1.0, 0.0), n < right, confidence) for n in range(right + wrong)]


def test_probability_is_the_logistic_of_the_weighed_evidence() -> None:
    assert curve().probability((7.0, 1.0)) == pytest.approx(1 / (1 + np.exp(-2.5)))
    assert curve().probability((7.0, 2.0)) < curve().probability((7.0, 1.0))


def test_evidence_beyond_what_was_seen_counts_as_the_last_that_was() -> None:
    assert curve().probability((1e9, 1.0)) == curve().probability((9.0, 1.0))


def test_a_calibration_reads_back_as_it_was(tmp_path: Path) -> None:
    kept = curve(Outcome((1.5, 0.0), True, 0.75), Outcome((0.5, 3.0), False, 0.25))
    write_calibration(kept, tmp_path / "calibration.json")
    assert read_calibration(tmp_path / "calibration.json") == kept
    assert kept.kind == "calibrated:photos"
    measured = replace(kept, radii=Radii(0.4, 2.5, 31))
    write_calibration(measured, tmp_path / "calibration.json")
    assert read_calibration(tmp_path / "calibration.json") == measured
    assert measured.digest != kept.digest  # it decides answers


@pytest.mark.parametrize(
    "change",
    [
        {"format": 99},
        {"source": "hearsay"},
        {"weights": [1.0]},
        {"mean": [float("nan"), 0]},
        {"radii": {"camera": -1, "map_sd_m": 2, "n": 9}},
    ],
)
def test_a_damaged_calibration_is_refused_in_one_line(
    tmp_path: Path, change: dict[str, object]
) -> None:
    document = json.loads(calibration_text(curve())) | change
    (tmp_path / "calibration.json").write_text(json.dumps(document))
    with pytest.raises(IndexFolderError, match=r"calibration\.json.*geoloc calibrate"):
        read_calibration(tmp_path / "calibration.json")


def test_a_promise_keeps_the_surest_and_stops_before_the_wrong_ones() -> None:
    sure = outcomes(60, 0, confidence=0.9)
    doubtful = outcomes(10, 30, confidence=0.4)
    assert curve(*sure, *doubtful).least_confidence(0.05) == 0.9
    assert curve(*sure).least_confidence(0.05) == 0.9


def test_a_promise_takes_enough_photos() -> None:
    # 0.98 ** 114 is a tenth: with 113 right photos one wrong in fifty cannot be ruled out yet.
    with pytest.raises(OptionError, match="114 photos of known place"):
        curve(*outcomes(113, 0, confidence=0.9)).least_confidence(0.02)
    assert curve(*outcomes(114, 0, confidence=0.9)).least_confidence(0.02) == 0.9


def test_a_promise_is_not_given_when_sure_photos_are_wrong() -> None:
    with pytest.raises(OptionError, match="too many"):
        curve(*outcomes(80, 20, confidence=0.9)).least_confidence(0.05)


def test_promises_are_broken_no_more_often_than_one_time_in_ten() -> None:
    """The share of wrong answers among the accepted, over many draws of a calibration set."""
    rng = np.random.default_rng(0)
    broken = 0
    for _ in range(100):
        confidence = rng.uniform(0, 1, 300)
        right = rng.uniform(0, 1, 300) < confidence  # honest confidences
        seen = [Outcome((), bool(r), float(c)) for r, c in zip(right, confidence, strict=True)]
        try:
            level = replace(curve(), outcomes=tuple(seen)).least_confidence(0.15)
        except OptionError:
            continue
        broken += (1 - level) / 2 > 0.15  # the expected share of wrong ones from there on
    assert broken <= 10
