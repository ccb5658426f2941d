"""``geoloc qgis``: the plugin into a profile of QGIS, or into an archive."""

from __future__ import annotations

from pathlib import Path

import click

from geoloc.commands._console import example, overwrite_option, say


@click.group(name="qgis", epilog=example("geoloc qgis install"))
def command() -> None:
    """Put the plugin into QGIS: algorithms in its toolbox, and a tool to locate one photo.

    The plugin calls the geoloc that it was installed from; nothing of it is loaded into QGIS.
    """


@command.command("install", epilog=example("geoloc qgis install --profile default"))
@click.option(
    "--profile",
    default="default",
    show_default=True,
    metavar="NAME",
    help="Profile of QGIS; of QGIS 3 and 4, of packages, Flatpak and snap, wherever there is one "
    "of this name.",
)
@click.option(
    "--into",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder of a profile that lies elsewhere.",
)
def install(profile: str, into: Path | None) -> None:
    """Put the plugin into your profile of QGIS, in place of an older one.

    \b
    Profiles are looked for in
      ~/.local/share/QGIS/QGIS3/profiles/                       QGIS 3 on Linux; QGIS4: QGIS 4
      ~/.var/app/org.qgis.qgis/data/QGIS/QGIS3/profiles/        Flatpak
      ~/snap/qgis/current/.local/share/QGIS/QGIS3/profiles/     snap
      ~/Library/Application Support/QGIS/QGIS3/profiles/        macOS
      %APPDATA%\\QGIS\\QGIS3\\profiles\\                            Windows

    Where it was put is printed. Exit code: 0 done, 3 no such profile.
    """
    from geoloc.qgis.packing import find_profiles, install_plugin

    for folder in [into] if into is not None else find_profiles(profile):
        click.echo(install_plugin(folder))
    say("now restart QGIS and tick geoloc under Plugins > Manage and Install Plugins > Installed")


@command.command("zip", epilog=example("geoloc qgis zip -o geoloc_qgis.zip"))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("geoloc_qgis.zip"),
    show_default=True,
    metavar="FILE",
    help="Archive to write.",
)
@click.option("--author", metavar="NAME", help="Who publishes it, in its metadata.txt.")
@click.option("--email", metavar="ADDRESS", help="The same one's address, in its metadata.txt.")
@click.option("--homepage", metavar="URL", help="Home page, in its metadata.txt.")
@click.option("--repository", metavar="URL", help="Address of its source, in its metadata.txt.")
@click.option("--tracker", metavar="URL", help="Where bugs are reported, in its metadata.txt.")
@overwrite_option
def make_zip(output: Path, *, overwrite: bool, **stated: str | None) -> None:
    """Make the archive of the plugin, for "Install from ZIP" and for the plugin repository.

    The repository wants --email, --repository and --tracker that exist; without them the archive
    has placeholders, which is enough for "Install from ZIP". Exit code: 0 done, 2 the file exists.
    """
    from geoloc.qgis.packing import write_archive

    given = {key: value for key, value in stated.items() if value}
    write_archive(output, given, overwrite=overwrite)
    click.echo(output)
