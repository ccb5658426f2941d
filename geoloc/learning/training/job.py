"""Training as one call: from a recipe and a folder of data to a model folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from geoloc.errors import OutputExistsError
from geoloc.learning.options import TrainOptions
from geoloc.learning.training.data.sources import open_training_data, open_validation
from geoloc.learning.training.embedding import TrainingEmbedder
from geoloc.learning.training.model_folder import RECIPE_NAME, draft_card
from geoloc.learning.training.processes import OneProcess, Processes, open_processes
from geoloc.learning.training.recall import Recall
from geoloc.learning.training.recipe import Recipe
from geoloc.learning.training.recipe_file import read_recipe
from geoloc.learning.training.run import Run, RunConfig, TrainingSummary
from geoloc.learning.training.training_log import LOG_NAME
from geoloc.models.card import ModelCard
from geoloc.models.device import resolve_device
from geoloc.models.registry import load_model
from geoloc.progress import Progress, Silent
from geoloc.storage.atomic import remove_drafts
from geoloc.storage.lock import FOLDER_LOCK, is_vacant, locked_folder


def train_model(
    recipe: Recipe | str | Path,
    data: str | Path,
    folder: str | Path,
    options: TrainOptions | None = None,
    *,
    progress: Progress | None = None,
) -> TrainingSummary:
    """Train what the recipe says and write the best weights, their card and the log.

    Under ``torchrun`` or ``accelerate launch`` all processes call it alike; the first one writes.

    Args:
        recipe: Recipe, its name, or its file.
        data: Folder of the data that the recipe names.
        folder: Model folder to write; unless a run is resumed it must not exist yet or be empty.
        options: Device, workers and the like.
        progress: Listener for every batch.

    Raises:
        OutputExistsError: if `folder` holds something.
        OutputBusyError: if another run writes there.
        InputError: if images are missing or none are held out.
        ModelError: if the recipe's card does not describe a network, or the checkpoint to resume
            is missing or of another run.
        DependencyError: if the device or TensorBoard is not there.
        KeyboardInterrupt: after Ctrl-C or `kill`, when the checkpoint is written.
    """
    options, folder = options or TrainOptions(), Path(folder)
    chosen = recipe if isinstance(recipe, Recipe) else read_recipe(recipe)
    processes = open_processes(options.device)
    listener = progress if progress is not None and processes.is_main else Silent()
    with claimed_folder(folder, options, processes):
        card = draft_card(chosen.card, folder)
        training_data = open_training_data(chosen, card, Path(data), progress=listener)
        run = Run(RunConfig(chosen, folder, options, processes, listener), training_data)
        run.train()
        return run.summary()


@contextmanager
def claimed_folder(folder: Path, options: TrainOptions, processes: Processes) -> Iterator[None]:
    """Be the one run that writes to a model folder, which the first of its processes makes.

    What a killed run has left half written is removed.

    Raises:
        OutputExistsError: if it holds something, unless a run in it is resumed.
        OutputBusyError: if another run writes there.
    """
    if not processes.is_main:
        yield
        return
    with locked_folder(folder):
        _check_vacant(folder, resume=options.resume)
        remove_drafts(folder)
        yield


def _check_vacant(folder: Path, *, resume: bool) -> None:
    if resume:
        return
    _remove_mere_beginning(folder)
    if not is_vacant(folder):
        raise OutputExistsError(
            f"{folder} is not empty; expected a folder to write a model to; choose another -o, "
            "or go on with an interrupted run by --resume",
            path=folder,
        )


def _remove_mere_beginning(folder: Path) -> None:
    """Remove the log of a run that ended before its first checkpoint: nobody can go on with it."""
    if (folder / LOG_NAME).is_file():
        remove_drafts(folder)
        names = {path.name for path in folder.iterdir()}
        if names <= {LOG_NAME, RECIPE_NAME, FOLDER_LOCK}:
            for name in (LOG_NAME, RECIPE_NAME):
                (folder / name).unlink(missing_ok=True)


def measure_model(
    model: str | Path,
    recipe: Recipe | str | Path,
    data: str | Path,
    options: TrainOptions | None = None,
) -> tuple[ModelCard, Recall]:
    """A model's card and its recall on what the recipe validates on, at the card's input size.

    Raises:
        ModelError: if the model cannot be loaded.
        InputError: if images are missing or none are held out.
    """
    options = options or TrainOptions()
    chosen = recipe if isinstance(recipe, Recipe) else read_recipe(recipe)
    device = resolve_device(options.device)
    loaded = load_model(model, device=device)
    validation = open_validation(chosen, loaded.card, Path(data))
    embed = TrainingEmbedder(
        loaded.eval(), loaded.card, OneProcess(device), workers=options.workers
    )
    return loaded.card, validation.measure(embed)
