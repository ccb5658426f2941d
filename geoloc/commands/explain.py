"""``geoloc explain``: one picture of why the network puts a photo and a tile together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from geoloc.commands._console import (
    device_option,
    example,
    json_option,
    overwrite_option,
    print_json,
    say,
)
from geoloc.commands._inputs import frame_rate_option, index_option, metadata_option, view_option
from geoloc.options import ExplainOptions


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
    help="Picture to write, .png or .jpg.",
)
@index_option()
@view_option("Kind of the photo; auto decides by its metadata.")
@metadata_option(
    "A CSV or a flight log (.SRT) with metadata that adds to the photo's own, as in `geoloc "
    "locate`."
)
@frame_rate_option(
    "Frames per second that were taken from a video with a flight log, as in `geoloc locate`."
)
@click.option(
    "--model",
    metavar="MODEL",
    help="The index's model, if it was moved: the name of a bundled model or a folder.",
)
@click.option(
    "--rank",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="Rank of the tile to show: 1 is the network's best.",
)
@click.option(
    "--locate",
    is_flag=True,
    help="Also locate the photo as `geoloc locate` does, and mark the result on the tile.",
)
@device_option()
@overwrite_option
@json_option
def command(
    *, photo: Path, output: Path, index: Path, overwrite: bool, as_json: bool, **choice: Any
) -> None:
    """Draw why the network matches a photo with a tile.

    The picture shows both as the network sees them, what each position adds to their cosine, and
    for a CLNet its neural maps: what they weigh, and what they emphasise in these two images. In
    numbers: the cosine, the rank, and what is left of them when the maps are set to zero. The
    photo's own GPS position is shown, but not used.
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
