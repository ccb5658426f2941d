"""Features that an index already holds, taken into the index that its tiles are added to.

Their pixels are not asked for: they may be far away, or gone. Regions are told anew from all
footprints, and where new tiles touch a region, its features move into the frame of the larger one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoloc.arrays import Float64Array
from geoloc.errors import IndexFolderError
from geoloc.geometry.crs import LocalFrame, LonLat
from geoloc.index.features.feature_map import FeatureMap
from geoloc.index.features.keypoints import DescriptorKind
from geoloc.index.features.plan import Plan

# What is kept of each feature: parts hold these, and so does the folder.
NAMES = ("xy", "shape", "region", "descriptors")
Arrays = dict[str, NDArray[Any]]
_STEP_M = 10.0


@dataclass(frozen=True)
class KnownFeatures:
    """The features of an index that tiles are added to.

    Against an index of all tiles at once, features that move into another frame differ by less
    than a centimetre and a hundredth of a degree. Where a raster has old and new tiles, the old
    ones keep all their ground instead of half-way to the new, so that keypoints in that strip are
    those of the other tile. All else is the same; without such seams, to the byte.

    Attributes:
        folder: Folder of the features.
        tiles: Number of tiles that they are of: the first of the new table.
    """

    folder: Path
    tiles: int

    def read(self, plan: Plan, kind: DescriptorKind) -> Arrays:
        """The arrays of `NAMES`, in the regions of a plan of all tiles.

        Raises:
            IndexFolderError: They are missing or damaged, or described otherwise.
        """
        features = FeatureMap.open(self.folder)
        if features.kind != kind:
            raise IndexFolderError(
                f"{self.folder} was described by {features.kind.name}, not {kind.name}; build the "
                "index again with --overwrite",
                path=self.folder,
            )
        region, xy = np.array(features.region), np.array(features.xy_m)
        shape = np.stack([features.size_m, features.angle_deg], axis=1)
        for number, old in enumerate(features.regions):
            mine = np.flatnonzero(features.region == number)
            if not len(mine):
                continue
            first = old.frame.to_lonlat(features.xy_m[mine[:1]])[0]
            region[mine] = plan.region_at(LonLat(*first))
            new = plan.regions[region[mine[0]]]
            if new.origin != old.origin:
                xy[mine], shape[mine] = _moved(xy[mine], shape[mine], old.frame, new.frame)
        return {"xy": xy, "shape": shape, "region": region, "descriptors": features.descriptors}


def _moved(
    xy_m: NDArray[np.float32], shape: NDArray[np.float32], source: LocalFrame, target: LocalFrame
) -> tuple[Float64Array, Float64Array]:
    """Places (N, 2), and sizes and angles (N, 2), as seen in another frame."""
    here, ahead = (
        target.from_lonlat(*source.to_lonlat(xy_m + np.array([step, 0.0])).T)
        for step in (0.0, _STEP_M)
    )
    east, north = (ahead - here).T
    turn_deg = np.degrees(np.arctan2(-north, east))
    size_m = shape[:, 0] * np.hypot(east, north) / _STEP_M
    return here, np.stack([size_m, (shape[:, 1] + turn_deg) % 360], axis=1)
