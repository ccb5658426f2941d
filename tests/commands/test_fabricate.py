"""`geoloc fabricate` as a person types it."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from geoloc.cli import cli

SMALL = ("--places", "2", "--test-places", "1", "--towns", "1", "--gsd", "1", "--width", "128")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["fabricate", "crossview", *map(str, arguments)])


@pytest.mark.slow
def test_a_town_is_fabricated_with_the_wanted_span(tmp_path: Path) -> None:
    target = tmp_path / "town"
    result = run("-o", target, *SMALL, "--span", "-45", "45", "--street", "1", "-q")
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    with (target / "pairs.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["split"] for row in rows] == ["train", "train", "test"]
    for column, size in (("query", (128, 32)), ("reference", (60, 60))):
        with Image.open(target / rows[0][column]) as image:
            assert image.size == size
    assert len(list((target / "photos" / "street").iterdir())) == 1
    again = run("-o", target, *SMALL)
    assert again.exit_code == 2
    assert "--overwrite" in again.stderr


def test_a_contradiction_ends_with_code_2_and_writes_nothing(tmp_path: Path) -> None:
    result = run("-o", tmp_path / "town", *SMALL, "--kind", "drone", "--street", "3")
    assert result.exit_code == 2
    assert "--street" in result.stderr
    assert not (tmp_path / "town").exists()
