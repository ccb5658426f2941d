"""``geoloc completion``: the script that lets a shell complete commands and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from geoloc.commands._console import example

_SHELLS = ("bash", "zsh", "fish")


@click.command(name="completion", epilog=example("geoloc completion bash"))
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print what makes a shell complete commands, options and choices.

    \b
    Once and for all:
      bash  geoloc completion bash > ~/.local/share/bash-completion/completions/geoloc
      zsh   geoloc completion zsh > DIR/_geoloc      DIR is in $fpath
      fish  geoloc completion fish > ~/.config/fish/completions/geoloc.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None, "click knows these shells"
    # Its source() asks which bash is installed, and warns; the script alone does neither.
    completion = kind(ctx.find_root().command, {}, "geoloc", "_GEOLOC_COMPLETE")
    click.echo(completion.source_template % completion.source_vars())
