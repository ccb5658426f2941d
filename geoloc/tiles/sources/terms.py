"""Hosts of map services whose terms a person should know before reading more than a little."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlsplit

from geoloc.tiles.sources.capabilities import address_of


class Terms(NamedTuple):
    """What the terms of a service say.

    Attributes:
        host: The end of the names of its hosts.
        reason: Why bulk reading is not allowed there.
        attribution: Whom the publisher wants named.
    """

    host: str
    reason: str
    attribution: str


# As published by the services in 2025; where terms have changed since, theirs count.
TERMS = (
    Terms("tile.openstreetmap.org", "its usage policy forbids bulk downloading and offline use; "
          "it shows drawn maps, no imagery", "© OpenStreetMap contributors"),
    Terms("tile.opentopomap.org", "its usage policy forbids bulk downloading",
          "© OpenTopoMap (CC-BY-SA), © OpenStreetMap contributors"),
    Terms("google.com", "its terms forbid keeping, bulk reading and analysing its imagery",
          "© Google"),
    Terms("googleapis.com", "its terms forbid keeping, bulk reading and analysing its imagery",
          "© Google"),
    Terms("virtualearth.net", "its terms forbid bulk reading and offline use", "© Microsoft Bing"),
    Terms("arcgisonline.com", "its terms forbid bulk reading; Esri has a service for export",
          "© Esri and its data providers"),
    Terms("arcgis.com", "its terms forbid bulk reading of basemaps",
          "© Esri and its data providers"),
    Terms("mapbox.com", "its terms forbid bulk reading and offline use outside its own kits",
          "© Mapbox, © OpenStreetMap contributors"),
    Terms("maptiler.com", "its terms allow offline use only with a licence for it",
          "© MapTiler, © OpenStreetMap contributors"),
    Terms("stadiamaps.com", "its terms forbid bulk reading",
          "© Stadia Maps, © OpenStreetMap contributors"),
    Terms("thunderforest.com", "its terms forbid bulk reading",
          "© Thunderforest, © OpenStreetMap contributors"),
    Terms("here.com", "its terms forbid keeping and bulk reading", "© HERE"),
    Terms("apple-mapkit.com", "its terms forbid keeping and bulk reading", "© Apple"),
)  # fmt: skip


def terms_of(address: str) -> Terms | None:
    """The terms of the host of an address; None where none are known."""
    host = (urlsplit(address_of(address)).hostname or "").lower()
    named = (each for each in TERMS if host == each.host or host.endswith(f".{each.host}"))
    return next(named, None)


def warnings_of(address: str) -> tuple[str, ...]:
    """One line of warning for a host whose terms forbid what is about to be done, or none."""
    terms = terms_of(address)
    if terms is None:
        return ()
    return (
        f"{terms.host}: {terms.reason}; make sure that you may, or take a map that you may keep",
    )
