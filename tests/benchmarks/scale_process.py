"""What a process of its own takes: seconds, and the peaks of its memory, sampled while it runs."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

_SAMPLE_S = 0.02


@dataclass(frozen=True)
class Usage:
    """What a process took.

    Attributes:
        wall_s: Seconds by the clock.
        cpu_s: Seconds of all cores together, which other work does not touch.
        peak_mb: Peak of all that was resident, mapped pages of files among it (``VmHWM``).
        own_mb: Peak of what the process itself had allocated (``RssAnon``); pages of files are the
            system's, which takes them back when others need room.
        output: What it printed.
    """

    wall_s: float
    cpu_s: float
    peak_mb: float
    own_mb: float
    output: str


def run(*arguments: str | Path) -> Usage:
    """Run Python with some arguments.

    Raises:
        RuntimeError: It failed.
    """
    began, peak_kb, own_kb = time.perf_counter(), 0, 0
    with tempfile.TemporaryFile("w+") as output:
        child = subprocess.Popen([sys.executable, *map(str, arguments)], stdout=output)
        while not (ended := os.wait4(child.pid, os.WNOHANG))[0]:
            peak_kb, own_kb = _sampled(child.pid, peak_kb, own_kb)
            time.sleep(_SAMPLE_S)
        output.seek(0)
        printed = output.read()
    _, status, usage = ended
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise RuntimeError(f"{arguments} ended with {child.returncode}")
    return Usage(
        time.perf_counter() - began,
        usage.ru_utime + usage.ru_stime,
        max(peak_kb, usage.ru_maxrss) / 1e3,
        own_kb / 1e3,
        printed,
    )


def _sampled(pid: int, peak_kb: int, own_kb: int) -> tuple[int, int]:
    """The peaks so far, in kB."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return peak_kb, own_kb
    now = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)
           if name in ("VmHWM", "RssAnon")}  # fmt: skip
    return max(peak_kb, now.get("VmHWM", 0)), max(own_kb, now.get("RssAnon", 0))
