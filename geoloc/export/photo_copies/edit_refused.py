"""Why a photo's metadata is not written: the file is left alone instead of being damaged."""

from __future__ import annotations


class EditRefusedError(ValueError):
    """A copy of a photo that cannot be made safely; it becomes a line of the report.

    Not part of the tree in `errors`, since it never reaches a caller of the library.
    """
