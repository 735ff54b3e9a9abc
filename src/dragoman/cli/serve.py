"""``dragoman serve``: the models of this machine over HTTP."""

from __future__ import annotations

import dataclasses
import json
import logging
from typing import Any, get_type_hints

import click

from dragoman.errors import DragomanError
from dragoman.server.settings import Settings, environment_names, read_settings

__all__ = ["command"]


def _options(command: Any) -> Any:
    """A flag for each setting, from the one table."""
    hints = get_type_hints(Settings)
    for entry in reversed(dataclasses.fields(Settings)):
        flag = "--" + entry.name.replace("_", "-")
        shown = f"{entry.metadata['about']} [{', '.join(environment_names(entry.name))}]"
        if hints[entry.name] is bool:
            command = click.option(f"{flag}/--no-{flag[2:]}", entry.name, default=None, help=shown)(command)
        else:
            about = f"{shown} (default: {entry.default})" if entry.default not in ("", 0) else shown
            command = click.option(flag, entry.name, default=None, metavar="VALUE", help=about)(command)
    return command


@click.command(short_help="Serve translations over HTTP.")
@click.option("--config", metavar="FILE", help="settings as TOML; flags and environment go before them")
@click.option("--print-config", is_flag=True, help="show the settings, and serve nothing")
@_options
def serve(config: str | None, print_config: bool, **flags: object) -> None:
    """Serve translations: LibreTranslate's, DeepL's and MTranServer's clients, a page, and an API of its own.

    Without --models it serves the models that were pulled, and those that come along.
    """
    settings = read_settings(flags, file=config)
    if print_config:
        for name, value in dataclasses.asdict(settings).items():  # JSON's texts and truths are TOML's too
            click.echo(f"{name} = {json.dumps(value)}")
        return
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        from dragoman.server.run import serve as run
    except ImportError as error:
        if (error.name or "").partition(".")[0] == "dragoman":
            raise
        raise DragomanError(f"{error.name} is not installed: pip install dragoman[server]") from None
    raise SystemExit(run(settings))

command = serve
