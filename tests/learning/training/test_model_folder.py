from __future__ import annotations

import tomllib
from pathlib import Path

from geoloc.learning.training.model_folder import Measurement, card_text
from geoloc.learning.training.recall import Recall

MEASURED = Measurement("on 3 places", Recall(1.0, 1.0, 1.0, 3, 3), Recall(0.25, 0.5, 1.0, 3, 3))


def test_a_card_is_read_back_as_it_was(tmp_path: Path) -> None:
    document = {
        "name": 'a "quoted" ü',
        "sizes": [1, 2],
        "on": True,
        "input": {"mean": [0.5], "size": {"drone": [3, 4]}, "ground_span_deg": [-60, 30]},
        "training": {"data": [{"n": 1, "by": {"x": 2}}, {"n": 2}]},
    }
    card = tomllib.loads(card_text(document, checksum="ab12", measured=MEASURED))
    (accuracy,) = card.pop("accuracy")
    assert card.pop("weights") == {"sha256": "ab12"}
    assert card == document
    assert (accuracy["recall_at_1"], accuracy["untrained_recall_at_5"]) == (1.0, 0.5)
