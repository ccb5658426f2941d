"""Photos that a network takes whole, from the file to the row: no heading, no lens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags

from geoloc.geometry.crs import LonLat, distance_m
from geoloc.index.map_index import MapIndex
from geoloc.locate.explain.job import explain_photo
from geoloc.locate.job import locate_photos
from geoloc.locate.street.posterior import STREET_POSTERIOR
from geoloc.models.embedder import Embedder
from geoloc.models.view import View
from geoloc.options import ExplainOptions, LocateOptions
from geoloc.results.files import read_results, write_results
from geoloc.results.schema import PhotoResult
from tests.fixtures.photos import DJI, exif, write_photo, xmp
from tests.fixtures.plain import plain
from tests.fixtures.progress import RecordedProgress
from tests.fixtures.street import panorama, write_panorama
from tests.fixtures.whole_photos import WholeWorld

# The middle of a tile.
EAST_M, NORTH_M = 224, -160
PHONE = {ExifTags.Base.Make: "Apple", ExifTags.Base.Model: "iPhone 13"}


def locate(world: WholeWorld, *photos: Path, **options: Any) -> list[PhotoResult]:
    chosen = LocateOptions(**{"device": "cpu", **options})
    return list(locate_photos(photos, world.index, chosen))


def error_m(world: WholeWorld, result: PhotoResult, at: tuple[float, float]) -> float:
    assert result.longitude is not None
    assert result.latitude is not None
    return distance_m(LonLat(result.longitude, result.latitude), world.lonlat(*at))


@pytest.fixture
def phone_photo(whole_world: WholeWorld, tmp_path: Path) -> Path:
    pixels = whole_world.photo(EAST_M, NORTH_M)
    return write_photo(tmp_path / "IMG_1.png", pixels=pixels, exif=exif(PHONE))


def test_a_photo_whose_vector_is_a_tile_s_lies_there(
    whole_world: WholeWorld, phone_photo: Path
) -> None:
    (result,) = locate(whole_world, phone_photo, min_confidence=0.5)
    assert (result.status, result.error, result.view) == ("located", None, "street")
    assert error_m(whole_world, result, (EAST_M, NORTH_M)) < 5
    assert result.heading is result.direction is None
    assert result.conf_kind == "uncalibrated"
    assert result.ce90_m is not None
    assert result.acc95_m is not None
    assert 17 < result.ce90_m < result.acc95_m < 60


def test_without_a_calibration_no_answer_is_surer_than_the_best_known_network(
    whole_world: WholeWorld, phone_photo: Path
) -> None:
    (result,) = locate(whole_world, phone_photo)
    assert result.status == "ambiguous"
    assert result.confidence == pytest.approx(STREET_POSTERIOR.most_of_whole, abs=0.01)
    assert error_m(whole_world, result, (EAST_M, NORTH_M)) < 5


def test_the_places_that_compete_stand_in_the_row(
    whole_world: WholeWorld, phone_photo: Path
) -> None:
    (result,) = locate(whole_world, phone_photo)
    (lon, lat, probability, ce90_m), *others = json.loads(result.candidates or "")
    assert (lon, lat) == pytest.approx((result.longitude, result.latitude), abs=1e-6)
    assert probability == pytest.approx(result.confidence, abs=1e-4)
    assert 17 < ce90_m < 60
    assert probability + sum(other[2] for other in others) <= 1 + 1e-3


def test_photos_of_elsewhere_are_not_located_and_keep_weak_candidates(
    whole_world: WholeWorld, tmp_path: Path
) -> None:
    elsewhere = plain(seed=77)
    paths = [
        write_photo(tmp_path / f"{i}.png", pixels=elsewhere[i * 60 :][:48, 100:164])
        for i in range(6)
    ]
    results = locate(whole_world, *paths)
    assert "located" not in {result.status for result in results}
    assert all(result.error for result in results)
    assert all(json.loads(result.candidates or "[]") for result in results)


def test_several_competing_places_widen_the_radii(whole_world: WholeWorld, tmp_path: Path) -> None:
    half = np.concatenate(
        [whole_world.photo(EAST_M, NORTH_M)[:, :128], whole_world.photo(96, -320)[:, 128:]], axis=1
    )
    sure = write_photo(tmp_path / "sure.png", pixels=whole_world.photo(EAST_M, NORTH_M))
    torn = write_photo(tmp_path / "torn.png", pixels=half)
    certain, doubtful = locate(whole_world, sure, torn)
    assert certain.acc95_m is not None
    assert doubtful.acc95_m is not None
    assert doubtful.acc95_m > 3 * certain.acc95_m
    assert (doubtful.n_modes or 0) >= 2


def test_a_panorama_becomes_several_views_of_one_answer(
    whole_world: WholeWorld, tmp_path: Path
) -> None:
    path = write_panorama(tmp_path / "pano.jpg", panorama(whole_world.ground, 200.0, -200.0))
    (result,) = locate(whole_world, path)
    assert result.view == "panorama"
    assert result.status in ("rejected", "ambiguous")
    assert result.score is not None
    assert result.heading is None


def test_a_mixed_folder_is_told_apart_row_by_row(
    whole_world: WholeWorld, phone_photo: Path, tmp_path: Path
) -> None:
    drone = write_photo(
        tmp_path / "DJI_1.jpg",
        xmp=xmp({"RelativeAltitude": "+80.0", "GimbalPitchDegree": "-90"}, namespace=DJI),
    )
    silent = write_photo(
        tmp_path / "DJI_2.jpg",
        exif=exif({ExifTags.Base.Make: "DJI", ExifTags.Base.Model: "FC3170"}),
    )
    progress = RecordedProgress()
    rows = list(
        locate_photos(
            [drone, silent, phone_photo],
            whole_world.index,
            LocateOptions(device="cpu", min_confidence=0.5),
            progress=progress,
        )
    )
    assert [row.view for row in rows] == ["drone", "drone", "street"]
    assert [row.status for row in rows] == ["rejected", "rejected", "located"]
    assert all("local features" in str(row.error) for row in rows[:2])
    assert len([w for w in progress.warnings if w.startswith("drone photos are rejected")]) == 1


@pytest.mark.parametrize("prior", ["exif", "near", "csv"])
def test_priors_and_areas_decide_where_whole_photos_are_looked_for(
    whole_world: WholeWorld, phone_photo: Path, tmp_path: Path, prior: str
) -> None:
    away = whole_world.lonlat(380.0, -380.0)
    table = tmp_path / "said.csv"
    table.write_text(f"photo,lon,lat\n{phone_photo.name},{away.lon},{away.lat}\n")
    said: dict[str, Any] = {"min_confidence": 0.5}
    said |= {
        "exif": {"metadata": str(table), "prior": "exif", "prior_radius_m": 80.0},
        "near": {"prior": f"near:{away.lon},{away.lat},80"},
        "csv": {"prior": str(table), "prior_radius_m": 80.0},
    }[prior]
    (misled,) = locate(whole_world, phone_photo, **said, prior_kind="hard")
    assert misled.status != "located"
    assert not misled.has_position or error_m(whole_world, misled, (380, -380)) < 130
    (found_out,) = locate(whole_world, phone_photo, **said)
    assert found_out.status == "located"
    assert error_m(whole_world, found_out, (EAST_M, NORTH_M)) < 5


def test_a_prior_that_is_unsure_embeds_a_photo_once(
    whole_world: WholeWorld, phone_photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embed, embedded = Embedder.embed, list[int]()

    def counted(self: Embedder, images: np.ndarray, view: View) -> np.ndarray:
        embedded.append(len(images))
        return embed(self, images, view)

    monkeypatch.setattr(Embedder, "embed", counted)
    away = whole_world.lonlat(380.0, -380.0)
    (result,) = locate(whole_world, phone_photo, prior=f"near:{away.lon},{away.lat},80")
    assert error_m(whole_world, result, (EAST_M, NORTH_M)) < 5
    assert embedded == [1]


@pytest.mark.parametrize("radius_m", [10, 40, 150])
def test_a_right_prior_finds_what_stands_out_however_few_tiles_are_left(
    whole_world: WholeWorld, phone_photo: Path, radius_m: int
) -> None:
    at = whole_world.lonlat(EAST_M + 5, NORTH_M)
    prior = f"near:{at.lon},{at.lat},{radius_m}"
    (result,) = locate(whole_world, phone_photo, prior=prior, prior_kind="hard", min_confidence=0.5)
    assert result.status == "located"
    assert error_m(whole_world, result, (EAST_M, NORTH_M)) < 12


def test_the_rows_are_written_with_their_candidates(
    whole_world: WholeWorld, phone_photo: Path, tmp_path: Path
) -> None:
    rows = locate(whole_world, phone_photo)
    write_results(rows, tmp_path / "out.gpkg")
    (read,) = read_results(tmp_path / "out.gpkg")
    assert (read.status, read.candidates) == (rows[0].status, rows[0].candidates)


def test_a_match_of_a_whole_photo_is_explained(whole_world: WholeWorld, phone_photo: Path) -> None:
    options = ExplainOptions(device="cpu", locate=False)
    explanation = explain_photo(phone_photo, whole_world.index, options)
    assert (explanation.kind, explanation.supposed) == ("street", "the whole photo")
    tiles = MapIndex.open(whole_world.index).tiles
    assert explanation.tiles == len(tiles)
    assert explanation.cosine > 0.99


@pytest.mark.parametrize("shape", [(1, 1), (3, 400), (400, 3), (64, 64)])
@pytest.mark.parametrize("view", ["street", "panorama"])
def test_odd_pictures_end_in_a_row(
    whole_world: WholeWorld, tmp_path: Path, shape: tuple[int, int], view: str
) -> None:
    path = write_photo(tmp_path / "odd.png", pixels=np.full((*shape, 3), 120, np.uint8))
    (result,) = locate(whole_world, path, view=view)
    assert result.status in ("rejected", "ambiguous")
