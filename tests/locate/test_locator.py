"""One photo on one index: what decides the answer, and what must not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from geoloc.errors import IndexFolderError
from geoloc.geometry.crs import LonLat, distance_m
from geoloc.index.features.feature_map import FeatureMap
from geoloc.index.map_index import MapIndex
from geoloc.locate.drone.locator import DroneLocator
from geoloc.locate.drone.parameters import DRONE_PARAMETERS, DroneParameters
from geoloc.locate.drone.search import DroneSearch, Proposals
from geoloc.locate.drone.view import PhotoView
from geoloc.locate.locator import LocateParameters, Locator
from geoloc.options import LocateOptions
from geoloc.photos.photo import read_photo
from geoloc.results.schema import PhotoResult
from tests.fixtures.photos import DJI, exif, gps, write_photo, xmp
from tests.fixtures.search import SearchWorld, speckled

NUMBER = 1  # of the tiny world's photos: seen from straight above


@pytest.fixture(scope="module")
def pixels(search_world: SearchWorld) -> np.ndarray:
    return read_photo(search_world.photos[NUMBER]).pixels


def locator(
    world: SearchWorld, parameters: DroneParameters = DRONE_PARAMETERS, **options: Any
) -> Locator:
    index = MapIndex.open(world.index)
    tuned = LocateParameters(drone=parameters)
    return Locator(index, LocateOptions(**options), run_id="run", parameters=tuned)


def truth(world: SearchWorld) -> LonLat:
    return world.tiny.world.lonlat(world.tiny.shots[NUMBER].at)


def claimed(world: SearchWorld, **changes: str) -> bytes:
    """What the drone says of its flight, without its place."""
    metadata = world.tiny.shots[NUMBER].metadata
    said = {
        "RelativeAltitude": f"{metadata.rel_alt_m:+.2f}",
        "GimbalYawDegree": f"{metadata.yaw_deg:+.2f}",
        "GimbalPitchDegree": f"{metadata.pitch_deg:+.2f}",
        "GimbalRollDegree": "+0.00",
    }
    return xmp({**said, **changes}, namespace=DJI)


def write_claiming(path: Path, world: SearchWorld, pixels: np.ndarray, at: LonLat | None) -> Path:
    """The same pixels and flight data, with a GPS position or none, in EXIF and in XMP."""
    place: dict[str, str] = {}
    tags = exif(photo={0xA405: 24})
    if at is not None:
        place = {"GpsLatitude": f"{at.lat:+.7f}", "GpsLongitude": f"{at.lon:+.7f}"}
        position = gps((at.lat, 0.0, 0.0), (at.lon, 0.0, 0.0), lat_ref="N", lon_ref="E")
        tags = exif(photo={0xA405: 24}, gps=position)
    return write_photo(path, pixels=pixels, exif=tags, xmp=claimed(world, **place))


def without_exif(result: PhotoResult) -> PhotoResult:
    return replace(result, photo="", exif_lon=None, exif_lat=None, exif_dist_m=None)


def error_m(result: PhotoResult, at: LonLat) -> float:
    assert result.longitude is not None
    assert result.latitude is not None
    return distance_m(LonLat(result.longitude, result.latitude), at)


@pytest.mark.parametrize("number", range(3))
def test_photos_of_other_seasons_are_located_to_metres(
    search_world: SearchWorld, number: int
) -> None:
    shot = search_world.tiny.shots[number]
    result = locator(search_world).locate(search_world.photos[number])
    assert result.status == "located"
    assert error_m(result, search_world.tiny.world.lonlat(shot.at)) < 5
    assert result.heading is not None
    assert abs((result.heading - shot.pose.heading_deg + 180) % 360 - 180) < 2
    assert result.tile_id is not None
    assert result.view == "drone"


def test_a_photo_s_own_position_does_not_leak_into_the_answer(
    search_world: SearchWorld, pixels: np.ndarray, tmp_path: Path
) -> None:
    true = truth(search_world)
    claims = {"true": true, "moved": LonLat(true.lon, true.lat + 0.09), "none": None}
    found = {
        name: locator(search_world).locate(
            write_claiming(tmp_path / f"{name}.jpg", search_world, pixels, at)
        )
        for name, at in claims.items()
    }
    assert found["true"].exif_dist_m is not None
    assert found["true"].exif_dist_m < 5
    assert found["moved"].exif_dist_m == pytest.approx(10_000, rel=0.01)
    assert found["none"].exif_lon is None
    assert found["none"].status == "located"
    for name in ("true", "moved"):
        assert without_exif(found[name]) == without_exif(found["none"])


@pytest.mark.slow
def test_with_the_prior_a_photo_s_position_decides_where_to_look(
    search_world: SearchWorld, pixels: np.ndarray, tmp_path: Path
) -> None:
    true = truth(search_world)
    right = write_claiming(tmp_path / "right.jpg", search_world, pixels, true)
    wrong = write_claiming(
        tmp_path / "wrong.jpg", search_world, pixels, LonLat(true.lon, true.lat + 0.09)
    )
    trusting = locator(search_world, prior="exif", prior_radius_m=60.0, prior_kind="hard")
    assert error_m(trusting.locate(right), true) < 5
    misled = trusting.locate(wrong)
    assert misled.status == "rejected"
    assert not misled.has_position
    doubting = locator(search_world, prior="exif", prior_radius_m=60.0).locate(wrong)
    assert error_m(doubting, true) < 5
    assert doubting.prior_dist_m == pytest.approx(10_000, rel=0.01)
    silent = write_claiming(tmp_path / "silent.jpg", search_world, pixels, None)
    assert trusting.locate(silent).status == "located"  # nothing to go by: the whole map


@pytest.mark.slow
def test_a_mirrored_photo_is_not_located(
    search_world: SearchWorld, pixels: np.ndarray, tmp_path: Path
) -> None:
    mirrored = np.ascontiguousarray(pixels[:, ::-1])
    path = write_claiming(tmp_path / "mirrored.jpg", search_world, mirrored, None)
    result = locator(search_world).locate(path)
    assert result.status in ("rejected", "ambiguous")
    assert result.confidence is None or result.confidence < 0.5


def test_a_photo_that_says_nothing_is_searched_under_every_turn(
    search_world: SearchWorld, pixels: np.ndarray, tmp_path: Path
) -> None:
    path = write_photo(tmp_path / "bare.jpg", pixels=pixels)
    result = locator(search_world).locate(path)
    assert result.status == "located"
    assert error_m(result, truth(search_world)) < 10


@pytest.mark.slow
def test_a_wrong_compass_is_overcome(
    search_world: SearchWorld, pixels: np.ndarray, tmp_path: Path
) -> None:
    opposite = f"{search_world.tiny.shots[NUMBER].metadata.yaw_deg - 180:+.2f}"
    path = write_photo(
        tmp_path / "turned.jpg",
        pixels=pixels,
        exif=exif(photo={0xA405: 24}),
        xmp=claimed(search_world, GimbalYawDegree=opposite),
    )
    result = locator(search_world).locate(path)
    assert error_m(result, truth(search_world)) < 5


def test_the_table_wins_over_the_photo(search_world: SearchWorld, tmp_path: Path) -> None:
    photo = search_world.photos[NUMBER]
    table = tmp_path / "said.csv"
    table.write_text(f"photo,lon,lat,rel_alt_m,pitch_deg\n{photo.name},13.5,52.25,3,-5\n")
    told = locator(search_world, metadata=str(table))
    result = told.locate(photo)
    # Level and three metres above the ground is no drone: the table's word, not the photo's 87 m.
    assert (result.status, result.view) == ("rejected", "street")
    assert (result.exif_lon, result.exif_lat) == (13.5, 52.25)
    other = told.locate(search_world.photos[2])
    assert other.status == "located"


def test_street_photos_are_rejected_and_their_kind_is_told(search_world: SearchWorld) -> None:
    for kind in ("street", "panorama"):
        result = locator(search_world, view=kind).locate(search_world.photos[0])
        assert (result.status, result.view) == ("rejected", kind)
        assert result.error is not None
        assert kind in result.error


def test_an_unreadable_photo_is_a_result(search_world: SearchWorld, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8 no jpeg")
    for path in (broken, tmp_path / "missing.jpg"):
        result = locator(search_world).locate(path)
        assert result.status == "unreadable"
        assert result.error
        assert "\n" not in result.error


@pytest.mark.parametrize(
    ("trait", "picture"),
    [
        ("grey", np.full((480, 640, 3), 128, np.uint8)),
        ("one_pixel", np.full((1, 1, 3), 128, np.uint8)),
        ("sliver", speckled(400)[:3]),
        ("foreign", speckled(640, seed=4, count=1500)[:480]),
    ],
)
def test_photos_that_show_no_place_of_the_map_are_not_located(
    search_world: SearchWorld, tmp_path: Path, trait: str, picture: np.ndarray
) -> None:
    path = write_photo(tmp_path / f"{trait}.jpg", pixels=picture, xmp=claimed(search_world))
    result = locator(search_world, effort="low").locate(path)
    assert result.status == "rejected" or (trait, result.status) == ("foreign", "ambiguous")
    assert result.error
    assert result.confidence is None or result.confidence < 0.5


@pytest.mark.parametrize(
    "said",
    [
        "hfov_deg\n{},360",
        "hfov_deg\n{},200",
        "hfov_deg\n{},1",
        "rel_alt_m\n{},20000",
        "rel_alt_m\n{},0.1",
        "pitch_deg\n{},0",
        "pitch_deg\n{},45",
        "pitch_deg\n{},-180",
    ],
)
def test_absurd_metadata_end_in_a_row(search_world: SearchWorld, tmp_path: Path, said: str) -> None:
    photo = search_world.photos[NUMBER]
    table = tmp_path / "said.csv"
    table.write_text("photo," + said.format(photo.name) + "\n")
    told = locator(search_world, metadata=str(table), view="drone", effort="low")
    assert told.locate(photo).status in ("located", "ambiguous", "rejected")


RETRIEVED = DroneParameters(whole_map_features=0)


class Nowhere:
    """Stands for a retriever that finds no tile."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def retrieve(self, *_: Any, views: Any, count: int, rows: Any) -> list[Any]:
        assert views
        self.asked.append((count, rows))
        return []


def drone_locator(
    world: SearchWorld, search: DroneSearch, parameters: DroneParameters, **options: Any
) -> tuple[Locator, Nowhere]:
    """A locator with that search, whose retriever finds nothing."""
    nowhere = Nowhere()
    made = locator(world, **options)
    made.drone = DroneLocator(
        MapIndex.open(world.index),
        search,
        LocateOptions(**options),
        open_retriever=lambda: nowhere,  # type: ignore[arg-type, return-value]
        parameters=parameters,
    )
    return made, nowhere


def test_a_large_map_is_searched_where_the_network_proposes(search_world: SearchWorld) -> None:
    # Nine tiles retrieved of nine: the network of random weights cannot miss.
    whole = locator(search_world, RETRIEVED, top_k=9, device="cpu")
    everywhere = whole.locate(search_world.photos[NUMBER])
    assert everywhere.status == "located"
    assert error_m(everywhere, truth(search_world)) < 5
    search = DroneSearch(search_world.features)
    lost, nowhere = drone_locator(search_world, search, RETRIEVED, top_k=4)
    assert lost.locate(search_world.photos[NUMBER]).status == "rejected"
    assert nowhere.asked[0] == (4, None)


class RecordedSearch(DroneSearch):
    """A search that writes down its steps."""

    def __init__(self, features: FeatureMap) -> None:
        super().__init__(features)
        self.steps: list[str] = []

    def view(self, *args: Any) -> PhotoView | None:
        self.steps.append("view")
        return super().view(*args)

    def propose(self, *args: Any, **kwargs: Any) -> Proposals:
        self.steps.append("propose")
        return super().propose(*args, **kwargs)


@pytest.mark.slow
def test_the_next_height_is_viewed_only_when_the_last_was_not_sure(
    search_world: SearchWorld, pixels: np.ndarray, tmp_path: Path
) -> None:
    bare = write_photo(tmp_path / "bare.jpg", pixels=pixels)
    search = RecordedSearch(search_world.features)
    whole, _ = drone_locator(search_world, search, DRONE_PARAMETERS, effort="low")
    whole.locate(bare)
    assert search.steps[:2] == ["view", "propose"]
    search.steps.clear()
    retrieved, _ = drone_locator(search_world, search, RETRIEVED, effort="low", device="cpu")
    retrieved.locate(bare)
    assert search.steps[:3] == ["view"] * 3  # the heights of a stage share the retrieved tiles


def test_an_index_without_local_features_is_refused(search_world: SearchWorld) -> None:
    card = SimpleNamespace(views=("satellite", "drone"))
    bare = SimpleNamespace(features_folder=None, folder=search_world.index, card=card)
    with pytest.raises(IndexFolderError, match="--no-features"):
        Locator(bare, LocateOptions(), run_id="run")  # type: ignore[arg-type]


def test_the_caller_s_threshold_decides_what_is_ambiguous(search_world: SearchWorld) -> None:
    result = locator(search_world, min_confidence=1.0).locate(search_world.photos[NUMBER])
    assert result.status == "ambiguous"
    assert result.has_position
