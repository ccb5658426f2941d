"""A recipe: everything that decides what a training run makes, read from a TOML file."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from geoloc.errors import ModelError

Section = TypeVar("Section")


@dataclass(frozen=True)
class DataChoice:
    """Which images are learnt from.

    Attributes:
        tables: CSV tables of images, relative to the data folder. Columns ``file``, ``gsd_m``,
            ``place`` and optionally ``group_id``: images of one group show one place.
        held_out_places: Places whose name begins so are for validation only.
        held_out_files: The same for single files, where one name covers many separate places.
        smallest_side_m: Single images that show less ground are left out.
        gsd_m: Finer images are shrunk to this.
    """

    tables: tuple[str, ...]
    held_out_places: tuple[str, ...] = ()
    held_out_files: tuple[str, ...] = ()
    smallest_side_m: float = 60.0
    gsd_m: float = 0.625


@dataclass(frozen=True)
class PairChoice:
    """How a tile and a photo of the same place are made from aerial images.

    Attributes:
        tile_ground_size_m: Side of a tile, before jitter.
        tile_jitter: Least and greatest factor on that side.
        offset: Greatest distance of the photo's middle from the tile's, in sides of the tile.
            Tiles that overlap by half leave at most a quarter.
        turn_deg: Greatest wrong turn of a photo that was brought to north up.
        zoom: Least and greatest factor between the photo's supposed and true scale.
        tilt_deg: Greatest tilt that rectifying left over.
        footprint: Least and greatest length of a photo's longer side, in sides of the tile.
        other_date: How often the photo is of another date, where there is one.
    """

    tile_ground_size_m: float = 160.0
    tile_jitter: tuple[float, float] = (0.75, 1.2)
    offset: float = 0.25
    turn_deg: float = 20.0
    zoom: tuple[float, float] = (0.72, 1.4)
    tilt_deg: float = 15.0
    footprint: tuple[float, float] = (0.75, 2.2)
    other_date: float = 0.8


@dataclass(frozen=True)
class Schedule:
    """How long and how fast the network learns.

    Attributes:
        steps: Batches.
        batch_size: Pairs a batch; every pair is the negatives of all others.
        size_px: Side of the images.
        small_steps: Batches at the start that are smaller, and so cheaper.
        small_size_px: Side of their images.
        learning_rate: Greatest; a cosine brings it to zero.
        warmup_steps: Batches until the greatest learning rate is reached.
        weight_decay: Of AdamW; biases, norms and neural maps are spared.
        label_smoothing: Of the loss.
        validate_every: Batches between validations.
        minutes: End the schedule after so many minutes, whatever step it has reached; 0 is never.
        seed: Of weights, pairs and order.
    """

    steps: int
    batch_size: int = 64
    size_px: int = 128
    small_steps: int = 0
    small_size_px: int = 96
    learning_rate: float = 2e-3
    warmup_steps: int = 50
    weight_decay: float = 0.05
    label_smoothing: float = 0.1
    validate_every: int = 100
    minutes: float = 0.0
    seed: int = 1


@dataclass(frozen=True)
class Recipe:
    """A model's card without its results, the data, the pairs and the schedule."""

    card: dict[str, Any]
    data: DataChoice
    pairs: PairChoice = field(default_factory=PairChoice)
    schedule: Schedule = field(default_factory=lambda: Schedule(steps=1000))


def read_recipe(path: Path) -> Recipe:
    """The recipe in a TOML file.

    Raises:
        ModelError: if it cannot be read, or says something that no recipe says.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        return Recipe(
            card=dict(document["card"]),
            data=_section(DataChoice, document["data"]),
            pairs=_section(PairChoice, document.get("pairs", {})),
            schedule=_section(Schedule, document["schedule"]),
        )
    except KeyError as error:
        raise _broken(path, f"[{error.args[0]}] is missing") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, TypeError, ValueError) as error:
        raise _broken(path, str(error)) from error


def _section(kind: type[Section], values: dict[str, Any]) -> Section:
    """One table as its dataclass; lists become tuples."""
    known = {each.name for each in fields(kind)}  # type: ignore[arg-type]  # all are dataclasses
    if unknown := set(values) - known:
        raise ValueError(f"{kind.__name__} has no {', '.join(sorted(unknown))}")
    frozen = {key: tuple(v) if isinstance(v, list) else v for key, v in values.items()}
    return kind(**frozen)


def _broken(path: Path, fault: str) -> ModelError:
    return ModelError(
        f"{path} is not a training recipe: {fault}; expected the tables [card], [data] and "
        "[schedule]; compare it with the recipe of a model on the shelf",
        path=path,
    )
