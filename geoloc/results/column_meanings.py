"""What the columns of each layer of the results mean, in a sentence each."""

from __future__ import annotations

import re

from geoloc.results.schema import PhotoResult

_OF_A_PHOTO = {
    "photo_fid": "The fid of its photo in the layer photos.",
    "photo": "Absolute path of the photo.",
}
_CANDIDATES = {
    **_OF_A_PHOTO,
    "rank": "Place among those that compete for the photo, from 1, the likeliest.",
    "probability": "Probability that the photo was taken at this place.",
    "ce90_m": "Radius that holds the true position 90 % of the time if it is this place, metres.",
}
_TRACKS = {
    "track": "Name of the flight or walk.",
    "photos": "Number of its photos that were located.",
    "from_track": "Number of these whose place the track decided.",
    "begin": "Time of its first located photo, ISO 8601, as the photo says.",
    "end": "Time of its last located photo, ISO 8601, as the photo says.",
}


def photo_columns() -> dict[str, str]:
    """What each column of a photo means, as the schema says.

    Nothing where Python has dropped docstrings.
    """
    stated = re.findall(r"^ {8}(\w+): (.*(?:\n {12}.*)*)", PhotoResult.__doc__ or "", re.MULTILINE)
    derived = [
        (name, getattr(PhotoResult, name).__doc__ or "") for name in ("filename", "directory")
    ]
    return {
        name: re.sub("`+", "", " ".join(said.split())) for name, said in (*stated, *derived) if said
    }


def layer_columns() -> dict[str, dict[str, str]]:
    """What each column of each layer of a GeoPackage means."""
    photos = photo_columns()
    shared = ("filename", "status", "confidence", "heading")
    footprints = {**_OF_A_PHOTO, **{name: photos[name] for name in shared if name in photos}}
    return {
        "photos": photos,
        "footprints": footprints,
        "candidates": _CANDIDATES,
        "tracks": _TRACKS,
    }
