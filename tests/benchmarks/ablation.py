"""The three steps of CLNet's ablation with equal budgets and several seeds: prints a table.

Every run has the recipe's data, batches and sizes; only the ablation step and the seed differ.
Measured is the
last step kept by the run, on the data set's own test, which no run has looked at. A run that is
there already is measured again, not trained again.

    geoloc fabricate crossview -o town ...        (see models/recipes/clnet-town-ablation.toml)
    python tests/benchmarks/ablation.py town -o runs [--seeds 1 2 3] [--recipe clnet-town-ablation]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path

from geoloc.learning.options import TrainOptions
from geoloc.learning.training.job import measure_model, train_model
from geoloc.learning.training.recall import Recall
from geoloc.learning.training.recipe import Recipe
from geoloc.learning.training.recipe_file import read_recipe
from geoloc.models.card import CARD_NAME

STEPS: dict[str, dict[str, object]] = {
    "backbone": {"levels": []},
    "+ maps and GFR": {"converter": "separate"},
    "+ NEC": {"converter": "nec"},
}


def main() -> None:
    """Train, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--recipe", default="clnet-town-ablation")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--device", default="auto")
    parser.add_argument("--workers", type=int, default=0)
    given = parser.parse_args()
    options = TrainOptions(device=given.device, workers=given.workers)
    recipe = read_recipe(given.recipe)
    recalls: dict[str, list[Recall]] = {step: [] for step in STEPS}
    for seed in given.seeds:  # seeds outside, so that an early end leaves whole comparisons
        for number, step in enumerate(STEPS):
            chosen = _recipe(recipe, step, seed)
            folder = given.output / f"step{number}-seed{seed}"
            recalls[step].append(_run(chosen, given.data, folder, options))
    print(_table(recalls))


def _recipe(recipe: Recipe, step: str, seed: int) -> Recipe:
    """The recipe of one step and seed."""
    card = {**recipe.card, "options": {**recipe.card["options"], **STEPS[step]}}
    schedule = replace(recipe.schedule, seed=seed)
    return replace(recipe, card=card, schedule=schedule)


def _run(recipe: Recipe, data: Path, folder: Path, options: TrainOptions) -> Recall:
    """Train one network, unless it is there, and measure it on the test."""
    began, spent = time.monotonic(), time.process_time()
    if not (folder / CARD_NAME).is_file():
        train_model(recipe, data, folder, options)
    minutes, core_minutes = (
        (now - then) / 60 for now, then in ((time.monotonic(), began), (time.process_time(), spent))
    )
    test = replace(recipe, data=replace(recipe.data, held_out_share=0.0))
    _, recall = measure_model(folder, test, data, options)
    print(
        f"{folder.name}: R@1 {recall.at_1:.3f}, {minutes:.1f} minutes, {core_minutes:.1f} of them "
        "on a core",
        file=sys.stderr,
    )
    return recall


def _table(recalls: dict[str, list[Recall]]) -> str:
    """Markdown: mean, and least to greatest over the seeds, in per cent."""
    lines = ["| step | seeds | R@1 | R@5 | R@10 |", "|---|---|---|---|---|"]
    for step, found in recalls.items():
        columns = (
            [each.at_1 for each in found],
            [each.at_5 for each in found],
            [each.at_10 for each in found],
        )
        cells = " | ".join(_cell(column) for column in columns)
        lines.append(f"| {step} | {len(found)} | {cells} |")
    return "\n".join(lines)


def _cell(shares: list[float]) -> str:
    mean, least, greatest = statistics.mean(shares), min(shares), max(shares)
    return f"{100 * mean:.1f} ({100 * least:.1f}..{100 * greatest:.1f})"


if __name__ == "__main__":
    main()
