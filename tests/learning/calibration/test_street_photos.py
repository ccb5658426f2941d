"""Street photos whose place is known calibrate their index."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest

from geoloc.errors import OptionError
from geoloc.learning.calibration.job import calibrate_on_photos
from geoloc.locate.job import locate_photos
from geoloc.options import LocateOptions
from tests.fixtures.photos import DJI, write_photo, xmp
from tests.fixtures.plain import plain
from tests.fixtures.progress import RecordedProgress
from tests.fixtures.whole_photos import WholeWorld


@pytest.fixture
def index(whole_world: WholeWorld, tmp_path: Path) -> Path:
    """The plain's index, to be changed."""
    for folder in ("index", "model"):
        shutil.copytree(whole_world.folder / folder, tmp_path / folder)
    return tmp_path / "index"


def write_walk(world: WholeWorld, folder: Path) -> tuple[list[Path], Path]:
    """Photos along a walk, most of which the network knows, and some of another plain."""
    folder.mkdir()
    photos = []
    elsewhere = plain(seed=55)
    with (folder / "truth.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["photo", "lon", "lat"])
        for step in range(18):
            east_m, north_m = 64 + 32 * (step % 6), -96 - 64 * (step // 6)
            pixels = world.photo(east_m, north_m)
            if step % 3 == 2:
                pixels = elsewhere[20 * step :][:48, 100:164]
            photos.append(write_photo(folder / f"IMG_{step}.png", pixels=pixels))
            writer.writerow([photos[-1].name, *world.lonlat(east_m, north_m)])
    return photos, folder / "truth.csv"


def test_photos_of_known_place_make_confidences_calibrated(
    whole_world: WholeWorld, index: Path, tmp_path: Path
) -> None:
    pytest.importorskip("sklearn")
    photos, truth = write_walk(whole_world, tmp_path / "walk")
    options = LocateOptions(device="cpu")
    before = list(locate_photos(photos[:1], index, options))
    summary = calibrate_on_photos(photos, index, truth, options)
    assert summary.path == index / "street_calibration.json"
    assert (summary.photos, summary.right, summary.mirrored) == (18, 12, 18)
    assert json.loads(summary.path.read_text())["source"] == "photos"
    rows = list(locate_photos(photos, index, options))
    assert {row.conf_kind for row in rows if row.confidence is not None} == {"calibrated:photos"}
    assert before[0].conf_kind == "uncalibrated"
    located = {Path(row.photo).name for row in rows if row.status == "located"}
    assert located == {f"IMG_{step}.png" for step in range(18) if step % 3 != 2}
    assert rows[0].options is not None
    assert "calibration" in rows[0].options
    (promised,) = locate_photos(photos[:1], index, LocateOptions(device="cpu", max_wrong=0.2))
    assert promised.status == "located"


def test_photos_of_a_drone_are_left_out_of_a_street_calibration(
    whole_world: WholeWorld, index: Path, tmp_path: Path
) -> None:
    photos, truth = write_walk(whole_world, tmp_path / "walk")
    truth.write_text(truth.read_text().replace("IMG_0.png", "DJI_0.jpg"))
    drone = write_photo(
        tmp_path / "DJI_0.jpg",
        xmp=xmp({"RelativeAltitude": "+80.0", "GimbalPitchDegree": "-90"}, namespace=DJI),
    )
    progress = RecordedProgress()
    with pytest.raises(OptionError, match="6 photos of known place have an answer"):
        calibrate_on_photos(
            [drone, *photos[1:4]], index, truth, LocateOptions(device="cpu"), progress=progress
        )
    assert [w for w in progress.warnings if "drone photo" in w]
    assert not (index / "street_calibration.json").exists()
