"""Detections in COCO's JSON: annotations or results, with boxes, polygons and keypoints.

An annotation is placed by its polygons, else by its box; each keypoint that was labelled is a point
besides, called ``category/keypoint``. Masks in run-length encoding are taken by their boxes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from geoloc.image_size import ImageSize
from geoloc.ortho.detections.detection import Detection, box_corners, pairs

Item = Mapping[str, Any]


def is_coco(document: object) -> bool:
    """Whether a JSON document is of this form: a data set, or a bare list of results."""
    if isinstance(document, dict):
        return isinstance(document.get("annotations"), list)
    is_list = isinstance(document, list) and all(isinstance(item, dict) for item in document)
    return is_list and all("image_id" in item for item in document)  # type: ignore[attr-defined]


def read_coco(document: Any) -> Iterator[Detection]:
    """The detections of a document; an annotation that makes no sense has an `error`."""
    is_set = isinstance(document, dict)
    images = {image.get("id"): image for image in _items(document, "images")} if is_set else {}
    categories = {c.get("id"): c for c in _items(document, "categories")} if is_set else {}
    annotations = _items(document, "annotations") if is_set else document
    for number, annotation in enumerate(annotations):
        image = images.get(annotation.get("image_id"), {})
        category = categories.get(annotation.get("category_id"), {})
        yield from _detections(annotation, number, image, category)


def _items(document: Item, name: str) -> list[Item]:
    found = document.get(name)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _detections(annotation: Item, number: int, image: Item, category: Item) -> Iterator[Detection]:
    """One annotation, and its keypoints."""
    photo = image.get("file_name") or annotation.get("file_name") or annotation.get("image_id")
    label = category.get("name") or annotation.get("category_id")
    shared: dict[str, Any] = {
        "name": str(annotation.get("id", number)),
        "photo": str(photo),
        "label": None if label is None else str(label),
        "score": _score(annotation.get("score")),
        "size_px": _size(image),
    }
    try:
        found = list(_shapes(annotation, category, shared))
    except (TypeError, ValueError, KeyError, IndexError) as error:
        found = [
            Detection(kind="box", parts=(), error=f"its annotation is damaged: {error}", **shared)
        ]
    if not found:
        found = [
            Detection(kind="box", parts=(), error="it has no polygon, box or keypoint", **shared)
        ]
    yield from found


def _shapes(annotation: Item, category: Item, shared: dict[str, Any]) -> Iterator[Detection]:
    segmentation, box = annotation.get("segmentation"), annotation.get("bbox")
    if isinstance(segmentation, list) and segmentation:
        # Some tools write one polygon as a bare list.
        rings = segmentation if isinstance(segmentation[0], list) else [segmentation]
        yield Detection(kind="polygon", parts=tuple(pairs(ring) for ring in rings), **shared)
    elif box:
        left, top, width, height = (float(value) for value in box)
        yield Detection(kind="box", parts=(box_corners(left, top, width, height),), **shared)
    keypoints = annotation.get("keypoints") or []
    names = category.get("keypoints") or []
    for index in range(len(keypoints) // 3):
        x, y, visible = keypoints[3 * index : 3 * index + 3]
        if visible:
            name = names[index] if index < len(names) else str(index + 1)
            told = shared | {"label": f"{shared['label']}/{name}"}
            yield Detection(kind="point", parts=(np.array([[x, y]], np.float64),), **told)


def _score(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _size(image: Item) -> ImageSize | None:
    width, height = image.get("width"), image.get("height")
    if isinstance(width, int | float) and isinstance(height, int | float) and width and height:
        return ImageSize(int(height), int(width))
    return None
