"""The Dockerfile: what it copies is enough to build the package, and a linter has no complaint."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
DOCKERFILE = REPOSITORY / "examples" / "Dockerfile"


@pytest.mark.slow
def test_what_is_copied_builds_the_package_with_its_model(tmp_path: Path) -> None:
    pytest.importorskip("hatchling")
    copied = re.findall(r"^COPY (.+) (\S+)$", DOCKERFILE.read_text(encoding="utf-8"), re.MULTILINE)
    assert copied
    for sources, target in copied:
        for source in sources.split():
            found = REPOSITORY / source
            if found.is_dir():
                shutil.copytree(
                    found, tmp_path / target, ignore=shutil.ignore_patterns("__pycache__")
                )
            else:
                shutil.copy(found, tmp_path / target)
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert "geoloc/cli.py" in names
    assert any(name.endswith("clnet-aerial/model.safetensors") for name in names)


@pytest.mark.skipif(shutil.which("hadolint") is None, reason="hadolint is not installed")
def test_a_linter_has_no_complaint() -> None:
    linted = subprocess.run(["hadolint", str(DOCKERFILE)], capture_output=True, text=True)
    assert (linted.returncode, linted.stdout) == (0, "")
