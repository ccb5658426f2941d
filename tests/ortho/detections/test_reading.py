"""Claims about files of detections."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from geoloc.errors import InputError
from geoloc.image_size import ImageSize
from geoloc.ortho.detections.detection import NORMALISED
from geoloc.ortho.detections.reading import read_detections

BOX = [[10.0, 20.0], [40.0, 20.0], [40.0, 60.0], [10.0, 60.0]]


def _json(folder: Path, document: object) -> Path:
    path = folder / "detections.json"
    path.write_text(json.dumps(document))
    return path


def _coco(annotations: list[dict[str, object]]) -> dict[str, object]:
    return {
        "images": [{"id": 7, "file_name": "images/a.jpg", "width": 400, "height": 300}],
        "categories": [{"id": 2, "name": "person", "keypoints": ["nose", "eye"]}],
        "annotations": [{"id": n, "image_id": 7, "category_id": 2, **a}
                        for n, a in enumerate(annotations)],
    }  # fmt: skip


def test_coco_boxes_have_their_photo_label_and_size(tmp_path: Path) -> None:
    (found,) = read_detections(_json(tmp_path, _coco([{"bbox": [10, 20, 30, 40]}])))
    assert (found.name, found.photo, found.kind) == ("0", "images/a.jpg", "box")
    assert (found.label, found.score, found.size_px) == ("person", None, ImageSize(300, 400))
    np.testing.assert_array_equal(found.parts[0], BOX)


def test_coco_polygons_come_before_boxes_and_masks_after(tmp_path: Path) -> None:
    polygon = {"segmentation": [[1, 2, 3, 4, 5, 2], [7, 7, 8, 8, 9, 7]], "bbox": [10, 20, 30, 40]}
    mask = {"segmentation": {"counts": [3], "size": [1, 3]}, "bbox": [10, 20, 30, 40]}
    first, second = read_detections(_json(tmp_path, _coco([polygon, mask])))
    assert first.kind == "polygon"
    np.testing.assert_array_equal(first.parts[0], [[1, 2], [3, 4], [5, 2]])
    assert len(first.parts) == 2
    assert second.kind == "box"


def test_coco_keypoints_are_points_by_their_names(tmp_path: Path) -> None:
    annotation = {"bbox": [10, 20, 30, 40], "keypoints": [11, 21, 2, 0, 0, 0]}
    box, nose = read_detections(_json(tmp_path, _coco([annotation])))
    assert (nose.kind, nose.label, nose.name) == ("point", "person/nose", box.name)
    assert nose.parts[0].tolist() == [[11, 21]]


def test_coco_results_name_their_photos_themselves(tmp_path: Path) -> None:
    results = [{"image_id": "a", "category_id": 3, "bbox": [10, 20, 30, 40], "score": 0.5}]
    (found,) = read_detections(_json(tmp_path, results))
    assert (found.photo, found.label, found.score, found.size_px) == ("a", "3", 0.5, None)


@pytest.mark.parametrize(
    "bad", [{"bbox": [1, 2]}, {"bbox": "x"}, {}, {"segmentation": [[1, 2, 3]]}]
)
def test_a_damaged_annotation_is_one_row(tmp_path: Path, bad: dict[str, object]) -> None:
    first, second = read_detections(_json(tmp_path, _coco([bad, {"bbox": [10, 20, 30, 40]}])))
    assert first.error
    assert second.error is None


def test_yolo_boxes_are_shares_around_their_middle(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.txt").write_text("1 0.5 0.5 0.2 0.1\n\n0 0.5 0.5 0.2 0.1 0.75\n")
    (tmp_path / "classes.txt").write_text("car\ntruck\n")
    first, second = read_detections(tmp_path)
    assert (first.name, first.photo, first.label) == ("sub/a:1", "sub/a", "truck")
    assert (second.label, second.score, second.size_px) == ("car", 0.75, NORMALISED)
    np.testing.assert_allclose(first.parts[0][[0, 2]], [[0.4, 0.45], [0.6, 0.55]])


def test_yolo_polygons_are_told_by_their_length(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("4 0 0 1 0 1 1\n4 0 0 1 0 1 1 0.5\n")
    first, second = read_detections(tmp_path / "a.txt")
    assert (first.kind, first.label, first.score) == ("polygon", "4", None)
    assert second.score == 0.5
    np.testing.assert_array_equal(second.parts[0], [[0, 0], [1, 0], [1, 1]])


@pytest.mark.parametrize("line", ["1 2 3", "car 0.1 0.1 0.1 0.1", "1 nan 0 0.1 0.1"])
def test_a_line_that_is_none_of_yolos_is_one_row(tmp_path: Path, line: str) -> None:
    (tmp_path / "a.txt").write_text(f"{line}\n1 0.5 0.5 0.2 0.1\n")
    first, second = read_detections(tmp_path)
    assert str(first.error).startswith("its line is none of YOLO's")
    assert second.error is None


def test_a_table_holds_points_and_boxes(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        "photo;x;y;w;h;label;score;width;height\n"
        "a.jpg;10,5;20;;;tree;0,5;400;300\nb.jpg;10;20;30;40;car;;;\nc.jpg;x;1;;;;;;\nd.jpg;;1;;;;;;\n"
    )
    point, box, bad, empty = read_detections(path)
    assert (point.kind, point.label, point.score) == ("point", "tree", 0.5)
    assert point.parts[0].tolist() == [[10.5, 20]]
    assert point.size_px == ImageSize(300, 400)
    np.testing.assert_array_equal(box.parts[0], BOX)
    assert "line 4: 'x' is no number" in str(bad.error)
    assert empty.error == "line 5 has no place"


def test_a_table_of_corners_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("filename,class,xmin,ymin,xmax,ymax\na.jpg,car,10,20,40,60\n")
    (box,) = read_detections(path)
    np.testing.assert_array_equal(box.parts[0], BOX)
    assert (box.photo, box.label) == ("a.jpg", "car")


def test_geojson_in_pixels(tmp_path: Path) -> None:
    shapes = [
        {"type": "Point", "coordinates": [10, 20, 5]},
        {"type": "Polygon", "coordinates": [[*BOX, BOX[0]]]},
        {"type": "MultiPolygon", "coordinates": [[[*BOX, BOX[0]]]]},
        {"type": "LineString", "coordinates": BOX[:2]},
        {"type": "GeometryCollection", "geometries": []},
        None,
    ]
    features = [
        {"type": "Feature", "geometry": shape, "properties": {"photo": "a.jpg", "class": "car"}}
        for shape in shapes
    ]
    document = {"type": "FeatureCollection", "features": features}
    point, polygon, several, line, *bad = read_detections(_json(tmp_path, document))
    assert point.parts[0].tolist() == [[10, 20]]
    assert (polygon.kind, polygon.label, polygon.photo) == ("polygon", "car", "a.jpg")
    np.testing.assert_array_equal(polygon.parts[0], BOX)
    np.testing.assert_array_equal(several.parts[0], BOX)
    assert line.kind == "line"
    assert all("expected a point, a line or a polygon" in str(each.error) for each in bad)


def test_rows_that_qgis_counts_downwards_are_turned_round(tmp_path: Path) -> None:
    feature = {
        "type": "Feature", "properties": {"photo": "a"},
        "geometry": {"type": "Point", "coordinates": [10, -20]},
    }  # fmt: skip
    (found,) = read_detections(_json(tmp_path, feature))
    assert found.parts[0].tolist() == [[10, 20]]


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.json", "{"), ("a.json", '{"shapes": []}'), ("a.json", "[]"), ("a.csv", "photo,u\na,1\n")],
)
def test_another_file_is_refused(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match="expected"):
        read_detections(tmp_path / name)


def test_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no detections"):
        read_detections(tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        read_detections(tmp_path / "none.json")
    (tmp_path / "a.txt").write_text("1 0.5 0.5 0.2 0.1\n")
    with pytest.raises(InputError, match="cannot read the classes"):
        read_detections(tmp_path, classes=tmp_path / "none.txt")
