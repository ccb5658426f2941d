"""The page in a real browser: it loads, filters, is gone through by keys, and runs nothing alien.

Playwright drives a Chromium that is installed; the tests skip where one of both is not.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from geoloc.geometry.camera import Pose
from geoloc.geometry.crs import LonLat
from geoloc.options import ReportOptions
from geoloc.report.apply_job import apply_to_file
from geoloc.report.job import write_report
from geoloc.results.evaluation import Truth, read_truth
from geoloc.results.files import read_results, write_results
from geoloc.results.schema import PhotoResult
from tests.fixtures.located import located

pytestmark = pytest.mark.slow

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_HOSTILE = "<script>window.hit = 1</script><img src=x onerror=hit=1>\"'\u202egpj"
_STATUSES = ("located", "ambiguous", "rejected")


def _rows(folder: Path, count: int) -> list[PhotoResult]:
    """A flight of photos, every third in doubt and every third found nowhere."""
    rows = []
    for number in range(count):
        status = _STATUSES[number % 3]
        place = {} if status == "rejected" else {"longitude": 9 + number / 1e4, "latitude": 49.6}
        rows.append(
            PhotoResult(
                str(folder / f"p{number:04}.jpg"),
                status,  # type: ignore[arg-type]
                confidence=None if status == "rejected" else 0.5 + number / count / 2,
                ce90_m=12.5,
                heading=float(number % 360),
                timestamp=f"2026-05-01T10:{number // 60 % 60:02}:{number % 60:02}",
                error="not here" if status == "rejected" else None,
                position_kind="camera",
                **place,
            )
        )
    return rows


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    found = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if found is None:
        pytest.skip("no Chromium is installed")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def look(browser: Any) -> Iterator[Any]:
    """Opens a page; at the end nothing may have been said on its console."""
    said: list[str] = []
    context = browser.new_context(locale="de-DE", accept_downloads=True)

    def open_page(path: Path) -> Any:
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(path.as_uri())
        page.wait_for_selector("html[data-ready]")
        return page

    yield open_page
    context.close()
    assert not said


def test_a_thousand_photos_are_listed_filtered_and_gone_through(look: Any, tmp_path: Path) -> None:
    write_report(_rows(tmp_path, 1000), tmp_path / "r.html", ReportOptions(thumbnail_px=0))
    page = look(tmp_path / "r.html")
    assert page.text_content("#count") == "1000 of 1000"
    assert page.locator(".row").count() < 60, "only what is seen"
    assert page.text_content("#name") == "p0001", "the most doubtful"
    page.focus("#list")
    page.keyboard.press("ArrowDown")
    assert page.text_content("#name") == "p0004"
    assert page.get_attribute("#list", "aria-activedescendant") == "row-4"
    page.fill("#text", "P0999")
    assert page.text_content("#count") == "1 of 1000"
    page.fill("#text", "")
    page.get_by_label("rejected").uncheck()
    assert page.text_content("#count") == "667 of 1000"


@pytest.mark.parametrize("count", [10, 5000])
def test_few_and_very_many_photos_are_filtered(look: Any, tmp_path: Path, count: int) -> None:
    write_report(_rows(tmp_path, count), tmp_path / "r.html", ReportOptions(thumbnail_px=0))
    page = look(tmp_path / "r.html")
    assert page.text_content("#count") == f"{count} of {count}"
    page.fill("#text", "not here")
    found = sum(_STATUSES[number % 3] == "rejected" for number in range(count))
    assert page.text_content("#count") == f"{found} of {count}"
    page.fill("#text", "")
    page.focus("#list")
    page.keyboard.press("End")
    assert page.text_content("#name") == f"p{count - 1 - (count - 1) % 3:04}", "the surest"


def test_hostile_texts_run_nothing_and_are_shown(look: Any, tmp_path: Path) -> None:
    row = PhotoResult(_HOSTILE, "rejected", error=_HOSTILE, timestamp=_HOSTILE)
    write_report([row], tmp_path / "r.html", ReportOptions(thumbnail_px=0))
    page = look(tmp_path / "r.html")
    assert page.evaluate("window.hit") is None
    assert page.text_content("#name") == row.filename
    assert _HOSTILE in (page.text_content("#says") or "")
    assert page.locator("#chosen script, #list img").count() == 0


def test_a_page_runs_no_script_but_its_own(browser: Any, tmp_path: Path) -> None:
    write_report(_rows(tmp_path, 1), tmp_path / "r.html", ReportOptions(thumbnail_px=0))
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    alien = "<script>window.hit = 1</script></body>"
    (tmp_path / "r.html").write_text(text.replace("</body>", alien), encoding="utf-8")
    page = browser.new_page()
    page.goto((tmp_path / "r.html").as_uri())
    page.wait_for_selector("html[data-ready]")
    assert page.evaluate("window.hit") is None
    page.close()


def test_arrows_choose_wherever_the_keyboard_is(look: Any, tmp_path: Path) -> None:
    write_report(_rows(tmp_path, 4), tmp_path / "r.html", ReportOptions(thumbnail_px=0))
    page = look(tmp_path / "r.html")
    page.keyboard.press("ArrowDown")
    assert page.text_content("#name") == "p0002"
    page.focus("#accept")
    page.keyboard.press("ArrowUp")
    assert page.text_content("#name") == "p0001"
    page.focus("#map")
    page.keyboard.press("ArrowDown")  # moves the map
    assert page.text_content("#name") == "p0001"


def test_competing_places_are_looked_at_and_taken(look: Any, tmp_path: Path) -> None:
    rivals = "[[9.1,49.6,0.55,20.0],[9.2,49.7,0.003,25.0]]"
    row = replace(_rows(tmp_path, 2)[1], candidates=rivals)
    write_report([row], tmp_path / "r.html", ReportOptions(thumbnail_px=0))
    page = look(tmp_path / "r.html")
    second = page.get_by_role("button", name="under 1 % likely, within 25 m")
    second.click()
    assert second.get_attribute("aria-pressed") == "true"
    assert page.locator("#candidates [aria-pressed=true]").count() == 1
    page.get_by_role("button", name="Move here, to place 2").click()
    with page.expect_download() as download:
        page.click("#save")
    download.value.save_as(tmp_path / "c.geojson")
    (moved,) = read_truth(tmp_path / "c.geojson")
    assert moved.camera == LonLat(9.2, 49.7)


def test_numbers_say_what_they_mean(look: Any, tmp_path: Path) -> None:
    write_report(_rows(tmp_path, 2), tmp_path / "r.html", ReportOptions(thumbnail_px=0))
    page = look(tmp_path / "r.html")
    head = page.locator("#numbers th", has_text="ce90_m")
    meaning = head.get_attribute("title")
    assert "metres" in meaning
    assert meaning not in page.text_content("#numbers")
    page.check("#show-meanings")
    assert meaning in page.text_content("#numbers")


def test_with_a_truth_the_errors_are_told(look: Any, tmp_path: Path) -> None:
    rows = [replace(row, conf_radius_m=25.0) for row in _rows(tmp_path, 3)]
    truth = [Truth(row.photo, camera=LonLat(9.0001, 49.6001)) for row in rows]
    write_report(rows, tmp_path / "r.html", ReportOptions(thumbnail_px=0), truth=truth)
    page = look(tmp_path / "r.html")
    assert page.text_content("#errors") == (
        "Errors: median 12.2 m; 0 % within 10 m, 67 % within 25 m, 67 % within 50 m "
        "(2 of 3 photos answered)"
    )
    page.click("#errors")
    page.wait_for_function("document.querySelector('#truth img').naturalWidth > 100")
    page.select_option("#order", "error")
    assert "13.3 m off" in page.locator(".row").first.text_content()


def test_a_page_without_places_has_no_map(look: Any, tmp_path: Path) -> None:
    options = ReportOptions(redact="drop", thumbnail_px=0)
    write_report(_rows(tmp_path, 3), tmp_path / "r.html", options)
    page = look(tmp_path / "r.html")
    assert not page.is_visible("#map")
    assert page.is_visible("#accept")


def test_pictures_beside_the_page_are_shown(look: Any, tmp_path: Path) -> None:
    rows = _rows(tmp_path, 2)
    Image.new("RGB", (40, 30), "red").save(rows[1].photo)
    write_report(rows, tmp_path / "r.html", ReportOptions(max_mb=1e-6))
    page = look(tmp_path / "r.html")
    page.wait_for_function("document.getElementById('picture').naturalWidth === 40")


def test_a_photo_is_laid_over_the_map(look: Any, tmp_path: Path) -> None:
    photo = tmp_path / "a.jpg"
    Image.new("RGB", (400, 300), "red").save(photo)
    row = located(str(photo), pose=Pose(0, -60, 0, 100))
    write_report([row], tmp_path / "r.html")
    page = look(tmp_path / "r.html")
    page.fill("#opacity", "80")
    page.wait_for_selector("canvas.warp[style*='translate']")  # once it is drawn
    shown = page.evaluate(
        """() => {
          const canvas = document.querySelector("canvas.warp");
          const [width, height] = [canvas.width, canvas.height];
          const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
          const at = (x, y) => {
            const first = 4 * (Math.floor(y * (height - 1)) * width + Math.floor(x * (width - 1)));
            return [...data.slice(first, first + 4)];
          };
          return [at(0.5, 0.5), at(0.5, 0.95), at(0.02, 0.95), at(0.98, 0.95)];
        }"""
    )
    for red, green, blue, alpha in shown[:2]:
        assert red > 200
        assert max(green, blue) < 60
        assert alpha >= 250
    # A photo that looks ahead shows a trapezium, narrow where it is near.
    assert [colour[3] for colour in shown[2:]] == [0, 0]


def test_reviews_are_kept_saved_and_written_back(look: Any, tmp_path: Path) -> None:
    results = tmp_path / "out.geojson"
    write_results(_rows(tmp_path, 3), results)
    write_report(read_results(results), tmp_path / "r.html", ReportOptions(thumbnail_px=0))
    page = look(tmp_path / "r.html")
    page.click("#accept")  # the doubtful one
    page.get_by_role("option", name="p0002").click()
    page.click("#move")
    page.click("#centre")
    page.get_by_role("option", name="p0000").click()
    page.keyboard.press("r")
    page.reload()
    page.wait_for_selector("html[data-ready]")
    assert page.text_content("#reviewed") == "3 reviewed"
    with page.expect_download() as download:
        page.click("#save")
    saved = tmp_path / "corrections.geojson"
    download.value.save_as(saved)
    assert download.value.suggested_filename == saved.name
    assert len(json.loads(saved.read_text())["features"]) == 3
    accepted, moved = sorted(read_truth(saved), key=lambda truth: truth.photo)
    assert accepted.camera == pytest.approx((9.0001, 49.6))
    assert Path(moved.photo).name == "p0002.jpg"
    apply_to_file(results, saved)
    rows = read_results(results)
    assert [row.status for row in rows] == ["rejected", "corrected", "corrected"]
    assert rows[1].longitude == pytest.approx(9.0001)
    assert rows[2].longitude is not None
