"""``geoloc benchmark``: a table for people, files and JSON for programs, and clear refusals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from geoloc.cli import cli
from tests.fixtures.dataset_layouts import write_cvusa, write_university1652
from tests.fixtures.indexes import write_model


@pytest.fixture(autouse=True)
def _workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_model(tmp_path / "tiny")
    write_university1652(tmp_path / "u", test=3, photos=2)


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["benchmark", *arguments])


def _measure(*arguments: str) -> Result:
    named = ("university1652", "u", "--model", "tiny", "--device", "cpu", "-j", "1")
    return _run(*named, *arguments)


def test_the_table_names_protocol_method_and_source_of_every_figure() -> None:
    result = _measure()
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].startswith("tiny (clnet, test_convnext, weights ")
    assert any(line.startswith("drone -> satellite: 6 queries, 5 references, ") for line in lines)
    rows = [line.split() for line in lines]
    assert ["official", "R@1", "tiny"] in [row[:3] for row in rows]
    assert ["sample4geo", "R@1", "tiny"] in [row[:3] for row in rows]
    assert any(row[:2] == ["MEAN", "93.55"] and "2412.14819:" in row for row in rows)
    assert any(row[:3] == ["CLNet", "98.31", "(!)"] for row in rows)
    assert result.stdout.count("not comparable") == 2  # once a test, beside its figures
    assert "not comparable" not in result.stderr


def test_json_and_a_file_hold_the_same_figures() -> None:
    result = _measure("--json", "-o", "report.json", "-q")
    assert result.exit_code == 0, result.output
    shown, written = json.loads(result.stdout), json.loads(Path("report.json").read_text())
    assert shown == written
    assert len(shown["tests"]) == 2
    assert result.stderr == ""


def test_a_report_that_exists_is_refused_before_the_work() -> None:
    Path("report.md").write_text("mine")
    result = _measure("-o", "report.md", "--vectors", "kept")
    assert result.exit_code == 2
    assert not Path("kept").exists()
    assert Path("report.md").read_text() == "mine"


def test_vectors_are_kept_where_they_shall_be() -> None:
    assert _measure("--vectors", "kept").exit_code == 0
    assert len(list(Path("kept").rglob("*.npy"))) == 4


def test_one_protocol_shows_no_other() -> None:
    result = _measure("--protocol", "official")
    assert "sample4geo" not in result.stdout
    assert _measure("--protocol", "metres").exit_code == 2


def test_a_damaged_image_is_3_and_is_named() -> None:
    path = next(Path("u/test/gallery_drone").rglob("*.jpeg"))
    path.write_bytes(b"")
    result = _measure()
    assert result.exit_code == 3
    assert str(path) in result.stderr
    assert "1 of 10 images cannot be read" in result.stderr


def test_a_model_without_the_view_is_4(tmp_path: Path) -> None:
    write_cvusa(tmp_path / "c")
    result = _run("cvusa", "c", "--model", "tiny", "--device", "cpu")
    assert result.exit_code == 4
    assert "no ground view" in result.stderr


def test_a_data_set_that_is_not_there_is_3() -> None:
    assert _run("sues200", "u", "--model", "tiny").exit_code == 3


def test_without_data_or_a_list_it_says_what_it_needs() -> None:
    result = _run("cvusa")
    assert result.exit_code == 2
    assert "--list" in result.stderr


def test_the_list_needs_no_data() -> None:
    result = _run("--list")
    assert result.exit_code == 0
    assert "university1652: University-1652" in result.stdout
    assert "  satellite -> drone: 701 queries, 51,355 references" in result.stdout
    assert "from memory of the paper, unverified" in result.stdout
    one = _run("--list", "vigor-same").stdout
    assert "77.96" in one
    assert "University" not in one


def test_the_list_is_json_too() -> None:
    figures = json.loads(_run("--list", "cvusa", "--json").stdout)
    assert {figure["setting"]["dataset"] for figure in figures} == {"cvusa"}
    assert {figure["method"] for figure in figures} == {"Sample4Geo", "CLNet"}
