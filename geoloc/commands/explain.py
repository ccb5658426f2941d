"""``geoloc explain``: one picture of why the network puts a photo and a tile together."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import click

from geoloc.commands._console import (
    device_option,
    example,
    json_option,
    overwrite_option,
    print_json,
    say,
)
from geoloc.options import ExplainOptions, ViewChoice


@click.command(
    name="explain", epilog=example("geoloc explain photos/DJI_0001.jpg --index index/ -o why.png")
)
@click.argument("photo", type=click.Path(path_type=Path), metavar="PHOTO")
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="The picture to write, .png or .jpg.",
)
@click.option(
    "--index",
    default="index",
    show_default=True,
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="What `geoloc index` wrote.",
)
@click.option(
    "--view",
    type=click.Choice(get_args(ViewChoice)),
    default="auto",
    show_default=True,
    help="What kind of photo it is; auto decides by what it says of itself.",
)
@click.option(
    "--metadata",
    type=click.Path(),
    metavar="FILE",
    help="A flight log or a table that adds to what the photo says of itself, as of `geoloc "
    "locate`.",
)
@click.option(
    "--frame-rate",
    "frame_rate_hz",
    type=click.FloatRange(min=0, min_open=True),
    metavar="PER_SECOND",
    help="How many frames a second were taken from a video with a flight log, as of `geoloc "
    "locate`.",
)
@click.option(
    "--model",
    metavar="MODEL",
    help="Where the index's model lies, if it was moved: the name of a bundled model or a folder.",
)
@click.option(
    "--rank",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="Which tile: 1 is the best of the network, 2 the next.",
)
@click.option(
    "--locate",
    is_flag=True,
    help="Also locate the photo as `geoloc locate` does, and mark the answer on the tile.",
)
@device_option()
@overwrite_option
@json_option
def command(
    *, photo: Path, output: Path, index: Path, overwrite: bool, as_json: bool, **choice: Any
) -> None:
    """Draw why the network puts a photo and a tile together.

    The picture shows both as the network sees them, what each position adds to their cosine, and
    for a CLNet its neural maps: what they weigh, and what they emphasise in these two images. In
    numbers: the cosine, the rank, and what is left of them when the maps are set to zero. The
    position that a photo says of itself is shown, but not used.
    """
    from geoloc.locate.explain.output import check_picture, facts, write_picture

    check_picture(output, overwrite=overwrite)  # before anything takes time

    from geoloc.locate.explain.job import explain_photo
    from geoloc.locate.explain.picture import draw_explanation

    explanation = explain_photo(photo, index, ExplainOptions(**choice))
    write_picture(draw_explanation(explanation), output)
    if as_json:
        print_json(facts(explanation))
    say(f"wrote {output}")
