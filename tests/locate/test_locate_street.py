"""Panoramas and street photos, from the file to the row: by the network alone."""

from __future__ import annotations

from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from geoloc.geometry.crs import LonLat, distance_m
from geoloc.index.map_index import MapIndex
from geoloc.locate.job import locate_photos
from geoloc.locate.locator import Locator
from geoloc.locate.street.locator import StreetLocator
from geoloc.models.embedder import Embedder
from geoloc.options import LocateOptions
from geoloc.photos.photo_files import find_photos
from geoloc.results.evaluation import Truth, evaluate_results
from geoloc.results.files import read_results, write_results
from geoloc.results.schema import PhotoResult
from tests.fixtures.photos import DJI, GPANO, exif, write_photo, xmp
from tests.fixtures.plain import plain
from tests.fixtures.progress import RecordedProgress
from tests.fixtures.street import StreetWorld, panorama, write_panorama

# Near the middle of a tile: where the hand-made network knows a place.
EAST_M, NORTH_M, HEADING_DEG = 225.0, -159.0, 250.0


def locate(world: StreetWorld, *photos: Path, **options: Any) -> list[PhotoResult]:
    chosen = LocateOptions(**{"device": "cpu", **options})
    return list(locate_photos(photos, world.index, chosen))


def error_m(world: StreetWorld, result: PhotoResult) -> float:
    assert result.longitude is not None
    assert result.latitude is not None
    found = LonLat(result.longitude, result.latitude)
    return distance_m(found, world.lonlat(EAST_M, NORTH_M))


def turned_by(a: float | None, b: float) -> float:
    assert a is not None
    return abs((a - b + 180) % 360 - 180)


@pytest.fixture(scope="module")
def pixels(street_world: StreetWorld) -> np.ndarray:
    return street_world.panorama(EAST_M, NORTH_M, HEADING_DEG)


@pytest.mark.parametrize("said_deg", [HEADING_DEG, None, HEADING_DEG - 140])
def test_a_panorama_is_located_whatever_it_says_of_its_heading(
    street_world: StreetWorld, pixels: np.ndarray, tmp_path: Path, said_deg: float | None
) -> None:
    path = write_panorama(tmp_path / "pano.jpg", pixels, heading_deg=said_deg)
    (result,) = locate(street_world, path)
    assert (result.status, result.error) == ("located", None)
    assert error_m(street_world, result) < 12
    assert turned_by(result.heading, HEADING_DEG) < 10
    assert result.view == "panorama"
    assert result.position_kind == "camera"
    assert result.footprint is result.n_inliers is result.scene_longitude is None
    assert result.conf_kind == "uncalibrated"
    assert result.conf_radius_m == pytest.approx(45.3, abs=0.1)
    assert result.tile_id is not None


def test_low_effort_believes_the_compass(
    street_world: StreetWorld, pixels: np.ndarray, tmp_path: Path
) -> None:
    right = write_panorama(tmp_path / "right.jpg", pixels, heading_deg=HEADING_DEG)
    wrong = write_panorama(tmp_path / "wrong.jpg", pixels, heading_deg=HEADING_DEG - 140)
    good, bad = locate(street_world, right, wrong, effort="low")
    assert error_m(street_world, good) < 12
    assert not bad.has_position or error_m(street_world, bad) > 30 or bad.status == "ambiguous"


def test_a_street_photo_of_a_known_lens_is_located_without_a_heading(
    street_world: StreetWorld, tmp_path: Path
) -> None:
    photo = street_world.photo(EAST_M, NORTH_M, HEADING_DEG, hfov_deg=110.0, pitch_deg=-20.0)
    path = write_photo(tmp_path / "street.jpg", pixels=photo)
    table = tmp_path / "said.csv"
    table.write_text("photo,hfov_deg,pitch_deg\nstreet.jpg,110,-20\n")
    (result,) = locate(street_world, path, view="street", metadata=str(table))
    assert error_m(street_world, result) < 20
    assert turned_by(result.heading, HEADING_DEG) < 15
    assert result.view == "street"


def test_a_cropped_panorama_is_placed_where_its_frame_says(
    street_world: StreetWorld, pixels: np.ndarray, tmp_path: Path
) -> None:
    said = {
        "ProjectionType": "equirectangular",
        "FullPanoWidthPixels": "360",
        "FullPanoHeightPixels": "180",
        "CroppedAreaImageWidthPixels": "220",
        "CroppedAreaLeftPixels": "40",
        "CroppedAreaTopPixels": "80",
    }
    path = write_photo(
        tmp_path / "crop.jpg", pixels=pixels[80:170, 40:260], xmp=xmp(said, namespace=GPANO)
    )
    (result,) = locate(street_world, path)
    assert error_m(street_world, result) < 20
    assert turned_by(result.heading, HEADING_DEG) < 15


def test_panoramas_of_another_plain_are_not_located(
    street_world: StreetWorld, tmp_path: Path
) -> None:
    elsewhere = plain(seed=99)
    paths = [
        write_panorama(tmp_path / f"{i}.jpg", panorama(elsewhere, 90.0 + 50 * i, -200.0))
        for i in range(5)
    ]
    results = locate(street_world, *paths)
    assert "located" not in {result.status for result in results}
    assert all(result.error for result in results)


def test_a_photo_that_says_nothing_is_taken_for_what_the_index_can_locate(
    street_world: StreetWorld, tmp_path: Path
) -> None:
    silent = write_photo(tmp_path / "silent.jpg", exif=exif())
    assert locate(street_world, silent)[0].view == "street"


def test_drone_photos_are_rejected_row_by_row_where_no_features_are_kept(
    street_world: StreetWorld, pixels: np.ndarray, tmp_path: Path
) -> None:
    drone = write_photo(
        tmp_path / "drone.jpg",
        xmp=xmp({"RelativeAltitude": "+80.0", "GimbalPitchDegree": "-90"}, namespace=DJI),
    )
    pano = write_panorama(tmp_path / "pano.jpg", pixels)
    progress = RecordedProgress()
    first, second = locate_photos([drone, pano], street_world.index, progress=progress)
    assert (first.status, first.view) == ("rejected", "drone")
    assert first.error is not None
    assert "--no-features" in first.error
    assert second.view == "panorama"
    assert second.has_position
    assert [w for w in progress.warnings if "drone" in w]


def test_a_search_that_is_given_up_ends_without_a_result(
    street_world: StreetWorld, pixels: np.ndarray, tmp_path: Path
) -> None:
    path = write_panorama(tmp_path / "pano.jpg", pixels)
    index, options = MapIndex.open(street_world.index), LocateOptions(device="cpu")
    locator = Locator(index, options, run_id="run")
    seen: list[int] = []

    class GivingUp(Embedder):
        """An embedder in whose first batch the search is cancelled."""

        def embed(self, images: np.ndarray, view: str) -> np.ndarray:
            seen.append(len(images))
            locator.cancel()
            return super().embed(images, view)

    embedder = GivingUp(index.card.folder, device="cpu")
    locator.street = StreetLocator(index, options, open_embedder=lambda: embedder)
    with pytest.raises(CancelledError):
        locator.locate(path)
    assert len(seen) == 1, "the other headings are not tried any more"


def test_the_prior_decides_where_to_look_only_when_asked(
    street_world: StreetWorld, pixels: np.ndarray, tmp_path: Path
) -> None:
    path = write_panorama(tmp_path / "pano.jpg", pixels)
    away = street_world.lonlat(380.0, -380.0)
    table = tmp_path / "said.csv"
    table.write_text(f"photo,lon,lat\npano.jpg,{away.lon},{away.lat}\n")
    (free,) = locate(street_world, path, metadata=str(table))
    assert error_m(street_world, free) < 12
    assert free.exif_dist_m == pytest.approx(270, abs=15)
    prior = {"metadata": str(table), "prior": "exif", "prior_radius_m": 80.0}
    (misled,) = locate(street_world, path, **prior, prior_kind="hard")
    assert misled.status != "located"
    (found_out,) = locate(street_world, path, **prior)
    assert error_m(street_world, found_out) < 12
    assert found_out.prior_dist_m == pytest.approx(270, abs=15)


def test_several_at_a_time_give_the_same(
    street_world: StreetWorld, pixels: np.ndarray, tmp_path: Path
) -> None:
    paths = [
        write_panorama(tmp_path / f"{i}.jpg", np.roll(pixels, 30 * i, axis=1)) for i in range(4)
    ]
    one, several = (locate(street_world, *paths, workers=n) for n in (1, 3))
    said = [(r.status, r.longitude, r.latitude, r.confidence, r.heading) for r in one]
    assert said == [(r.status, r.longitude, r.latitude, r.confidence, r.heading) for r in several]


@pytest.mark.parametrize("shape", [(1, 1), (3, 400), (400, 3), (64, 64)])
@pytest.mark.parametrize("view", ["street", "panorama"])
def test_odd_pictures_end_in_a_row(
    street_world: StreetWorld, tmp_path: Path, shape: tuple[int, int], view: str
) -> None:
    path = write_photo(tmp_path / "odd.png", pixels=np.full((*shape, 3), 120, np.uint8))
    (result,) = locate(street_world, path, view=view)
    assert result.status in ("rejected", "ambiguous")


def test_the_written_answer_can_be_evaluated(
    street_world: StreetWorld, pixels: np.ndarray, tmp_path: Path
) -> None:
    path = write_panorama(tmp_path / "pano.jpg", pixels)
    write_results(locate(street_world, path), tmp_path / "out.geojson")
    truth = Truth("pano.jpg", camera=street_world.lonlat(EAST_M, NORTH_M))
    found = evaluate_results(read_results(tmp_path / "out.geojson"), [truth])
    assert found.overall.n_answered == 1
    assert found.overall.median_error_m is not None
    assert found.overall.median_error_m < 12


@pytest.mark.shared
@pytest.mark.parametrize("view", ["street", "panorama"])
def test_the_strangest_photos_end_in_a_row_each(
    street_world: StreetWorld, shared_data: Path, view: str
) -> None:
    photos = find_photos([shared_data / "robustness" / "photos"], recursive=False)
    results = locate(street_world, *photos, view=view, effort="low")
    assert [Path(result.photo).name for result in results] == [path.name for path in photos]
    assert sum(result.status == "located" for result in results) <= 1
