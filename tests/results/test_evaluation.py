"""The figures of an evaluation, on results whose errors are known to the metre."""

from __future__ import annotations

from pathlib import Path

import pytest

from geoloc.errors import MetadataError
from geoloc.geometry.crs import LonLat
from geoloc.results.evaluation import Truth, evaluate_results, read_truth
from geoloc.results.schema import PhotoResult, Status
from tests.fixtures.csv_tables import SPREADSHEET_ENCODINGS, save_as_spreadsheet

METRE = 1 / 110_574.3  # degrees of latitude a metre, on the equator


def _result(name: str, error_m: float | None, status: Status = "located") -> PhotoResult:
    """An answer `error_m` north of (10, 0), or none."""
    if error_m is None:
        return PhotoResult(f"/photos/{name}", status)
    return PhotoResult(
        f"/photos/{name}", status, longitude=10.0, latitude=error_m * METRE, acc95_m=20.0
    )


def _truth(*names: str) -> list[Truth]:
    return [Truth(name, camera=LonLat(10.0, 0.0)) for name in names]


def test_errors_are_geodesic_metres() -> None:
    result = PhotoResult("/p/a.jpg", "located", longitude=11.0, latitude=60.0)
    truth = [Truth("a.jpg", camera=LonLat(10.0, 60.0))]
    errors = evaluate_results([result], truth).errors_m
    assert errors["a.jpg"] == pytest.approx(55_799.5, abs=0.1)  # a degree along the geodesic


def test_shares_are_of_all_photos_with_a_truth() -> None:
    results = [
        _result("a.jpg", 4.0),
        _result("b.jpg", 30.0),
        _result("c.jpg", 8.0, "ambiguous"),
        _result("d.jpg", None, "rejected"),
    ]
    evaluation = evaluate_results(results, _truth("a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg"))
    overall = evaluation.overall
    assert (overall.n, overall.n_answered) == (5, 3)
    assert overall.median_error_m == pytest.approx(8.0, abs=0.01)
    assert overall.share_within == {5: 0.2, 10: 0.4, 25: 0.4, 50: 0.6, 100: 0.6}
    assert evaluation.without_result == ("e.jpg",)


def test_precision_counts_the_located_only() -> None:
    results = [_result("a.jpg", 4.0), _result("b.jpg", 30.0), _result("c.jpg", 900.0, "ambiguous")]
    evaluation = evaluate_results(results, _truth("a.jpg", "b.jpg", "c.jpg"))
    assert evaluation.precision_within == {25: 0.5, 40: 1.0, 50: 1.0}
    assert list(evaluation.by_status) == ["located", "ambiguous"]
    assert evaluation.acc95_coverage == pytest.approx(1 / 3)


def test_nothing_located_has_no_precision() -> None:
    evaluation = evaluate_results([_result("a.jpg", None, "rejected")], _truth("a.jpg"))
    assert evaluation.precision_within == {}
    assert evaluation.overall.median_error_m is None
    assert evaluation.acc95_coverage is None


def test_results_without_a_truth_are_named_and_not_counted() -> None:
    evaluation = evaluate_results([_result("a.jpg", 1.0), _result("z.jpg", 1.0)], _truth("a.jpg"))
    assert evaluation.overall.n == 1
    assert evaluation.without_truth == ("/photos/z.jpg",)


def test_the_order_of_results_does_not_matter() -> None:
    results = [_result("a.jpg", 1.0), _result("b.jpg", 50.0), _result("c.jpg", None, "rejected")]
    truth = _truth("c.jpg", "a.jpg", "b.jpg")
    assert evaluate_results(results, truth) == evaluate_results(results[::-1], truth)


def test_photos_of_one_name_are_told_apart_by_their_folder() -> None:
    results = [_result("one/a.jpg", 1.0), _result("two/a.jpg", 90.0)]
    errors = evaluate_results(results, _truth("one/a.jpg", "two/a.jpg")).errors_m
    assert errors["one/a.jpg"] == pytest.approx(1.0, abs=0.01)
    assert errors["two/a.jpg"] == pytest.approx(90.0, abs=0.1)
    with pytest.raises(MetadataError, match="more of its path"):
        evaluate_results(results, _truth("a.jpg"))


def test_a_truth_about_other_photos_is_refused() -> None:
    with pytest.raises(MetadataError, match=r"the truth says x\.jpg"):
        evaluate_results([_result("a.jpg", 1.0)], _truth("x.jpg"))


@pytest.mark.parametrize(
    ("kind", "point", "expected_m"),
    [
        ("camera", "auto", 3.0),
        ("camera", "camera", 3.0),
        ("camera", "scene", 7.0),
        ("scene", "auto", 7.0),
        ("scene", "camera", None),
        ("scene", "scene", 7.0),
    ],
)
def test_what_is_compared_follows_point_and_position_kind(
    kind: str, point: str, expected_m: float | None
) -> None:
    result = PhotoResult(
        "/p/a.jpg",
        "located",
        longitude=10.0,
        latitude=3 * METRE,
        scene_longitude=10.0,
        scene_latitude=107 * METRE,
        position_kind=kind,  # type: ignore[arg-type]
    )
    truth = [Truth("a.jpg", camera=LonLat(10.0, 0.0), scene=LonLat(10.0, 100 * METRE))]
    error = evaluate_results([result], truth, point=point).errors_m["a.jpg"]  # type: ignore[arg-type]
    assert error == (expected_m and pytest.approx(expected_m, abs=0.01))


def test_a_scene_answer_without_a_point_of_its_own_is_its_position() -> None:
    result = PhotoResult(
        "/p/a.jpg", "located", longitude=10.0, latitude=5 * METRE, position_kind="scene"
    )
    truth = [Truth("a.jpg", scene=LonLat(10.0, 0.0))]
    error = evaluate_results([result], truth).errors_m["a.jpg"]
    assert error == pytest.approx(5.0, abs=0.01)


@pytest.mark.parametrize("columns", ["camera_lon,camera_lat", "lon,lat", "longitude,latitude"])
def test_the_camera_has_several_names(tmp_path: Path, columns: str) -> None:
    (tmp_path / "truth.csv").write_text(f"photo,{columns},more\na.jpg,10.5,-3,x\nb.jpg,,,y\n")
    assert read_truth(tmp_path / "truth.csv") == [
        Truth("a.jpg", camera=LonLat(10.5, -3.0)),
        Truth("b.jpg"),
    ]


def test_a_truth_that_counts_longitudes_from_0_to_360_is_turned(tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    path.write_text("photo,lon,lat,scene_lon,scene_lat\na.jpg,180.25,-17,-180.5,-17\n")
    truth = read_truth(path)
    assert truth == [Truth("a.jpg", LonLat(-179.75, -17), LonLat(179.5, -17))]
    result = PhotoResult("/p/a.jpg", "located", longitude=-179.75, latitude=-17 + 5 * METRE)
    error = evaluate_results([result], truth).errors_m["a.jpg"]
    assert error == pytest.approx(5.0, abs=0.05)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "no table of truth"),
        ("name,lon,lat\na,1,2\n", "no table of truth"),
        ("photo,x,y\na,1,2\n", "no table of truth"),
        ("photo,lon,lat\na.jpg,here,2\n", r"a\.jpg has no number"),
        ("photo,lon,lat\na.jpg,500000,5800000\n", "expected degrees$"),
        ("photo,lon,lat\na.jpg,24.2,120.7\n", "line 2: a.jpg lies at .* lon and lat swapped"),
        ("photo,lon,lat\na.jpg,-17.5,200\n", "line 2: a.jpg lies at .* lon and lat swapped"),
        ("photo,lon,lat\na.jpg,361,5\n", "line 2: a.jpg lies at 361.0, 5.0; expected degrees$"),
        ("photo,lon,lat\na.jpg,1,\n", "line 2: a.jpg has only one of lon and lat"),
        ("photo,lon,lat\na.jpg,1,2\nA.JPG,1,3\n", "line 3 says of A.JPG another position"),
        ("photo,lon,lat,LON\na.jpg,1,2,3\n", "two columns lon"),
        ("photo,lon,lat\n,1,2\n", "line 2 names no photo"),
    ],
)
def test_a_bad_truth_is_refused_with_its_path(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "truth.csv"
    path.write_text(content)
    with pytest.raises(MetadataError, match=message) as caught:
        read_truth(path)
    assert caught.value.path == path


def test_a_truth_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MetadataError, match="cannot read"):
        read_truth(tmp_path / "truth.csv")


@pytest.mark.parametrize("encoding", SPREADSHEET_ENCODINGS)
def test_a_truth_saved_by_a_german_spreadsheet_is_read_right(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "truth.csv"
    path.write_text("photo,lon,lat,scene_lon,scene_lat\na.jpg,13.405,52.52,-0.5,-33.25\n")
    save_as_spreadsheet(path, encoding=encoding)
    assert "13,405;52,52" in path.read_bytes().decode(encoding)
    assert read_truth(path) == [Truth("a.jpg", LonLat(13.405, 52.52), LonLat(-0.5, -33.25))]


def test_decimal_commas_between_commas_are_refused_not_misread(tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    path.write_text("photo,lon,lat\na.jpg,13,405,52,52\n")
    with pytest.raises(MetadataError, match="line 2 has 5 cells for 3 columns") as caught:
        read_truth(path)
    assert caught.value.path == path


@pytest.mark.parametrize(
    "content",
    [
        "sep=;\nphoto;lon;lat\na.jpg;10,5;-3\nb.jpg;;\n",
        "photo;lon;lat;\r\na.jpg;10,5;-3;\r\na.jpg;10,5;-3,0;\r\nb.jpg;NaN;NaN;\r\n",
        "\n Photo\tLON\tLat \na.jpg\t10.5\t-3\nb.jpg\t-\t#N/A\n\t\t\n",
    ],
)
def test_a_truth_is_read_however_a_spreadsheet_saves_it(tmp_path: Path, content: str) -> None:
    (tmp_path / "truth.csv").write_text(content, newline="")
    assert read_truth(tmp_path / "truth.csv") == [
        Truth("a.jpg", camera=LonLat(10.5, -3.0)),
        Truth("b.jpg"),
    ]


@pytest.mark.parametrize("named", ["A.JPG", "a", "D:\\flight\\one\\a.jpg", "./one/a.jpg"])
def test_a_truth_names_its_photo_as_a_table_of_metadata_does(named: str) -> None:
    found = evaluate_results([_result("one/a.jpg", 1.0)], _truth(named))
    assert found.errors_m[named] == pytest.approx(1.0, abs=0.01)


def test_a_truth_of_another_folder_is_no_truth() -> None:
    results = [_result("100MEDIA/a.jpg", 1.0), _result("101MEDIA/a.jpg", 90.0)]
    found = evaluate_results(results, _truth("100MEDIA/a.jpg", "102MEDIA/a.jpg"))
    assert found.errors_m["100MEDIA/a.jpg"] == pytest.approx(1.0, abs=0.01)
    assert found.errors_m["102MEDIA/a.jpg"] is None
    assert found.without_truth == ("/photos/101MEDIA/a.jpg",)
