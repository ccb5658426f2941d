"""The command line: one group of lazily loaded commands, and the one error boundary.

A command lives in ``geoloc/commands/<name>.py`` and is loaded when it is called or asked for its
own help. Their one-line descriptions are stated here, so that ``geoloc --help`` loads nothing.
"""

from __future__ import annotations

import errno
import gc
import importlib
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import click

from geoloc import __version__
from geoloc.commands._events import PROGRESS_KEY, emit
from geoloc.errors import EXIT_INTERRUPTED, GeolocError, one_line
from geoloc.progress import forget_interrupt, interrupt

COMMANDS = {
    "tile": "Cut georeferenced rasters into square tiles.",
    "index": "Embed tiles and build the index that photos are searched in.",
    "locate": "Locate photos on an index and write them as points.",
    "calibrate": "Make an index's confidences honest with photos of known place.",
    "warp": "Turn located photos into GeoTIFFs and a mosaic.",
    "project": "Place what was detected in photos on the map.",
    "export": "Hand located photos on to OpenDroneMap, QGIS and other programs.",
    "report": "Make a page to look at results, and to put them right.",
    "apply": "Write back what was corrected on a report's page.",
    "qgis": "Put the plugin into QGIS, or make its archive.",
    "explain": "Draw why the network matches a photo with a tile.",
    "evaluate": "Compare located photos with the truth.",
    "pairs": "Make training pairs from geotagged photos and a map.",
    "benchmark": "Measure a model on a cross-view data set, next to published figures.",
    "adapt": "Adapt a model to your own map by training, without labels.",
    "train": "Train a model from a recipe, or measure a model.",
    "models": "List models, import published weights, export and verify them.",
    "info": "Show what is in a map, tiles, an index, a model, a photo or a result.",
    "completion": "Print what makes a shell complete commands and options.",
    "doctor": "Report versions, devices and drivers, and what is missing.",
    "fabricate": "Make synthetic data for training and measuring.",
    "demo": "Build a synthetic town, locate photos in it, and draw the result.",
}

# What a person can mend about a disk, and how.
_AGAIN = "run the same command again, what was done is kept"
_DISK_ADVICE = {
    errno.EACCES: "check that it may be written",
    errno.EPERM: "check that it may be written",
    errno.EROFS: "name a place that may be written",
    errno.EEXIST: "expected a folder, or a name that is free; choose another -o",
    errno.ENOTDIR: "expected a folder; choose another -o",
    errno.EISDIR: "expected a file; choose another -o",
    errno.EIO: f"check the disk or the way to it; when it is well, {_AGAIN}",
    errno.ENOSPC: f"make room on its disk and {_AGAIN}",
    errno.EDQUOT: f"make room within your quota and {_AGAIN}",
    errno.EFBIG: "its disk (FAT32 ends at 4 GB) or your limit (ulimit -f) allows no file so large; "
    f"raise the limit and {_AGAIN}, or choose another disk",
}
# Characters of an unforeseen error that are shown.
_LIMIT = 500
# The ends of a job that are not its own: Ctrl-C, a scheduler, a terminal that closes.
_ENDINGS = ("SIGINT", "SIGTERM", "SIGHUP")


class LazyGroup(click.Group):
    """A group that loads a command when it is called, and turns errors into exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the order in which a newcomer needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one command; None when there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(f"geoloc.commands.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> object:
        """Run a command inside the error boundary; ``--debug`` lets errors through."""
        debug = bool(ctx.params.get("debug"))
        try:
            with _ended_like_interrupted():
                return super().invoke(ctx)
        except KeyboardInterrupt:
            _fail(ctx, "interrupted", EXIT_INTERRUPTED)
        except click.ClickException as error:
            if ctx.meta.get(PROGRESS_KEY) != "jsonl":
                raise  # click shows it, with the usage
            _fail(ctx, error.format_message(), error.exit_code)
        except (click.Abort, click.exceptions.Exit, BrokenPipeError):
            raise  # click's own ways to end, and a reader that closed the pipe
        except GeolocError as error:
            if debug:
                raise
            _fail(ctx, str(error), error.exit_code)
        except Exception as error:
            if debug:
                raise
            if isinstance(error, OSError) and error.errno in _DISK_ADVICE:
                advice = _DISK_ADVICE[error.errno]
                _fail(ctx, f"{error.filename or 'output'}: {error.strerror}; {advice}", 2)
            # Libraries put whole programs of SQL into theirs.
            message = f"unexpected {type(error).__name__}: {one_line(error, limit=_LIMIT)}"
            _fail(ctx, f"{message} (run `geoloc --debug ...` to see where)", 1)
        return None


@contextmanager
def _ended_like_interrupted() -> Iterator[None]:
    """Let a scheduler's SIGTERM and a closed terminal's SIGHUP keep what was done, as Ctrl-C does.

    A signal that was ignored before (``nohup``) stays ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may say what a signal does
        return
    forget_interrupt()
    before = {}
    for name in _ENDINGS:
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:
            before[number] = signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)


def _fail(ctx: click.Context, message: str, exit_code: int) -> None:
    """Print `message` as one line on stderr and end with `exit_code`."""
    if ctx.meta.get(PROGRESS_KEY) == "jsonl":
        emit("error", message=message, exit_code=exit_code)
    else:
        click.echo(f"geoloc: error: {' '.join(message.split())}", err=True)
    ctx.exit(exit_code)


@click.group(
    name="geoloc",  # under which rio, too, lists it
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="\b\nExample:\n  geoloc tile region.tif\n  geoloc index tiles/\n"
    "  geoloc locate photos/ -o out.geojson",
)
@click.version_option(__version__, prog_name="geoloc")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug: bool) -> None:
    """Locate drone and street photos on georeferenced imagery, offline."""


def main() -> None:
    """Run the command line; what the ``geoloc`` script calls."""
    try:
        cli(prog_name="geoloc")
    finally:
        # At its end Python looks for rubbish among all that was loaded: a tenth of a short run.
        gc.freeze()


if __name__ == "__main__":
    main()
