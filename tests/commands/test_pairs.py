"""``geoloc pairs`` as a person runs it: what it writes, says, and ends with."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from geoloc.cli import cli
from tests.fixtures.photos import write_photo
from tests.fixtures.surveys import write_survey

ROW = [(30 + 12 * k, 120) for k in range(16)]


def run(folder: Path, *more: str) -> Result:
    arguments = [
        "pairs", str(folder / "photos"), "--map", str(folder / "region.tif"),
        "-o", str(folder / "pairs"), "--metadata", str(folder / "metadata.csv"),
        "--ground-size", "80", "--size", "32", *more,
    ]  # fmt: skip
    return CliRunner().invoke(cli, arguments)


def test_it_writes_a_table_that_qgis_opens(tmp_path: Path) -> None:
    write_survey(tmp_path, ROW)
    result = run(tmp_path)
    assert result.exit_code == 0, result.output
    assert "pairs to learn from" in result.output
    assert "between the two areas dropped" in result.output
    with (tmp_path / "pairs/pairs.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["split"] for row in rows} == {"train", "test"}
    assert 13.4 < float(rows[0]["lon"]) < 13.41
    assert 52.49 < float(rows[0]["lat"]) < 52.5
    assert (tmp_path / "pairs" / rows[0]["photo"]).is_file()


def test_it_ends_with_6_when_a_photo_became_no_pair(tmp_path: Path) -> None:
    write_survey(tmp_path, ROW)
    write_photo(tmp_path / "photos/silent.jpg")
    result = run(tmp_path, "--json", "-q")
    assert result.exit_code == 6
    said = json.loads(result.stdout)
    assert [Path(each["photo"]).name for each in said["failures"]] == ["silent.jpg"]
    assert said["train"] + said["test"] + said["gap"] == 16
    assert (tmp_path / "pairs/pairs.csv").is_file()


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        (("--span", "up"), 2, "BOTTOM,TOP"),
        (("--test-share", "2"), 2, "--test-share"),
        (("--map", "nowhere.tif"), 3, "nowhere.tif"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, more: tuple[str, ...], code: int, said: str) -> None:
    write_survey(tmp_path, [(100, 60)])
    result = run(tmp_path, *more)
    assert result.exit_code == code
    assert said in result.output
    assert not (tmp_path / "pairs").exists()
