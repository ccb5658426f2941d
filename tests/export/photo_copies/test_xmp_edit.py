"""Claims about edits of XMP packets: values change where they stand, and all else stays."""

from __future__ import annotations

import pytest

from geoloc.export.photo_copies.edit_refused import EditRefusedError
from geoloc.export.photo_copies.stated import Stated
from geoloc.export.photo_copies.xmp import edit_xmp
from geoloc.photos.xmp import CAMERA, DJI, parse_xmp
from tests.fixtures.photos import SENSEFLY

PIX4D = CAMERA[0]
RDF = 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'


def _packet(description: str) -> bytes:
    inside = f"<rdf:RDF {RDF}>{description}</rdf:RDF>"
    return f'<x:xmpmeta xmlns:x="adobe:ns:meta/">{inside}</x:xmpmeta>'.encode()


def _edited(description: str, **columns: dict[tuple[str, str], str]) -> str:
    found = edit_xmp(_packet(description), Stated({}, **columns))
    assert found is not None
    return found.decode()


def test_a_value_changes_where_it_stands_and_keeps_its_writing() -> None:
    text = f"<rdf:Description xmlns:d='{DJI}' d:GimbalYawDegree = '+1' d:Kept='é &amp; 2'/>"
    edited = _edited(text, xmp={(DJI, "GimbalYawDegree"): "+40.0"})
    assert edited == _packet(text.replace("'+1'", '"+40.0"')).decode()


def test_new_values_join_the_first_description_with_the_usual_prefix() -> None:
    text = '<rdf:Description rdf:about="DJI Meta Data"><a/></rdf:Description><rdf:Description/>'
    edited = _edited(text, xmp={(PIX4D, "Yaw"): "40", (PIX4D, "Pitch"): "20"})
    start = f'<rdf:Description rdf:about="DJI Meta Data" xmlns:Camera="{PIX4D}" '
    assert f'{start}Camera:Yaw="40" Camera:Pitch="20"><a/>' in edited
    assert edited.endswith("</rdf:Description><rdf:Description/></rdf:RDF></x:xmpmeta>")


def test_what_is_said_in_senseflys_dialect_is_changed_there() -> None:
    text = f'<rdf:Description xmlns:Camera="{SENSEFLY}" Camera:Pitch="1"/>'
    edited = _edited(text, xmp={(PIX4D, "Pitch"): "20"})
    assert 'Camera:Pitch="20"' in edited
    assert PIX4D not in edited


def test_a_prefix_that_means_something_else_is_not_taken() -> None:
    text = '<rdf:Description xmlns:Camera="urn:mine" Camera:Yaw="5"/>'
    edited = _edited(text, xmp={(PIX4D, "Yaw"): "40"})
    values = parse_xmp(edited.encode())
    assert (values["urn:mine", "Yaw"], values[PIX4D, "Yaw"]) == ("5", "40")


def test_what_is_only_wanted_if_it_is_there_is_not_added() -> None:
    text = f'<rdf:Description xmlns:d="{DJI}" d:Latitude="1"/>'
    wanted = {(DJI, "Latitude"): "23", (DJI, "Longitude"): "120"}
    assert 'd:Latitude="23"' in (edited := _edited(text, xmp_if_there=wanted))
    assert "Longitude" not in edited
    assert edit_xmp(_packet("<rdf:Description/>"), Stated({}, xmp_if_there=wanted)) is None
    assert edit_xmp(None, Stated({})) is None


@pytest.mark.parametrize(
    "packet",
    [
        b"\xff\xfe<\0",  # another encoding
        b"no packet",
        _packet(""),  # no description to join
        _packet(f'<rdf:Description xmlns:d="{DJI}"><d:Yaw><b>1</b></d:Yaw></rdf:Description>'),
    ],
)
def test_what_cannot_be_edited_safely_is_refused(packet: bytes) -> None:
    with pytest.raises(EditRefusedError, match="edited safely"):
        edit_xmp(packet, Stated({}, {(DJI, "Yaw"): "40"}))
