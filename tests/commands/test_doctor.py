"""``geoloc doctor`` finds what is there, and does not fall over what is not."""

from __future__ import annotations

import json
import platform
import sys

import pytest
from click.testing import CliRunner

import geoloc
from geoloc.cli import cli
from geoloc.commands._diagnosis import diagnose


def test_versions_devices_drivers_and_room_are_reported() -> None:
    result = CliRunner().invoke(cli, ["doctor"])
    assert result.exit_code == 0
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert f"geoloc {geoloc.__version__}" in lines
    assert "raster GTiff yes" in lines
    assert "vector GPKG yes" in lines
    for topic in ("versions", "devices", "drivers", "photos", "room"):
        assert topic in lines


def test_json_holds_the_same_findings() -> None:
    findings = json.loads(CliRunner().invoke(cli, ["doctor", "--json"]).stdout)
    python = next(finding for finding in findings if finding["name"] == "python")
    assert python["value"].startswith(platform.python_version())
    assert python["verdict"] == "ok"


def test_a_library_that_cannot_be_loaded_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)  # import torch now fails
    broken = [finding for finding in diagnose() if finding.topic == "devices"]
    assert [finding.verdict for finding in broken] == ["broken"]
    assert "torch" in broken[0].value


def test_nothing_is_broken_where_the_tests_run() -> None:
    assert [finding for finding in diagnose() if finding.verdict == "broken"] == []
