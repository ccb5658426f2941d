"""How quick a report's page is in a browser, by the number of its photos; run it as a script.

    python tests/benchmarks/report_page.py [--photos 10 1000 5000] [--repeats 3]

It fabricates rows of a flight without pictures, writes their page, opens it in headless Chromium
through Playwright, and prints the seconds until the page is ready, and the slowest of some filters
by text and by status, from the event to the next frame, in milliseconds: the least and the most of
the repeats. Needs the package `playwright` and a Chromium that is installed.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from geoloc.options import ReportOptions
from geoloc.report.job import write_report
from geoloc.results.schema import PhotoResult, Status

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_STATUSES: tuple[Status, ...] = ("located", "ambiguous", "rejected")
# Each filter is timed until the frame after it has been drawn.
_FILTERS = """async () => {
  const text = document.getElementById("text");
  const box = document.querySelector("#statuses input");
  const drawn = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const steps = ["p", "p0", "p00", "not here", "", "0009"].map((words) => () => {
    text.value = words;
    text.dispatchEvent(new Event("input"));
  });
  steps.push(() => box.click(), () => box.click());
  const taken = [];
  for (const step of steps) {
    const began = performance.now();
    step();
    await drawn();
    taken.push(performance.now() - began);
  }
  return Math.max(...taken);
}"""


def flight(count: int) -> list[PhotoResult]:
    """Rows of one flight, a third of them in doubt and a third found nowhere."""
    return [_row(number, count) for number in range(count)]


def _row(number: int, count: int) -> PhotoResult:
    status = _STATUSES[number % 3]
    lon, lat = 9 + number % 100 / 1e4, 49.6 + number // 100 / 1e4
    is_found = status != "rejected"
    return PhotoResult(
        f"/photos/p{number:05}.jpg",
        status,
        longitude=lon if is_found else None,
        latitude=lat if is_found else None,
        confidence=0.5 + number / count / 2 if is_found else None,
        ce90_m=12.5,
        heading=float(number % 360),
        timestamp=f"2026-05-01T{number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}",
        error=None if is_found else "not here",
        position_kind="camera",
    )


def look(browser: Browser, path: Path) -> tuple[float, float]:
    """Seconds until the page is ready, and milliseconds of its slowest filter.

    Raises:
        RuntimeError: The page said something on its console.
    """
    said: list[str] = []
    page = browser.new_page()
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    began = time.perf_counter()
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-ready]")
    ready_s = time.perf_counter() - began
    slowest_ms = float(page.evaluate(_FILTERS))
    page.close()
    if said:
        raise RuntimeError(f"the page said on its console: {said[0]}")
    return ready_s, slowest_ms


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, nargs="+", default=[10, 1000, 5000])
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    program = next(filter(None, map(shutil.which, _BROWSERS)))
    print("photos   ready, s      slowest filter, ms")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for count in asked.photos:
            path = Path(folder) / f"{count}.html"
            write_report(flight(count), path, ReportOptions(thumbnail_px=0))
            ready_s, filter_ms = zip(
                *(look(browser, path) for _ in range(asked.repeats)), strict=True
            )
            print(
                f"{count:6}   {min(ready_s):.2f} to {max(ready_s):.2f}  "
                f"{min(filter_ms):.0f} to {max(filter_ms):.0f}"
            )
        browser.close()


if __name__ == "__main__":
    main()
