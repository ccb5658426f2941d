"""Positions in flight logs, whichever coordinate comes first."""

from __future__ import annotations

from pathlib import Path

import pytest

from geoloc.photos.srt import read_flight_log
from tests.fixtures.flight_logs import MATRICE_300, MAVIC_PRO, write_log

# North of the equator and east of Greenwich, where no number is beyond 90.
LAT, LON = 47.3, 9.1


def position(folder: Path, *texts: str) -> tuple[tuple[float | None, float | None], int]:
    """(lon, lat) of the first subtitle that has one, and how many notes there are."""
    log = read_flight_log(write_log(folder / "a.SRT", [f"{text} BAROMETER:50" for text in texts]))
    found = [each.metadata for each in log.subtitles if each.metadata.lon is not None]
    return (found[0].lon, found[0].lat) if found else (None, None), len(log.notes)


@pytest.mark.parametrize(
    "text",
    [
        "GPS(lat: 47.3, lon: 9.1, alt: 400)",
        "GPS(lon: 9.1, lat: 47.3, alt: 400)",
        "GPS (Latitude=47.3; Longitude=9.1)",
        "GPS(lng 9.1, lat 47.3, 14)",
        "GPS(lat,lon,alt): 47.3,9.1,400.0",
        "GPS(lon,lat,alt): 9.1,47.3,400.0",
        "GPS(lat,lon,alt)=(47.3, 9.1, 400.0M)",
        "GPS (lon, lat, sats) (9.1, 47.3, 14)",
        "GPS (lon, lat, alt)(9.1, 47.3, 400.0M)",
        "GPS(latitude, longitude) 47.3 9.1",
        "GPS(longitude/latitude): 9.1, 47.3",
        "GPS(E: 9.1, N: 47.3, 20.93m)",
        "GPS(N: 47.3, E: 9.1, 20.93m)",
        "GPS(N47.3, E9.1, 14)",
        "GPS(9.1E, 47.3N, 14)",
        "GPS(47.3°N, 9.1°E, 14)",
        "RTK(lat,lon): 47.3,9.1",
        "GPS: (lat: 47.3, lon: 9.1)",
        "[lat: 47.3] [lon: 9.1]",
        "[lng: 9.1] [lat: 47.3]",
        "[Latitude : 47.3 N] [Longitude : 9.1 E]",
        "lat 47.3 lon 9.1",
        "HOME(lon,lat): 8.0,46.0 GPS(lon,lat,sats): 9.1,47.3,14",
        "HOME(E: 8.0, N: 46.0) GPS(E: 9.1, N: 47.3, 20.93m) HOME(E: 8.0, N: 46.0)",
        "GPS(lat: 47.3, lon: 9.1) HOME(lat: 46.0, lon: 8.0)",
    ],
)
def test_words_name_the_order_and_leave_no_doubt(tmp_path, text):
    assert position(tmp_path, text) == ((LON, LAT), 0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("GPS(W: 87.629, N: 41.878, 30.2m)", (-87.629, 41.878)),
        ("GPS(S: 33.9, W: 18.4, 30.2m)", (-18.4, -33.9)),
        ("GPS(33.9S, 18.4E)", (18.4, -33.9)),
        ("[latitude: 33.9S] [longitude: 70.6W]", (-70.6, -33.9)),
        ("GPS(lat: -33.9, lon: -70.6)", (-70.6, -33.9)),
    ],
)
def test_hemispheres_make_the_sign(tmp_path, text, expected):
    assert position(tmp_path, text) == (expected, 0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[latitude: -17.5] [longitude: 200.25]", (-159.75, -17.5)),
        ("GPS(200.25,-17.5,14)", (-159.75, -17.5)),
        ("[latitude: -17.5] [longitude: 360.5]", (None, None)),
    ],
)
def test_longitudes_counted_from_0_to_360_are_turned(tmp_path, text, expected):
    assert position(tmp_path, text) == (expected, 0)


@pytest.mark.parametrize(
    ("legend", "text"),
    [
        ("Legend: GPS(lat,lon,alt)", "GPS(47.3,9.1,14)"),
        ("Legend: GPS(lon,lat,alt)", "GPS(9.1,47.3,400.0M)"),
        ("HOME(lon,lat)", "GPS(9.1,47.3,400.0M)"),
    ],
)
def test_a_legend_anywhere_in_the_log_names_the_order_of_all(tmp_path, legend, text):
    assert position(tmp_path, legend, text) == ((LON, LAT), 0)
    path = tmp_path / "b.SRT"
    path.write_text(f"{legend}\n\n" + (tmp_path / "a.SRT").read_text())
    assert read_flight_log(path).subtitles[-1].metadata.lat == LAT


@pytest.mark.parametrize(
    ("text", "expected", "notes"),
    [
        ("GPS(9.1,47.3,14)", (LON, LAT), 1),
        ("GPS(47.3,9.1,0.0M)", (LON, LAT), 1),
        (MAVIC_PRO, (149.0251, -20.2533), 0),
        (MATRICE_300, (-6.112, 36.6146), 1),
        # Words that the numbers contradict.
        ("GPS(lat,lon,sats): 120.72,24.26,14", (120.72, 24.26), 1),
        ("GPS(lat: 120.72, lon: 24.26)", (120.72, 24.26), 1),
    ],
)
def test_without_words_numbers_and_units_tell_and_a_guess_is_noted(tmp_path, text, expected, notes):
    assert position(tmp_path, text) == (expected, notes)


def test_home_alone_is_no_position(tmp_path):
    assert position(tmp_path, "HOME(lat: 46.0, lon: 8.0) home_lat: 46.0 home_lon: 8.0") == (
        (None, None),
        0,
    )
