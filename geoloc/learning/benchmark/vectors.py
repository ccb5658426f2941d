"""Embeddings of image files, shard by shard; shards that were kept are not computed again.

A shard is known by the weights, the preprocessing, the precision, the view, and the path, size and
date of each of its files: whatever changes one of them makes another shard. So a folder of shards
serves any number of models and data sets, and an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from geoloc.arrays import Float32Array, RgbImage
from geoloc.errors import InputError, ModelError
from geoloc.index.tile_vectors import read_ahead
from geoloc.learning.datasets.crossview import Picture
from geoloc.models.embedder import Embedder, Preprocessing
from geoloc.models.view import View
from geoloc.photos.photo import read_photo
from geoloc.progress import Progress
from geoloc.storage.array_file import load_array, save_array

_SHARD_PICTURES = 256


class _Shard(NamedTuple):
    """A fixed part of the pictures and where its vectors are kept, if anywhere."""

    rows: range
    path: Path | None

    def read(self, dimension: int) -> Float32Array | None:
        """The vectors that were kept, of unit length; None if they are missing or damaged."""
        found = None if self.path is None else load_array(self.path)
        if found is None or found.shape != (len(self.rows), dimension):
            return None
        # A disk that filled up may have left zeros.
        is_whole = bool((abs(np.linalg.norm(found, axis=1) - 1) < 0.01).all())
        return found if is_whole else None


class PictureVectors:
    """Embeds the pictures of a data set; the same pictures twice cost nothing.

    Args:
        embedder: The model.
        workers: Threads that read and decode.
        folder: Folder that keeps shards; None keeps them for this object's life only.
        progress: Listener for each image.
    """

    def __init__(
        self, embedder: Embedder, *, workers: int, folder: Path | None, progress: Progress
    ) -> None:
        self._embedder, self._workers = embedder, workers
        self._folder, self._progress = folder, progress
        self._known: dict[tuple[str, tuple[Path, ...]], Float32Array] = {}
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)

    def embed(self, pictures: Sequence[Picture], view: View) -> Float32Array:
        """Unit vectors (N, D) float32 of image files, which are squashed to the view's input.

        Raises:
            InputError: Some files cannot be read. A gallery without them would be easier to
                search, and the figure wrong.
            ModelError: The network gives something that is not finite, or knows no such view.
        """
        paths = tuple(picture.path for picture in pictures)
        if (view, paths) not in self._known:
            self._known[view, paths] = self._compute(paths, view)
        return self._known[view, paths]

    def _compute(self, paths: Sequence[Path], view: View) -> Float32Array:
        vectors = np.empty((len(paths), self._embedder.dimension), np.float32)
        shards = self._shards(paths, view)
        missing = []
        for shard in shards:
            kept = shard.read(self._embedder.dimension)
            if kept is None:
                missing.append(shard)
            else:
                vectors[shard.rows.start : shard.rows.stop] = kept
        self._progress.start(f"embedding {view} images", len(paths), "images")
        self._progress.advance(len(paths) - sum(len(shard.rows) for shard in missing))
        self._embed_shards(missing, paths, view, vectors)
        return vectors

    def _embed_shards(
        self, shards: Sequence[_Shard], paths: Sequence[Path], view: View, vectors: Float32Array
    ) -> None:
        """Fill in the vectors of some shards; all their files are tried before one is refused."""

        def read(row: int) -> RgbImage:
            return self._embedder.shrink(read_photo(paths[row]).pixels, view)

        wanted = [row for shard in shards for row in shard.rows]
        depth = 2 * self._embedder.batch_size + self._workers
        faults: list[InputError] = []
        with closing(read_ahead(read, wanted, workers=self._workers, depth=depth)) as pixels:
            for shard in shards:
                part, errors = self._embed_part(islice(pixels, len(shard.rows)), view)
                faults += errors
                if not errors:
                    vectors[shard.rows.start : shard.rows.stop] = part
                    _keep(shard.path, part)
        if faults:
            raise _unreadable(faults, len(paths))

    def _embed_part(
        self, pixels: Iterator[tuple[int, RgbImage | InputError]], view: View
    ) -> tuple[Float32Array, list[InputError]]:
        """The vectors of one shard, or why it has none."""
        parts = [np.empty((0, self._embedder.dimension), np.float32)]
        errors: list[InputError] = []
        while taken := list(islice(pixels, self._embedder.batch_size)):
            errors += [result for _, result in taken if isinstance(result, InputError)]
            if not errors:
                images = [result for _, result in taken if not isinstance(result, InputError)]
                parts.append(self._embedder.embed(np.stack(images), view))
            self._progress.advance(len(taken))
        vectors = np.concatenate(parts)
        if not np.isfinite(vectors).all():
            # Comparisons with NaN are false: nothing would rank above a right answer of NaN.
            raise ModelError(
                f"model {self._embedder.card.name} gives vectors that are not finite for the view "
                f"{view}; expected numbers; check it with: geoloc models verify",
                path=self._embedder.card.folder,
            )
        return vectors, errors

    def _shards(self, paths: Sequence[Path], view: View) -> list[_Shard]:
        ranges = [
            range(start, min(start + _SHARD_PICTURES, len(paths)))
            for start in range(0, len(paths), _SHARD_PICTURES)
        ]
        if self._folder is None:
            return [_Shard(rows, None) for rows in ranges]
        with ThreadPoolExecutor(self._workers) as pool:
            facts = list(pool.map(_facts, paths))
        names = [self._name(facts[rows.start : rows.stop], view) for rows in ranges]
        return [
            _Shard(rows, self._folder / name[:2] / f"{name}.npy")
            for rows, name in zip(ranges, names, strict=True)
        ]

    def _name(self, files: Sequence[object], view: View) -> str:
        """A checksum of all that decides the vectors of a shard."""
        embedder = self._embedder
        facts = {
            "weights_sha256": embedder.card.weights_sha256,
            "architecture": [embedder.card.architecture, dict(embedder.card.options)],
            "preprocessing": Preprocessing.of(embedder.card, view).to_dict(),
            "view": view,
            "precision": str(embedder.precision),
            "files": files,
        }
        text = json.dumps(facts, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:32]


def _facts(path: Path) -> tuple[str, int, int]:
    """Size and time of a file, which change with its content; a missing file has no size."""
    try:
        status = path.stat()
    except OSError:
        return str(path.absolute()), -1, 0
    return str(path.absolute()), status.st_size, status.st_mtime_ns


def _keep(path: Path | None, vectors: Float32Array) -> None:
    """Write a shard, whole or not at all."""
    if path is None:
        return
    path.parent.mkdir(exist_ok=True)
    save_array(path, vectors)


def _unreadable(faults: Sequence[InputError], count: int) -> InputError:
    return InputError(
        f"{len(faults)} of {count} images cannot be read, the first because {faults[0]}; expected "
        "the whole data set, since a smaller one would be easier; mend or remove their entries",
        path=faults[0].path,
    )
