"""Reports as files: the figures of others beside ours, with their sources."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from geoloc.errors import OptionError, OutputExistsError
from geoloc.learning.benchmark.job import BenchmarkReport, SplitReport
from geoloc.learning.benchmark.protocols import Figure
from geoloc.learning.benchmark.report import check_report_path, report_rows, write_report

_FIGURES = (
    Figure("official", "R@1", 12.5, "%", 8, 5),
    Figure("sample4geo", "R@1", 100 / 3, "%", 8, 3),
    Figure("sample4geo", "AP", 40.0, "%", 8, 3),
)
_TEST = SplitReport("satellite -> drone", 8, 5, _FIGURES, ("8 queries | few",), 1.25)
_REPORT = BenchmarkReport(
    "university1652", "tiny", "clnet, atto", "ab" * 32, "cpu", "float32", (_TEST,)
)


def test_published_figures_follow_ours_of_the_same_protocol_and_metric() -> None:
    rows = report_rows(_REPORT, _TEST)
    assert [(row.protocol, row.metric, row.method) for row in rows] == [
        ("official", "R@1", "tiny"),
        ("sample4geo", "R@1", "tiny"),
        ("sample4geo", "R@1", "Sample4Geo"),
        ("sample4geo", "R@1", "MEAN"),
        ("sample4geo", "R@1", "CLNet"),
        ("sample4geo", "AP", "tiny"),
        ("sample4geo", "AP", "Sample4Geo"),
        ("sample4geo", "AP", "MEAN"),
        ("sample4geo", "AP", "CLNet"),
    ]
    assert (rows[1].text, rows[4].text) == ("33.33", "98.31 (!)")
    assert "impossible" in rows[4].origin


def test_values_carry_their_unit() -> None:
    figures = (
        Figure("metres", "median distance", 12.34, "m", 8, 5),
        Figure("one-right", "tied", 3.0, "queries", 8, 5),
    )
    test = SplitReport("test", 8, 5, figures, (), 1.0)
    assert [row.text for row in report_rows(_REPORT, test)] == ["12.3 m", "3 queries"]


def test_json_holds_everything(tmp_path: Path) -> None:
    write_report(_REPORT, tmp_path / "r.json")
    document = json.loads((tmp_path / "r.json").read_text())
    assert document["weights_sha256"] == "ab" * 32
    (test,) = document["tests"]
    assert (test["queries"], test["references"], test["seconds"]) == (8, 5, 1.25)
    assert test["notes"] == ["8 queries | few"]
    assert test["figures"][0]["value"] == 12.5
    assert test["figures"][2]["source"].startswith("ICCV 2023")


def test_csv_has_a_row_a_figure(tmp_path: Path) -> None:
    write_report(_REPORT, tmp_path / "r.csv")
    with (tmp_path / "r.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 9
    assert float(rows[1]["value"]) == 100 / 3
    assert rows[4]["doubt"].startswith("impossible")
    assert {row["test"] for row in rows} == {"satellite -> drone"}
    assert rows[2]["queries"] == ""


def test_markdown_is_a_table_with_its_bars_escaped(tmp_path: Path) -> None:
    write_report(_REPORT, tmp_path / "r.md")
    text = (tmp_path / "r.md").read_text()
    assert text.startswith("# tiny on University-1652\n")
    assert "| sample4geo | R@1 | MEAN | 96.01 |  | TGRS 2025" in text
    assert "- 8 queries | few\n" in text
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in table} == {7}


def test_a_report_is_never_written_over_another(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    write_report(_REPORT, path)
    with pytest.raises(OutputExistsError, match="--overwrite"):
        check_report_path(path, overwrite=False)
    write_report(_REPORT, path, overwrite=True)
    assert [each.name for each in tmp_path.iterdir()] == ["r.json"]


def test_a_link_to_a_report_stays(tmp_path: Path) -> None:
    (tmp_path / "link.md").symlink_to("real.md")
    write_report(_REPORT, tmp_path / "link.md")
    write_report(_REPORT, tmp_path / "link.md", overwrite=True)
    assert (tmp_path / "link.md").is_symlink()
    assert (tmp_path / "real.md").is_file()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("r.txt", "is unknown"),
        ("nowhere/r.json", "cannot"),
        ("folder.md", "cannot"),
        ("device.csv", "a device"),
    ],
)
def test_a_report_that_could_not_be_written_is_refused(
    tmp_path: Path, name: str, reason: str
) -> None:
    (tmp_path / "folder.md").mkdir()
    (tmp_path / "device.csv").symlink_to("/dev/null")
    with pytest.raises(OptionError, match=reason):
        check_report_path(tmp_path / name, overwrite=False)
