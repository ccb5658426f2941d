"""Read detections of any kind: COCO's JSON, YOLO's text files, a CSV, GeoJSON in pixels."""

from __future__ import annotations

import json
from pathlib import Path

from geoloc.csv_table import TableError, read_text
from geoloc.errors import InputError
from geoloc.ortho.detections.coco import is_coco, read_coco
from geoloc.ortho.detections.detection import Detection
from geoloc.ortho.detections.pixel_geojson import is_geojson, read_pixel_geojson
from geoloc.ortho.detections.table import read_detection_table
from geoloc.ortho.detections.yolo import read_classes, read_yolo, yolo_files

_EXPECTED = (
    "expected COCO's JSON, a folder of YOLO's text files, a CSV with photo, x, y (w, h), or "
    "GeoJSON in pixels"
)


def read_detections(path: str | Path, *, classes: Path | None = None) -> list[Detection]:
    """The detections of a file or a folder, in its order.

    Args:
        path: The file, or YOLO's folder.
        classes: Names of YOLO's classes, a line each; None looks beside the detections.

    Raises:
        InputError: It is missing or of no kind that is known, or holds no detections.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path} does not exist; {_EXPECTED}", path=path)
    suffix = path.suffix.lower()
    if path.is_dir() or suffix == ".txt":
        found = list(read_yolo(path, read_classes(path, classes))) if yolo_files(path) else []
    elif suffix in (".csv", ".tsv"):
        found = list(read_detection_table(path))
    else:
        found = _of_json(path)
    if not found:
        raise InputError(f"{path} holds no detections; {_EXPECTED}", path=path)
    return found


def _of_json(path: Path) -> list[Detection]:
    try:
        document = json.loads(read_text(path))
    except (TableError, ValueError, RecursionError) as error:
        message = f"{path} is no readable JSON ({error})"
        raise InputError(f"{message}; {_EXPECTED}", path=path) from error
    if is_geojson(document):
        return list(read_pixel_geojson(document))
    if is_coco(document):
        return list(read_coco(document))
    raise InputError(f"{path} is JSON of another kind; {_EXPECTED}", path=path)
