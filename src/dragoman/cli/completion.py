"""``dragoman completion``: what a shell needs to complete our commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

__all__ = ["command", "complete_model"]

_SHELLS = ("bash", "fish", "zsh")


@click.command("completion")
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print the completion script of a SHELL.

    For bash: `eval "$(dragoman completion bash)"` in ~/.bashrc; zsh alike; fish: `dragoman completion fish | source`.
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None
    root = context.find_root().command
    script = kind(root, {}, "dragoman", "_DRAGOMAN_COMPLETE")
    # bash asks itself for its version on the way, which is of no interest where the script is only printed.
    source = script.source_template % script.source_vars()
    click.echo(source.strip())


def complete_model(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names and pairs of the models that are here."""
    from click.shell_completion import CompletionItem

    from dragoman.catalogue.store import stored_models

    found = {name: model.version for model in stored_models() for name in (model.name, model.pair)}
    return [CompletionItem(name, help=version) for name, version in found.items() if name.startswith(incomplete)]
