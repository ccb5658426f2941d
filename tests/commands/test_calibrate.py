"""``geoloc calibrate`` around a library of our own making, and on a fabricated town."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from geoloc.cli import cli
from geoloc.errors import OptionError
from geoloc.learning.calibration.job import CalibrationSummary, calibrate_on_photos
from geoloc.locate.calibration import Calibration, Outcome
from geoloc.locate.job import locate_photos
from geoloc.locate.radii import Radii
from geoloc.options import LocateOptions
from tests.fixtures.search import SearchWorld


def _calibration(right: int) -> Calibration:
    return Calibration(
        source="photos",
        descriptor="",
        radius_m=50.0,
        features=(),
        mean=(),
        scale=(),
        low=(),
        high=(),
        weights=(),
        intercept=0.0,
        outcomes=tuple(Outcome((), True, 0.9) for _ in range(right)),
    )


def test_what_was_calibrated_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.jpg").write_bytes(b"")
    calls: list[Any] = []

    def calibrate(*given: Any, **rest: Any) -> CalibrationSummary:
        calls.append(given)
        found = replace(_calibration(60), radii=Radii(0.43, 2.5, 57))
        return CalibrationSummary(tmp_path / "calibration.json", 60, 58, 60, 0.04, found)

    monkeypatch.setattr("geoloc.learning.calibration.job.calibrate_on_photos", calibrate)
    chosen = ["--truth", "truth.csv", "--effort", "low"]
    result = CliRunner().invoke(cli, ["calibrate", str(tmp_path / "a.jpg"), *chosen])
    assert result.exit_code == 0, result.output
    assert "60, 58 of them right" in result.output
    assert "0.05 (confidence from 0.90), 0.1 (confidence from 0.90)" in result.output
    assert "0.43 times what photos say" in result.output
    assert "2.5 m, from 57 photos" in result.output
    ((photos, index, truth, options),) = calls
    assert (photos, index, truth) == ([tmp_path / "a.jpg"], Path("index"), Path("truth.csv"))
    assert options == LocateOptions(effort="low")


def test_the_map_alone_is_calibrated_on_and_the_time_is_said_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[Any] = []

    def calibrate(*given: Any, **rest: Any) -> CalibrationSummary:
        calls.append((*given, rest["photos"], rest["overwrite"]))
        return CalibrationSummary(tmp_path / "calibration.json", 50, 31, 44, 0.04, _calibration(60))

    monkeypatch.setattr("geoloc.learning.calibration.map_job.calibrate_on_map", calibrate)
    result = CliRunner().invoke(cli, ["calibrate", "--simulate", "40", "--index", "there"])
    assert result.exit_code == 0, result.output
    assert "40 simulated photos and as many mirrored: about 6 minutes" in result.output
    assert "50, 31 of them right" in result.output
    assert calls == [(Path("there"), LocateOptions(), 40, False)]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (["a.jpg", "--simulate", "40"], "leave out PHOTOS"),
        (["--simulate", "40", "--truth", "t.csv"], "leave out PHOTOS"),
        (["a.jpg"], "--simulate 60"),
        (["--truth", "t.csv"], "--simulate 60"),
    ],
)
def test_photos_and_their_truth_go_together_and_without_simulated_ones(
    given: list[str], reason: str
) -> None:
    result = CliRunner().invoke(cli, ["calibrate", *given])
    assert result.exit_code == 2
    assert reason in result.output


@pytest.mark.slow
def test_photos_of_known_place_calibrate_their_index(
    search_world: SearchWorld, tmp_path: Path
) -> None:
    pytest.importorskip("sklearn")
    tiny, photos, index = search_world.tiny, [], tmp_path / "index"
    for folder in ("index", "model"):
        shutil.copytree(search_world.folder / folder, tmp_path / folder)
    with (tmp_path / "truth.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["photo", "lon", "lat"])
        for copy, shot in product(range(4), tiny.shots):  # three photos are too few
            photos.append(tmp_path / f"{copy}-{shot.name}")
            shutil.copy(tiny.photos / shot.name, photos[-1])
            writer.writerow([photos[-1].name, *tiny.world.lonlat(shot.at)])
    options = LocateOptions(effort="low")
    before = list(locate_photos(photos[:3], index, options))
    summary = calibrate_on_photos(photos, index, tmp_path / "truth.csv", options)
    assert summary.path == index / "calibration.json"
    assert summary.right >= summary.photos - 1
    assert json.loads(summary.path.read_text())["source"] == "photos"
    rows = list(locate_photos(photos[:3], index, options))
    assert {row.conf_kind for row in rows if row.confidence is not None} == {"calibrated:photos"}
    assert sum(row.status == "located" for row in rows) >= 2
    # The fabricated map lies where it says, which was measured.
    assert summary.calibration.radii is not None
    assert summary.calibration.radii.map_sd_m < 4
    for old, new in zip(before, rows, strict=True):
        if old.status == new.status == "located":
            assert 0 < (new.ce90_m or 0) < (old.ce90_m or 0)
    with pytest.raises(OptionError, match="cannot be promised"):
        list(locate_photos(photos[:1], index, LocateOptions(max_wrong=0.02)))
