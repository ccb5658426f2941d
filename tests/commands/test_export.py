"""``geoloc export`` on a file of results, in every format that geoloc writes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from geoloc.cli import cli
from geoloc.results.files import write_results
from tests.fixtures.located import located, with_points


def _run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, ["export", *map(str, arguments)])


@pytest.mark.parametrize("suffix", ["geojson", "geojsonl", "csv", "gpkg", "fgb", "parquet"])
def test_the_camera_survives_every_format_of_results(tmp_path: Path, suffix: str) -> None:
    row = with_points(located("a.jpg"), np.array([[10.0, 20.0]]), altitude_m=240.0)
    write_results([row], tmp_path / f"out.{suffix}")
    assert (
        _run(tmp_path / f"out.{suffix}", "--to", "gcp", "-o", tmp_path / "gcp.txt").exit_code == 0
    )
    result = _run(tmp_path / f"out.{suffix}", "--to", "geo-txt", "-o", tmp_path / "geo.txt")
    assert result.exit_code == 0
    name, lon, lat, *_ = (tmp_path / "geo.txt").read_text().splitlines()[1].split()
    assert (name, float(lon), float(lat)) == ("a.jpg", 120.7031235, 23.9876543)


def test_photos_that_are_left_out_are_named_and_the_exit_code_says_so(tmp_path: Path) -> None:
    write_results([located("a.jpg"), located("b.jpg", hfov_deg=None)], tmp_path / "out.geojson")
    result = _run(tmp_path / "out.geojson", "--to", "geo-txt", "-o", tmp_path / "geo.txt")
    assert result.exit_code == 6
    assert "geo.txt: 1 photo\n" in result.stderr
    assert "1 left out, no camera was solved for it: b.jpg" in result.stderr


def test_bad_input_is_one_clear_line(tmp_path: Path) -> None:
    write_results([located("a.jpg")], tmp_path / "out.geojson")
    for arguments, code, words in (
        ((tmp_path / "no.geojson", "--to", "gcp", "-o", tmp_path / "g"), 3, "cannot read"),
        (
            (tmp_path / "out.geojson", "--to", "gcp", "-o", tmp_path / "g"),
            3,
            "no photo has control",
        ),
        (
            (tmp_path / "out.geojson", "--to", "gcp", "-o", tmp_path / "n" / "g"),
            2,
            "create it first",
        ),
    ):
        result = _run(*arguments)
        assert (result.exit_code, len(result.stderr.splitlines())) == (code, 1)
        assert words in result.stderr
