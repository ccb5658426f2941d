"""The views of a network: its branches for tiles, drone photos, and photos from the ground."""

from __future__ import annotations

from typing import Final, Literal

View = Literal["satellite", "ground", "drone"]
# What tiles of the map pass.
SATELLITE: Final = "satellite"
# What drone photos pass, rectified and north up.
DRONE: Final = "drone"
# What street photos and panoramas pass, as rings around the camera.
GROUND: Final = "ground"
