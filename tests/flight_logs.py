"""Fabricated flight logs (.SRT), one for each way in which DJI drones have written them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path


def clock(seconds: float) -> str:
    """A time as subtitles write it."""
    thousandths = round(seconds * 1000)
    hours, rest = divmod(thousandths, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    return f"{hours:02d}:{minutes:02d}:{rest // 1000:02d},{rest % 1000:03d}"


def log(texts: Iterable[str], *, rate_hz: float = 30.0) -> str:
    """Subtitles of equal length, one after the other, that say these texts."""
    return "".join(
        f"{n + 1}\n{clock(n / rate_hz)} --> {clock((n + 1) / rate_hz)}\n{text}\n\n"
        for n, text in enumerate(texts)
    )


def mavic_3(frame: int, *, height_m: float = 55.2) -> str:
    """All in brackets, with the gimbal; the height counts frames where the caller wants it."""
    return (
        f'<font size="28">FrameCnt: {frame}, DiffTime: 33ms\n'
        "2024-08-31 16:22:01.033\n"
        "[iso: 100] [shutter: 1/1000.0] [fnum: 2.8] [ev: 0] [color_md: default] "
        "[ae_meter_md: 1] [focal_len: 24.00] [dzoom_ratio: 1.00], [latitude: 24.262132] "
        f"[longitude: 120.720208] [rel_alt: {height_m:.3f} abs_alt: 283.900] "
        "[gb_yaw: -7.5 gb_pitch: -45.0 gb_roll: 0.0] [ct: 5310] </font>"
    )


MINI_3 = (
    '<font size="28">SrtCnt : 1, DiffTime : 33ms\n2023-05-02 19:40:59.725\n'
    "[iso : 100] [shutter : 1/125.0] [fnum : 170] [ev : 0] [ct : 5289] [color_md : default] "
    "[focal_len : 240] [dzoom_ratio: 20000, delta:0],[latitude: 53.578046] "
    "[longitude: -1.775009] [rel_alt: 34.600 abs_alt: 137.305] </font>"
)
AIR_2S = (
    '<font size="36">SrtCnt : 1, DiffTime : 33ms\n2022-08-07 13:40:40,774,808\n'
    "[iso : 100] [shutter : 1/80.0] [fnum : 280] [ev : 0] [ct : 5744] [color_md : default] "
    "[focal_len : 280] [latitude: 41.424724] [longtitude: 2.234156] [altitude: 117.000000] </font>"
)
MAVIC_PRO = (
    "HOME(149.0251,-20.2532) 2017.8.5 14:11:51\nGPS(149.0251,-20.2533,16) BAROMETER:91.2\n"
    "ISO:100 Shutter:60 EV: Fnum:2.2"
)
MATRICE_300 = "2022.06.21 16:06:17\nGPS(36.6146,-6.1120,0.0M) BAROMETER:79.8M"
MAVIC_MINI = (
    "F/2.8, SS 206.14, ISO 150, EV 0, GPS (-82.6669, 27.7716, 10), D 2.80m, H 41.50m, "
    "H.S 5.00m/s, V.S 1.00m/s"
)
PHANTOM_4_RTK = (
    "F/6.3, SS 60, ISO 100, EV 0, RTK (120.083799, 30.213635, 28), "
    "HOME (120.084146, 30.214243, 103.55m), D 75.36m, H 76.19m, H.S 0.30m/s, V.S 0.00m/s, "
    "F.PRY (-5.3°, 2.1°, 28.3°), G.PRY (-40.0°, 0.5°, 18.2°)"
)


def write_log(path: Path, texts: Iterable[str], **how: float) -> Path:
    """A log at `path`."""
    path.write_text(log(texts, **how), encoding="utf-8")
    return path


def climbing(path: Path, frames: int = 300, say: Callable[..., str] = mavic_3) -> Path:
    """A log of thirty frames a second whose height in metres is 100 plus the frame's number."""
    return write_log(path, [say(n, height_m=100 + n) for n in range(1, frames + 1)])
