"""Lines of the flights and walks that photos belong to, with their times."""

from __future__ import annotations

from collections.abc import Iterable

import geopandas
import numpy as np
import shapely

from geoloc.geometry.longitude import near
from geoloc.results.schema import Record
from geoloc.results.track_members import members_of


def track_frame(records: Iterable[Record]) -> geopandas.GeoDataFrame:
    """A line in EPSG:4326 through the located photos of each track, in the order of the track.

    Times are those of the first and the last of these photos, as the photos state them. A line
    goes on beyond 180 degrees across the antimeridian.
    """
    lines = members_of(records)
    return geopandas.GeoDataFrame(
        {
            "track": list(lines),
            "photos": np.array([len(each) for each in lines.values()], np.int32),
            "from_track": np.array(
                [sum(one["from_track"] or 0 for one in each) for each in lines.values()], np.int32
            ),
            "begin": [each[0]["timestamp"] for each in lines.values()],
            "end": [each[-1]["timestamp"] for each in lines.values()],
        },
        geometry=[_line(each) for each in lines.values()],
        crs="EPSG:4326",
    )


def _line(records: list[Record]) -> shapely.LineString:
    lonlat = np.array([[one["longitude"], one["latitude"]] for one in records], np.float64)
    lonlat[:, 0] = near(lonlat[:, 0], lonlat[0, 0])
    return shapely.LineString(lonlat)
