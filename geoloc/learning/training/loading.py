"""A data loader: batches by number, made by worker processes beside the training."""

from __future__ import annotations

from collections.abc import Iterator

from torch.utils.data import DataLoader, Dataset

from geoloc.errors import GeolocError
from geoloc.learning.training.batch import Batch, Share, Source
from geoloc.learning.training.interruption import ignore_signals


class _Batches(Dataset["Batch | GeolocError"]):
    """What a loader's processes look batches up in."""

    def __init__(self, source: Source, share: Share) -> None:
        self._source, self._share = source, share

    def __getitem__(self, step: int) -> Batch | GeolocError:
        try:
            return self._source.batch(step, self._share)
        except GeolocError as error:
            return error  # raised in another process, its message would come with a traceback


def load_batches(source: Source, steps: range, *, share: Share, workers: int) -> Iterator[Batch]:
    """One process's share of the batches of these steps, in their order.

    The processes hold the source as it is now: load anew after mining.

    Args:
        source: Source of the batches.
        steps: Which.
        share: Share of each batch that this process takes.
        workers: Processes that make them ahead; with 0 they are made when they are asked for.

    Raises:
        InputError: if an image cannot be read.
    """
    loader = DataLoader(
        _Batches(source, share),
        batch_size=None,
        sampler=steps,
        num_workers=workers,
        worker_init_fn=ignore_signals,
    )
    for batch in loader:
        if isinstance(batch, GeolocError):
            raise batch
        yield batch
