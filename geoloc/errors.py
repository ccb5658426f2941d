"""The errors that geoloc raises on purpose, and the exit code of each.

GeolocError                     1  anything below
├── OptionError                 2  options that contradict each other or lie out of range
├── InputError                  3  something that was given could not be read
│   ├── RasterError                a raster (``.path``)
│   ├── CrsError                   a missing or unknown CRS (``.crs``)
│   ├── PhotoError                 a photo (``.path``)
│   ├── MetadataError              a table of photo metadata or truth (``.path``)
│   └── TilesError                 a folder of tiles (``.path``)
├── IndexFolderError            4  an index that is missing, unfinished or of another model
│   └── ModelError                 a model folder or its weights (``.path``)
├── OutputExistsError           2  an output that would be overwritten (``.path``)
├── OutputBusyError             2  an output that another run writes or a program has open
├── ShortWriteError             2  an output that does not hold what was written (``.path``)
└── DependencyError             5  a device or an optional package that is not there

A run that was done although some photos, tiles or rasters could not be read exits with
`EXIT_PARTIAL`. A photo that was read and not found is no failure: "not here" is an answer.
Every message says what was wrong, what was expected, and what to do next.
"""

from __future__ import annotations

from pathlib import Path

EXIT_OK = 0
EXIT_PARTIAL = 6
EXIT_INTERRUPTED = 130


class GeolocError(Exception):
    """Base of all errors that geoloc raises on purpose."""

    exit_code = 1


class _PathError(GeolocError):
    """An error about one file or folder, kept in `path`."""

    def __init__(self, message: str, *, path: str | Path | None = None) -> None:
        super().__init__(message)
        self.path = None if path is None else Path(path)


class OptionError(GeolocError):
    """Options that contradict each other or lie out of range."""

    exit_code = 2


class OutputExistsError(_PathError):
    """An output exists already and may not be overwritten."""

    exit_code = 2


class OutputBusyError(_PathError):
    """An output is being written by another run, or open in another program."""

    exit_code = 2


class ShortWriteError(_PathError):
    """A file that was just written does not hold what it should; it has not taken its name."""

    exit_code = 2


class InputError(_PathError):
    """Something that was given could not be read."""

    exit_code = 3


class RasterError(InputError):
    """A raster cannot be opened, has no position on the ground, or cannot become RGB."""


class CrsError(InputError):
    """A CRS is missing or unknown; `crs` holds what was given."""

    def __init__(self, message: str, *, crs: object = None, path: str | Path | None = None) -> None:
        super().__init__(message, path=path)
        self.crs = crs


class PhotoError(InputError):
    """A photo cannot be decoded."""


class MetadataError(InputError):
    """A table of photo metadata or truth cannot be read."""


class TilesError(InputError):
    """A folder of tiles is missing, unfinished, or was made with other options."""


class IndexFolderError(_PathError):
    """An index is missing, unfinished, or was built by another model or version."""

    exit_code = 4


class ModelError(IndexFolderError):
    """A model folder is missing, incomplete, or its weights do not match its card."""


class DependencyError(GeolocError):
    """A device or an optional package that was asked for is not there."""

    exit_code = 5


def first_line(error: BaseException) -> str:
    """First line of an error's message, without its full stop: other lines seldom help a user."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__


def one_line(error: BaseException, *, limit: int | None = None) -> str:
    """All of an error's message on one line, cut at `limit` characters; else the error's name."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if limit is None or len(text) <= limit else text[: limit - 3] + "..."


def cause_text(error: BaseException) -> str:
    """First line of the deepest cause of an error that says more than its wrappers.

    Rasterio raises "Read failed. See previous exception for details." and chains what GDAL said.
    """
    return first_line(causes(error)[-1])


def causes(error: BaseException) -> list[BaseException]:
    """An error and what it was raised from, the first cause last."""
    chain = [error]
    while (inner := chain[-1].__cause__ or chain[-1].__context__) is not None:
        if inner in chain:
            break
        chain.append(inner)
    return chain
