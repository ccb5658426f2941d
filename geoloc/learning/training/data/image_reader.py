"""Image files of a data set as the bytes that a network takes, few at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from geoloc.arrays import RgbImage
from geoloc.image_size import ImageSize
from geoloc.learning.datasets.crossview import Picture
from geoloc.models.card import GroundFit
from geoloc.models.letterbox import letterbox
from geoloc.models.view import GROUND, View
from geoloc.photos.photo import read_photo

# So much of what was read is kept: whole data sets of a user, a part of the large ones.
_KEPT_BYTES = 512 * 2**20


class PictureReader:
    """Reads pictures and squashes them to the input of their view.

    The whole picture is squashed, whatever its shape, as the published networks do it; but photos
    from the ground keep theirs, on black, where the card says so.
    """

    def __init__(self, sizes: Mapping[str, ImageSize], ground_fit: GroundFit = "ring") -> None:
        self._sizes, self._ground_fit = sizes, ground_fit
        self._kept: dict[tuple[Path, str], RgbImage] = {}
        self._kept_bytes = 0

    def read(self, picture: Picture, view: View) -> RgbImage:
        """A picture (h, w, 3) uint8 RGB of the input size of `view`, read-only.

        Raises:
            PhotoError: The file is missing or damaged.
        """
        key = (picture.path, view)
        if (kept := self._kept.get(key)) is not None:
            return kept
        is_letterbox = view == GROUND and self._ground_fit == "letterbox"
        image = self._fitted(picture.path, self._sizes[view], is_letterbox=is_letterbox)
        image.flags.writeable = False
        if self._kept_bytes + image.nbytes <= _KEPT_BYTES:
            self._kept[key] = image
            self._kept_bytes += image.nbytes
        return image

    def chunks(
        self, pictures: Sequence[Picture], view: View, *, size: int, workers: int
    ) -> Iterator[RgbImage]:
        """All pictures, `size` at a time (N, h, w, 3); the next are read meanwhile."""
        with ThreadPoolExecutor(max(1, workers)) as pool:
            waiting = [pool.submit(self.read, picture, view) for picture in pictures[:size]]
            for start in range(0, len(pictures), size):
                ready, following = waiting, pictures[start + size : start + 2 * size]
                waiting = [pool.submit(self.read, picture, view) for picture in following]
                yield np.stack([each.result() for each in ready])

    @staticmethod
    def _fitted(path: Path, size: ImageSize, *, is_letterbox: bool) -> RgbImage:
        # Twice the longer side: enough pixels for the shorter one, and JPEGs decode quicker.
        pixels = read_photo(path, max_side_px=2 * max(size)).pixels
        if pixels.shape[:2] == size:
            return pixels
        if is_letterbox:
            return letterbox(pixels, size)
        smaller = pixels.shape[0] >= size.height_px and pixels.shape[1] >= size.width_px
        how = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
        squashed = cv2.resize(pixels, (size.width_px, size.height_px), interpolation=how)
        return np.asarray(squashed, np.uint8)
