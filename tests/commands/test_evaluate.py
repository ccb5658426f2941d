"""``geoloc evaluate`` on a file of results: a table for people, JSON for programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from geoloc.cli import cli
from geoloc.results.files import write_results
from geoloc.results.schema import PhotoResult


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three photos, one of them 11 m off, one nowhere, one without a truth."""
    monkeypatch.chdir(tmp_path)
    photos = [
        PhotoResult("/p/a.jpg", "located", longitude=10.0, latitude=0.0001),
        PhotoResult("/p/b.jpg", "rejected"),
        PhotoResult("/p/z.jpg", "located", longitude=10.0, latitude=0.0),
    ]
    write_results(photos, tmp_path / "out.geojson")
    Path("truth.csv").write_text("photo,lon,lat\na.jpg,10,0\nb.jpg,10,0\nc.jpg,10,0\n")
    return tmp_path / "out.geojson"


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["evaluate", *arguments])


def test_the_table_has_shares_of_all_photos_and_names_the_unmatched(results: Path) -> None:
    result = _run("out.geojson", "--truth", "truth.csv")
    assert result.exit_code == 0
    rows = {line.split()[0]: line.split() for line in result.stdout.splitlines() if line}
    assert rows["all"] == ["all", "3", "11.1", "m", "0.0%", "0.0%", "33.3%", "33.3%", "33.3%"]
    assert rows["located"][1] == "1"
    assert "100.0% within 25 m" in result.stdout
    assert "1 in the truth, not in the results: c.jpg" in result.stdout
    assert "1 in the results, not in the truth: z.jpg" in result.stdout


def test_json_holds_the_same_figures(results: Path) -> None:
    document = json.loads(_run("out.geojson", "--truth", "truth.csv", "--json").stdout)
    assert document["overall"]["n"] == 3
    assert document["overall"]["share_within"]["25"] == pytest.approx(1 / 3)
    assert document["errors_m"]["a.jpg"] == pytest.approx(11.06, abs=0.01)
    assert document["errors_m"]["b.jpg"] is None
    assert document["without_result"] == ["c.jpg"]


def test_point_scene_ignores_camera_truths(results: Path) -> None:
    document = json.loads(
        _run("out.geojson", "--truth", "truth.csv", "--point", "scene", "--json").stdout
    )
    assert document["overall"]["n_answered"] == 0


def test_a_missing_file_is_3(results: Path) -> None:
    assert _run("nothing.geojson", "--truth", "truth.csv").exit_code == 3
    assert _run("out.geojson", "--truth", "nothing.csv").exit_code == 3


def test_reliability_is_printed_and_plotted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    stated = {"confidence": 0.9, "conf_radius_m": 50.0, "ce90_m": 20.0, "acc95_m": 25.0}
    photos = [
        PhotoResult(f"/p/{name}.jpg", "located", longitude=10.0, latitude=north, **stated)
        for name, north in [("a", 0.0001), ("b", 0.0001), ("c", 0.01)]
    ]
    write_results(photos, tmp_path / "out.geojson")
    Path("truth.csv").write_text("photo,lon,lat\na.jpg,10,0\nb.jpg,10,0\nc.jpg,10,0\n")
    result = _run("out.geojson", "--truth", "truth.csv", "--plot", "plot.svg")
    assert result.exit_code == 0
    assert "ce90_m holds          67% of the answers, 100% of the right ones" in result.stdout
    assert "calibration error     0.233" in result.stdout
    assert "mean offset           +0.0 m east, +11.1 m north" in result.stdout
    assert Path("plot.svg").read_text().startswith("<svg")
    assert _run("out.geojson", "--truth", "truth.csv", "--plot", "plot.jpg").exit_code == 2


def test_answers_that_are_equally_sure_are_one_share_of_the_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    photos = [
        PhotoResult(
            f"/p/{name}.jpg",
            "located",
            longitude=10.0,
            latitude=0.0001,
            confidence=0.9,
            conf_radius_m=50.0,
        )
        for name in "ab"
    ]
    write_results(photos, tmp_path / "out.geojson")
    Path("truth.csv").write_text("photo,lon,lat\na.jpg,10,0\nb.jpg,10,0\n")
    stated = _run("out.geojson", "--truth", "truth.csv").stdout
    assert stated.count("of the surest") == 1
