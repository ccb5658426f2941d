"""The job `geoloc models vocabulary`: images in, the vocabulary of a model's descriptors out."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import tomli_w

from geoloc.arrays import ByteArray, RgbImage
from geoloc.errors import InputError, OutputExistsError, PhotoError
from geoloc.index.features.descriptor import PatchNetExtractor
from geoloc.index.features.keypoints import ROOT_SIFT, detect_keypoints, find_keypoints, to_grey
from geoloc.index.features.vocabulary import VOCABULARY, Vocabulary, learn_vocabulary
from geoloc.learning.options import VocabularyOptions
from geoloc.models.card import CARD_NAME
from geoloc.models.registry import bundled_models_folder
from geoloc.photos.photo import read_photo
from geoloc.photos.photo_files import find_photos
from geoloc.progress import CappedWarnings, Progress, Silent
from geoloc.storage.atomic import replacing
from geoloc.storage.lock import locked_folder

_FACTS = "vocabulary.toml"
_MAX_SIDE_PX = 4000
_SEED = 1


@dataclass(frozen=True)
class VocabularySummary:
    """What was learnt.

    Attributes:
        path: The file.
        images: Number of images that taught it.
        descriptors: Number of their descriptors.
        lists: Number of inverted lists.
        words: Number of words of signatures.
    """

    path: Path
    images: int
    descriptors: int
    lists: int
    words: int


def teach_vocabulary(
    model: str | Path,
    images: Sequence[str | Path],
    options: VocabularyOptions | None = None,
    *,
    progress: Progress | None = None,
) -> VocabularySummary:
    """Learn the vocabulary of a model's descriptors, and write it and its checksum into the model.

    The same model, images and options give the same vocabulary, on the same machine.

    Args:
        model: The name of a bundled model or a model folder, which is written to; ``rootsift`` is
            the descriptor without a model, whose vocabulary is bundled too.
        images: Files, folders and globs of images from above, which resemble tiles: 100 to 300 m
            wide. One that cannot be read is passed over.
        options: Scales, sources and the like.
        progress: Hears of each image.

    Raises:
        ModelError: The model is missing or describes no keypoints.
        PhotoError: There are no images.
        InputError: No keypoint is found on any of them.
        OutputExistsError: The model has a vocabulary.
        OutputBusyError: Another run writes there.
    """
    options, progress = options or VocabularyOptions(), progress or Silent()
    extractor = None
    folder = bundled_models_folder() / ROOT_SIFT.name
    if str(model) != ROOT_SIFT.name:
        extractor = PatchNetExtractor(model, device=options.device)
        folder = extractor.card.folder
    if (folder / VOCABULARY).exists() and not options.overwrite:
        raise OutputExistsError(
            f"{folder} has a vocabulary; expected a model without; pass --overwrite", path=folder
        )
    paths = find_photos(images, recursive=options.recursive, progress=progress)
    with locked_folder(folder):
        described = list(_described(paths, extractor, options, progress))
        counts = [len(descriptors) for descriptors in described]
        if not sum(counts):
            message = "no keypoints on any of the images; expected images of ground from above"
            raise InputError(message, path=paths[0])
        kind = ROOT_SIFT if extractor is None else extractor.kind
        groups = np.repeat(np.arange(len(counts)), counts)
        vocabulary = learn_vocabulary(np.concatenate(described), kind, groups)
        used = len(counts) // len(options.scales)
        facts = {"images": used, "descriptors": sum(counts), "scales": list(options.scales)}
        _write(folder, vocabulary, {**facts, "sources": list(options.sources)})
    return VocabularySummary(
        folder / VOCABULARY, used, sum(counts), len(vocabulary.lists), len(vocabulary.words)
    )


def _described(
    paths: Sequence[Path],
    extractor: PatchNetExtractor | None,
    options: VocabularyOptions,
    progress: Progress,
) -> Iterator[ByteArray]:
    """Descriptors of each image at each scale."""
    rng = np.random.default_rng(_SEED)
    warnings = CappedWarnings(progress.warn, rest="{} more images are passed over")
    progress.start("describing images", len(paths), "images")
    for path in paths:
        try:
            pixels = read_photo(path, max_side_px=_MAX_SIDE_PX).pixels
        except PhotoError as error:
            warnings.add(f"{error}: passed over")
        else:
            for scale in options.scales:
                yield _drawn(_resized(pixels, scale), extractor, options.keypoints, rng)
        progress.advance()
    warnings.finish()


def _resized(pixels: RgbImage, scale: float) -> RgbImage:
    if scale == 1.0:
        return pixels
    smaller = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(smaller, np.uint8)


def _drawn(
    pixels: RgbImage, extractor: PatchNetExtractor | None, limit: int, rng: np.random.Generator
) -> ByteArray:
    """Descriptors (N, size) of at most `limit` keypoints of an image."""
    grey = to_grey(pixels)
    keypoints = detect_keypoints(grey) if extractor is None else find_keypoints(grey)
    if len(keypoints) > limit:
        drawn = rng.choice(len(keypoints), limit, replace=False)
        keypoints = keypoints.select(np.sort(drawn))
    return keypoints.descriptors if extractor is None else extractor(grey, keypoints)


def _write(folder: Path, vocabulary: Vocabulary, facts: dict[str, object]) -> None:
    """Write vocabulary and card, one right after the other: neither serves without the other."""
    path = folder / CARD_NAME
    if not path.is_file():  # RootSIFT has no model, and so no card
        path = folder / _FACTS
    document = tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    with replacing(path) as card, replacing(folder / VOCABULARY) as draft:
        draft.write_bytes(vocabulary.serialised)
        document["vocabulary"] = {"sha256": vocabulary.digest, **facts}
        card.write_text(tomli_w.dumps(document), encoding="utf-8")
