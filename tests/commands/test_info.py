"""``geoloc info`` knows what a path holds, and says clearly when it does not."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
from click.testing import CliRunner, Result
from PIL import Image

from geoloc.cli import cli
from geoloc.options import DEFAULT_MODEL
from geoloc.results.files import write_results
from geoloc.results.formats import SUFFIX_FORMATS
from geoloc.results.schema import PhotoResult
from geoloc.tiles.sources.files import RASTER_SUFFIXES


def _run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, ["info", *map(str, arguments)])


def _facts(path: str | Path) -> tuple[str, dict[str, object]]:
    result = _run(path, "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    return document["kind"], document["facts"]


@pytest.mark.parametrize(("manifest", "kind"), [("tiles.json", "tiles"), ("index.json", "index")])
def test_a_folder_is_told_by_its_manifest(tmp_path: Path, manifest: str, kind: str) -> None:
    (tmp_path / manifest).write_text('{"version": 1, "options": {"size_px": 512}, "crs": ["A"]}')
    (tmp_path / "more.bin").write_bytes(bytes(1_000_000))
    found, facts = _facts(tmp_path)
    assert found == kind
    assert facts["version"] == 1
    assert facts["options"] == {"size_px": 512}
    assert (facts["files"], facts["size_mb"]) == (2, 1.0)


def test_a_folder_of_pairs_is_counted(tmp_path: Path) -> None:
    rows = ["a.png,t1.png,train", "b.png,t1.png,train", "c.png,t2.png,test", ",t1.png,test"]
    (tmp_path / "pairs.csv").write_text("\n".join(["query,reference,split", *rows]))
    for row in rows:
        for name in filter(None, row.split(",")[:2]):
            Image.new("RGB", (8, 8)).save(tmp_path / name)
    kind, facts = _facts(tmp_path)
    assert kind == "pairs"
    assert facts == {
        "view": "drone",
        "photos_to_learn_from": 2,
        "photos_held_out": 1,
        "tiles_searched_for_them": 2,
    }
    (tmp_path / "pairs.json").write_text('{"ground_size_m": 160.0}')
    assert _facts(tmp_path)[1]["ground_size_m"] == 160.0


def test_nested_facts_become_lines(tmp_path: Path) -> None:
    document = {"options": {"sizes": [1, 2]}, "rasters": [{"path": "a"}, {"path": "b"}]}
    (tmp_path / "tiles.json").write_text(json.dumps(document))
    lines = [line.split() for line in _run(tmp_path).stdout.splitlines()]
    assert ["options.sizes", "1,", "2"] in lines
    assert ["rasters.2.path", "b"] in lines


def test_results_are_counted_and_bounded(tmp_path: Path) -> None:
    results = [
        PhotoResult("a.jpg", "located", longitude=1.0, latitude=2.0, model="m"),
        PhotoResult("b.jpg", "located", longitude=3.0, latitude=-2.0, model="m"),
        PhotoResult("c.jpg", "rejected", model="m"),
    ]
    write_results(results, tmp_path / "out.gpkg")
    kind, facts = _facts(tmp_path / "out.gpkg")
    assert kind == "results"
    assert (facts["photos"], facts["located"], facts["rejected"]) == (3, 2, 1)
    assert facts["bounds"] == [1.0, -2.0, 3.0, 2.0]
    assert facts["model"] == ["m"]


def test_bounds_of_results_may_cross_the_antimeridian(tmp_path: Path) -> None:
    places = [(179.9, -16.8), (-179.8, -16.9)]
    results = [
        PhotoResult(f"{lon}.jpg", "located", longitude=lon, latitude=lat) for lon, lat in places
    ]
    write_results(results, tmp_path / "out.csv")
    assert _facts(tmp_path / "out.csv")[1]["bounds"] == [179.9, -16.9, -179.8, -16.8]


def test_a_photo_says_what_is_read_in_it(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    Image.new("RGB", (40, 30)).save(tmp_path / "a.jpg", exif=exif)
    kind, facts = _facts(tmp_path / "a.jpg")
    assert kind == "photo"
    assert "Maker" in str(facts["make"])


def test_a_map_says_how_fine_it_is_on_the_ground(tmp_path: Path) -> None:
    profile = {"driver": "GTiff", "width": 20, "height": 10, "count": 3, "dtype": "uint8"}
    corner = rasterio.Affine(2.0, 0, 1_000_000, 0, -2.0, 8_399_738)  # 60 N in Web Mercator
    with rasterio.open(
        tmp_path / "a.tif", "w", crs="EPSG:3857", transform=corner, **profile
    ) as dataset:
        dataset.write(np.zeros((3, 10, 20), np.uint8))
    kind, facts = _facts(tmp_path / "a.tif")
    assert kind == "raster"
    assert (facts["width_px"], facts["height_px"], facts["crs"]) == (20, 10, "EPSG:3857")
    assert facts["pixel_size_m"] == pytest.approx([1.0, 1.0], rel=0.005)


@pytest.mark.parametrize("suffix", sorted(SUFFIX_FORMATS))
def test_whatever_geoloc_writes_is_known_as_results(tmp_path: Path, suffix: str) -> None:
    write_results([PhotoResult("a.jpg", "rejected", model="m")], tmp_path / f"out{suffix}")
    kind, facts = _facts(tmp_path / f"out{suffix}")
    assert (kind, facts["photos"], facts["rejected"]) == ("results", 1, 1)
    assert facts["format"] == SUFFIX_FORMATS[suffix]


@pytest.mark.parametrize("suffix", sorted(RASTER_SUFFIXES))
def test_whatever_can_be_cut_is_known_as_a_map(tmp_path: Path, suffix: str) -> None:
    profile = {"driver": "GTiff", "width": 20, "height": 10, "count": 3, "dtype": "uint8"}
    corner = rasterio.Affine(2.0, 0, 500_000, 0, -2.0, 5_000_000)
    path = tmp_path / f"a{suffix}"  # GDAL tells a raster by its content
    with rasterio.open(path, "w", crs="EPSG:32633", transform=corner, **profile) as dataset:
        dataset.write(np.zeros((3, 10, 20), np.uint8))
    kind, facts = _facts(path)
    assert (kind, facts["width_px"], facts["crs"]) == ("raster", 20, "EPSG:32633")


def test_a_tiff_without_a_place_is_a_photo(tmp_path: Path) -> None:
    Image.new("RGB", (40, 30)).save(tmp_path / "a.tif")
    kind, facts = _facts(tmp_path / "a.tif")
    assert (kind, facts["width_px"]) == ("photo", 40)


def test_a_model_of_the_shelf_is_known_by_its_name() -> None:
    kind, facts = _facts(DEFAULT_MODEL)
    assert kind == "model"
    assert facts["name"] == DEFAULT_MODEL


def test_lines_for_people_have_a_title(tmp_path: Path) -> None:
    write_results([], tmp_path / "out.csv")
    lines = _run(tmp_path / "out.csv").stdout.splitlines()
    assert lines[0] == f"{tmp_path / 'out.csv'}: results"
    assert [line.split() for line in lines][2] == ["photos", "0"]


@pytest.mark.parametrize(
    ("name", "content", "exit_code"),
    [
        ("no-such-thing", None, 3),
        ("empty/x", "", 3),
        ("bad/tiles.json", "{", 3),
        ("bad/index.json", "[]", 4),
        ("other.geojson", '{"features": [{"properties": {}}]}', 3),
        ("note.txt", "not a photo", 3),
    ],
)
def test_what_is_not_known_is_one_line_and_its_exit_code(
    tmp_path: Path, name: str, content: str | None, exit_code: int
) -> None:
    path = tmp_path / name
    if content is not None:
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    result = _run(path.parent if path.parent != tmp_path else path)
    assert result.exit_code == exit_code
    assert result.stderr.startswith("geoloc: error: ")
    assert result.stderr.count("\n") == 1
