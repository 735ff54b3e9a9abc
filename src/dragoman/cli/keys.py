"""``dragoman keys``: who may use a server."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import click

from dragoman.errors import DragomanError
from dragoman.server.keys import KeyStore
from dragoman.tables import format_table

__all__ = ["command"]

_FILE = click.option("--api-keys", "path", required=True, metavar="FILE", help="where keys are kept")


@click.group(short_help="Keys of a server.")
def keys() -> None:
    """Keys of a server: stored as hashes, shown once when they are made."""


@keys.command()
@click.argument("name")
@_FILE
@click.option("--char-quota", type=click.IntRange(1), help="most characters a month")
@click.option("--rate", type=click.IntRange(1), help="most requests a minute")
def add(name: str, path: str, char_quota: int | None, rate: int | None) -> None:
    """Make a key and print it."""
    click.echo(KeyStore(path, create=True).add(name, char_quota=char_quota, rate=rate))


@keys.command("ls")
@_FILE
@click.option("--json", "as_json", is_flag=True)
def list_keys(path: str, as_json: bool) -> None:
    """Show the names of keys, and what they used this month."""
    found = KeyStore(path).all()
    if as_json:
        rows = [{"name": one.name, "char_quota": one.char_quota, "rate": one.rate, "used": one.used} for one in found]
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    lines = [[one.name, str(one.used), str(one.char_quota or "-"), str(one.rate or "-")] for one in found]
    click.echo(format_table(["name", "characters", "quota", "a minute"], lines))


@keys.command("rm")
@click.argument("name")
@_FILE
def remove(name: str, path: str) -> None:
    """Forget a key."""
    if not KeyStore(path).remove(name):
        raise DragomanError(f"there is no key {name!r} in {path}.")


@keys.command("import")
@click.argument("database", type=click.Path(exists=True, dir_okay=False))
@_FILE
def import_keys(database: str, path: str) -> None:
    """Take over the keys of a LibreTranslate server (its api_keys.db)."""
    store, count = KeyStore(path, create=True), 0
    try:
        with sqlite3.connect(f"file:{Path(database).resolve()}?mode=ro", uri=True) as source:
            rows = source.execute("SELECT api_key, req_limit FROM api_keys").fetchall()
    except sqlite3.Error as error:
        raise DragomanError(f"{database}: not LibreTranslate's file of keys: {error}") from None
    for number, (secret, rate) in enumerate(rows, 1):
        store.add_secret(f"libretranslate-{number}", str(secret), rate=int(rate) if rate and int(rate) > 0 else None)
        count += 1
    click.echo(f"{count} keys")

command = keys
