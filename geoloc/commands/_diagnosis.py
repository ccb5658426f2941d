"""What this machine has of what geoloc needs: versions, devices, drivers, models, room.

Nothing here fails: what cannot be found out is a finding too, and its line says so.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import platform
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from geoloc import __version__
from geoloc.errors import GeolocError

if TYPE_CHECKING:
    from geoloc.models.card import ModelCard

Verdict = Literal["ok", "absent", "broken"]

_PACKAGES = (
    "numpy",
    "torch",
    "timm",
    "faiss-cpu",
    "rasterio",
    "geopandas",
    "pyogrio",
    "pyarrow",
    "pyproj",
    "shapely",
    "opencv-python-headless",
    "pillow",
    "safetensors",
)
# What tiles, indexes and results are read from and written with.
_RASTER_DRIVERS = ("GTiff", "VRT", "GTI", "COG", "JPEG", "PNG", "JP2OpenJPEG")
_VECTOR_DRIVERS = ("GPKG", "GeoJSON", "GeoJSONSeq", "FlatGeobuf")
_GIB = 2**30


@dataclass(frozen=True)
class Finding:
    """One line of the diagnosis.

    Attributes:
        topic: Group that it belongs to.
        name: Thing that was looked at.
        value: What was found there.
        verdict: ``absent`` things are optional or named in `value`; ``broken`` ones are not.
    """

    topic: str
    name: str
    value: str
    verdict: Verdict = "ok"


def diagnose() -> list[Finding]:
    """All findings, grouped by topic; never raises."""
    checks: tuple[tuple[str, Callable[[], list[Finding]]], ...] = (
        ("versions", _versions),
        ("devices", _devices),
        ("drivers", _drivers),
        ("photos", _photo_formats),
        ("heights", _heights),
        ("models", _models),
        ("room", _room),
    )
    findings: list[Finding] = []
    for topic, check in checks:
        try:
            findings += check()
        except Exception as error:  # whatever a broken library throws is the finding
            text = f"{type(error).__name__}: {error}"
            findings.append(Finding(topic, check.__name__.strip("_"), text, "broken"))
    return findings


def _versions() -> list[Finding]:
    """geoloc, Python, every package, and the libraries inside rasterio."""
    findings = [
        Finding("versions", "geoloc", __version__),
        Finding("versions", "python", f"{platform.python_version()} on {platform.platform()}"),
    ]
    findings += [_package(name) for name in _PACKAGES]
    rasterio = importlib.import_module("rasterio")
    proj = importlib.import_module("pyproj")
    findings.append(Finding("versions", "GDAL", rasterio.__gdal_version__))
    findings.append(Finding("versions", "PROJ", proj.proj_version_str))
    return findings


def _package(name: str) -> Finding:
    """The version of one package."""
    try:
        return Finding("versions", name, importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        return Finding("versions", name, f"missing; pip install {name}", "broken")


def _devices() -> list[Finding]:
    """Where the network can run."""
    import torch

    threads = torch.get_num_threads()
    findings = [Finding("devices", "cpu", f"{os.cpu_count()} cores, {threads} threads")]
    if not torch.cuda.is_available():
        findings.append(Finding("devices", "cuda", "none", "absent"))
    for i in range(torch.cuda.device_count()):
        memory_gib = torch.cuda.get_device_properties(i).total_memory / _GIB
        name = f"{torch.cuda.get_device_name(i)}, {memory_gib:.0f} GiB"
        findings.append(Finding("devices", f"cuda:{i}", name))
    has_mps = torch.backends.mps.is_available()
    findings.append(
        Finding("devices", "mps", "yes" if has_mps else "none", "ok" if has_mps else "absent")
    )
    return findings


def _drivers() -> list[Finding]:
    """The GDAL drivers that matter, of the two copies of GDAL that the wheels bring."""
    import pyogrio
    from rasterio.env import Env

    with Env() as env:
        raster = set(env.drivers())
    vector = pyogrio.list_drivers()
    findings = [_driver("raster", name, name in raster) for name in _RASTER_DRIVERS]
    return findings + [
        _driver("vector", name, "w" in vector.get(name, "")) for name in _VECTOR_DRIVERS
    ]


def _driver(kind: str, name: str, is_there: bool) -> Finding:
    """One driver."""
    value = "yes" if is_there else "missing"
    return Finding("drivers", f"{kind} {name}", value, "ok" if is_there else "absent")


def _photo_formats() -> list[Finding]:
    """The formats of photos beyond JPEG that Pillow was built for."""
    from PIL import features

    webp = features.check("webp")
    findings = [Finding("photos", "WebP", "yes" if webp else "missing", "ok" if webp else "absent")]
    try:
        version = importlib.metadata.version("pillow-heif")
        findings.append(Finding("photos", "HEIC", f"pillow-heif {version}"))
    except importlib.metadata.PackageNotFoundError:
        hint = "missing; pip install 'geoloc-cli[heic]'"
        findings.append(Finding("photos", "HEIC", hint, "absent"))
    return findings


def _heights() -> list[Finding]:
    """What heights above the ellipsoid become heights above the sea by."""
    from geoloc.geometry.geoid import geoid_grid

    grid = geoid_grid()
    if grid is not None:
        return [Finding("heights", "EGM96", grid)]
    hint = "missing; pip install 'geoloc-cli[egm96]', or projsync --file us_nga_egm96_15.tif"
    return [Finding("heights", "EGM96", hint, "absent")]


def _models() -> list[Finding]:
    """Every bundled model, with its checksum verified."""
    from geoloc.models.registry import list_models, read_card

    return [_model(read_card(name)) for name in list_models()]


def _model(card: ModelCard) -> Finding:
    """One model: whether its weights and its vocabulary are those that its card names."""
    from geoloc.index.features.vocabulary import Vocabulary
    from geoloc.models.registry import verify_weights

    try:
        verify_weights(card)
        Vocabulary.of_model(card)
    except GeolocError as error:
        return Finding("models", card.name, str(error), "broken")
    return Finding("models", card.name, f"{card.dimension} numbers a tile, weights verified")


def _room() -> list[Finding]:
    """Free memory and disk."""
    free_gib = shutil.disk_usage(Path.cwd()).free / _GIB
    findings = [Finding("room", "disk here", f"{free_gib:.1f} GiB free")]
    memory = _free_memory_gib()
    text = "unknown" if memory is None else f"{memory:.1f} GiB free"
    return [Finding("room", "memory", text), *findings]


def _free_memory_gib() -> float | None:
    """Memory that new work can have, where the system reports it."""
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024 / _GIB
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / _GIB
    except (OSError, ValueError, AttributeError):
        return None
