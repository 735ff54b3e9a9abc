"""``dragoman prepare``: put models' weights into the cache before somebody waits for them."""

from __future__ import annotations

import time

import click

from dragoman.cli.lines import printable

__all__ = ["command"]


@click.command("prepare")
@click.argument("models", nargs=-1, required=True, metavar="MODEL...")
@click.option("--precision", type=click.Choice(["auto", "float32", "int8"]), default="auto", show_default=True)
@click.option("--shortlist", default="auto", metavar="auto|none|FILE", help="As the models will be loaded.")
@click.option("--compat", type=click.Choice(["trained", "browsermt"]), default="trained", show_default=True)
def command(models: tuple[str, ...], precision: str, shortlist: str, compat: str) -> None:
    """Prepare the weights of MODELs: folders, decoder yml files, or model files beside their vocabularies.

    The result is kept in the folder DRAGOMAN_CACHE, else in the user's cache folder. Exit code 1 if a model
    cannot be loaded, or there is no place to keep its weights.
    """
    from dragoman import load
    from dragoman.errors import DragomanError
    from dragoman.units import format_bytes

    failed = False
    for path in models:
        started = time.perf_counter()
        try:
            model = load(path, precision=precision, shortlist=shortlist, compat=compat)  # type: ignore[arg-type]
        except DragomanError as error:
            failed = True
            click.echo(f"dragoman: {error}", err=True)
            continue
        took = f"{time.perf_counter() - started:.2f} s"
        size = format_bytes(model.weights_bytes)
        if model.file_backed:
            click.echo(printable(f"{path}: {model.precision}, {size}, {took}: {model.weights.path}"))
        else:
            failed = True
            click.echo(f"dragoman: {path}: the weights could not be kept: see `dragoman cache ls`", err=True)
    if failed:
        raise click.exceptions.Exit(1)
