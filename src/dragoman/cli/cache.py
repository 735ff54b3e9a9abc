"""``dragoman cache``: what lies in the cache of prepared weights, whether it is sound, and how to empty it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from dragoman.cli.lines import printable

__all__ = ["command"]


@click.group("cache")
def command() -> None:
    """The cache of prepared weights: DRAGOMAN_CACHE, else in the user's cache folder.

    Nothing in it is needed: what is missing or damaged is prepared again when a model is loaded.
    """


@command.command("ls")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def ls(as_json: bool) -> None:
    """List the prepared models, with the files they were made of first."""
    from dragoman.tables import format_table
    from dragoman.units import format_bytes
    from dragoman.weights.cache_folder import read_limit
    from dragoman.weights.store import stored_files

    folder = _folder()
    rows = [_describe(path, verify=False) for path in stored_files(folder)]
    limit = read_limit(folder)
    if as_json:
        answer = {"folder": printable(folder), "limit_bytes": limit, "files": rows}
        click.echo(json.dumps(answer, indent=1, ensure_ascii=False))
        return
    click.echo(printable(folder))
    if rows:
        cells = [
            (row["name"][:12], format_bytes(row["bytes"]), row["precision"], row["made_of"] or row["problem"])
            for row in rows
        ]
        click.echo(format_table(("name", "size", "precision", "made of"), cells).rstrip())
    total = sum(row["bytes"] for row in rows)
    most = "no limit" if limit is None else f"at most {format_bytes(limit)}, the least recently used go first"
    click.echo(f"{len(rows)} models, {format_bytes(total)} ({most}: `dragoman cache limit`)")


@command.command("limit")
@click.argument("size", metavar="[SIZE|off]", required=False)
def limit_command(size: str | None) -> None:
    """Say, or set, how much may lie in the cache: "8 GB", or "off" for no limit. Beyond it the models leave that were
    not used longest."""
    from dragoman.units import format_bytes
    from dragoman.weights.cache_folder import read_limit, write_limit

    folder = _folder()
    if size is not None:
        try:
            write_limit(folder, size)
        except OSError as error:
            raise click.ClickException(f"{folder}: {error.strerror or error}") from None
    limit = read_limit(folder)
    click.echo("no limit" if limit is None else format_bytes(limit))


@command.command("verify")
@click.option("--remove", is_flag=True, help="Remove what is damaged.")
def verify(remove: bool) -> None:
    """Check every byte of every file. Exit code 1 if one is damaged."""
    from dragoman.weights.store import stored_files

    damaged = 0
    files = stored_files(_folder())
    for path in files:
        problem = _describe(path, verify=True)["problem"]
        if problem is None:
            continue
        damaged += 1
        click.echo(f"dragoman: {problem}", err=True)
        if remove:
            path.unlink(missing_ok=True)
    click.echo(f"{len(files)} files, {damaged} damaged" + (" and removed" if damaged and remove else ""))
    if damaged and not remove:
        raise click.exceptions.Exit(1)


@command.command("clear")
def clear() -> None:
    """Remove everything. Models that are loaded go on working."""
    from dragoman.units import format_bytes
    from dragoman.weights.store import clear as clear_folder

    click.echo(f"{format_bytes(clear_folder(_folder()))} removed")


def _folder() -> Path:
    from dragoman.weights.cache_folder import cache_folder

    folder = cache_folder()
    if folder is None:
        raise click.ClickException("there is no cache: DRAGOMAN_CACHE is off, or the folder is open to others")
    return folder


def _describe(path: Path, *, verify: bool) -> dict[str, Any]:
    """A file as plain values. ``problem``: why it cannot be used, or None."""
    from dragoman.errors import DragomanError
    from dragoman.formats.prepared import decode_head
    from dragoman.weights.store import map_prepared

    row: dict[str, Any] = {"name": path.stem, "bytes": 0, "precision": "", "made_of": "", "problem": None}
    try:
        row["bytes"] = path.stat().st_size
        facts = decode_head(memoryview(map_prepared(path)[0]), path, verify_payload=verify).facts
        row["precision"], row["made_of"] = facts.precision, printable(facts.made_of)
        if facts.name != path.stem:
            row["problem"] = f"{printable(path)} is not what its name says"
    except (OSError, DragomanError) as error:
        row["problem"] = printable(str(error))
    return row
