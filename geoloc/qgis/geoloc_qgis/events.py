"""Lines of ``--progress jsonl`` -> shares done, messages and the one error of a command.

Knows nothing of QGIS.
"""

from __future__ import annotations

import json


class EventReader:
    """Follows one command's stderr and tells `listener` what it says.

    Args:
        listener: Has ``share(done)`` from 0 to 1, ``stage(text)``, ``note(text)``, ``warn(text)``.

    Attributes:
        error: Why the command ended without its work, in one line; None while there is no reason.
    """

    def __init__(self, listener):
        self._listener = listener
        self.error = None

    def read(self, line):
        """Take one line of text; what is no event of geoloc is passed on as a note."""
        line = line.strip()
        try:
            event = json.loads(line)
        except ValueError:
            event = None
        if not isinstance(event, dict):
            if line:
                self._listener.note(line)
            return
        self._take(event)

    def _take(self, event):
        kind, message = event.get("event"), str(event.get("message", ""))
        total = event.get("total")
        if kind == "start":
            count = "" if total is None else f": {total} {event.get('unit', '')}"
            self._listener.stage(f"{event.get('label', '')}{count}")
        if kind in ("start", "progress") and total:
            self._listener.share(min(1.0, float(event.get("done", 0)) / float(total)))
        elif kind == "warning":
            self._listener.warn(message)
        elif kind == "message":
            self._listener.note(message)
        elif kind == "error":
            self.error = message
