"""Small cases of the networks, and the numbers that they gave when all parity checks passed.

The numbers lie in ``tests/goldens/networks.json``. Only when the checks marked ``shared`` have
passed may they be written anew: ``python -m tests.nets.goldens``.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from torch import Tensor

from geoloc.layouts import LAYOUTS, WHOLE_MEAN
from geoloc.nets.losses import MeanLoss
from geoloc.nets.mean import MEAN, MeanOptions
from geoloc.nets.siamese import Siamese, SiameseOptions
from tests.nets.name_seeded import block_image, noise_image
from tests.nets.parity import fill, first_numbers, read_rows

FOLDER = Path(__file__).parents[1] / "goldens"
NUMBERS = FOLDER / "networks.json"
MEAN_TENSORS = FOLDER / "mean_tensors.csv"
ATTO_TENSORS = FOLDER / "sample4geo_atto_tensors.csv"
PLACES = torch.tensor([5, 17, 3, 700])
NO_DROPOUT = MeanOptions(diversity_dropout=0, projection_dropout=0, classifier_dropout=0)


def seeded_mean() -> MEAN:
    """MEAN with the weights that belong to its official names, without dropout."""
    network = MEAN(NO_DROPOUT)
    fill(network, WHOLE_MEAN, [row.name for row in read_rows(MEAN_TENSORS)])
    return network.eval()


def seeded_atto() -> Siamese:
    """The smallest ConvNeXt as Sample4Geo wraps it, with the weights of its official names."""
    network = Siamese(SiameseOptions("convnext_atto"))
    fill(network, LAYOUTS["sample4geo"], [row.name for row in read_rows(ATTO_TENSORS)])
    return network.eval()


def mean_embeddings(network: MEAN) -> dict[str, Tensor]:
    """Embeddings of two sizes of images."""
    with torch.inference_mode():
        return {
            "mean.square": network(noise_image(3, (2, 3, 128, 128)), "satellite"),
            "mean.wide": network(noise_image(4, (1, 3, 64, 96)), "drone"),
        }


def mean_training(network: MEAN) -> dict[str, Tensor]:
    """One training step's outputs, losses of both readings, and two gradients' norms."""
    network.train()
    queries = network.describe(block_image(31, (4, 3, 64, 64), 8))
    references = network.describe(block_image(32, (4, 3, 64, 64), 8))
    terms = MeanLoss()(queries, references, PLACES, network.log_scale)
    paper = MeanLoss(reading="paper")(queries, references, PLACES, network.log_scale)
    terms.total.backward()
    network.eval()
    gradients = {name: p.grad for name, p in network.named_parameters() if p.grad is not None}
    return {
        "mean.aligned": queries.aligned,
        "mean.logits": torch.cat(queries.logits),
        "mean.embeddings": torch.cat(references.embeddings),
        "mean.terms": torch.stack(terms),
        "mean.terms_of_the_paper": torch.stack(paper),
        "mean.gradients": torch.stack(
            [gradients[name].norm() for name in ("log_scale", "backbone.stem.0.weight")]
        ),
        "mean.running_mean": network.align.fuse.norm.running_mean,
    }


def siamese_embeddings(network: Siamese) -> dict[str, Tensor]:
    """Embeddings of a square and of a panorama."""
    with torch.inference_mode():
        return {
            "siamese.satellite": network(noise_image(11, (2, 3, 96, 96)), "satellite"),
            "siamese.ground": network(noise_image(12, (2, 3, 64, 128)), "ground"),
        }


def read_numbers() -> dict[str, list[float]]:
    """The numbers that were written."""
    document: dict[str, list[float]] = json.loads(NUMBERS.read_text(encoding="utf-8"))
    return document


def _write() -> None:
    mean = seeded_mean()
    cases = {**mean_embeddings(mean), **mean_training(mean), **siamese_embeddings(seeded_atto())}
    numbers = {name: first_numbers(tensor) for name, tensor in sorted(cases.items())}
    lines = ",\n".join(f'"{name}": {json.dumps(values)}' for name, values in numbers.items())
    NUMBERS.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


if __name__ == "__main__":
    _write()
