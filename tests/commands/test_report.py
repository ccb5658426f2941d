"""``geoloc report`` and ``geoloc locate --report``."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from geoloc.cli import cli
from geoloc.commands._reporting import report_located
from geoloc.options import LocateOptions
from geoloc.results.files import write_results
from geoloc.results.schema import PhotoResult


def test_a_page_is_made_of_results_without_a_map(tmp_path: Path) -> None:
    write_results([PhotoResult("a.jpg", "rejected")], tmp_path / "out.csv")
    page = tmp_path / "page.html"
    run = CliRunner().invoke(cli, ["report", str(tmp_path / "out.csv"), "-o", str(page)])
    assert run.exit_code == 0, run.output
    assert f"wrote {page}: 1 photo, 0." in run.output
    again = CliRunner().invoke(cli, ["report", str(tmp_path / "out.csv"), "-o", str(page)])
    assert again.exit_code == 2
    assert "--overwrite" in again.output


@pytest.mark.parametrize(
    ("output", "page", "said"),
    [("-", "page.html", "not of stdout"), ("out.csv", "page.pdf", "ends in .html")],
)
def test_locate_refuses_a_page_before_anything_takes_time(
    tmp_path: Path, output: str, page: str, said: str
) -> None:
    target = output if output == "-" else str(tmp_path / output)
    options = ["-f", "csv", "-o", target, "--report", str(tmp_path / page)]
    run = CliRunner().invoke(cli, ["locate", str(tmp_path), *options])
    assert run.exit_code == 2
    assert said in run.output


def test_locate_makes_the_page_of_its_finished_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("geoloc.index.map_index.MapIndex.open", lambda folder: None)
    write_results([PhotoResult("a.jpg", "rejected")], tmp_path / "out.gpkg")
    page = tmp_path / "page.html"
    page.write_text("an older one")
    options = LocateOptions()
    report_located(page, tmp_path / "out.gpkg", tmp_path, fmt=None, located=options, quiet=True)
    assert '"status":"rejected"' in page.read_text(encoding="utf-8")
