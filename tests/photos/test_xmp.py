from __future__ import annotations

import pytest

from geoloc.photos.xmp import DJI, MAX_PACKET_BYTES, XmpError, find_packet, parse_xmp, xmp_value
from tests.fixtures.photos import xmp


@pytest.mark.parametrize("elements", [False, True])
def test_attributes_and_elements_are_alike(elements):
    values = parse_xmp(xmp({"Yaw": " 5 "}, namespace=DJI, elements=elements))
    assert xmp_value(values, DJI, "Yaw") == "5"


def test_namespaces_are_kept_apart():
    packet = b'<r xmlns:a="http://a/" xmlns:b="http://b#" a:Yaw="1" b:Yaw="2"/>'
    values = parse_xmp(packet)
    assert xmp_value(values, "http://a", "Yaw") == "1"
    assert xmp_value(values, "http://b", "Yaw") == "2"


def test_padding_around_the_packet_is_left_out():
    packet = b"\0\0" + xmp({"Yaw": "5"}, namespace=DJI) + b"\0" * 50
    assert xmp_value(parse_xmp(packet), DJI, "Yaw") == "5"
    assert find_packet(b"junk" + packet) in packet
    assert find_packet(b"junk") is None


@pytest.mark.parametrize(
    "packet", [b"<a", b"", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", bytes(MAX_PACKET_BYTES + 1)]
)
def test_broken_packets_are_refused(packet):
    with pytest.raises(XmpError):
        parse_xmp(packet)
