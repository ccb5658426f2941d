"""Heatmaps: all of the probability is there, at the right places, in files that programs open."""

from __future__ import annotations

import errno
import json
import math
import os
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from geoloc.cli import cli
from geoloc.errors import OutputExistsError, ShortWriteError
from geoloc.geometry.crs import LonLat, distance_m, to_lonlat
from geoloc.locate.estimate import RAYLEIGH_90
from geoloc.locate.file_job import FileJob, LocateSummary
from geoloc.locate.ground_posterior import GroundPlace, GroundPosterior
from geoloc.locate.heatmap import geotiff
from geoloc.locate.heatmap.job import write_heatmaps
from geoloc.locate.heatmap.naming import heatmap_names
from geoloc.locate.heatmap.raster import MOST_PX, heatmap
from geoloc.results.files import write_results
from geoloc.results.schema import PhotoResult

HERE = LonLat(13.4, 52.5)
_QGIS_PYTHON = "/usr/bin/python3"  # where distributions put QGIS's bindings

_LOOK = """
import json, os, sys
from qgis.core import QgsApplication, QgsRasterLayer
app = QgsApplication([], False)
app.initQgis()
layer = QgsRasterLayer(sys.argv[1], "heatmap")
_, is_styled = layer.loadDefaultStyle()
shader = layer.renderer().shader().rasterShaderFunction()
items = shader.colorRampItemList()
print(json.dumps({"valid": layer.isValid(), "styled": is_styled, "type": layer.renderer().type(),
    "items": [[i.value, i.color.alpha()] for i in items], "metres": layer.crs().mapUnits() == 0}))
sys.stdout.flush()
os._exit(0)  # QGIS may crash while it takes itself down
"""


def row(name: str, places: Sequence[tuple[float, float, float, float]] = ()) -> PhotoResult:
    """A photo with its candidates: longitude, latitude, probability and 90 % radius."""
    lon, lat, probability, ce90_m = places[0] if places else (*HERE, 0.7, 17.0)
    return PhotoResult(
        f"/photos/{name}",
        "located",
        longitude=lon,
        latitude=lat,
        confidence=probability,
        ce90_m=ce90_m,
        candidates=json.dumps(places) if places else None,
    )


def read(path: Path) -> tuple[np.ndarray, float]:
    with rasterio.open(path) as dataset:
        band = dataset.read(1, masked=True)
        assert (dataset.count, dataset.dtypes[0], dataset.nodata) == (1, "float32", 0.0)
        assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert dataset.crs.is_projected
        return band, float(dataset.tags()["none_probability"])


def test_a_heatmap_and_none_of_the_places_sum_to_one(tmp_path: Path) -> None:
    rival = (HERE.lon + 0.004, HERE.lat + 0.002, 0.3, 25.0)
    summary = write_heatmaps([row("a.jpg", [(*HERE, 0.6, 17.0), rival])], tmp_path)
    assert [path.name for path in summary.written] == ["a-heatmap.tif"]
    band, none = read(summary.written[0])
    assert none == pytest.approx(0.1, abs=1e-6)
    assert float(band.sum(dtype=np.float64)) + none == pytest.approx(1.0, abs=1e-5)
    assert summary.written[0].with_suffix(".qml").exists()
    with rasterio.open(summary.written[0]) as dataset:
        for place, mass in (((HERE.lon, HERE.lat), 0.6), (rival[:2], 0.3)):
            assert _mass_within(dataset, LonLat(*place), 100.0) == pytest.approx(mass, abs=1e-4)


def _mass_within(dataset: rasterio.DatasetReader, place: LonLat, radius_m: float) -> float:
    """What of the probability lies within a radius, by the file's own CRS."""
    rows, columns = np.nonzero(values := dataset.read(1))
    xs, ys = rasterio.transform.xy(dataset.transform, rows, columns)
    lonlat = to_lonlat(dataset.crs.to_wkt(), xs, ys)
    away_m = np.array([distance_m(LonLat(*each), place) for each in lonlat.tolist()])
    return float(values[rows, columns][away_m <= radius_m].sum(dtype=np.float64))


def test_nine_in_ten_of_a_place_lie_within_its_90_percent_radius(tmp_path: Path) -> None:
    (path,) = write_heatmaps([row("street.jpg")], tmp_path).written  # no candidates, as of streets
    with rasterio.open(path) as dataset:
        assert _mass_within(dataset, HERE, 17.0) == pytest.approx(0.9 * 0.7, abs=0.01)


_PLACES = st.lists(
    st.builds(
        GroundPlace,
        st.builds(LonLat, st.floats(-180, 179.999), st.floats(-90, 90)),
        st.floats(0.0, 200.0),
        st.floats(0.0, 0.2),
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=40, deadline=None)
@given(_PLACES)
def test_any_posterior_sums_to_one_on_a_raster_that_fits_into_memory(
    places: list[GroundPlace],
) -> None:
    posterior = GroundPosterior(tuple(places))
    drawn = heatmap(posterior)
    assert max(drawn.probabilities.shape) <= MOST_PX
    total = float(drawn.probabilities.sum(dtype=np.float64))
    assert math.isclose(total + drawn.none, 1.0, abs_tol=1e-5)
    assert float(drawn.probabilities.min()) >= 0


def test_a_place_across_the_antimeridian_is_near() -> None:
    places = [GroundPlace(LonLat(lon, -16.5), 8.0, 0.4) for lon in (179.9999, -179.9999)]
    drawn = heatmap(GroundPosterior(tuple(places)))
    assert max(drawn.probabilities.shape) * drawn.cell_m < 150


def test_a_track_that_is_surer_than_its_photo_leaves_less_to_the_others(tmp_path: Path) -> None:
    listed = [[*HERE, 0.5, 17.0], [HERE.lon + 0.01, HERE.lat, 0.4, 17.0]]
    surer = PhotoResult(
        "/p/a.jpg",
        "located",
        longitude=HERE.lon,
        latitude=HERE.lat,
        confidence=0.98,
        candidates=json.dumps(listed),
    )
    band, none = read(write_heatmaps([surer], tmp_path).written[0])
    assert none == pytest.approx(0.02 * 0.1 / 0.5, abs=1e-6)
    assert float(band.sum(dtype=np.float64)) + none == pytest.approx(1.0, abs=1e-5)


def test_rounded_probabilities_never_exceed_one(tmp_path: Path) -> None:
    far = [HERE.lon + 0.01, HERE.lat, 0.3334, 17.0]
    listed = [[*HERE, 0.3334, 17.0], far, [HERE.lon - 0.01, HERE.lat, 0.3334, 17.0]]
    whole = row("a.jpg", [(*HERE, 0.3334, 17.0)])
    rounded = replace(whole, candidates=json.dumps(listed))
    band, none = read(write_heatmaps([rounded], tmp_path).written[0])
    assert float(band.sum(dtype=np.float64)) + none == pytest.approx(1.0, abs=1e-5)


def test_names_are_safe_and_each_photos_own() -> None:
    photos = [
        "/a/DJI_1.JPG",
        "/b/dji_1.jpg",
        "/a/x:y?.jpg",
        "/a/" + "n" * 240 + ".jpg",
        "/a/Höhe.jpg",
    ]
    names = heatmap_names(photos)
    assert len({name.casefold() for name in names}) == len(photos)
    assert names[4] == "Höhe-heatmap.tif"
    assert not any(set(name) & set(':?*<>|"\\/') for name in names)
    assert max(len(name.encode()) for name in names) < 200
    assert heatmap_names(photos[1:]) != names[1:], "DJI_1 alone keeps its name"
    assert heatmap_names(photos) == names


def test_a_photo_that_was_found_nowhere_has_none(tmp_path: Path) -> None:
    summary = write_heatmaps([PhotoResult("/p/a.jpg", "rejected")], tmp_path)
    assert (summary.written, summary.without_place) == ([], 1)


def test_what_is_there_is_passed_over_and_only_ours_is_replaced(tmp_path: Path) -> None:
    first = [row("a.jpg")]
    (path,) = write_heatmaps(first, tmp_path).written
    before = path.stat().st_mtime_ns
    assert write_heatmaps(first, tmp_path).passed_over == 1
    assert path.stat().st_mtime_ns == before
    moved = [row("a.jpg", [(HERE.lon + 0.01, HERE.lat, 0.7, 17.0)])]
    with pytest.raises(OutputExistsError, match="of another answer; use --overwrite"):
        write_heatmaps(moved, tmp_path)
    assert write_heatmaps(moved, tmp_path, replace=True).written == [path]
    path.write_bytes(b"somebody's")
    with pytest.raises(OutputExistsError, match="is no heatmap of geoloc"):
        write_heatmaps(moved, tmp_path, replace=True)


def test_a_short_write_leaves_no_heatmap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(geotiff, "_sum", lambda path: 0.5)
    with pytest.raises(ShortWriteError, match="lost probability"):
        write_heatmaps([row("a.jpg")], tmp_path)
    assert list(tmp_path.glob("*.tif")) == []


def test_a_full_disk_is_the_reason_that_is_given(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")  # not on Windows
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    far = (HERE.lon + 0.1, HERE.lat, 0.3, 17.0)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(OSError) as caught:
            write_heatmaps([row("a.jpg", [(*HERE, 0.6, 17.0), far])], tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.errno == errno.EFBIG
    assert list(tmp_path.glob("*")) == [], "no drafts"


def test_locate_writes_heatmaps_of_its_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = tmp_path / "a.jpg"
    photo.write_bytes(b"1")
    answer = PhotoResult(
        str(photo), "located", longitude=HERE.lon, latitude=HERE.lat, confidence=0.9, ce90_m=17.0
    )

    def finish(job: FileJob) -> LocateSummary:
        write_results([answer], tmp_path / "out.csv", overwrite=True)
        return job.summary

    monkeypatch.setattr(FileJob, "run", finish)
    arguments = ["locate", str(photo), "-o", str(tmp_path / "out.csv")]
    run = CliRunner().invoke(cli, [*arguments, "--heatmap", str(tmp_path / "heat")])
    assert run.exit_code == 0, run.output
    assert f"1 heatmap written to {tmp_path / 'heat'}" in run.output
    band, none = read(tmp_path / "heat" / "a-heatmap.tif")
    assert float(band.sum(dtype=np.float64)) + none == pytest.approx(1.0, abs=1e-5)


def test_heatmaps_of_stdout_are_refused_before_locating(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FileJob, "run", lambda job: pytest.fail("it was located"))
    (tmp_path / "a.jpg").write_bytes(b"1")
    arguments = ["locate", str(tmp_path / "a.jpg"), "-o", "-", "--heatmap", str(tmp_path / "heat")]
    assert CliRunner().invoke(cli, arguments).exit_code == 2


def test_qgis_opens_a_heatmap_styled(tmp_path: Path) -> None:
    if subprocess.run([_QGIS_PYTHON, "-c", "import qgis.core"], capture_output=True).returncode:
        pytest.skip("QGIS is not installed")
    (path,) = write_heatmaps([row("a.jpg")], tmp_path).written
    environment = {"PATH": os.environ["PATH"], "QT_QPA_PLATFORM": "offscreen",
                   "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)}  # fmt: skip
    run = subprocess.run(
        [_QGIS_PYTHON, "-c", _LOOK, str(path)], env=environment, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    said = json.loads(run.stdout.splitlines()[-1])
    largest = float(read(path)[0].max())
    assert (said["valid"], said["styled"], said["metres"]) == (True, True, True)
    assert said["type"] == "singlebandpseudocolor"
    assert said["items"][0] == [0.0, 0], "clear where there is nothing"
    assert said["items"][-1] == [pytest.approx(largest, rel=1e-6), 255]


def test_the_sharpest_place_is_drawn_finely() -> None:
    drawn = heatmap(GroundPosterior((GroundPlace(HERE, 17.0 / RAYLEIGH_90, 0.9),)))
    assert drawn.cell_m <= 17.0 / RAYLEIGH_90 / 3
