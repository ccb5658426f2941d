"""Runs one geoloc command in a subprocess, with QGIS's progress bar, log and cancel button."""

from __future__ import annotations

import os
import queue
import signal
import subprocess  # nosec B404  # calling geoloc is what this plugin is for
import threading

from geoloc_qgis.environment import NoEnvironmentError, clean_environment, command_line
from geoloc_qgis.events import EventReader
from qgis.core import QgsProcessingException

_PARTIAL = 6  # done, but some photos or tiles could not be read: they are named in warnings
_POLL_S = 0.1
_PATIENCE_S = 20  # what geoloc may take to keep what was done, before it is killed


def run(arguments, feedback):
    """Run ``geoloc ARGUMENTS --progress jsonl`` and return what it wrote to stdout.

    Raises:
        QgsProcessingException: geoloc is not there, was cancelled or could not do its work; the
            text is its one line.
    """
    try:
        words = [*command_line(), *arguments, "--progress", "jsonl"]
    except NoEnvironmentError as error:
        raise QgsProcessingException(str(error)) from None
    feedback.pushCommandInfo(" ".join(words))
    try:
        child = subprocess.Popen(  # nosec B603  # a list of words, no shell
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            env=clean_environment(),
            **_of_its_own(),
        )
    except OSError as error:
        raise QgsProcessingException(f"{words[0]} cannot be run: {error}") from error
    return _follow(child, feedback)


def _of_its_own():
    """What lets the child end alone, and opens no console on Windows."""
    if os.name == "nt":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
        return {"creationflags": flags}
    return {"start_new_session": True}


def _follow(child, feedback):
    """Pass on what the child says until it ends; end it when the user cancels."""
    lines, output = queue.Queue(), []
    threads = [
        threading.Thread(target=_pump, args=(child.stderr, lines.put), daemon=True),
        threading.Thread(target=_pump, args=(child.stdout, output.append), daemon=True),
    ]
    for thread in threads:
        thread.start()
    reader = EventReader(_Listener(feedback))
    while any(thread.is_alive() for thread in threads) or not lines.empty():
        if feedback.isCanceled():
            _end(child)
            raise QgsProcessingException("cancelled; what was done is kept, the same run goes on")
        try:
            reader.read(lines.get(timeout=_POLL_S))
        except queue.Empty:
            continue
    code = child.wait()
    if reader.error or code not in (0, _PARTIAL):
        raise QgsProcessingException(reader.error or f"geoloc ended with exit code {code}")
    return "".join(output)


def _pump(stream, take):
    with stream:
        for line in stream:
            take(line)


def _end(child):
    """Interrupt the child as Ctrl-C would; kill it if it does not end."""
    try:
        child.send_signal(signal.CTRL_BREAK_EVENT if os.name == "nt" else signal.SIGTERM)
        child.wait(_PATIENCE_S)
    except (OSError, subprocess.TimeoutExpired):
        child.kill()
        child.wait()


class _Listener:
    """Passes events on to a QgsProcessingFeedback."""

    def __init__(self, feedback):
        self._feedback = feedback

    def share(self, done):
        self._feedback.setProgress(100 * done)

    def stage(self, text):
        self._feedback.setProgressText(text)

    def note(self, text):
        self._feedback.pushInfo(text)

    def warn(self, text):
        self._feedback.pushWarning(text)
