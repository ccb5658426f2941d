from __future__ import annotations

import tomllib

from geoloc.models.card_file import to_toml


def test_toml_is_read_back_as_it_was() -> None:
    document = {
        "name": 'a "quoted" ü',
        "sizes": [1, 2],
        "on": True,
        "input": {"mean": [0.5], "size": {"drone": [3, 4]}, "ground_span_deg": [-60, 30]},
        "accuracy": [{"n": 1, "by": {"x": 2}}, {"n": 2}],
    }
    assert tomllib.loads(to_toml(document)) == document
